"""How loud two sounds are beside each other: what is covered, and where one line is left for another."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from encoders.alignment.measured_line import Line
from encoders.landmarks import FRAME_MS, Landmarks

FloatArray = NDArray[np.float64]
Both = tuple[NDArray[np.bool_], NDArray[np.bool_]]

_NOTHING: Final = np.empty(0)
# Where one side is this much louder than it is beside the other elsewhere, something covers what both share.
# What is so far under its surroundings is not heard.
_COVERS_DB: Final = 3.0
_QUIET_DB: Final = 30.0
# Points are the strongest of their second: what is louder about them crowds them out.
_SECOND: Final = round(1_000 / FRAME_MS)
# More than this tells no more: another sound, or none.
_MOST_DB: Final = 12.0


class Loudness:
    """Levels of two sounds.

    Parameters
    ----------
    left, right : Landmarks
        of before levels were kept they say nothing
    ratio : float
        how many times faster the right side plays
    """

    def __init__(self, left: Landmarks, right: Landmarks, *, ratio: float) -> None:
        levels = [
            side.levels.astype(np.float64) if side.levels is not None else _NOTHING for side in (left, right)
        ]
        self._known, self._ratio = all(map(len, levels)), ratio
        self._levels = levels
        self._about = [maximum_filter1d(side, 2 * _SECOND) if self._known else side for side in levels]

    def covered(
        self, begin: float, end: float, offset: float, times: tuple[FloatArray, FloatArray]
    ) -> tuple[Both, Both]:
        """Say of each point of both sides whether something louder covers it, and whether it would be missed.

        Parameters
        ----------
        begin, end, offset : float
            a span in frames of the left side
        times : pair of float64
            of the points, in frames of the left side
        """
        none = tuple(np.zeros(len(each), dtype=np.bool_) for each in times)
        if not self._known:
            return (none[0], none[1]), (~none[0], ~none[1])
        inside = np.arange(begin, end)
        usual = [float(np.median(self._at(self._levels, side, inside, offset))) for side in (0, 1)]
        covered, missed = [], []
        for number, at in enumerate(times):
            levels = [self._at(self._levels, side, at, offset) - usual[side] for side in (0, 1)]
            about = [self._at(self._about, side, at, offset) - usual[side] for side in (0, 1)]
            quiet = [level < -_QUIET_DB for level in levels]
            louder = levels[1] - levels[0]
            covered.append(((louder > _COVERS_DB) & ~quiet[0]) | ((louder < -_COVERS_DB) & ~quiet[1]))
            missed.append(~((about[1 - number] - about[number] > _COVERS_DB) | quiet[number]))
        return (covered[0], covered[1]), (missed[0], missed[1])

    def change(self, one: Line, two: Line, side: int, begin: float, end: float) -> float:
        """Find where one line is best left for another, by the distance in level that each of them keeps.

        Parameters
        ----------
        one, two : Line
        side : int
            whose frames are spoken of
        begin, end : float
            between which frames no point says it
        """
        middle = 0.5 * (begin + end)
        at = np.arange(np.ceil(begin), end)
        if not self._known or not len(at):
            return middle
        apart = [self._apart(line, at if not side else at * self._ratio + line.offset) for line in (one, two)]
        lost = np.concatenate([[0.0], np.cumsum(apart[0] - apart[1])])
        places = np.append(at, end)
        least = places[lost <= lost.min() + _MOST_DB]
        return float(least[np.argmin(np.abs(least - middle))])

    def _apart(self, line: Line, times: FloatArray) -> FloatArray:
        """Say how far both sides are from the distance in level that they keep along a line, in dB."""
        usual, apart = (
            self._at(self._levels, 0, at, line.offset) - self._at(self._levels, 1, at, line.offset)
            for at in (np.arange(line.begin, line.end), times)
        )
        return np.minimum(np.abs(apart - np.median(usual)), _MOST_DB)

    def _at(self, levels: list[FloatArray], side: int, times: FloatArray, offset: float) -> FloatArray:
        """Read what is known of a side at times of the left one."""
        read = levels[side]
        at = times if side == 0 else (times - offset) / self._ratio
        return np.asarray(read[np.clip(np.rint(at).astype(np.intp), 0, len(read) - 1)])
