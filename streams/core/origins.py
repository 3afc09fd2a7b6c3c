"""Which input records were already decided, kept as few ranges however many there were."""

from collections.abc import Iterable, Iterator

from streams.core.ranges import Ranges
from streams.core.records import Origin, OriginRange


class Origins:
    """A set of origins; per input partition a sorted list of disjoint ranges.

    Partitions are read nearly in order, so a partition needs one range and a few holes.
    """

    def __init__(self, ranges: Iterable[OriginRange] = ()) -> None:
        found: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for item in ranges:
            found.setdefault((item.topic, item.partition), []).append((item.first, item.end))
        self._ranges = {place: Ranges(held) for place, held in found.items()}

    def __contains__(self, origin: Origin) -> bool:
        held = self._ranges.get((origin.topic, origin.partition))
        return held is not None and origin.offset in held

    def add(self, origin: Origin, *, gap: int = 0) -> None:
        """Add one origin, joining ranges that now touch.

        Parameters
        ----------
        origin : Origin
        gap : int >= 0
            how many offsets right before it hold no record: they are added too, so that what is sent in
            transactions, each of whose ends takes an offset, needs no range for each
        """
        place = origin.topic, origin.partition
        held = self._ranges.get(place)
        if held is None:
            held = self._ranges[place] = Ranges()
        held.add(max(0, origin.offset - gap), origin.offset + 1)

    def copy(self) -> "Origins":
        """Give a set of its own."""
        return Origins(self.ranges())

    def without(self, others: "Origins") -> Iterator[Origin]:
        """Give the origins that are not among others."""
        for (topic, partition), held in sorted(self._ranges.items()):
            for offset in held.without(others._ranges.get((topic, partition), Ranges())):
                yield Origin(topic=topic, partition=partition, offset=offset)

    def ranges(self) -> tuple[OriginRange, ...]:
        """Give the ranges in a fixed order."""
        return tuple(
            OriginRange(topic=topic, partition=partition, first=first, end=end)
            for (topic, partition), held in sorted(self._ranges.items())
            for first, end in held
        )
