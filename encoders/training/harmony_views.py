"""Changed copies of semitone spectrograms, many at once: key, tempo, colour, room, noise, cuts."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from encoders.features.semitones import BEND

_EQ_KNOTS: Final = 8
_ECHO: Final = 12


def changed(
    frames: Tensor, lengths: Tensor, *, size: int, semitones: int = 6, tempo: float = 0.35, reach: float = 1.0
) -> Tensor:
    """Change recordings, and bring them to the network's scale.

    Parameters
    ----------
    frames : Tensor [shape=(b, t, 84)]
        `encoders.features.semitones.semitone_frames`, each over its mean, padded with anything
    lengths : Tensor of int [shape=(b,)]
        frames that are there
    size : int
        frames wanted; a shorter piece begins again
    semitones : int
        moved by at most so many
    tempo : float
        largest change of the tempo, as a logarithm
    reach : float in [0, 1]
        how far into the piece a copy may begin

    Returns
    -------
    inputs : Tensor [shape=(b, 84, size)]
    """
    b, _, bins = frames.shape
    device = frames.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(b, *shape, device=device)

    # Tempo and place: where each wanted frame comes from.
    ratio = torch.exp(uniform(-tempo, tempo))
    spare = (lengths - size * ratio).clamp(min=0.0)
    where = uniform(0.0, reach) * spare
    index = where[:, None] + torch.arange(size, device=device)[None] * ratio[:, None]
    index = torch.remainder(index, (lengths - 1).clamp(min=1)[:, None].float())
    low = index.floor().long()
    part = (index - low)[:, :, None]
    rows = torch.arange(b, device=device)[:, None]
    x = frames[rows, low].float() * (1 - part) + frames[rows, low + 1].float() * part
    # Key: moved up or down, silence comes in.
    shift = torch.randint(-semitones, semitones + 1, (b,), device=device)
    bin_of = torch.arange(bins, device=device)[None] - shift[:, None]
    inside = (bin_of >= 0) & (bin_of < bins)
    x = torch.gather(x, 2, bin_of.clamp(0, bins - 1)[:, None].expand(-1, size, -1)) * inside[:, None]
    # Vibrato and detuned instruments spill into neighbours.
    spill = uniform(0.0, 0.15, 1, 1)
    x = x + spill * (
        torch.nn.functional.pad(x, (1, 0))[:, :, :-1] + torch.nn.functional.pad(x, (0, 1))[:, :, 1:]
    )
    # Colour: a smooth curve of decibels, and a band that ends early.
    knots = torch.randn(b, 1, _EQ_KNOTS, device=device) * uniform(0.0, 8.0, 1, 1)
    curve = torch.nn.functional.interpolate(knots, size=bins, mode="linear", align_corners=True)
    ends = torch.arange(bins, device=device)[None]
    cut = uniform(-12.0, 24.0)[:, None] - ends, ends - uniform(60.0, 100.0)[:, None]
    curve = curve - 3.0 * torch.relu(cut[0])[:, None] - 3.0 * torch.relu(cut[1])[:, None]
    x = x * 10.0 ** (curve / 20.0)
    # Echo: each frame rings on in those after it.
    ring = uniform(0.0, 0.5, 1) ** torch.arange(_ECHO, device=device)[None].float()
    if torch.rand(()) < 0.5:
        kernel = ring.flip(1)[:, None]
        padded = torch.nn.functional.pad(x.transpose(1, 2), (_ECHO - 1, 0)).transpose(0, 1)
        x = torch.nn.functional.conv1d(padded, kernel, groups=b).permute(1, 2, 0)
    # Noise and drums: every bin at once, all the time or in strokes.
    mean = x.mean(dim=(1, 2), keepdim=True)
    tilt = torch.linspace(-1, 1, bins, device=device)[None, None] * uniform(-1.0, 1.0, 1, 1)
    steady = uniform(0.0, 1.0, 1, 1).square() * (0.7 + 0.6 * torch.rand_like(x))
    strokes = uniform(0.0, 1.5, 1, 1) * (torch.rand(b, size, 1, device=device) < uniform(0.0, 0.5, 1, 1))
    loud = (torch.rand(b, 1, 1, device=device) < 0.6) * mean * torch.exp(tilt)
    x = x + loud * (steady + strokes * torch.rand_like(x))
    # Loudness that is evened out, or not.
    x = x.clamp(min=0.0) ** uniform(0.7, 1.2, 1, 1)
    return scaled(x)


def scaled(frames: Tensor) -> Tensor:
    """Compute `encoders.features.semitones.version_input`: (b, t, 84) to (b, 84, t)."""
    mean = frames.mean(dim=(1, 2), keepdim=True)
    return torch.log1p(frames * (BEND / mean.clamp(min=1e-9))).transpose(1, 2)
