"""Which input records were already decided, kept as few ranges however many there were."""

from bisect import bisect_right
from collections.abc import Iterable

from streams.core.records import Origin, OriginRange


class Origins:
    """A set of origins; per input partition a sorted list of disjoint ranges.

    Partitions are read nearly in order, so a partition needs one range and a few holes.
    """

    def __init__(self, ranges: Iterable[OriginRange] = ()) -> None:
        self._ranges: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for item in ranges:
            self._ranges.setdefault((item.topic, item.partition), []).append((item.first, item.end))
        for held in self._ranges.values():
            held.sort()

    def __contains__(self, origin: Origin) -> bool:
        held = self._ranges.get((origin.topic, origin.partition), [])
        at = bisect_right(held, (origin.offset, float("inf"))) - 1
        return at >= 0 and origin.offset < held[at][1]

    def add(self, origin: Origin) -> None:
        """Add one origin, joining ranges that now touch."""
        if origin in self:
            return
        held = self._ranges.setdefault((origin.topic, origin.partition), [])
        first, end = origin.offset, origin.offset + 1
        at = bisect_right(held, (first, float("inf")))
        if at < len(held) and held[at][0] == end:
            end = held.pop(at)[1]
        if at > 0 and held[at - 1][1] == first:
            first = held.pop(at - 1)[0]
            at -= 1
        held.insert(at, (first, end))

    def copy(self) -> "Origins":
        """Give a set of its own."""
        return Origins(self.ranges())

    def ranges(self) -> tuple[OriginRange, ...]:
        """Give the ranges in a fixed order."""
        return tuple(
            OriginRange(topic=topic, partition=partition, first=first, end=end)
            for (topic, partition), held in sorted(self._ranges.items())
            for first, end in held
        )
