"""An inverted index of constellations: which of many sounds hold something that is in another one.

Entries are sorted numbers of 8 bytes in a few runs of growing size. Above a bound half of the keys are
dropped, the same ones of every sound: memory is bounded, and what is lost is sensitivity, evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.constellations import Constellations, kept_of
from encoders.landmarks import FRAME_MS

Entries = NDArray[np.uint64]

# An entry is (key, sound, time): 20, 28 and 16 bits. Time goes by two frames: nothing is kept after
# 70 minutes.
_SOUND_BITS, _TIME_BITS = 28, 16
_KEY_SHIFT: Final = np.uint64(_SOUND_BITS + _TIME_BITS)
_TIME_MASK: Final = np.uint64(2**_TIME_BITS - 1)
_SOUND_MASK: Final = np.uint64(2**_SOUND_BITS - 1)
_FRAMES: Final = 2
# One pair in so many is kept to begin with.
FIRST_PART: Final = 8
# A query reads so many entries at most: of its rarest keys, which tell most.
_MOST_READ: Final = 100_000
# Fewer agreeing pairs are chance wherever there are a few dozen sounds.
_LEAST_VOTES: Final = 4
# What holds more than this share of all that a query asks for is a copy.
_COPY: Final = 0.2
_MOST_COPIES: Final = 3
_WEIGHT_BITS: Final = np.uint64(5)
_OFFSET_BITS: Final = np.uint64(_TIME_BITS + 1)


class Sharing(NamedTuple):
    """A sound that may hold something in common with the one that was asked for.

    Attributes
    ----------
    sound : int
    score : float
        how much agrees at the best offset, in nats of how rare it is
    offset_ms : int
        time in the query less time in that sound
    """

    sound: int
    score: float
    offset_ms: int


class ConstellationIndex:
    """Sounds by their constellations, in memory.

    Parameters
    ----------
    most_entries : int > 0
        above it half of the keys are dropped; an entry takes 8 bytes, and twice that for a moment
    """

    def __init__(self, *, most_entries: int) -> None:
        self._most = most_entries
        self._runs: list[Entries] = []
        self._gone: set[int] = set()
        self._part = FIRST_PART

    def __len__(self) -> int:
        """Count the entries."""
        return sum(map(len, self._runs))

    @property
    def part(self) -> int:
        """One pair in so many is kept."""
        return self._part

    def add(self, sound: int, found: Constellations) -> None:
        """Take in a sound under a number that was never used."""
        keys, frames = found.thinned(self._part)
        time = frames.astype(np.int64) // _FRAMES
        early = time < 2**_TIME_BITS
        entries = keys[early].astype(np.uint64) << _KEY_SHIFT
        entries |= np.uint64(sound) << np.uint64(_TIME_BITS)
        entries |= time[early].astype(np.uint64)
        self._runs.append(np.sort(entries))
        # Each run is at least twice as long as the next: as few as there are doublings.
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            self._merge(len(self._runs) - 2)
        while len(self) > self._most:
            self._part *= 2
            self._runs = [
                run[kept_of((run >> _KEY_SHIFT).astype(np.int64), self._part)] for run in self._runs
            ]

    def remove(self, sound: int) -> None:
        """Forget a sound; its entries go when their run is written anew."""
        self._gone.add(sound)

    def _merge(self, first: int) -> None:
        """Make one run of the last ones."""
        merged = np.concatenate(self._runs[first:])
        if self._gone:
            gone = np.fromiter(self._gone, dtype=np.uint64)
            merged = merged[~np.isin((merged >> np.uint64(_TIME_BITS)) & _SOUND_MASK, gone)]
        merged.sort()
        self._runs[first:] = [merged]

    def search(self, found: Constellations, *, most: int) -> list[Sharing]:
        """Give the sounds that hold most of it at one offset, the best first.

        Parameters
        ----------
        found : Constellations
            of the sound that is asked for, all pairs
        most : int > 0
            beside copies, which others find as well
        """
        keys, frames = found.thinned(self._part)
        if not len(keys) or not self._runs:
            return []
        votes, asked = self._votes(keys, frames)
        best = _best_offsets(votes)
        chosen: list[Sharing] = []
        copies = 0
        for each in best:
            if len(chosen) - copies >= most:
                break
            if each.sound in self._gone:
                continue
            if each.score >= _COPY * asked:
                copies += 1
                if copies > _MOST_COPIES:
                    copies -= 1
                    continue
            chosen.append(each)
        return chosen

    def _votes(self, keys: NDArray[np.int64], frames: NDArray[np.int32]) -> tuple[Entries, float]:
        """Read what the rarest keys name: sorted (sound, offset, weight), and what all keys weigh."""
        ranges = [_range(run, keys) for run in self._runs]
        counts: NDArray[np.int64] = sum(
            (last - first for first, last in ranges), np.zeros(len(keys), np.int64)
        )
        # A key that is in half of all entries tells nothing, one in a million is worth 14.
        weight = np.rint(np.log(max(2, len(self)) / np.maximum(counts, 1))).astype(np.int64)
        weight = np.clip(weight, 0, 2 ** int(_WEIGHT_BITS) - 1)
        order = np.argsort(counts, kind="stable")
        read = order[np.cumsum(counts[order]) <= _MOST_READ]
        time = frames.astype(np.int64) // _FRAMES
        votes = [
            _named(run, first[read], (last - first)[read], time[read], weight[read])
            for run, (first, last) in zip(self._runs, ranges, strict=True)
        ]
        return np.sort(np.concatenate(votes)), float(weight.sum())


def _range(run: Entries, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find where the entries of each key begin and end."""
    asked, place = np.unique(keys, return_inverse=True)
    first = np.searchsorted(run, asked.astype(np.uint64) << _KEY_SHIFT)
    last = np.searchsorted(run, (asked + 1).astype(np.uint64) << _KEY_SHIFT)
    return first[place].astype(np.int64), last[place].astype(np.int64)


def _named(
    run: Entries,
    first: NDArray[np.int64],
    counts: NDArray[np.int64],
    time: NDArray[np.int64],
    weight: NDArray[np.int64],
) -> Entries:
    """Turn the entries of some keys into votes."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    entries = run[np.arange(total) - np.repeat(ends - counts - first, counts)]
    offset = np.repeat(time, counts) - (entries & _TIME_MASK).astype(np.int64) + 2**_TIME_BITS
    sound = (entries >> np.uint64(_TIME_BITS)) & _SOUND_MASK
    votes: Entries = ((sound << _OFFSET_BITS) | offset.astype(np.uint64)) << _WEIGHT_BITS
    votes |= np.repeat(weight, counts).astype(np.uint64)
    return votes


def _best_offsets(votes: Entries) -> Sequence[Sharing]:
    """Give the best offset of each sound, the sound that has most first."""
    if not len(votes):
        return ()
    at, place, count = np.unique(votes >> _WEIGHT_BITS, return_index=True, return_counts=True)
    weight = (votes & np.uint64(2 ** int(_WEIGHT_BITS) - 1)).astype(np.float64)
    score = np.add.reduceat(weight, place)
    # Times are told in two frames, so one offset falls on two neighbours.
    next_to = np.append(np.diff(at) == 1, False)
    both, number = score.copy(), count.copy()
    both[next_to] += score[1:][next_to[:-1]]
    number[next_to] += count[1:][next_to[:-1]]
    sound = (at >> _OFFSET_BITS).astype(np.int64)
    enough = number >= _LEAST_VOTES
    sound, both, at = sound[enough], both[enough], at[enough]
    order = np.lexsort((at, -both, sound))
    leading = order[np.diff(sound[order], prepend=-1) != 0]
    leading = leading[np.lexsort((sound[leading], -both[leading]))]
    offset = (at[leading] & np.uint64(2 ** int(_OFFSET_BITS) - 1)).astype(np.int64) - 2**_TIME_BITS
    return [
        Sharing(int(sound[place]), float(both[place]), round(int(steps) * _FRAMES * FRAME_MS))
        for place, steps in zip(leading, offset, strict=True)
    ]
