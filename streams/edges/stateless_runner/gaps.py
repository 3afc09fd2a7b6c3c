"""Offsets that hold no record: ends of transactions, and what was aborted."""

from collections.abc import Set

from streams.edges.batching import Partition

# Offsets between two records beyond this are no ends of transactions: retention may have taken records.
MAX_GAP = 1_000


class Gaps:
    """How far each partition was read since it is ours, and so what lies between two of its records.

    Of two records that one consumer gets one after the other nothing lies between, whoever works on them.
    What was read before the partition was given to us, given back or sought in is no such record.
    """

    def __init__(self) -> None:
        # The offset after the last record read.
        self._reached: dict[Partition, int] = {}
        self._gone: set[Partition] = set()

    def begin(self) -> None:
        """Begin a call that reads; what partitions it loses is told while it goes on."""
        self._gone.clear()

    def is_gone(self, where: Partition) -> bool:
        """Say whether the call lost a partition, although it may have been given back since."""
        return where in self._gone

    def before(self, where: Partition, offset: int) -> int:
        """Note a record as read; give how many offsets between it and the one read before hold none."""
        reached = self._reached.pop(where, None)
        if where in self._gone:  # part of what this call gave may be from before it was given back
            return 0
        self._reached[where] = offset + 1
        gap = offset - reached if reached is not None else 0
        return gap if 0 < gap <= MAX_GAP else 0

    def start_anew(self, partitions: Set[Partition]) -> None:
        """Forget how far partitions were read: they are just given to us, or sought in."""
        for where in partitions:
            self._reached.pop(where, None)

    def lose(self, partitions: Set[Partition]) -> None:
        """Note that partitions are ours no more."""
        self._gone |= partitions
