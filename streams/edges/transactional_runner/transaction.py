"""One transaction: records and the input's offset, committed together or not at all."""

from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.kafka_errors import ErrorClass, classify, kafka_error
from streams.edges.kafka_platform import KafkaConsumer
from streams.edges.overdue import Limit
from streams.edges.transactional_runner.member import Owned
from streams.errors import FatalError
from streams.ports import Clock, Headers, Produced
from streams.steps import Guard, Step

CALL_SECONDS = 15.0
# Twice what a call is given: one that has not come back by then never does.
OVERDUE_SECONDS = 2 * CALL_SECONDS
# As long as the broker keeps a transaction open (45 s): after that the answer cannot be "committed".
GIVE_UP_SECONDS = 45.0


class Indefinite(Exception):
    """Whether a transaction was committed is not known."""


class Transactions:
    """Writes one transaction after the other, each by the producer that fenced the older owners."""

    def __init__(
        self, consumer: KafkaConsumer, topic: str, *, clock: Clock, limit: Limit, guard: Guard
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._clock = clock
        self._limit = limit
        self._guard = guard

    def write(
        self, owned: Owned, produced: Sequence[Produced], headers: Sequence[Headers], *, next_offset: int
    ) -> list[int]:
        """Write and commit; give the offset of each record.

        Raises
        ------
        KafkaException
            it was not committed: its class says what is to be done about it
        Indefinite
            it may have been
        """
        delivered: list[int | None] = [None] * len(produced)
        with self._guard(Step.begin):
            owned.producer.begin_transaction()
        half = len(produced) // 2
        with self._guard(Step.produce_first):
            self._produce(owned, produced, headers, delivered, range(half))
        with self._guard(Step.produce_rest):
            self._produce(owned, produced, headers, delivered, range(half, len(produced)))
        with self._guard(Step.send_offsets):
            self._send_offsets(owned, next_offset)
        with self._guard(Step.commit):
            self._commit(owned)
        offsets = [offset for offset in delivered if offset is not None]
        if len(offsets) != len(produced):
            raise FatalError(f"{len(produced) - len(offsets)} committed records have no offset")
        return offsets

    def abort(self, owned: Owned) -> None:
        """Abort what is open."""
        with self._limit("aborting the transaction"):
            owned.producer.abort_transaction(CALL_SECONDS)

    def _produce(
        self,
        owned: Owned,
        produced: Sequence[Produced],
        headers: Sequence[Headers],
        delivered: list[int | None],
        which: range,
    ) -> None:
        """Hand some records to the producer; acknowledgements note the offsets."""
        for index in which:
            record, with_headers = produced[index], headers[index]

            def on_delivery(error: KafkaError | None, raw: object, index: int = index) -> None:
                if error is None:
                    delivered[index] = raw.offset()  # type: ignore[attr-defined]  # the library's Message

            while True:
                try:
                    owned.producer.produce(
                        record.topic,
                        value=record.value,
                        key=record.key,
                        headers=list(with_headers),
                        on_delivery=on_delivery,
                    )
                except BufferError:
                    owned.producer.poll(0.1)
                else:
                    break

    def _send_offsets(self, owned: Owned, next_offset: int) -> None:
        """Put the input's offset into the transaction."""
        offsets = [TopicPartition(self._topic, owned.partition, next_offset)]
        deadline = self._clock.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                with self._limit("sending offsets to the transaction"):
                    owned.producer.send_offsets_to_transaction(
                        offsets, self._consumer.consumer_group_metadata(), CALL_SECONDS
                    )
            except KafkaException as exc:
                self._again(exc, deadline)
            else:
                return

    def _commit(self, owned: Owned) -> None:
        """Commit; while the answer is "not yet", ask again."""
        deadline = self._clock.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                with self._limit("committing the transaction"):
                    owned.producer.commit_transaction(CALL_SECONDS)
            except KafkaException as exc:
                self._again(exc, deadline)
            else:
                return

    def _again(self, exc: KafkaException, deadline: float) -> None:
        """Pass over a retriable error until the time is over."""
        if classify(kafka_error(exc)) is not ErrorClass.retriable:
            raise exc
        if self._clock.monotonic() > deadline:
            raise Indefinite from exc
