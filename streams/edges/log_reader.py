"""Read a partition from an offset to the read-committed end: for restoring, folding and auditing."""

import uuid
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.kafka_config import ClientConfig, stateful_consumer_config
from streams.edges.kafka_errors import check_polled, kafka_error, translate
from streams.edges.kafka_messages import read_message
from streams.edges.kafka_platform import MACHINE, Platform
from streams.errors import BrokerUnavailable, OffsetRegression
from streams.ports import Message

TIMEOUT_SECONDS = 15.0
STALLED_SECONDS = 60.0
IDLE_SECONDS = 0.5
# Behind the last record lies the marker of its transaction: that nothing follows is said by a fetch that
# comes back empty, which the broker would hold for half a second. One for each topic is most of a restart.
FETCH_WAIT_MS = 10


class LogReader:
    """Reads partitions from where it is told, outside of any group; for one thread.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping, optional
        security and whatever else goes over the client's settings
    on_idle : callable, optional
        called about twice a second while reading: a caller with a group polls its own consumer there
    platform : Platform
        clients and clock
    """

    def __init__(
        self,
        bootstrap: str,
        extra: ClientConfig | None = None,
        *,
        on_idle: Callable[[], None] | None = None,
        platform: Platform = MACHINE,
    ) -> None:
        self._platform = platform
        config = stateful_consumer_config(bootstrap, extra, group_id=f"samesong-reader-{uuid.uuid4()}")
        self._consumer = platform.consumer(
            {**config, "enable.partition.eof": True, "fetch.wait.max.ms": FETCH_WAIT_MS}
        )
        self._on_idle = on_idle

    def __enter__(self) -> Self:
        """Give the reader."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the client."""
        self._consumer.close()

    def bounds(self, topic: str, partition: int = 0) -> tuple[int, int]:
        """Return the earliest offset kept and the read-committed end.

        Raises
        ------
        BrokerUnavailable
            Kafka does not answer
        """
        try:
            found = self._consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=TIMEOUT_SECONDS, cached=False
            )
        except KafkaException as exc:
            raise translate(kafka_error(exc), f"the end of {topic}") from exc
        if found is None:
            raise BrokerUnavailable(f"the end of {topic}: no answer within {TIMEOUT_SECONDS:.0f} s")
        return found

    def read_committed_to_end(
        self, topic: str, from_offset: int, *, partition: int = 0, end: int | None = None
    ) -> Iterator[Message]:
        """Read what is committed, until the position reaches an end.

        The last record is not "end - 1": markers of transactions and compacted records have offsets too.

        Parameters
        ----------
        topic : str
        from_offset : int >= 0
            0 means from the earliest that is kept
        partition : int
        end : int, optional
            by default the read-committed end at the time of the call

        Raises
        ------
        OffsetRegression
            ``from_offset`` is no longer kept, or lies beyond the end
        BrokerUnavailable
            Kafka does not answer for a minute
        """
        first, now_end = self.bounds(topic, partition)
        end = now_end if end is None else end
        if from_offset > end or 0 < from_offset < first:
            raise OffsetRegression(
                f"{topic}[{partition}] holds offsets {first} to {end}; asked for {from_offset}"
            )
        start = max(first, from_offset)
        if start >= end:
            return
        where = TopicPartition(topic, partition, start)
        self._consumer.assign([where])
        try:
            yield from self._until(where, end)
        finally:
            self._consumer.unassign()

    def _until(self, where: TopicPartition, end: int) -> Iterator[Message]:
        """Poll the one assigned partition until its position is at the end."""
        moved = idled = self._platform.monotonic()
        while True:
            raw = self._consumer.poll(IDLE_SECONDS if self._on_idle is None else 0.1)
            now = self._platform.monotonic()
            if self._on_idle is not None and now - idled > IDLE_SECONDS:
                idled = now
                self._on_idle()
            if raw is None:
                if self._consumer.position([where])[0].offset >= end:
                    return
                if now - moved > STALLED_SECONDS:
                    raise BrokerUnavailable(f"{where.topic} gives nothing for {STALLED_SECONDS:.0f} s")
                continue
            error = raw.error()
            if error is None:
                moved = now
                offset = raw.offset()
                if offset is not None and offset < end:
                    yield read_message(raw)
                if offset is not None and offset + 1 >= end:
                    return
            elif error.code() == KafkaError._PARTITION_EOF:
                if (raw.offset() or 0) >= end:
                    return
            else:
                check_polled(error, f"reading {where.topic}")
