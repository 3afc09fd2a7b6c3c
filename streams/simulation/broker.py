"""Brokers in memory: partitions with transactions, producers with epochs, committed offsets, compaction.

What holds here is what holds on Kafka (one suite of tests runs on both): records of a transaction are read
once it is committed, aborted ones never; an open transaction holds every reader at its first record; a newer
producer of a transactional id ends the older one's transaction and its right to write; markers take offsets.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Final

from confluent_kafka import KafkaError
from confluent_kafka.cimpl import murmur2

from streams.ports import Headers, Message
from streams.topics import TOPICS, TopicSpec

Partition = tuple[str, int]

_FIRST_PRODUCER: Final = 1_000


class Fate(Enum):
    """What became of a record."""

    open = "open"
    committed = "committed"
    aborted = "aborted"
    marker = "marker"


@dataclass(slots=True)
class Entry:
    """One record of a partition, or the marker that ends a transaction."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int
    fate: Fate


class PartitionLog:
    """One partition."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._offsets: list[int] = []
        self.end = 0
        self._open: dict[int, list[Entry]] = {}
        self._compacted_away: list[Entry] = []

    @property
    def first(self) -> int:
        """The earliest offset that is kept: compaction leaves it where it was."""
        return 0

    @property
    def stable_end(self) -> int:
        """The offset before which every record's fate is known."""
        # Of the open transactions the one that wrote first stands first.
        return next(iter(self._open.values()))[0].offset if self._open else self.end

    def append(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        *,
        timestamp_ms: int,
        producer: int | None = None,
    ) -> int:
        """Write a record, in a producer's transaction or by itself; give its offset."""
        fate = Fate.committed if producer is None else Fate.open
        entry = self._add(Entry(self.end, key, value, headers, timestamp_ms, fate))
        if producer is not None:
            self._open.setdefault(producer, []).append(entry)
        return entry.offset

    def finish(self, producer: int, fate: Fate, *, timestamp_ms: int) -> None:
        """End a producer's transaction here, with a marker."""
        for entry in self._open.pop(producer, []):
            entry.fate = fate
        self._add(Entry(self.end, None, None, (), timestamp_ms, Fate.marker))

    def _add(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        self._offsets.append(entry.offset)
        self.end += 1
        return entry

    def next_readable(self, offset: int) -> Entry | None:
        """Return the first committed record from an offset on, below the stable end."""
        if offset >= self.end:  # as for most who ask
            return None
        stable = self.stable_end
        for at in range(bisect_left(self._offsets, offset), len(self.entries)):
            entry = self.entries[at]
            if entry.offset >= stable:
                return None
            if entry.fate is Fate.committed:
                return entry
        return None

    def readable(self) -> Iterator[Entry]:
        """Give every committed record below the stable end."""
        stable = self.stable_end
        return (each for each in self.entries if each.fate is Fate.committed and each.offset < stable)

    def compact(self, below: int) -> int:
        """Keep the latest committed record of each key, and what lies from an offset on; count what went."""
        limit = min(below, self.stable_end)
        latest: dict[bytes | None, int] = {}
        for entry in self.entries:
            if entry.offset < limit and entry.fate is Fate.committed:
                latest[entry.key] = entry.offset
        kept: list[Entry] = []
        gone: list[Entry] = []
        for each in self.entries:
            stays = each.offset >= limit or (each.fate is Fate.committed and latest[each.key] == each.offset)
            (kept if stays else gone).append(each)
        self.entries = kept
        self._offsets = [each.offset for each in kept]
        self._compacted_away += gone
        return len(gone)

    def ever_committed(self) -> list[Entry]:
        """Return every record that was ever read, compacted ones too: what only a test can know."""
        gone = [each for each in self._compacted_away if each.fate is Fate.committed]
        return sorted([*gone, *self.readable()], key=lambda each: each.offset)


@dataclass(slots=True)
class ProducerState:
    """What the coordinator keeps of a transactional id."""

    number: int
    epoch: int = -1
    partitions: set[Partition] = field(default_factory=set)
    offsets: dict[str, dict[Partition, int]] = field(default_factory=dict)
    began: float = inf
    timeout: float = inf

    @property
    def working(self) -> bool:
        """Whether a transaction is open."""
        return self.began < inf


class Refused(Exception):
    """A request that the brokers turn down."""

    def __init__(
        self, code: int, *, fatal: bool = False, abort: bool = False, retriable: bool = False
    ) -> None:
        super().__init__(code)
        self.error = KafkaError(code, None, fatal, retriable, abort)


class SimulatedBroker:
    """Topics, transactions and committed offsets; groups are in ``streams.simulation.groups``."""

    def __init__(self, specs: tuple[TopicSpec, ...] = TOPICS) -> None:
        self.logs: dict[Partition, PartitionLog] = {}
        self.counts: dict[str, int] = {}
        self.compacted: list[str] = []
        self.committed: dict[str, dict[Partition, int]] = {}
        self._producers: dict[str, ProducerState] = {}
        for spec in specs:
            self.create(spec.name, spec.partitions, compacted=spec.cleanup == "compact")

    def create(self, topic: str, partitions: int, *, compacted: bool = False) -> None:
        """Make a topic."""
        self.counts[topic] = partitions
        if compacted:
            self.compacted.append(topic)
        for number in range(partitions):
            self.logs[topic, number] = PartitionLog()

    def partition_for(self, topic: str, key: bytes | None) -> int:
        """Choose a partition as every client does: by the key."""
        count = self.counts[topic]
        return 0 if count == 1 else murmur2(key or b"", count)

    def messages(self, topic: str, partition: int = 0) -> Iterator[Message]:
        """Read what is committed."""
        for entry in self.logs[topic, partition].readable():
            yield message(topic, partition, entry)

    def compact(self, share: float) -> int:
        """Compact that share of every compacted topic, from its start."""
        return sum(
            self.logs[topic, 0].compact(int(self.logs[topic, 0].stable_end * share))
            for topic in self.compacted
        )

    # --- transactions ---

    def init_producer(self, name: str, *, timeout: float, now: float) -> tuple[ProducerState, int]:
        """Give a transactional id's next epoch; the transaction of an older one is aborted."""
        state = self._producers.setdefault(name, ProducerState(_FIRST_PRODUCER + len(self._producers)))
        if state.working:
            self._finish(state, Fate.aborted, now=now)
        state.epoch += 1
        state.timeout = timeout
        return state, state.epoch

    def expire_transactions(self, now: float) -> None:
        """Abort what was open for too long; its producer may not write any more."""
        for state in self._producers.values():
            if state.working and now - state.began > state.timeout:
                self._finish(state, Fate.aborted, now=now)
                state.epoch += 1

    def check_epoch(self, state: ProducerState, epoch: int, *, now: float) -> None:
        """Refuse a producer that a newer one has replaced."""
        self.expire_transactions(now)
        if state.epoch != epoch:
            raise Refused(KafkaError._FENCED, fatal=True)

    def write(
        self,
        where: Partition,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        *,
        state: ProducerState | None,
        now: float,
    ) -> int:
        """Append a record; give its offset."""
        producer = None
        if state is not None:
            state.began = min(state.began, now)
            state.partitions.add(where)
            producer = state.number
        return self.logs[where].append(key, value, headers, timestamp_ms=int(now * 1000), producer=producer)

    def add_offsets(
        self, state: ProducerState, group: str, offsets: Mapping[Partition, int], *, now: float
    ) -> None:
        """Put a group's offsets into a transaction."""
        state.began = min(state.began, now)
        state.offsets.setdefault(group, {}).update(offsets)

    def is_pending(self, group: str, where: Partition) -> bool:
        """Say whether an open transaction holds an offset of a group's partition."""
        return any(where in state.offsets.get(group, ()) for state in self._producers.values())

    def end_transaction(self, state: ProducerState, fate: Fate, *, now: float) -> None:
        """Commit or abort."""
        if fate is Fate.committed:
            for group, offsets in state.offsets.items():
                self.committed.setdefault(group, {}).update(offsets)
        self._finish(state, fate, now=now)

    def _finish(self, state: ProducerState, fate: Fate, *, now: float) -> None:
        for where in sorted(state.partitions):
            self.logs[where].finish(state.number, fate, timestamp_ms=int(now * 1000))
        state.partitions.clear()
        state.offsets.clear()
        state.began = inf


def message(topic: str, partition: int, entry: Entry) -> Message:
    """Write an entry as the stages read it."""
    return Message(
        topic=topic,
        partition=partition,
        offset=entry.offset,
        key=entry.key,
        value=entry.value,
        headers=entry.headers,
        timestamp_ms=entry.timestamp_ms,
    )
