"""Settled spans: their ends measured, pieces of one diagonal joined, and what says nothing new left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from encoders.alignment.ends import Ends
from encoders.alignment.intervals import covered, uncovered
from encoders.alignment.measured_line import Line
from encoders.alignment.parting import AS_WELL, found_on, met, parted
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
    lines = met(parted([line for _, line in kept], ends, ratio), ends, ratio)
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
    sides = [line.within(number, ratio) for number in (0, 1)]
    held = [[each.within(number, ratio) for each in kept] for number in (0, 1)]
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
    places = [each.within(shared, ratio) for each in kept]
    known = [(each, max(begin, one), min(end, two)) for each, (one, two) in zip(kept, places, strict=True)]
    there = sum(found_on(each, ends, shared, one, two) for each, one, two in known if two > one)
    return found_on(line, ends, shared, begin, end) < AS_WELL * there


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
