"""How far a stateless stage is behind the ends of its partitions."""

import logging
from collections.abc import Set

from confluent_kafka import KafkaException, TopicPartition

from streams.edges.batching import Partition
from streams.edges.kafka_platform import KafkaConsumer
from streams.edges.stateless_runner.handover import Handover
from streams.ports import Clock, RunnerMetrics

LAG_SECONDS = 1.0
# The client hears of new records only where it reads: of a paused partition the brokers are asked.
PAUSED_LAG_SECONDS = 10.0
ASK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Lag:
    """Tells the lag of each partition about once a second, from the polling thread."""

    def __init__(
        self, consumer: KafkaConsumer, handover: Handover, metrics: RunnerMetrics | None, clock: Clock
    ) -> None:
        self._consumer = consumer
        self._handover = handover
        self._metrics = metrics
        self._clock = clock
        self._told = 0.0
        self._paused_told = 0.0

    def tell(self, paused: Set[Partition]) -> None:
        """Tell it, if it is time."""
        now = self._clock.monotonic()
        if self._metrics is None or now - self._told < LAG_SECONDS:
            return
        self._told = now
        assigned = self._handover.assigned
        paused = paused & assigned
        if paused and now - self._paused_told >= PAUSED_LAG_SECONDS:
            self._paused_told = now
            self._tell_paused(self._metrics, paused)
        where = [TopicPartition(t, p) for t, p in sorted(assigned - paused)]
        for at in self._consumer.position(where) if where else ():
            _low, high = self._consumer.get_watermark_offsets(at, cached=True)
            if at.offset >= 0 and high >= 0:
                behind, seconds = max(0, high - at.offset), self._handover.oldest_seconds()
                self._metrics.lag(at.topic, at.partition, records=behind, seconds=seconds)

    def _tell_paused(self, metrics: RunnerMetrics, paused: Set[Partition]) -> None:
        """Tell what lies between the committed offsets of paused partitions and their ends."""
        where = [TopicPartition(t, p) for t, p in sorted(paused)]
        try:
            for at in self._consumer.committed(where, ASK_SECONDS):
                bounds = self._consumer.get_watermark_offsets(at, ASK_SECONDS, False)
                if bounds is not None:  # the library's answer where there was no time for one
                    low, high = bounds
                    behind = max(0, high - max(low, at.offset))
                    seconds = self._handover.oldest_seconds()
                    metrics.lag(at.topic, at.partition, records=behind, seconds=seconds)
        except KafkaException as exc:
            log.debug("the lag of paused partitions is not known: %s", exc)
