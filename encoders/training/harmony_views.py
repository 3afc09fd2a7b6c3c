"""Changed copies of semitone spectrograms, many at once: key, tempo, colour, room, noise; and chord steps."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from encoders.features.harmony import LAGS, NEIGHBOURS
from encoders.features.semitones import BEND
from encoders.models.version_net import CLASSES, OCTAVES

_EQ_KNOTS: Final = 8
_ECHO: Final = 16
_PITCH = torch.arange(CLASSES)
# Second and third pitch class of each step, from every root.
_SECOND = (_PITCH[:, None, None] + _PITCH[None, :, None]) % CLASSES
_THIRD = (_PITCH[:, None, None] + _PITCH[None, None, :]) % CLASSES


def changed(
    frames: Tensor, lengths: Tensor, *, size: int, semitones: int = 6, tempo: float = 0.12, reach: float = 1.0
) -> Tensor:
    """Change recordings.

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
    frames : Tensor [shape=(b, size, 84)]
        to be `scaled`
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
    knots = torch.randn(b, 1, _EQ_KNOTS, device=device) * uniform(0.0, 6.0, 1, 1)
    curve = torch.nn.functional.interpolate(knots, size=bins, mode="linear", align_corners=True)
    ends = torch.arange(bins, device=device)[None]
    cut = uniform(-12.0, 20.0)[:, None] - ends, ends - uniform(60.0, 110.0)[:, None]
    curve = curve - 3.0 * torch.relu(cut[0])[:, None] - 3.0 * torch.relu(cut[1])[:, None]
    x = x * 10.0 ** (curve / 20.0)
    # Echo: each frame rings on in those after it.
    if torch.rand(()) < 0.5:
        rings = uniform(0.0, 0.6, 1) * (torch.rand(b, 1, device=device) < 0.7)
        ring = rings ** torch.arange(_ECHO, device=device)[None].float()
        kernel = ring.flip(1)[:, None]
        padded = torch.nn.functional.pad(x.transpose(1, 2), (_ECHO - 1, 0)).transpose(0, 1)
        x = torch.nn.functional.conv1d(padded, kernel, groups=b).permute(1, 2, 0)
    # Noise and drums: every bin at once, all the time or in strokes.
    mean = x.mean(dim=(1, 2), keepdim=True)
    tilt = torch.linspace(-1, 1, bins, device=device)[None, None] * uniform(-1.0, 1.5, 1, 1)
    steady = uniform(0.0, 1.1, 1, 1).square() * (0.7 + 0.6 * torch.rand_like(x))
    struck = torch.rand(b, size, 1, device=device) < uniform(0.0, 0.3, 1, 1)
    strokes = uniform(0.0, 1.5, 1, 1) * struck * (torch.rand(b, 1, 1, device=device) < 0.4)
    loud = (torch.rand(b, 1, 1, device=device) < 0.5) * mean * torch.exp(tilt)
    x = x + loud * (steady + strokes * torch.rand_like(x))
    # Loudness that is evened out, or not.
    return x.clamp(min=0.0) ** uniform(0.8, 1.15, 1, 1)


def scaled(frames: Tensor) -> Tensor:
    """Compute `encoders.features.semitones.version_input`: (b, t, 84) to (b, 84, t)."""
    mean = frames.mean(dim=(1, 2), keepdim=True)
    return torch.log1p(frames * (BEND / mean.clamp(min=1e-9))).transpose(1, 2)


def steps_of(frames: Tensor) -> Tensor:
    """Compute `encoders.features.harmony.chord_steps`: (b, t, 84) to (b, 1008)."""
    b, t, bins = frames.shape
    x = scaled(frames[:, : t // 2 * 2].reshape(b, t // 2, 2, bins).mean(2))
    half = NEIGHBOURS // 2
    padded = torch.nn.functional.pad(x.transpose(1, 2), (half + 1, half), mode="replicate").transpose(1, 2)
    sums = padded.double().cumsum(1).float()
    standing = torch.relu(x - (sums[:, NEIGHBOURS:] - sums[:, :-NEIGHBOURS]) / NEIGHBOURS)
    folded = standing.reshape(b, OCTAVES, CLASSES, -1).sum(1)
    classes = torch.relu(torch.nn.functional.normalize(folded - folded.mean(1, keepdim=True), dim=1))
    root, second, third = (each.to(x.device) for each in (_PITCH[:, None, None], _SECOND, _THIRD))
    found = []
    for lag in LAGS:
        count = classes.shape[2] - 2 * lag
        first, then, last = (classes[:, :, k * lag : k * lag + count] for k in range(3))
        pairs = (then[:, :, None] * last[:, None]).flatten(1, 2)
        joint = torch.bmm(first, pairs.transpose(1, 2)).reshape(b, CLASSES, CLASSES, CLASSES) / count
        found.append(joint[:, root, second, third].sum(1).clamp(min=0.0).sqrt().flatten(1))
    return torch.nn.functional.normalize(torch.cat(found, 1), dim=1)
