"""Ends of spans: where two sounds that run along each other part, told from the points of both.

A path through one sound sees its own points alone: where it is silent, or where both repeat themselves, it
goes on along a diagonal that the other sound left long ago. Here each side is asked what it misses of the
other; where something louder covers one of them less is missed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.coincidence import Coincidences
from encoders.alignment.loudness import Loudness
from encoders.alignment.measured_line import Line
from encoders.alignment.nearness import log_odds_by_distance
from encoders.alignment.votes import WIDTH
from encoders.landmarks import FRAME_MS, Landmarks

FloatArray = NDArray[np.float64]

_ON: Final = 1.6
# How well both agree near an end is what this much of the span before it says.
_NEAR: Final = round(10_000 / FRAME_MS)
# An end moves inwards by no more than this, and outwards until so much log-odds are lost again.
_INWARDS: Final = round(8_000 / FRAME_MS)
_LOST: Final = 25.0
# Of what something covers that much of the points is still found.
_COVERED: Final = 0.3
# An end this near to that of a whole sound is that end, unless something is missing that would be heard.
_EDGE: Final = round(3_000 / FRAME_MS)
_MISSED: Final = 6.0
# Where both end at once (encoders add some hundredths of a second) so much is no part of its own.
_AT_ONCE: Final = 250 / FRAME_MS
_MOMENT: Final = 1_500 / FRAME_MS
# What is drowned stood out by 6 deviations, what is not there by 1.1 at most, in ten films; far from a span
# music that keeps its beat stands out too.
_FAINT: Final = 4.0
_DROWNED: Final = round(15_000 / FRAME_MS)
_BESIDE: Final = 16
_PLACES: Final = np.arange(-_BESIDE, _BESIDE + 1)


class Ends:
    """Two sounds whose spans are to be measured.

    Parameters
    ----------
    found : Coincidences
    left, right : Landmarks
    ratio : float
        how many times faster the right side plays
    frames_left, frames_right : float
        how long both are
    """

    def __init__(
        self,
        found: Coincidences,
        left: Landmarks,
        right: Landmarks,
        *,
        ratio: float,
        frames_left: float,
        frames_right: float,
    ) -> None:
        self._found, self._ratio = found, ratio
        self.times = found.frames_left, found.frames_right
        self._offsets = found.offsets(ratio)
        self._closeness = log_odds_by_distance(found)
        self._chance = (
            _chance(found.left, len(found.frames_left), ratio * frames_right),
            _chance(found.right, len(found.frames_right), frames_left),
        )
        self._frames = frames_left, ratio * frames_right
        self.loudness = Loudness(left, right, ratio=ratio)

    def measured(self, begin: float, end: float, offset: float, taken: list[tuple[float, float]]) -> Line:
        """Place both ends of a span.

        Parameters
        ----------
        begin, end : float
            in frames of the left side, roughly
        offset : float
        taken : list of pair of float
            what other spans hold of either side, on this diagonal: an end does not move into it
        """
        found = self._found
        pairs = np.flatnonzero(np.abs(self._offsets - np.float32(offset)) <= _ON)
        worth = self._closeness[found.apart(pairs)]
        close = []
        for points, frames in ((found.left, found.frames_left), (found.right, found.frames_right)):
            close.append(np.full(len(frames), -np.inf))
            np.maximum.at(close[-1], points[pairs], worth)
        on_left, on_right = (np.isfinite(each) for each in close)
        times = (
            found.frames_left.astype(np.float64),
            found.frames_right.astype(np.float64) * self._ratio + offset,
        )
        covered, missed = self.loudness.covered(begin, end, offset, times)
        edges = max(0.0, offset), min(self._frames[0], offset + self._frames[1])
        middle = 0.5 * (begin + end)
        ends = []
        for side, roughly, edge in ((-1.0, begin, edges[0]), (1.0, end, edges[1])):
            near = (
                max(begin, end - _NEAR) if side > 0 else begin,
                end if side > 0 else min(end, begin + _NEAR),
            )
            gains = self._gains(times, (on_left, on_right), (close[0], close[1]), covered, near)
            limit = _limit(side, middle, roughly, edge, taken)
            place = _place(times, gains, side=side, middle=middle, roughly=roughly, limit=limit)
            if limit == edge and abs(edge - place) <= _MOMENT and self._together(side, offset):
                place = edge
            if limit == edge and abs(edge - place) <= _EDGE:
                between = [(one > min(place, edge)) & (one < max(place, edge)) for one in times]
                lost = [
                    float(one[where & heard].sum())
                    for one, where, heard in zip(gains, between, missed, strict=True)
                ]
                # The side that ends there is asked: the other goes on with something else.
                ending = 0 if edge in {0.0, self._frames[0]} else 1
                place = edge if lost[ending] > -_MISSED else place
            if limit == edge and abs(edge - place) <= _DROWNED and self._faintly(offset, place, edge):
                place = edge
            ends.append(place)
        return Line(offset=offset, begin=ends[0], end=ends[1], on_left=on_left, on_right=on_right)

    def _together(self, side: float, offset: float) -> bool:
        """Say whether both sounds begin, or end, at once: then neither goes on with something else."""
        apart = offset if side < 0 else self._frames[0] - offset - self._frames[1]
        return abs(apart) <= _AT_ONCE

    def _faintly(self, offset: float, place: float, edge: float) -> bool:
        """Say whether what lies outside of an end stands out at this offset, though something drowns it."""
        half = 0.5 * (place + edge)
        return (
            self._stands_out(offset, place, edge) >= _FAINT
            and self._stands_out(offset, half, edge) >= _FAINT / 2
        )

    def _stands_out(self, offset: float, one: float, other: float) -> float:
        """Count the pairs of some time at an offset, in deviations above what is counted beside it."""
        times = self._found.frames_left[self._found.left]
        inside = (times >= min(one, other)) & (times < max(one, other))
        apart = self._offsets[inside] - np.float32(offset)
        places = np.floor((apart + _ON) / (2 * _ON)).astype(np.intp)
        beside = places[(np.abs(places) > 1) & (np.abs(places) <= _BESIDE)]
        counts = np.bincount(beside + _BESIDE, minlength=2 * _BESIDE + 1)[np.abs(_PLACES) > 1]
        mean = float(counts.mean())
        return (int((places == 0).sum()) - mean) / max(float(counts.std()), float(np.sqrt(mean)), 1.0)

    def _gains(
        self,
        times: tuple[FloatArray, FloatArray],
        on: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        close: tuple[FloatArray, FloatArray],
        covered: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        near: tuple[float, float],
    ) -> tuple[FloatArray, FloatArray]:
        """Log-odds of each point being on the diagonal; both sides tell nearly the same: each counts half."""
        gains = []
        for number in (0, 1):
            inside = (times[number] >= near[0]) & (times[number] <= near[1])
            share = float(on[number][inside].mean()) if inside.any() else 0.0
            best = np.where(covered[number], _COVERED, 1.0) * min(0.9, max(0.8 * share, 0.12))
            chance = np.minimum(self._chance[number], 0.9 * best)
            hit = np.log(best / chance) + close[number]
            miss = np.log((1.0 - best) / (1.0 - chance))
            gains.append(0.5 * np.where(on[number], hit, miss))
        return gains[0], gains[1]


def _chance(points: NDArray[np.intp], count: int, frames: float) -> FloatArray:
    """Say how likely each point of a side is to have a partner by chance."""
    partners = np.bincount(points, minlength=count) * (WIDTH / max(1.0, frames))
    return np.clip(partners, 0.01, 0.6)


def _limit(
    side: float, middle: float, roughly: float, edge: float, taken: list[tuple[float, float]]
) -> float:
    """Say how far an end may move outwards."""
    limit = edge
    for first, last in taken:
        if side > 0 and last > middle and first > middle:
            limit = min(limit, max(first, min(roughly, edge)))
        if side < 0 and first < middle and last < middle:
            limit = max(limit, min(last, max(roughly, edge)))
    return limit


def _place(
    times: tuple[FloatArray, FloatArray],
    gains: tuple[FloatArray, FloatArray],
    *,
    side: float,
    middle: float,
    roughly: float,
    limit: float,
) -> float:
    """Find the end at which the gains summed from within are largest."""
    at, gain = np.concatenate(times) * side, np.concatenate(gains)
    begin = max(middle * side, roughly * side - _INWARDS)
    chosen = (at > begin) & (at < limit * side)
    at, gain = at[chosen], gain[chosen]
    if not len(at):
        return roughly if roughly * side <= limit * side else limit
    order = np.argsort(at, kind="stable")
    at, summed = at[order], np.cumsum(gain[order])
    lost = (np.maximum.accumulate(summed) - summed > _LOST) & (at > roughly * side)
    stop = int(np.argmax(lost)) if lost.any() else len(at)
    best = int(np.argmax(summed[:stop])) if stop else 0
    behind = at[best + 1] if best + 1 < len(at) else min(limit * side, at[best] + 2.0)
    return float(side * 0.5 * (at[best] + behind))
