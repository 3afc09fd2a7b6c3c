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
_MOST_PAIRS: Final = 2_500_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coincidences:
    """Every pair of points, one of each sound, at one pitch.

    Attributes
    ----------
    left, right : int [shape=(m,)]
        places in the landmarks of the two sides
    frames_left, frames_right : int32 [shape=(n,)]
        times of all points of the two sides
    cents_left, cents_right : int32 [shape=(n,)]
        their pitches, those of the right side as high as the left
    heights_left, heights_right : uint8 [shape=(n,)], optional
        how loud they are
    """

    left: IntArray
    right: IntArray
    frames_left: NDArray[np.int32]
    frames_right: NDArray[np.int32]
    cents_left: NDArray[np.int32]
    cents_right: NDArray[np.int32]
    heights_left: NDArray[np.uint8] | None = None
    heights_right: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.left)

    def offsets(self, ratio: float, pairs: IntArray | None = None) -> FloatArray:
        """Left time less right time in steps of the left, the right side played slower by ``ratio``."""
        left, right = (self.left, self.right) if pairs is None else (self.left[pairs], self.right[pairs])
        later = self.frames_right.astype(np.float32) * np.float32(ratio)
        return self.frames_left.astype(np.float32)[left] - later[right]

    def apart(self, pairs: IntArray | slice) -> NDArray[np.int32]:
        """Give how far some pairs are apart in pitch: int32 [cents]."""
        distance = self.cents_left[self.left[pairs]]
        distance -= self.cents_right[self.right[pairs]]
        return np.abs(distance, out=distance)

    def louder(self, pairs: IntArray) -> IntArray | None:
        """Give by how much the left point of each pair is louder, in half decibels; none where unknown."""
        if self.heights_left is None or self.heights_right is None:
            return None
        left, right = self.heights_left[self.left[pairs]], self.heights_right[self.right[pairs]]
        difference: IntArray = left.astype(np.intp) - right.astype(np.intp)
        return difference

    def times(self) -> IntArray:
        """Give the left time of each pair."""
        return self.frames_left[self.left].astype(np.intp)

    def turned(self) -> Coincidences:
        """Tell them from the other side."""
        return Coincidences(
            left=self.right,
            right=self.left,
            frames_left=self.frames_right,
            frames_right=self.frames_left,
            cents_left=self.cents_right,
            cents_right=self.cents_left,
            heights_left=self.heights_right,
            heights_right=self.heights_left,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByPitch:
    """The points of one sound, ascending in pitch: sorted once, asked at many differences of pitch."""

    order: IntArray
    pitches: NDArray[np.int32]
    points: Landmarks

    @classmethod
    def of(cls, points: Landmarks) -> ByPitch:
        """Sort the points of a sound."""
        order = np.argsort(points.cents, kind="stable")
        return cls(order=order, pitches=points.cents[order].astype(np.int32), points=points)


def coincidences(
    left: ByPitch, right: Landmarks, *, cents: float = 0.0, tolerance: int = CENTS
) -> Coincidences:
    """Pair the points of two sounds, ascending in the right one's.

    Parameters
    ----------
    left : ByPitch
    right : Landmarks
    cents : float
        how much higher the left side is
    tolerance : int >= 0 [cents]
    """
    wanted = np.rint(right.cents + cents).astype(np.int32)
    first = np.searchsorted(left.pitches, wanted - tolerance)
    counts = np.searchsorted(left.pitches, wanted + tolerance, side="right") - first
    total = int(counts.sum())
    if total > _MOST_PAIRS:
        # Of very long sounds a part of the points votes: every n-th of the right side.
        counts[np.arange(len(counts)) % -(-total // _MOST_PAIRS) != 0] = 0
    ends = np.cumsum(counts)
    in_order = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts - first, counts)
    return Coincidences(
        left=left.order[in_order],
        right=np.repeat(np.arange(len(wanted)), counts),
        frames_left=left.points.frames,
        frames_right=right.frames,
        cents_left=left.points.cents.astype(np.int32),
        cents_right=wanted,
        heights_left=left.points.heights,
        heights_right=right.heights,
    )
