"""Repeats: stretches that hold one part of the right side, and the ends that all of them have.

What is loud of one repeat is drowned in another, so what any of them holds all of them hold. A loop that
comes again and again after one time plays all of that time, unless what it would play then should have been
heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.coincidence import Coincidences
from encoders.alignment.stretches import Stretch
from encoders.landmarks import FRAME_MS

FloatArray = NDArray[np.float64]

_ON: Final = 1.6
# Steps between repeats are of one length to this many frames.
_EVEN: Final = 2.0
_LEAST_PERIOD: Final = 1_000 / FRAME_MS
# Of a loop no more than so many times what is heard of it is not.
_MOST_UNHEARD: Final = 2.0
_GRID: Final = 8
# Points so many half decibels lower are found half as often: of loops at -6 dB some six in ten at the level
# of the music on top, three in ten 10 dB below, one in ten 20 dB below (as eight pairs looked).
_HALVED_BY: Final = 12.0
_RAISED: Final = 1.5
# Of what should have been heard at least this much is, give or take so many points.
_FOUND: Final = 0.3
_MISSED: Final = 3.0


def there(stretch: Stretch) -> tuple[float, float]:
    """Give the part of the right side that a stretch holds, in frames of the left's clock."""
    return stretch.begin - stretch.offset, stretch.end - stretch.offset


def holds_again(one: Stretch, other: Stretch) -> bool:
    """Say whether two stretches hold one part of the right side."""
    (begin, end), (first, last) = there(one), there(other)
    return min(end, last) - max(begin, first) >= 0.5 * min(end - begin, last - first)


def kept(found: Sequence[Stretch]) -> list[Stretch]:
    """Keep what is sure, and what holds again what is."""
    sure = [each for each in found if each.sure]
    return [each for each in found if each.sure or any(holds_again(each, one) for one in sure)]


def even(group: Sequence[Stretch], found: Coincidences, *, ratio: float) -> list[Stretch]:
    """Give all repeats the ends of what any of them holds, as far as none of them runs into another.

    Parameters
    ----------
    group : sequence of Stretch
    found : Coincidences
    ratio : float
        how many times faster the right side plays
    """
    inside = sorted(group, key=lambda each: each.begin)
    if len(inside) < 2:
        return inside
    begin, end = min(there(each)[0] for each in inside), max(there(each)[1] for each in inside)
    gap = _period(inside) - (end - begin)
    if 0.0 < gap <= _MOST_UNHEARD * (end - begin):
        before, behind = _unheard(inside, found, (begin, end), gap, ratio)
        begin, end = begin - before, end + behind
    told: list[Stretch] = []
    stops = [*(each.begin for each in inside[1:]), int(found.frames_left[-1]) + 1]
    for each, stop in zip(inside, stops, strict=True):
        first = round(max(each.offset + begin, told[-1].end if told else 0))
        last = round(min(each.offset + end, stop))
        told.append(replace(each, begin=min(first, each.begin), end=max(last, each.end)))
    return told


def _period(inside: Sequence[Stretch]) -> float:
    """Give the time after which repeats come again, zero where it is not one time."""
    steps = [two.offset - one.offset for one, two in pairwise(inside)]
    least = min(steps)
    if least < _LEAST_PERIOD:
        return 0.0
    times = [round(step / least) for step in steps]
    even_steps = all(abs(step - n * least) <= _EVEN * n for step, n in zip(steps, times, strict=True))
    return least if even_steps else 0.0


def _unheard(
    inside: Sequence[Stretch], found: Coincidences, held: tuple[float, float], gap: float, ratio: float
) -> tuple[float, float]:
    """Say how much of the time between repeats is of the loop, before and behind what is heard."""
    begin, end = held
    times = found.frames_right * ratio
    met = _met(inside, found, ratio)
    told = met - _FOUND * _to_be_met(found, met, (times >= begin) & (times < end))
    best, split = -np.inf, 0.0
    for before in (*np.arange(0.0, gap, _GRID), gap):
        early = (times >= begin - before) & (times < begin)
        late = (times >= end) & (times < end + gap - before)
        value = float(told[early | late].sum())
        if value > best:
            best, split = value, float(before)
    return (split, gap - split) if best > -_MISSED else (0.0, 0.0)


def _met(inside: Sequence[Stretch], found: Coincidences, ratio: float) -> FloatArray:
    """Count in how many repeats each point of the right side has its partner."""
    offsets = found.offsets(ratio)
    met = np.zeros(len(found.frames_right))
    for each in inside:
        met[np.unique(found.right[np.abs(offsets - np.float32(each.offset)) <= _ON])] += 1.0
    return met


def _to_be_met(found: Coincidences, met: FloatArray, heard: NDArray[np.bool_]) -> FloatArray:
    """Say how often each point should be met, by how loud it is beside those that are."""
    usual = float(met[heard].mean()) if heard.any() else 0.0
    if found.heights_right is None or not met[heard].any():
        return np.full(len(met), usual)
    heights = found.heights_right.astype(np.float64)
    level = float(np.median(np.repeat(heights[heard], met[heard].astype(np.intp))))
    return usual * np.minimum(2.0 ** ((heights - level) / _HALVED_BY), _RAISED)
