"""Our place in the group: the partition that fell to us, read or paused, and polled whatever we wait for."""

import logging
import threading
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.batching import BackOff
from streams.edges.kafka_errors import check_polled, kafka_error, translate
from streams.edges.kafka_platform import KafkaConsumer, KafkaProducer
from streams.ports import Clock, RunnerMetrics

POLL_SECONDS = 0.05
SEEK_SECONDS = 30.0

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Owned:
    """The partition that is ours, its fencing producer, and where its input goes on."""

    partition: int
    producer: KafkaProducer
    next_offset: int


class Member:
    """A member of a group that owns one partition at most; for one thread.

    Attributes
    ----------
    assigned : set of int
        the partitions that the group gave us
    owned : Owned, optional
        the one that is restored as well
    back_off : BackOff
        how long it is waited for what does not answer; reset by whatever succeeds
    stop : threading.Event
        that we are asked to end
    """

    def __init__(
        self, consumer: KafkaConsumer, topic: str, *, clock: Clock, metrics: RunnerMetrics | None
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._clock = clock
        self._metrics = metrics
        self._paused = True
        self.assigned: set[int] = set()
        self.owned: Owned | None = None
        self.back_off = BackOff()
        self.stop = threading.Event()

    def join(self, stop: threading.Event) -> None:
        """Join the group."""
        self.stop = stop
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def leave(self) -> None:
        """Leave the group."""
        self.owned = None
        self._consumer.close()

    def idle(self, seconds: float) -> None:
        """Poll for the group's sake while paused."""
        until = self._clock.monotonic() + seconds
        while not self.stop.is_set():
            raw = self._consumer.poll(max(0.0, min(POLL_SECONDS, until - self._clock.monotonic())))
            if raw is not None and (error := raw.error()) is not None:
                check_polled(error, f"reading {self._topic}")
            elif raw is not None and self.owned is not None:
                # It slipped through just before the pause: it is read again.
                self.seek(self.owned.partition, self.owned.next_offset)
            if self._clock.monotonic() >= until:
                return

    def retry_later(self, code: str, why: str) -> None:
        """Pause, wait a little longer than last time, and go on polling meanwhile."""
        seconds = self.back_off.step()
        log.warning("%s; again in %.1f s", why, seconds)
        self.count_retry(code)
        self.pause()
        self.idle(seconds)

    def count_retry(self, code: str) -> None:
        """Count that something is tried again."""
        if self._metrics is not None:
            self._metrics.retried(self._topic, code=code)

    def pause(self) -> None:
        """Stop reading the partition that is ours."""
        if self.owned is not None and not self._paused:
            self._consumer.pause([TopicPartition(self._topic, self.owned.partition)])
            self._paused = True

    def resume(self) -> None:
        """Read the partition that is ours."""
        if self.owned is not None and self._paused:
            self._consumer.resume([TopicPartition(self._topic, self.owned.partition)])
            self._paused = False

    def seek(self, partition: int, offset: int) -> None:
        """Go to an offset; just after an assignment the client may not be able to yet."""
        deadline = self._clock.monotonic() + SEEK_SECONDS
        while partition in self.assigned:
            try:
                self._consumer.seek(TopicPartition(self._topic, partition, offset))
            except KafkaException as exc:
                error = kafka_error(exc)
                if error.code() != KafkaError._STATE or self._clock.monotonic() > deadline:
                    raise translate(error, f"seeking in {self._topic}") from exc
                self._consumer.poll(POLL_SECONDS)
            else:
                return

    # --- rebalance ------------------------------------------------------------------------------------

    def _on_assign(self, consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Take a partition, paused; the rest happens outside of the callback."""
        # The offset is set by the restore: until then nothing is read.
        given = [TopicPartition(p.topic, p.partition, 0) for p in partitions]
        consumer.incremental_assign(given)
        if given:
            consumer.pause(given)
            self._paused = True
        self.assigned |= {p.partition for p in given}

    def _on_revoke(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Let go: no transaction is ever open while we poll."""
        self.assigned -= {p.partition for p in partitions}
        if self.owned is not None and self.owned.partition not in self.assigned:
            self.owned = None
