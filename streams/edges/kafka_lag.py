"""How far a group is behind the end of a topic, looked up aside so that asking never blocks."""

import logging
import threading
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.edges.kafka_config import ClientConfig, stateless_consumer_config

CALL_SECONDS = 5.0

log = logging.getLogger(__name__)


class GroupLagGate:
    """Open while a group is at most so many records behind; to be given to a runner as its ``gate``.

    While the lag cannot be told (the brokers do not answer) the last answer holds.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping, optional
        security and whatever else goes over the client's settings
    group_id : str
        the group that is behind
    topic : str
    limit : int [records]
        closed above this, over all partitions
    every_seconds : float [s]
    """

    def __init__(
        self,
        bootstrap: str,
        extra: ClientConfig | None = None,
        *,
        group_id: str,
        topic: str,
        limit: int,
        every_seconds: float = 0.5,
    ) -> None:
        self._consumer = Consumer(stateless_consumer_config(bootstrap, extra, group_id=group_id))
        self._topic = topic
        self._limit = limit
        self._every = every_seconds
        self._records = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lag", daemon=True)
        self._thread.start()

    def __call__(self) -> bool:
        """Say whether intake may go on."""
        return self._records <= self._limit

    def __enter__(self) -> Self:
        """Give the gate."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    @property
    def records(self) -> int:
        """Return the lag last told."""
        return self._records

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        """Look again and again."""
        while not self._stop.is_set():
            try:
                self._records = self._look()
            except KafkaException as exc:
                log.debug("the lag of %s is not known: %s", self._topic, exc)
            self._stop.wait(self._every)
        self._consumer.close()

    def _look(self) -> int:
        """Ask for ends and committed offsets: records between them that nobody has finished."""
        found = self._consumer.list_topics(self._topic, timeout=CALL_SECONDS).topics[self._topic]
        where = [TopicPartition(self._topic, partition) for partition in found.partitions]
        behind = 0
        for at in self._consumer.committed(where, timeout=CALL_SECONDS) if where else ():
            bounds = self._consumer.get_watermark_offsets(at, timeout=CALL_SECONDS, cached=False)
            if bounds is not None:
                low, high = bounds
                behind += max(0, high - max(low, at.offset))
        return behind
