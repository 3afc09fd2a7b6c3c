"""Intervals of a sound: how much they cover together, and what of one no other covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Time = TypeVar("Time", int, float)


def covered(parts: Sequence[tuple[Time, Time]]) -> Time | int:
    """Measure the union of intervals."""
    total: Time | int = 0
    reached: Time | None = None
    for begin, end in sorted(parts):
        if reached is None or end > reached:
            total += end - (begin if reached is None else max(begin, reached))
            reached = end
    return total


def uncovered(part: tuple[Time, Time], known: Sequence[tuple[Time, Time]]) -> list[tuple[Time, Time]]:
    """Give the parts of an interval that no other covers, ascending."""
    begin, end = part
    parts = []
    for first, last in sorted(known):
        if begin >= end:
            break
        if first > begin:
            parts.append((begin, min(first, end)))
        begin = max(begin, last)
    if begin < end:
        parts.append((begin, end))
    return parts
