"""Melodies laid over what others play, many at once, and how well one fits another at every place and key."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from encoders.models.version_net import CLASSES

_FLOOR: Final = 1e-6


def mixed(under: Tensor, over: Tensor, level_db: Tensor) -> Tensor:
    """Sound two spectrograms together.

    Parameters
    ----------
    under, over : Tensor [shape=(b, t, 84)]
        magnitudes; where ``over`` is silent in every bin only ``under`` counts
    level_db : Tensor [shape=(b,)]
        of ``over``, where it sounds, above what is under it there

    Returns
    -------
    magnitudes : Tensor [shape=(b, t, 84)]
        as if partials had no phase: powers are added
    """
    powers = under.square().sum(2), over.square().sum(2)
    there = (powers[1] > _FLOOR).float()
    loud = [(power * there).sum(1) / there.sum(1).clamp(min=1.0) for power in powers]
    # Under a silent part the melody keeps its own loudness.
    gain = torch.where(loud[0] > _FLOOR, loud[0] / loud[1].clamp(min=_FLOOR), torch.ones_like(loud[0]))
    gain = gain * 10.0 ** (level_db / 10.0)
    return (under.square() + gain[:, None, None] * over.square()).sqrt()


def placed(frames: Tensor, first: Tensor, at: Tensor, count: Tensor) -> Tensor:
    """Move a part of each spectrogram to another time; the rest is silent.

    Parameters
    ----------
    frames : Tensor [shape=(b, t, 84)]
    first, at, count : Tensor of int [shape=(b,)]
        where the part begins, where it shall begin, how long it is
    """
    t = frames.shape[1]
    time = torch.arange(t, device=frames.device)[None]
    source = time - at[:, None] + first[:, None]
    there = (time >= at[:, None]) & (time < (at + count)[:, None]) & (source < t)
    rows = torch.arange(len(frames), device=frames.device)[:, None]
    return frames[rows, source.clamp(0, t - 1)] * there[:, :, None]


def moved(frames: Tensor, semitones: Tensor) -> Tensor:
    """Move spectrograms up or down, each by its own semitones."""
    _, t, bins = frames.shape
    bin_of = torch.arange(bins, device=frames.device)[None] - semitones[:, None]
    inside = (bin_of >= 0) & (bin_of < bins)
    return torch.gather(frames, 2, bin_of.clamp(0, bins - 1)[:, None].expand(-1, t, -1)) * inside[:, None]


def at_tempo(maps: Tensor, begin: Tensor, ratio: Tensor, size: int) -> Tensor:
    """Read maps at another tempo: (b, c, 12, t) to (b, c, 12, size), silence beyond their ends.

    Parameters
    ----------
    maps : Tensor
    begin, ratio : Tensor [shape=(b,)]
        where in them reading begins, in columns, and how fast it goes on
    size : int
    """
    where = begin[:, None] + torch.arange(size, device=maps.device)[None] * ratio[:, None]
    last = maps.shape[3] - 1
    low = where.floor().clamp(0, last - 1)
    part = (where - low).clamp(0.0, 1.0)[:, None, None]
    index = low.long()[:, None, None].expand(-1, maps.shape[1], CLASSES, -1)
    read = maps.gather(3, index) * (1 - part) + maps.gather(3, index + 1) * part
    return read * ((where >= 0) & (where <= last)).float()[:, None, None]


def fits(phrases: Tensor, maps: Tensor) -> Tensor:
    """Lay every phrase on every map, in each key and at each place.

    Parameters
    ----------
    phrases : Tensor [shape=(n, c, 12, w)]
    maps : Tensor [shape=(m, c, 12, t)]

    Returns
    -------
    cosines : Tensor [shape=(n, m, 12, t - w + 1)]
        key k is of a map that is k semitones higher
    """
    n, _, _, w = phrases.shape
    unit = torch.nn.functional.normalize(phrases.flatten(1), dim=1).view_as(phrases)
    in_keys = torch.stack([unit.roll(key, 2) for key in range(CLASSES)], dim=1)
    windows = maps.unfold(3, w, 1).permute(0, 3, 1, 2, 4)
    lengths = windows.square().sum((2, 3, 4)).clamp(min=_FLOOR).sqrt()
    found = in_keys.flatten(0, 1).flatten(1) @ windows.flatten(0, 1).flatten(1).T
    return found.view(n, CLASSES, len(maps), -1).transpose(1, 2) / lengths[None, :, None]


def place_loss(cosines: Tensor, key: Tensor, place: Tensor, ignored: Tensor, *, temperature: float) -> Tensor:
    """Tell the right key and place of each phrase on its own map from all others, on every map.

    Parameters
    ----------
    cosines : Tensor [shape=(n, m, 12, p)]
        the map of phrase i is number i
    key : Tensor of int [shape=(n,)]
    place : Tensor [shape=(n,)]
        in columns; what is next to it is right, and what lies beside is not counted
    ignored : Tensor of bool [shape=(n, m)]
        maps that are neither its own nor strange
    temperature : float > 0
    """
    n, _, _, p = cosines.shape
    logits = (cosines.float() / temperature).masked_fill(ignored[:, :, None, None], float("-inf"))
    rows = torch.arange(n, device=cosines.device)
    near = (torch.arange(p, device=cosines.device)[None] - place[:, None]).abs()
    own = logits[rows, rows, key]
    wanted = own.masked_fill(near > 0.8, float("-inf"))
    uncounted = (near > 0.8) & (near < 2.2)
    logits = logits.clone()
    logits[rows, rows, key] = own.masked_fill(uncounted, float("-inf"))
    return (torch.logsumexp(logits.flatten(1), dim=1) - torch.logsumexp(wanted, dim=1)).mean()
