"""Coincidences: pairs of landmarks that two sounds share at one difference of pitch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.landmarks import Landmarks

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.intp]

# Peaks of one partial, measured in two copies, lie within this of each other: 9 in 10 at 32 kbit/s.
CENTS: Final = 20
# Beyond two octaves nothing sounds like the original; more pairs than this add nothing but time.
_MOST_PAIRS: Final = 1_500_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coincidences:
    """Every pair of points, one of each sound, at one pitch.

    Attributes
    ----------
    left, right : int [shape=(m,)]
        places in the landmarks of the two sides
    frames_left, frames_right : float [shape=(m,)]
        their times
    """

    left: IntArray
    right: IntArray
    frames_left: FloatArray
    frames_right: FloatArray

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.left)

    def offsets(self, ratio: float) -> FloatArray:
        """Left time less right time in steps of the left, the right side played slower by ``ratio``."""
        return self.frames_left - np.float32(ratio) * self.frames_right


def coincidences(
    left: Landmarks, right: Landmarks, *, cents: float = 0.0, tolerance: int = CENTS
) -> Coincidences:
    """Pair the points of two sounds.

    Parameters
    ----------
    left, right : Landmarks
    cents : float
        how much higher the left side is
    tolerance : int >= 0 [cents]
    """
    order = np.argsort(left.cents, kind="stable")
    pitches = left.cents[order].astype(np.int32)
    wanted = np.rint(right.cents + cents).astype(np.int32)
    first = np.searchsorted(pitches, wanted - tolerance)
    counts = np.searchsorted(pitches, wanted + tolerance, side="right") - first
    total = int(counts.sum())
    if total > _MOST_PAIRS:
        # Of very long sounds a part of the points votes: every n-th of the right side.
        counts[np.arange(len(counts)) % -(-total // _MOST_PAIRS) != 0] = 0
    ends = np.cumsum(counts)
    in_right = np.repeat(np.arange(len(wanted)), counts)
    in_left = order[np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts - first, counts)]
    return Coincidences(
        left=in_left,
        right=in_right,
        frames_left=left.frames[in_left].astype(np.float32),
        frames_right=right.frames[in_right].astype(np.float32),
    )
