"""Diagonals: offsets at which stretches of two sounds coincide, however short the stretches are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.coincidence import Coincidences

FloatArray = NDArray[np.float64]

# Votes are counted for each 4 s of the left side: a sample of a few seconds need not stand out of all.
ROW: Final = 128
# Deviations above chance at which an offset is looked at. Of strangers one row in three has one that high;
# what is no stretch of its own falls out when stretches are measured.
_WORTH_A_LOOK: Final = 5.0
_MOST: Final = 24
# One diagonal takes in a frame to either side: points are counted in whole frames.
WIDTH: Final = 3
# How often a point has its partner where a sample lies under other music: what a rare coincidence is worth.
_SURVIVING: Final = 0.2
_LEAST_CHANCE: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diagonals:
    """Offsets that are worth a look, and which points lie on each.

    Attributes
    ----------
    offsets : float [shape=(k,)]
        left frames less right frames in the left's clock
    pairs : int [shape=(m,)]
        the coincidences that lie on one
    matched : bool [shape=(k, n)]
        for each point of the left side, whether it has a partner there
    chance : float [shape=(n,)]
        how likely each point is to have one by chance, where its row coincides most by chance
    """

    offsets: FloatArray
    pairs: NDArray[np.intp]
    matched: NDArray[np.bool_]
    chance: FloatArray

    def __len__(self) -> int:
        """Count the offsets."""
        return len(self.offsets)


def diagonals(found: Coincidences, *, ratio: float) -> Diagonals:
    """Find the offsets at which some stretch of the left side coincides with the right.

    Parameters
    ----------
    found : Coincidences
    ratio : float
        how many times faster the right side plays
    """
    frames = found.frames_left
    row = frames // ROW
    rows = int(row[-1]) + 1 if len(row) else 1
    later = np.rint(ratio * found.frames_right).astype(np.intp)
    length = float(max(1, later.max(initial=0)))
    # A pitch that the right side plays all the time coincides by chance; one that it seldom plays tells more.
    partners = np.bincount(found.left, minlength=len(frames)) * (WIDTH / length)
    chance = np.clip(partners, _LEAST_CHANCE, 0.6)
    worth = np.log1p(_SURVIVING / chance)
    # Each row begins its own count: it meets the right side at offsets of its own.
    shift = int(later.max(initial=0)) + 2
    size = shift + ROW + 2
    places = ((frames - ROW * row) + row.astype(np.intp) * size + shift)[found.left] - later[found.right]
    votes = np.bincount(places, weights=worth[found.left], minlength=rows * size).astype(np.float32)
    # The first and the last column are empty, so rows may run into each other.
    votes[1:-1] = votes[:-2] + votes[1:-1] + votes[2:]
    summed = votes.reshape(rows, size)
    # Chance and its scatter, of each row over the offsets at which it meets the right side at all.
    mean = summed.sum(axis=1, dtype=np.float64) / length
    square = np.einsum("ij,ij->i", summed, summed, dtype=np.float64) / length
    spread = np.sqrt(np.maximum(square - mean**2, np.maximum(mean, 1.0)))
    bar = mean + _WORTH_A_LOOK * spread
    at, column = np.nonzero(summed >= bar[:, None].astype(np.float32))
    excess = (summed[at, column] - mean[at]) / spread[at]
    # From the columns of each row to the one count of all offsets.
    chosen = _peaks(np.bincount(column + ROW * at, weights=excess))
    member = np.full(ROW * rows + size, -1, dtype=np.int8)
    for number, place in reversed(list(enumerate(chosen))):
        member[max(0, place - 1) : place + 2] = number
    table = np.lib.stride_tricks.sliding_window_view(member, size)[: ROW * rows : ROW]
    on = table.reshape(-1)[places]
    pairs = np.flatnonzero(on >= 0)
    matched = np.zeros((len(chosen), len(frames)), dtype=np.bool_)
    matched[on[pairs], found.left[pairs]] = True
    scatter = 1.0 + spread / np.maximum(mean, 1.0)
    return Diagonals(
        offsets=np.array(chosen, dtype=np.float64) - shift,
        pairs=pairs,
        matched=matched,
        chance=np.minimum(chance * scatter[row], 0.6),
    )


def _peaks(given: NDArray[np.number[Any]]) -> list[int]:
    """Choose the offsets that stand out most, no two within a diagonal's width."""
    strength = given.astype(np.float64)
    chosen = []
    for _ in range(_MOST if len(strength) else 0):
        best = int(np.argmax(strength))
        if strength[best] <= 0.0:
            break
        chosen.append(best)
        strength[max(0, best - WIDTH) : best + WIDTH + 1] = 0.0
    return chosen
