"""Follow a topic as it grows, without a consumer group: for people, and for who keeps a position."""

from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.kafka_config import stateless_consumer_config
from streams.edges.kafka_messages import read_message
from streams.edges.kafka_platform import MACHINE, Platform
from streams.errors import BrokerUnavailable, OffsetRegression
from streams.ports import Message

TIMEOUT_SECONDS = 15.0
RETRY_SECONDS = 0.2
_SOON = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})


Start = Literal["end", "beginning"] | Mapping[int, int]


def _offset(topic: str, partition: int, start: Start, bounds: tuple[int, int]) -> int:
    """Return where a partition is read from."""
    first, end = bounds
    if not isinstance(start, Mapping):
        return end if start == "end" else first
    offset = start.get(partition, first)
    if not first <= offset <= end:
        raise OffsetRegression(f"{topic}[{partition}] holds offsets {first} to {end}; asked for {offset}")
    return offset


class LogFollower:
    """Reads what is committed to a topic, from its end (as of now), its beginning or where it is told.

    Parameters
    ----------
    bootstrap : str
    extra : mapping
        security settings
    topic : str
    start : {"end", "beginning"}
    platform : Platform
        clients and clock

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer, or has no such topic
    """

    def __init__(
        self,
        bootstrap: str,
        extra: Mapping[str, str | int | float | bool],
        topic: str,
        *,
        start: Start = "end",
        platform: Platform = MACHINE,
    ) -> None:
        settings = stateless_consumer_config(bootstrap, extra, group_id="samesong-follower")
        self._consumer = platform.consumer(settings)
        deadline = platform.monotonic() + TIMEOUT_SECONDS
        try:
            while True:
                try:
                    self._consumer.assign(self._positions(topic, start))
                except KafkaException as exc:
                    # The partitions of a topic that was just made have no leader for a moment.
                    if exc.args[0].code() not in _SOON or platform.monotonic() > deadline:
                        raise BrokerUnavailable(f"Kafka does not answer at {bootstrap}: {exc}") from exc
                    platform.sleep(RETRY_SECONDS)
                else:
                    return
        except BaseException:  # Ctrl-C too leaves nothing behind
            self._consumer.close()
            raise

    def _positions(self, topic: str, start: Start) -> list[TopicPartition]:
        """Return where each partition is read from."""
        found = self._consumer.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic]
        if found.error is not None:
            raise BrokerUnavailable(f"{topic}: {found.error.str()}; `samesong topics` makes the topics")
        positions = []
        for partition in found.partitions:
            # Read-committed: what is open now and is committed later is after "now".
            bounds = self._consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=TIMEOUT_SECONDS
            )
            if bounds is None:
                raise BrokerUnavailable(f"{topic}: no answer within {TIMEOUT_SECONDS:.0f} s")
            positions.append(TopicPartition(topic, partition, _offset(topic, partition, start, bounds)))
        return positions

    def __enter__(self) -> Self:
        """Follow."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        self.close()

    def poll(self, seconds: float) -> tuple[Message, ...]:
        """Return what arrived, waiting at most so long for the first record.

        Raises
        ------
        BrokerUnavailable
            the broker refuses the read
        """
        arrived = []
        try:
            records = self._consumer.consume(500, timeout=seconds)
        except KafkaException as exc:
            raise BrokerUnavailable(f"Kafka does not answer: {exc}") from exc
        for record in records:
            if (error := record.error()) is not None:
                if error.retriable() or error.code() == KafkaError._PARTITION_EOF:
                    continue
                raise BrokerUnavailable(f"{record.topic()}: {error.str()}")
            arrived.append(read_message(record))
        return tuple(arrived)

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()
