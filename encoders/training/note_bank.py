"""Every note of a soundfont on the device: performances are put together there, thousands a second."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from encoders.features.semitones import FRAME_S, POOL, SEMITONES
from encoders.training.arranging import DRUMS
from encoders.training.templates import BEFORE, FADE, HELD, LONG, Templates

# Two minutes less the end: most of a song.
SECONDS: Final = 110.0
FRAMES: Final = int(SECONDS / FRAME_S)
_FINE_S: Final = FRAME_S / POOL
# Thirds of a semitone that everything is higher, and how often.
_TUNINGS: Final = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
_HOW_OFTEN: Final = (0.08, 0.12, 0.15, 0.3, 0.15, 0.12, 0.08)
_IN_TUNE: Final = 3
_LOW, _HIGH = 21, 108
_LEAST_FRAMES: Final = 60
_AT_ONCE: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """Performances as a table for the device; see `Names.written`.

    Attributes
    ----------
    rows : int32 [shape=(n, 6)]
        performance, number in the bank, tuning, first frame, frames, 1 for the rest of a long note
    gains : float32 [shape=(n,)]
    lengths : int64 [shape=(k,)]
        frames of each performance
    """

    rows: NDArray[np.int32]
    gains: NDArray[np.float32]
    lengths: NDArray[np.int64]


def joined(parts: Sequence[Notation]) -> Notation:
    """Put tables one behind the other."""
    rows, before = [], 0
    for part in parts:
        moved = part.rows.copy()
        moved[:, 0] += before
        before += len(part.lengths)
        rows.append(moved)
    return Notation(
        rows=np.concatenate(rows),
        gains=np.concatenate([part.gains for part in parts]),
        lengths=np.concatenate([part.lengths for part in parts]),
    )


class Names:
    """Which number each note of each soundfont has in the bank.

    Parameters
    ----------
    templates : sequence of Templates
        one per soundfont
    seconds : float > 0 [s]
        most of a performance that is written
    out_of_tune : int in [0, 3]
        up to so many sixths of a semitone
    """

    def __init__(
        self, templates: Sequence[Templates], *, seconds: float = SECONDS, out_of_tune: int = 3
    ) -> None:
        self.frames = int(seconds / FRAME_S)
        near = slice(_IN_TUNE - out_of_tune, _IN_TUNE + out_of_tune + 1)
        self._tunings = np.arange(len(_TUNINGS))[near]
        how_often = np.array(_HOW_OFTEN)[near]
        self._how_often = how_often / how_often.sum()
        self.table = np.full((len(templates), DRUMS + 1, 128), -1, dtype=np.int64)
        self.origins: list[tuple[int, int, int]] = []
        for font, each in enumerate(templates):
            for program in sorted(set(each.programs.tolist())):
                keys = np.sort(each.pitches[each.programs == program]).astype(int)
                for pitch in keys if program == DRUMS else range(_LOW, _HIGH + 1):
                    key = pitch if program == DRUMS else int(keys[np.abs(keys - pitch).argmin()])
                    self.table[font, program, pitch] = len(self.origins)
                    self.origins.append((font, each.number(program, key), pitch - key))

    def written(self, performances: Sequence[NDArray[np.void]], rng: np.random.Generator) -> Notation:
        """Write performances down, each for one soundfont and in one tuning."""
        rows, gains, lengths, fine = [], [], [], self.frames * POOL
        for number, notes in enumerate(performances):
            font = int(rng.integers(len(self.table)))
            tuning = int(rng.choice(self._tunings, p=self._how_often))
            drum = notes["program"] == DRUMS
            pitch = np.where(drum, notes["pitch"], np.clip(notes["pitch"], _LOW, _HIGH)).astype(int)
            which = self.table[font, notes["program"].astype(int), pitch]
            start = np.rint(notes["start"] / _FINE_S).astype(int)
            length = np.maximum(1, np.rint(notes["length"] / _FINE_S).astype(int))
            there = (which >= 0) & (start < fine)
            which, start, length, drum = which[there], start[there], length[there], drum[there]
            gain = (notes["velocity"][there].astype(np.float32) / 100.0) ** 3
            last = int((start + length).max()) if len(start) else 1
            lengths.append(max(_LEAST_FRAMES, min(self.frames, last // POOL)))
            row = np.stack(
                [
                    np.full(len(which), number),
                    which,
                    np.where(drum, _IN_TUNE, tuning),
                    start,
                    np.minimum(length, HELD),
                    np.zeros(len(which), dtype=int),
                ],
                axis=1,
            )
            rows.append(row)
            gains.append(gain)
            # A note that is held longer than it was recorded stays as it was at the end.
            rest, begin = length - HELD, start + LONG
            while (longer := (rest > 0) & (begin < fine)).any():
                more = row[longer].copy()
                more[:, 3], more[:, 4], more[:, 5] = begin[longer], np.minimum(LONG, rest[longer]), 1
                rows.append(more)
                gains.append(gain[longer])
                rest, begin = rest - LONG, begin + LONG
        return Notation(
            rows=np.concatenate(rows).astype(np.int32),
            gains=np.concatenate(gains),
            lengths=np.array(lengths, dtype=np.int64),
        )


class NoteBank:
    """Powers of 84 semitones of every note.

    Parameters
    ----------
    templates : sequence of Templates
    names : Names
        of the same templates
    device : str
    """

    def __init__(self, templates: Sequence[Templates], names: Names, device: str) -> None:
        self._device, self._frames = device, names.frames
        tuned = [self._tuned(each) for each in templates]
        self._power = torch.stack([_raised(tuned[font][at], by) for font, at, by in names.origins])
        self._fade = torch.tensor([1.0, *FADE, 0.0], device=device)

    def _tuned(self, templates: Templates) -> Tensor:
        """Add up the bins of each semitone in every tuning: float16 (k, 7, 38, 84)."""
        bins = nn.functional.pad(torch.from_numpy(templates.magnitudes()).to(self._device), (4, 4))
        found = []
        for tuning in _TUNINGS:
            low = math.floor(tuning)
            part = tuning - low
            moved = torch.roll(bins, low, 2) * (1 - part) + torch.roll(bins, low + 1, 2) * part
            # The middle bin of three is in tune.
            found.append(moved[:, :, 3:-5].unflatten(2, (SEMITONES, 3)).sum(3).square().half())
        return torch.stack(found, 1)

    def rendered(self, notation: Notation) -> tuple[Tensor, Tensor]:
        """Put performances together.

        Returns
        -------
        frames : Tensor float16 [shape=(k, t, 84)]
            `encoders.features.semitones.semitone_frames` over their mean
        lengths : Tensor int64 [shape=(k,)]
        """
        device, count, fine = self._device, len(notation.lengths), self._frames * POOL
        width = fine + LONG + BEFORE
        rows = torch.from_numpy(notation.rows).to(device).long()
        gains = torch.from_numpy(notation.gains).to(device)
        power = torch.zeros(count * width, SEMITONES, device=device)
        at = torch.arange(LONG, device=device)[None]
        for row, gain in zip(rows.split(_AT_ONCE), gains.split(_AT_ONCE), strict=True):
            notes = self._power[row[:, 1], row[:, 2]].float()
            rest, length = row[:, 5:6] == 1, row[:, 4:5]
            notes = torch.where(rest[:, :, None], notes[:, -1:], notes)
            after = (at - BEFORE - length + 1).clamp(0, len(FADE) + 1)
            fading = self._fade[torch.where(length >= HELD, torch.zeros_like(after), after)]
            factor = torch.where(rest, (at < length).float(), fading) * gain[:, None]
            where = (row[:, 0:1] * width + row[:, 3:4] + at).clamp(max=len(power) - 1)
            power.index_add_(0, where.flatten(), (notes * factor[:, :, None]).flatten(0, 1))
        magnitude = power.view(count, width, SEMITONES)[:, BEFORE : BEFORE + fine].sqrt()
        frames = magnitude.unflatten(1, (self._frames, POOL)).mean(2)
        lengths = torch.from_numpy(notation.lengths).to(device)
        there = (torch.arange(self._frames, device=device)[None] < lengths[:, None])[:, :, None]
        mean = (frames * there).sum((1, 2), keepdim=True) / (there.sum((1, 2), keepdim=True) * SEMITONES)
        return (frames / mean.clamp(min=1e-9)).clamp(max=6e4).half(), lengths


def _raised(power: Tensor, semitones: int) -> Tensor:
    """Move a note up or down: (7, 38, 84)."""
    return torch.roll(nn.functional.pad(power, (4, 4)), semitones, 2)[:, :, 4:-4]
