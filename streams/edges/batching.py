"""A bounded buffer between polling and work: batches by items, age and work, offsets finished in order."""

import math
from collections import deque
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from streams.edges.kafka_messages import size
from streams.ports import Message

Partition = tuple[str, int]
Cost = Callable[[Message], float]


@dataclass(slots=True, kw_only=True)
class Batch:
    """Messages that are worked on together.

    Attributes
    ----------
    messages : tuple of Message
    offsets : dict
        next offset of each partition once the batch is finished; a revoked partition is taken out
    waiting : bool
        whether it waits for a dependency that does not answer
    """

    messages: tuple[Message, ...]
    offsets: dict[Partition, int] = field(default_factory=dict)
    waiting: bool = False


class Buffer:
    """Messages that were read and not yet worked on, in the order in which they came.

    Not safe for several threads: its user holds a lock.

    Parameters
    ----------
    batch_items : int >= 1
        messages per batch, at most
    batch_seconds : float [s]
        a smaller batch is given out that long after the one before it, or after its first message came,
        whichever is sooner: a lone message need not wait, and those that came during work have waited
    cost : callable, optional
        work that a message asks for
    work_budget : float, optional
        a batch ends before the message that would bring its work above this; one message always fits
    max_items, max_bytes : int
        full from here on
    """

    def __init__(
        self,
        *,
        batch_items: int,
        batch_seconds: float,
        cost: Cost | None = None,
        work_budget: float | None = None,
        max_items: int,
        max_bytes: int,
    ) -> None:
        self._batch_items = batch_items
        self._batch_seconds = batch_seconds
        self._cost = cost
        self._work_budget = work_budget
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._waiting: deque[tuple[Message, float]] = deque()  # with the time of arrival
        self._bytes = 0
        self._taken = -math.inf  # when the last batch was given out

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Say whether reading must pause."""
        return len(self._waiting) >= self._max_items or self._bytes >= self._max_bytes

    @property
    def roomy(self) -> bool:
        """Say whether reading may go on: well below full, so that it does not flutter."""
        return len(self._waiting) <= self._max_items // 2 and self._bytes <= self._max_bytes // 2

    def add(self, message: Message, *, now: float) -> None:
        """Keep a message; one that arrives although we are full is kept too."""
        self._waiting.append((message, now))
        self._bytes += size(message)

    def drop(self, partitions: Set[Partition]) -> dict[Partition, int]:
        """Forget what came from these partitions; give the first offset that is forgotten of each."""
        first: dict[Partition, int] = {}
        for m, _ in self._waiting:
            if (m.topic, m.partition) in partitions:
                first.setdefault((m.topic, m.partition), m.offset)
        if not first:
            return first
        self._waiting = deque((m, at) for m, at in self._waiting if (m.topic, m.partition) not in partitions)
        self._bytes = sum(size(m) for m, _ in self._waiting)
        return first

    def oldest_seconds(self, now: float) -> float:
        """Return how long the oldest message has waited."""
        return now - self._waiting[0][1] if self._waiting else 0.0

    def due_in(self, now: float) -> float | None:
        """Return after how many seconds a batch is due; none when nothing waits."""
        if not self._waiting:
            return None
        if self._count() < len(self._waiting) or len(self._waiting) >= self._batch_items:
            return 0.0
        return max(0.0, min(self._taken, self._waiting[0][1]) + self._batch_seconds - now)

    def take(self, now: float) -> Batch | None:
        """Give out the next batch; none when none is due yet."""
        due = self.due_in(now)
        if due is None or due > 0:
            return None
        self._taken = now
        messages = tuple(self._waiting.popleft()[0] for _ in range(self._count()))
        self._bytes -= sum(size(m) for m in messages)
        offsets: dict[Partition, int] = {}
        for m in messages:
            offsets[m.topic, m.partition] = m.offset + 1
        return Batch(messages=messages, offsets=offsets)

    def _count(self) -> int:
        """Return how many of the waiting messages make the next batch."""
        most = min(len(self._waiting), self._batch_items)
        if self._cost is None or self._work_budget is None:
            return most
        work = 0.0
        for count in range(most):
            work += self._cost(self._waiting[count][0])
            if work > self._work_budget:
                return max(1, count)
        return most


class BackOff:
    """Waiting times that double from the first to the longest; a success starts them anew.

    Parameters
    ----------
    first, longest : float [s]
    """

    def __init__(self, *, first: float = 0.1, longest: float = 10.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def step(self) -> float:
        """Return how long to wait now."""
        now, self._next = self._next, min(self._longest, self._next * 2)
        return now

    def reset(self) -> None:
        """Start anew."""
        self._next = self._first
