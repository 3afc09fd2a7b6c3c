"""What the runners stand on: Kafka clients, a clock and threads.

One seam for all three, so that the same runners work on this machine and in a simulator that decides who
goes on next, what time it is and which call fails (``streams.simulation``). Only the calls that are made are
named; their meaning, and the errors they raise, are the client library's.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, cast

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka import Message as RawMessage

from streams.edges.clock import SystemClock
from streams.edges.kafka_config import ClientConfig
from streams.ports import Clock

OnPartitions = Callable[[Any, list[TopicPartition]], None]
OnCommit = Callable[[KafkaError | None, list[TopicPartition]], None]
OnDelivery = Callable[[KafkaError | None, RawMessage], None]


class KafkaConsumer(Protocol):
    """The calls of ``confluent_kafka.Consumer`` that are made here; all may raise ``KafkaException``."""

    def subscribe(
        self,
        topics: list[str],
        on_assign: OnPartitions | None = None,
        on_revoke: OnPartitions | None = None,
        on_lost: OnPartitions | None = None,
    ) -> None:
        """Join the group; what is ours, and is no longer, is told while polling and closing."""
        ...

    def poll(self, timeout: float = -1) -> RawMessage | None:
        """Return the next record or event."""
        ...

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[RawMessage]:
        """Return up to so many records and events."""
        ...

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions, each from its offset, outside of the group."""
        ...

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions as well; to be called in ``on_assign``."""
        ...

    def unassign(self) -> None:
        """Read nothing any more."""
        ...

    def seek(self, partition: TopicPartition) -> None:
        """Go on from an offset."""
        ...

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Give no records of these partitions."""
        ...

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Give records of these partitions again."""
        ...

    def position(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Return the offset after the last record given, of each partition."""
        ...

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> object:
        """Commit offsets for the group."""
        ...

    def committed(self, partitions: list[TopicPartition], timeout: float = -1) -> list[TopicPartition]:
        """Return the group's committed offsets; one that is not there is negative."""
        ...

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float = -1, cached: bool = False
    ) -> tuple[int, int]:
        """Return the first offset and the end, read-committed where the settings say so."""
        ...

    def consumer_group_metadata(self) -> object:
        """Return who we are in the group, for a producer's transaction."""
        ...

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        """Return topics and their partitions."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class KafkaProducer(Protocol):
    """The calls of ``confluent_kafka.Producer`` that are made here; all may raise ``KafkaException``."""

    def __len__(self) -> int: ...

    def produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        *,
        headers: list[tuple[str, str | bytes | None]] | None = None,
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """Hand over a record; raises ``BufferError`` while the queue is full."""
        ...

    def poll(self, timeout: float = -1) -> int:
        """Tell the fates of records."""
        ...

    def flush(self, timeout: float = -1) -> int:
        """Wait for the fates of all records; return how many are left."""
        ...

    def init_transactions(self, timeout: float = -1) -> None:
        """Fence every older producer of this transactional id."""
        ...

    def begin_transaction(self) -> None:
        """Begin."""
        ...

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float = -1
    ) -> None:
        """Commit a group's offsets with the transaction."""
        ...

    def commit_transaction(self, timeout: float = -1) -> None:
        """Flush and commit."""
        ...

    def abort_transaction(self, timeout: float = -1) -> None:
        """Abort."""
        ...


class Condition(Protocol):
    """The calls of ``threading.Condition`` that are made here."""

    def __enter__(self) -> bool: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def wait(self, timeout: float | None = None) -> bool:
        """Let go of the lock until notified."""
        ...

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until something holds."""
        ...

    def notify_all(self) -> None:
        """Wake everybody who waits."""
        ...


class Worker(Protocol):
    """A thread at work."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        ...


class Platform(Clock, Protocol):
    """A place where runners run."""

    def consumer(self, settings: ClientConfig, *, on_commit: OnCommit | None = None) -> KafkaConsumer:
        """Make a consumer; while polling it tells what became of commits that nobody waited for."""
        ...

    def producer(self, settings: ClientConfig) -> KafkaProducer:
        """Make a producer."""
        ...

    def condition(self) -> Condition:
        """Make a lock to wait at."""
        ...

    def start(self, work: Callable[[], None], *, name: str) -> Worker:
        """Begin a piece of work beside the caller."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Machine(SystemClock):
    """The real one: the client library, the system's clock, real threads."""

    def consumer(self, settings: ClientConfig, *, on_commit: OnCommit | None = None) -> KafkaConsumer:
        """Make a consumer of the client library."""
        told = {} if on_commit is None else {"on_commit": on_commit}
        # Its `commit` is overloaded by the value of `asynchronous`; a caller here passes either.
        return cast(KafkaConsumer, Consumer({**settings, **told}))

    def producer(self, settings: ClientConfig) -> KafkaProducer:
        """Make a producer of the client library."""
        return cast(KafkaProducer, Producer(dict(settings)))

    def condition(self) -> Condition:
        """Make a lock of this process."""
        return threading.Condition()

    def start(self, work: Callable[[], None], *, name: str) -> Worker:
        """Start a thread that ends with the process at the latest."""
        worker = threading.Thread(target=work, name=name, daemon=True)
        worker.start()
        return worker

    def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        time.sleep(seconds)


MACHINE = Machine()
