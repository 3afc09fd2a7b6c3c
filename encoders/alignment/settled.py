"""Settled spans: their ends measured, pieces of one diagonal joined, and what says nothing new left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.ends import Ends, Line
from encoders.alignment.intervals import covered, uncovered
from encoders.alignment.span import Span
from encoders.landmarks import FRAME_MS

# Spans no further apart than this on one diagonal are one.
_GAP: Final = 1_500 / FRAME_MS
_ONE_LINE: Final = 70 / FRAME_MS
# What a span must hold that no better one holds.
_NEW: Final = 1_500 / FRAME_MS
# Where spans hold this much of one sound and of the other, and one of them is no loop, one was made from the
# other. Of a loop under other music too few points are left to say more than the path does: 46 of 59 were
# within a second then, 51 before.
_MOSTLY: Final = 0.5
_HARDLY: Final = 0.2
_NO_LOOP_MS: Final = 10_000
# What agrees less than this beside what is known to be there is the music's own repetition, not its sound:
# in 26 films such repetitions had 0.5 to 0.93 of the points.
_AS_WELL: Final = 0.93
_KNOWN: Final = 0.8


def settled(spans: Sequence[Span], ends: Ends, *, ratio: float, durations_ms: tuple[int, int]) -> list[Span]:
    """Measure the spans of a sound that was made from another; those of material in common stay as they are.

    Parameters
    ----------
    spans : sequence of Span
    ends : Ends
    ratio : float
    durations_ms : pair of int
    """
    if not _one_of_the_other(spans, durations_ms):
        return list(spans)
    kept: list[tuple[Span, Line]] = []  # the best first
    for span in sorted(spans, key=lambda span: (-span.worth, span.start_a_ms)):
        offset = span.offset(ratio) / FRAME_MS
        own = [one for one in kept if abs(one[1].offset - offset) <= _ONE_LINE]
        begin, end = span.start_a_ms / FRAME_MS, span.end_a_ms / FRAME_MS
        if any(line.begin - _GAP <= begin and end <= line.end + _GAP for _, line in own):
            continue
        others = [line for _, line in kept if abs(line.offset - offset) > _ONE_LINE]
        taken = [(line.begin, line.end) for line in others]
        taken += [(line.begin - line.offset + offset, line.end - line.offset + offset) for line in others]
        line = ends.measured(begin, end, offset, taken)
        if line.end - line.begin < 1.0:
            continue
        near = [one for one in own if line.begin - _GAP <= one[1].end and one[1].begin - _GAP <= line.end]
        if near:
            line = _with(line, [one for _, one in near])
            span = max([span, *(one for one, _ in near)], key=lambda one: one.worth)
            kept = [one for one in kept if one not in near]
        elif _says_nothing(line, [one for _, one in kept], ends, ratio):
            continue
        kept.append((span, line))
    lines = _parted([line for _, line in kept], ends, ratio)
    return [_told(span, line, ratio) for (span, _), line in zip(kept, lines, strict=True)]


def _one_of_the_other(spans: Sequence[Span], durations_ms: tuple[int, int]) -> bool:
    """Say whether spans hold most of one sound and a good part of the other."""
    if max((span.end_a_ms - span.start_a_ms for span in spans), default=0) < _NO_LOOP_MS:
        return False
    parts = (
        [(float(span.start_a_ms), float(span.end_a_ms)) for span in spans],
        [(float(span.start_b_ms), float(span.end_b_ms)) for span in spans],
    )
    shares = [covered(part) / max(1, length) for part, length in zip(parts, durations_ms, strict=True)]
    return max(shares) >= _MOSTLY and min(shares) >= _HARDLY


def _with(line: Line, others: Sequence[Line]) -> Line:
    """Make one of lines on one diagonal, as the first of the others runs."""
    return Line(
        offset=others[0].offset,
        begin=min(line.begin, *(each.begin for each in others)),
        end=max(line.end, *(each.end for each in others)),
        on_left=np.logical_or.reduce([line.on_left, *(each.on_left for each in others)]),
        on_right=np.logical_or.reduce([line.on_right, *(each.on_right for each in others)]),
    )


def _says_nothing(line: Line, kept: Sequence[Line], ends: Ends, ratio: float) -> bool:
    """Say whether better spans hold all of a span, or what it holds is only like what is there."""
    if not kept:
        return False
    sides = [_side(line, number, ratio) for number in (0, 1)]
    held = [[_side(each, number, ratio) for each in kept] for number in (0, 1)]
    new = [
        sum(end - begin for begin, end in uncovered(side, known))
        for side, known in zip(sides, held, strict=True)
    ]
    if max(new) < _NEW:
        return True
    shared = int(new[1] < new[0])
    begin, end = sides[shared]
    if new[shared] > (1.0 - _KNOWN) * (end - begin):
        return False
    places = [_side(each, shared, ratio) for each in kept]
    known = [(each, max(begin, one), min(end, two)) for each, (one, two) in zip(kept, places, strict=True)]
    there = sum(_found(each, ends, shared, one, two) for each, one, two in known if two > one)
    return _found(line, ends, shared, begin, end) < _AS_WELL * there


def _parted(lines: Sequence[Line], ends: Ends, ratio: float) -> list[Line]:
    """Part spans that hold the end of one and the beginning of another at once.

    Of two places at which a piece is found it is where more of its points are; where both have as many it is
    there twice.
    """
    found = list(lines)
    for side in (0, 1):
        order = sorted(range(len(found)), key=lambda number: _side(found[number], side, ratio))
        for one, two in pairwise(order):
            (first, last), (begin, end) = (_side(found[number], side, ratio) for number in (one, two))
            if first < begin < last < end:
                at = _change(found[one], found[two], ends, side, begin, last)
                if _better(found[two], found[one], ends, side, at, last):
                    found[one] = _moved(found[one], side, ratio, end=at)
                if _better(found[one], found[two], ends, side, begin, at):
                    found[two] = _moved(found[two], side, ratio, begin=at)
    return found


def _change(one: Line, two: Line, ends: Ends, side: int, begin: float, end: float) -> float:
    """Find where the points of one line are best left for those of another."""
    times = ends.times[side]
    inside = (times >= begin) & (times < end)
    at = np.sort(times[inside])
    order = np.argsort(times[inside], kind="stable")
    step = (_on(one, side)[inside].astype(np.intp) - _on(two, side)[inside])[order]
    total = np.concatenate([[0], np.cumsum(step)])
    place = int(np.argmax(total))
    return float(at[place]) if place < len(at) else end


def _better(one: Line, other: Line, ends: Ends, side: int, begin: float, end: float) -> bool:
    """Say whether a piece is on one line, and on the other only like it."""
    if end <= begin:
        return False
    return _found(other, ends, side, begin, end) < _AS_WELL * _found(one, ends, side, begin, end)


def _found(line: Line, ends: Ends, side: int, begin: float, end: float) -> int:
    """Count the points of an interval that are on a line."""
    times = ends.times[side]
    return int(_on(line, side)[(times >= begin) & (times < end)].sum())


def _moved(
    line: Line, side: int, ratio: float, *, begin: float | None = None, end: float | None = None
) -> Line:
    """Give a line other ends, told in a side's frames."""
    first, last = (at if at is None or not side else at * ratio + line.offset for at in (begin, end))
    return replace(line, begin=line.begin if first is None else first, end=line.end if last is None else last)


def _on(line: Line, side: int) -> NDArray[np.bool_]:
    return line.on_right if side else line.on_left


def _side(line: Line, side: int, ratio: float) -> tuple[float, float]:
    """Give where a line is in a side's own frames."""
    if not side:
        return line.begin, line.end
    return (line.begin - line.offset) / ratio, (line.end - line.offset) / ratio


def _told(span: Span, line: Line, ratio: float) -> Span:
    """Put what was measured into a span."""
    begin, end = line.begin * FRAME_MS, line.end * FRAME_MS
    return Span(
        start_a_ms=round(begin),
        end_a_ms=round(end),
        start_b_ms=round((begin - line.offset * FRAME_MS) / ratio),
        end_b_ms=round((end - line.offset * FRAME_MS) / ratio),
        agreement=span.agreement,
        worth=span.worth,
    )
