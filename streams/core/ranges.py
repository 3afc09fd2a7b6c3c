"""A set of whole numbers that mostly follow each other, kept as few ranges."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """A sorted list of disjoint ranges, each (first, end); iterates over them."""

    __slots__ = ("_held",)

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._held = sorted(ranges)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._held)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._held, (number, math.inf)) - 1
        return at >= 0 and number < self._held[at][1]

    def add(self, first: int, end: int | None = None) -> None:
        """Add a number, or those from it to before ``end``, joining ranges that now touch."""
        held = self._held
        end = first + 1 if end is None else end
        at = bisect_right(held, (first, math.inf))
        if at > 0 and held[at - 1][1] >= first:
            at -= 1
            first = held[at][0]
        behind = at
        while behind < len(held) and held[behind][0] <= end:
            end = max(end, held[behind][1])
            behind += 1
        held[at:behind] = [(first, end)]

    def without(self, others: "Ranges") -> Iterator[int]:
        """Give the numbers that are not among others."""
        for first, end in self._held:
            number = first
            while number < end:
                at = bisect_right(others._held, (number, math.inf))
                if at and number < others._held[at - 1][1]:
                    number = others._held[at - 1][1]
                    continue
                stop = min(end, others._held[at][0]) if at < len(others._held) else end
                yield from range(number, stop)
                number = stop
