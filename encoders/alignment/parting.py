"""Spans that follow each other: where the one ends and the next begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from encoders.alignment.ends import Ends
from encoders.alignment.measured_line import Line
from encoders.landmarks import FRAME_MS

AS_WELL: Final = 0.93
"""What agrees less than this beside what is known to be there is the music's own repetition, not its sound:
in 26 films such repetitions had 0.5 to 0.93 of the points."""
# Spans that follow each other on one side meet where no more than this is between them.
_MOMENT: Final = 1_500 / FRAME_MS


def parted(lines: Sequence[Line], ends: Ends, ratio: float) -> list[Line]:
    """Part spans that hold the end of one and the beginning of another at once.

    Of two places at which a piece is found it is where more of its points are; where both have as many it is
    there twice.
    """
    found = list(lines)
    for side in (0, 1):
        order = sorted(range(len(found)), key=lambda number: found[number].within(side, ratio))
        for one, two in pairwise(order):
            (first, last), (begin, end) = (found[number].within(side, ratio) for number in (one, two))
            if first < begin < last < end:
                at = _change(found[one], found[two], ends, side, begin, last)
                if _better(found[two], found[one], ends, side, at, last):
                    found[one] = _moved(found[one], side, ratio, end=at)
                if _better(found[one], found[two], ends, side, begin, at):
                    found[two] = _moved(found[two], side, ratio, begin=at)
    return found


def met(lines: Sequence[Line], ends: Ends, ratio: float) -> list[Line]:
    """Let spans meet that follow each other on one side with a moment between them.

    Where something was left out the one sound goes on without a gap; where something was put in, the other.
    """
    found = list(lines)
    for side in (0, 1):
        order = sorted(range(len(found)), key=lambda number: found[number].within(side, ratio))
        for one, two in pairwise(order):
            gaps = [
                found[two].within(each, ratio)[0] - found[one].within(each, ratio)[1]
                for each in (side, 1 - side)
            ]
            if 0.0 < gaps[0] <= _MOMENT and gaps[0] < abs(gaps[1]):
                end, begin = found[one].within(side, ratio)[1], found[two].within(side, ratio)[0]
                at = ends.loudness.change(found[one], found[two], side, end, begin)
                found[one] = _moved(found[one], side, ratio, end=at)
                found[two] = _moved(found[two], side, ratio, begin=at)
    return found


def _change(one: Line, two: Line, ends: Ends, side: int, begin: float, end: float) -> float:
    """Find where the points of one line are best left for those of another."""
    times = ends.times[side]
    inside = (times >= begin) & (times < end)
    at = np.sort(times[inside])
    order = np.argsort(times[inside], kind="stable")
    step = (one.on(side)[inside].astype(np.intp) - two.on(side)[inside])[order]
    total = np.concatenate([[0], np.cumsum(step)])
    place = int(np.argmax(total))
    return float(at[place]) if place < len(at) else end


def _better(one: Line, other: Line, ends: Ends, side: int, begin: float, end: float) -> bool:
    """Say whether a piece is on one line, and on the other only like it."""
    if end <= begin:
        return False
    return found_on(other, ends, side, begin, end) < AS_WELL * found_on(one, ends, side, begin, end)


def found_on(line: Line, ends: Ends, side: int, begin: float, end: float) -> int:
    """Count the points of an interval that are on a line."""
    times = ends.times[side]
    return int(line.on(side)[(times >= begin) & (times < end)].sum())


def _moved(
    line: Line, side: int, ratio: float, *, begin: float | None = None, end: float | None = None
) -> Line:
    """Give a line other ends, told in a side's frames."""
    first, last = (at if at is None or not side else at * ratio + line.offset for at in (begin, end))
    return replace(line, begin=line.begin if first is None else first, end=line.end if last is None else last)
