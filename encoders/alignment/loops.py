"""Loops: a few seconds of the right side that the left one holds again and again, found together.

A loop lies under other music each time it comes: what one repeat hides another one shows. So where a loop was
heard it is looked for at every offset, less is asked where it may come again, and what any of them holds all
of them hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from encoders.alignment.coincidence import Coincidences
from encoders.alignment.diagonals import diagonals
from encoders.alignment.nearness import log_odds_by_distance
from encoders.alignment.repeats import even, holds_again, kept, there
from encoders.alignment.stretches import Stretch, stretches
from encoders.landmarks import FRAME_MS

# Each is walked along once more, which costs; of two sounds of four minutes with a loop in each of five
# pieces there were 2 to 10.
_MOST_LOOPS: Final = 4
LONGEST_LOOP: Final = 15_000 / FRAME_MS
"""What is longer is no loop."""
# Deviations above chance at which an offset is walked along once more, and how many are at most.
_WORTH_A_LOOK: Final = 4.0
_MOST: Final = 8
_BESIDE: Final = 3


def with_loops(found: Coincidences, *, ratio: float) -> list[Stretch]:
    """Find the stretches of the left side that are in the right, and how often those come that are short.

    Parameters
    ----------
    found : Coincidences
    ratio : float
        how many times faster the right side plays

    Returns
    -------
    stretches : list of Stretch
        ascending; what is long overlaps nothing
    """
    lines = diagonals(found, ratio=ratio)
    told = kept(stretches(lines, found.frames_left, found.cents_left))
    for group in _groups(told)[:_MOST_LOOPS]:
        again = _again(group, found, ratio)
        others = [each for each in told if each not in group]
        again = [each for each in again if not any(_inside(each, other) for other in others)]
        better = sum(each.worth for each in again) > sum(each.worth for each in group)
        told = others + even(again if better else group, found, ratio=ratio)
    return sorted(told, key=lambda each: (each.begin, each.offset))


def _groups(parts: Sequence[Stretch]) -> list[list[Stretch]]:
    """Put together what holds one part of the right side, as short as a loop; the best first."""
    groups: list[list[Stretch]] = []
    for each in sorted(parts, key=lambda one: (-one.worth, one.begin)):
        mine = next((group for group in groups if holds_again(group[0], each)), None)
        if mine is None:
            groups.append([each])
        else:
            mine.append(each)
    return [group for group in groups if _length(group) <= LONGEST_LOOP]


def _length(group: Sequence[Stretch]) -> float:
    begin, end = _held(group)
    return end - begin


def _held(group: Sequence[Stretch]) -> tuple[float, float]:
    """Give the part of the right side that a group holds."""
    return min(there(each)[0] for each in group), max(there(each)[1] for each in group)


def _again(group: Sequence[Stretch], found: Coincidences, ratio: float) -> list[Stretch]:
    """Walk along every offset at which a loop may come, and keep what holds it."""
    lines = diagonals(found, ratio=ratio, at=_expected(group, found, ratio))
    again = stretches(lines, found.frames_left, found.cents_left, expected=True)
    return [each for each in again if any(holds_again(each, one) for one in group)]


def _expected(group: Sequence[Stretch], found: Coincidences, ratio: float) -> list[float]:
    """Give the offsets at which a loop may be met: where it was, where it stands out, and a period away."""
    begin, end = _held(group)
    length = end - begin
    known = sorted({each.offset for each in group})
    steps = {two - one for one, two in combinations(known, 2)}
    periods = [step for step in steps if length - _ROUGHLY <= step <= 2 * length + _ROUGHLY]
    offsets = [*known, *_standing_out(found, begin, end, ratio)]
    offsets += [each + sign * period for each in known for period in sorted(periods) for sign in (-1, 1)]
    chosen: list[float] = []
    for each in offsets:
        if all(abs(each - other) > _BESIDE for other in chosen):
            chosen.append(each)
    return chosen


# A loop that plays all the time comes again after its length, as far as its ends are known.
_ROUGHLY: Final = 16


def _standing_out(found: Coincidences, begin: float, end: float, ratio: float) -> list[float]:
    """Find where else a part of the right side lies: the offsets that gather most of its points."""
    first, last = np.searchsorted(found.frames_right, (begin / ratio, end / ratio))
    pairs = np.arange(*np.searchsorted(found.right, (first, last)))
    if not len(pairs):
        return []
    worth = np.maximum(log_odds_by_distance(found)[found.apart(pairs)] + 2.0, 0.0)
    offsets = np.rint(found.offsets(ratio, pairs)).astype(np.intp)
    lowest = int(offsets.min())
    summed = np.convolve(np.bincount(offsets - lowest, weights=worth), np.ones(3), mode="same")
    bar = float(summed.mean() + _WORTH_A_LOOK * max(1.0, float(summed.std())))
    beside = max(_BESIDE, int(0.7 * (end - begin)))
    chosen: list[float] = []
    for _ in range(_MOST):
        best = int(np.argmax(summed))
        if summed[best] < bar:
            break
        chosen.append(float(best + lowest))
        summed[max(0, best - beside) : best + beside + 1] = 0.0
    return chosen


def _inside(one: Stretch, other: Stretch) -> bool:
    """Say whether half of a stretch lies where another one is."""
    return min(one.end, other.end) - max(one.begin, other.begin) >= 0.5 * (one.end - one.begin)
