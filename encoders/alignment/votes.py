"""Votes: at which offsets, and when, two sounds coincide more often than by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.coincidence import Coincidences

FloatArray = NDArray[np.float64]

# Votes are counted for each 4 s of the left side: a sample of a few seconds need not stand out of all.
ROW: Final = 128
# One diagonal takes in a frame to either side: points are counted in whole frames.
WIDTH: Final = 3
# How often a point has its partner where a sample lies under other music: what a rare coincidence is worth.
_SURVIVING: Final = 0.2
_LEAST_CHANCE: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Votes:
    """How many coincidences, by what they are worth, lie at each offset of each row.

    Attributes
    ----------
    summed : float32 [shape=(rows, size)]
        over a diagonal's width
    mean, spread : float [shape=(rows,)]
        chance and its scatter, of each row over the offsets at which it meets the right side at all
    places : int [shape=(m,)]
        where in ``summed`` each pair is
    chance : float [shape=(n,)]
        how likely each point of the left side is to have a partner by chance
    shift : int
        the column of offset 0 in the first row; each row begins a row's length later
    """

    summed: NDArray[np.float32]
    mean: FloatArray
    spread: FloatArray
    places: NDArray[np.intp]
    chance: FloatArray
    shift: int


def voted(found: Coincidences, nearness: NDArray[np.float32], *, ratio: float) -> Votes:
    """Count the votes of all coincidences, the right side playing so many times faster.

    Parameters
    ----------
    found : Coincidences
    nearness : float32 [shape=(CENTS + 1,)]
        see `encoders.alignment.nearness.log_odds_by_distance`
    ratio : float
    """
    places, rows, size, shift = _places(found, ratio)
    length = float(max(1, shift - 2))
    # A pitch that the right side plays all the time coincides by chance; one that it seldom plays tells more.
    partners = np.bincount(found.left, minlength=len(found.frames_left)) * (WIDTH / length)
    chance = np.clip(partners, _LEAST_CHANCE, 0.6)
    worth = np.log1p(_SURVIVING / chance).astype(np.float32)
    told = worth[found.left]
    told += nearness[found.apart(slice(None))]
    np.maximum(told, 0.0, out=told)
    votes = np.bincount(places, weights=told, minlength=rows * size).astype(np.float32)
    votes[1:-1] = votes[:-2] + votes[1:-1] + votes[2:]
    summed = votes.reshape(rows, size)
    mean = summed.sum(axis=1, dtype=np.float64) / length
    square = np.einsum("ij,ij->i", summed, summed, dtype=np.float64) / length
    spread = np.sqrt(np.maximum(square - mean**2, np.maximum(mean, 1.0)))
    return Votes(summed=summed, mean=mean, spread=spread, places=places, chance=chance, shift=shift)


def stands_out(found: Coincidences, *, ratio: float) -> float:
    """Say how far the best offset of any row stands out, in deviations.

    Less finely than `voted`, and in half the time: each coincidence counts the same, chance is what an eighth
    of the offsets say.
    """
    if not len(found):
        return 0.0
    places, rows, size, _ = _places(found, ratio)
    counts = np.bincount(places, minlength=rows * size).astype(np.int16)
    counts[1:-1] = counts[:-2] + counts[1:-1] + counts[2:]
    table = counts.reshape(rows, size)
    some = table[:, ::8].astype(np.float32)
    mean = some.mean(axis=1)
    spread = np.sqrt(np.maximum(some.var(axis=1), np.maximum(mean, 1.0)))
    return float(((table.max(axis=1) - mean) / spread).max())


def _places(found: Coincidences, ratio: float) -> tuple[NDArray[np.intp], int, int, int]:
    """Give the cell of each pair in a table of rows and offsets, its rows, its columns, and where 0 is."""
    frames = found.frames_left
    row = frames // ROW
    rows = int(row[-1]) + 1 if len(row) else 1
    later = np.rint(ratio * found.frames_right).astype(np.intp)
    shift = int(later.max(initial=0)) + 2
    # The first and the last column stay empty, so rows may run into each other.
    size = shift + ROW + 2
    cells = (frames - ROW * row) + row.astype(np.intp) * size + shift
    return cells[found.left] - later[found.right], rows, size, shift
