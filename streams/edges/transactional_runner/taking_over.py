"""Taking a partition over: the older owner is fenced first, so that nothing changes below the restore."""

import logging
from collections.abc import Iterator, Sequence

from confluent_kafka import KafkaException, TopicPartition

from streams.edges.kafka_config import ClientConfig, transactional_producer_config
from streams.edges.kafka_errors import kafka_error, translate
from streams.edges.kafka_platform import KafkaConsumer, KafkaProducer, Platform
from streams.edges.log_reader import LogReader
from streams.edges.overdue import Limit
from streams.edges.transactional_runner.member import Member, Owned
from streams.edges.transactional_runner.transaction import CALL_SECONDS
from streams.errors import BrokerUnavailable, FatalError, OffsetRegression, TransientError
from streams.ports import Message, TransactionalStage
from streams.steps import Guard, Step

ASK_SECONDS = 5.0

log = logging.getLogger(__name__)


class _Lost(Exception):
    """The partition was taken from us while we were restoring."""


class TakingOver:
    """Fences, restores the stage, and finds where the input goes on.

    Attributes
    ----------
    unanswered : bool
        the last that was asked of Kafka: it is waited for before an older owner is fenced
    """

    def __init__(
        self,
        stage: TransactionalStage,
        consumer: KafkaConsumer,
        member: Member,
        *,
        bootstrap: str,
        extra: ClientConfig | None,
        topic: str,
        state_topics: Sequence[str],
        transactional_prefix: str,
        platform: Platform,
        limit: Limit,
        guard: Guard,
    ) -> None:
        self._stage = stage
        self._consumer = consumer
        self._member = member
        self._bootstrap = bootstrap
        self._extra = extra
        self._topic = topic
        self._state_topics = tuple(state_topics)
        self._prefix = transactional_prefix
        self._platform = platform
        self._limit = limit
        self._guard = guard
        self._doubted = False
        self.unanswered = False

    def attempt(self) -> None:
        """Own the partition that was given to us, if all goes well; otherwise wait a while."""
        member = self._member
        if len(member.assigned) > 1:
            raise FatalError(
                f"{len(member.assigned)} partitions of {self._topic} fell to one process: start one for each"
            )
        (partition,) = member.assigned
        if self.unanswered and not self._await_kafka(partition):
            return
        try:
            with self._guard(Step.fence):
                producer = self._fencing_producer(partition)
            with self._guard(Step.restore):
                next_offset = self._restore(partition)
                member.seek(partition, next_offset)
        except TransientError as exc:
            self.unanswered = True
            member.retry_later(exc.code, f"cannot restore yet: {exc}")
            return
        except OffsetRegression as exc:
            # Another owner may have taken over, and committed, while we read: its news come with a poll.
            # Whoever finds the same once more has the topics of two installations before him.
            if self._doubted:
                raise
            self._doubted = True
            member.retry_later(exc.code, f"cannot restore yet: {exc}")
            return
        except _Lost:
            return
        if partition not in member.assigned:
            return
        self._doubted = False
        member.owned = Owned(partition=partition, producer=producer, next_offset=next_offset)
        member.back_off.reset()
        log.info("owns %s[%d] from offset %d", self._topic, partition, next_offset)

    def _await_kafka(self, partition: int) -> bool:
        """Wait until Kafka answers; false when the partition is lost, or we stop, before it does.

        The library's call that fences may never come back while there is nobody to answer it: that would end
        the process, again and again until the brokers are back.
        """
        member = self._member
        began, told = self._platform.monotonic(), False
        bounds: tuple[int, int] | None
        while partition in member.assigned and not member.stop.is_set():
            try:
                bounds = self._consumer.get_watermark_offsets(
                    TopicPartition(self._topic, partition), ASK_SECONDS, False
                )
            except KafkaException as exc:
                why = translate(kafka_error(exc), f"the end of {self._topic}")
                if not isinstance(why, TransientError):
                    raise why from exc
                bounds = None
            if bounds is not None:
                if told:
                    log.warning("Kafka answers after %.0f s", self._platform.monotonic() - began)
                self.unanswered = False
                member.back_off.reset()
                return True
            if not told:
                told = True
                log.warning("Kafka does not answer: waiting for it before the older owner is fenced")
                member.count_retry(BrokerUnavailable.code)
            member.idle(member.back_off.step())
        return False

    def _fencing_producer(self, partition: int) -> KafkaProducer:
        """Return a producer that has fenced every older one of this partition."""
        producer = self._platform.producer(
            transactional_producer_config(
                self._bootstrap, self._extra, transactional_id=f"{self._prefix}-{partition}"
            )
        )
        try:
            with self._limit("fencing the older owner"):
                producer.init_transactions(CALL_SECONDS)
        except KafkaException as exc:
            raise translate(kafka_error(exc), "fencing the older owner") from exc
        return producer

    def _restore(self, partition: int) -> int:
        """Let the stage rebuild its state, polling for the group's sake meanwhile."""
        member = self._member

        def on_idle() -> None:
            self._consumer.poll(0)
            if partition not in member.assigned or member.stop.is_set():
                raise _Lost

        with LogReader(self._bootstrap, self._extra, on_idle=on_idle, platform=self._platform) as reader:
            ends = {name: reader.bounds(name, partition)[1] for name in self._state_topics}

            def read(topic: str, from_offset: int) -> Iterator[Message]:
                return reader.read_committed_to_end(
                    topic, from_offset, partition=partition, end=ends.get(topic)
                )

            where = TopicPartition(self._topic, partition)
            try:
                offset = self._consumer.committed([where], timeout=CALL_SECONDS)[0].offset
            except KafkaException as exc:
                raise translate(kafka_error(exc), "the committed offset") from exc
            return self._stage.restore(read, ends=ends, committed=offset if offset >= 0 else None)
