"""Topics as consumers see them: an onlooker that reads along from the start, and a reading afterwards."""

import threading
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from confluent_kafka import Consumer, KafkaError, TopicPartition

from streams.edges.kafka_config import stateful_consumer_config
from streams.edges.kafka_messages import read_message
from streams.ports import Message
from streams.topics import TOPICS
from tests.chaos.group_offsets import GroupOffsets, Partition

Isolation = Literal["read_committed", "read_uncommitted"]
READING_SECONDS = 60.0
# Does not wait at the end of a topic for more to come.
SOON = {"fetch.wait.max.ms": 10}


class Place(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


def _consumer(bootstrap: str, isolation: Isolation, **more: int) -> Consumer:
    config = stateful_consumer_config(bootstrap, group_id=f"onlooker-{uuid.uuid4()}")
    return Consumer({**config, "isolation.level": isolation, "enable.partition.eof": True, **more})


def _everywhere(
    starts: Mapping[Partition, int], topics: Collection[str] | None = None
) -> list[TopicPartition]:
    return [
        TopicPartition(spec.name, partition, starts.get((spec.name, partition), 0))
        for spec in TOPICS
        if topics is None or spec.name in topics
        for partition in range(spec.partitions)
    ]


def place_of(message: Message) -> Place:
    """Name where a message lies."""
    return Place(message.topic, message.partition, message.offset)


def read_everything(
    bootstrap: str,
    *,
    starts: Mapping[Partition, int],
    isolation: Isolation = "read_committed",
    topics: Collection[str] | None = None,
) -> Iterator[Message]:
    """Read every topic, or some of them, from some offsets to its end of now."""
    consumer = _consumer(bootstrap, isolation, **SOON)
    try:
        wanted = _everywhere(starts, topics)
        consumer.assign(wanted)
        unfinished = {(each.topic, each.partition) for each in wanted}
        while unfinished:
            raw = consumer.poll(READING_SECONDS)
            assert raw is not None, f"nothing comes of {sorted(unfinished)}"
            error = raw.error()
            if error is None:
                yield read_message(raw)
            elif error.code() == KafkaError._PARTITION_EOF:
                unfinished.discard((raw.topic() or "", raw.partition() or 0))
            else:
                assert error.retriable(), str(error)
    finally:
        consumer.close()


class Onlooker:
    """A subscriber that reads committed all along: what it saw, in the order in which it saw it.

    Also the view of the log that the audit looks at: an audit of what a subscriber saw.

    Attributes
    ----------
    offsets : GroupOffsets
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.offsets = GroupOffsets(bootstrap)
        self._lock = threading.Lock()
        self._seen: dict[str, list[Message]] = defaultdict(list)
        self._ends: dict[Partition, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="onlooker", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> "Onlooker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        consumer = _consumer(self._bootstrap, "read_committed")
        try:
            consumer.assign(_everywhere({}))
            while not self._stop.is_set():
                # A broker that is gone is an error here, and comes back.
                raws = consumer.consume(500, 0.2)
                with self._lock:
                    for raw in raws:
                        if raw.error() is None:
                            self._take(read_message(raw))
        except BaseException as exc:
            self._failure = exc
        finally:
            consumer.close()

    def _take(self, message: Message) -> None:
        self._seen[message.topic].append(message)
        self._ends[message.topic, message.partition] = message.offset + 1

    def seen(self, topic: str, *, since: int = 0) -> list[Message]:
        """Give what was seen of a topic so far, all but the first so many."""
        assert self._failure is None, self._failure
        with self._lock:
            return self._seen[topic][since:]

    def places(self) -> set[Place]:
        """Name every record that was seen."""
        with self._lock:
            return {place_of(message) for seen in self._seen.values() for message in seen}

    # --- `streams.stages.audit.LogView` ---

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Mapping[int, int]]:
        """Return where what was seen ends."""
        with self._lock:
            return {
                topic: {number: end for (name, number), end in self._ends.items() if name == topic}
                for topic in topics
            }

    def read(
        self, topic: str, ends: Mapping[int, int] | None, since: Mapping[int, int] | None = None
    ) -> Iterator[Message]:
        """Give what was seen from some offsets up to some ends."""
        for message in self.seen(topic):
            if since is not None and message.offset < since.get(message.partition, 0):
                continue
            if ends is None or message.offset < ends.get(message.partition, 0):
                yield message

    def committed(self, group: str, topics: tuple[str, ...]) -> Mapping[Partition, int]:
        """Return what a group has committed."""
        return self.offsets.committed(group, topics)
