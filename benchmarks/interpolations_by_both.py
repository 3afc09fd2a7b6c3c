"""Interpolations that landmarks find, where maps of melodies are asked about the same line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.interpolations import Way, measure
from benchmarks.melody_maps import melody_maps, melody_on_maps
from benchmarks.melody_quotes import QuotedMelody, melody_side, quoted_melody
from encoders.landmarks import Landmarks, landmarks


class _Sides(NamedTuple):
    points: Landmarks
    maps: NDArray[np.int8]


def _hear(y: NDArray[np.float32], sr: int) -> _Sides:
    return _Sides(landmarks(y, sr), melody_maps(y, sr))


def _compare(work: _Sides, track: _Sides) -> QuotedMelody:
    """Give the line of the landmarks with the sum of both scores; nothing where maps find nothing there."""
    found = quoted_melody(melody_side(work.points), melody_side(track.points))
    if found.score <= 0.0:
        return QuotedMelody()
    along = melody_on_maps(work.maps, track.maps, along=found).score
    return found._replace(score=found.score + along) if along > 0.0 else QuotedMelody()


def main() -> None:
    measure("interpolations_by_both", "landmarks and, along the same line, maps", Way(_hear, _compare))


if __name__ == "__main__":
    main()
