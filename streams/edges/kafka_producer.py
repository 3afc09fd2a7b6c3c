"""An idempotent producer: records out, acknowledged offsets back, errors in our own classes."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as RawMessage

from streams.edges.kafka_config import ClientConfig, idempotent_producer_config
from streams.edges.kafka_errors import kafka_error, translate
from streams.edges.kafka_platform import MACHINE, Platform
from streams.errors import BrokerUnavailable, FatalError, ResolverError
from streams.ports import Headers

FLUSH_SECONDS = 35.0  # a little over the library's own limit for one message


class Acknowledged:
    """Where one record went: set once the brokers have it.

    Attributes
    ----------
    partition, offset : int, optional
        none until acknowledged
    error : ResolverError, optional
        why it was not written
    """

    __slots__ = ("error", "offset", "partition", "topic")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.partition: int | None = None
        self.offset: int | None = None
        self.error: ResolverError | None = None


class Publisher:
    """Produces idempotently: retries neither double nor reorder; for one thread.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping, optional
        security and whatever else goes over the client's settings
    platform : Platform
        clients and clock
    """

    def __init__(
        self, bootstrap: str, extra: ClientConfig | None = None, *, platform: Platform = MACHINE
    ) -> None:
        self._platform = platform
        self._producer = platform.producer(idempotent_producer_config(bootstrap, extra))
        self._failed: list[Acknowledged] = []

    def __enter__(self) -> Self:
        """Give the publisher."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush after good work; after an error just let go."""
        if kind is None:
            self.flush()

    def __len__(self) -> int:
        """Return how many records are on their way."""
        return len(self._producer)

    def publish(
        self,
        topic: str,
        *,
        key: bytes,
        value: bytes | None,
        headers: Headers = (),
        on_done: Callable[[Acknowledged], None] | None = None,
    ) -> Acknowledged:
        """Hand a record to the client; wait only while its queue is full.

        Parameters
        ----------
        topic : str
        key : bytes
            decides the partition
        value : bytes, optional
            none is a tombstone
        headers : tuple
        on_done : callable, optional
            called while publishing or flushing, in the caller's thread, once the fate is known

        Returns
        -------
        acknowledged : Acknowledged
            filled in later

        Raises
        ------
        FatalError
            the record can never be written: too large, not allowed, no such topic
        BrokerUnavailable
            the queue stays full
        """
        outcome = Acknowledged(topic)

        def on_delivery(error: KafkaError | None, raw: RawMessage) -> None:
            if error is None:
                outcome.partition, outcome.offset = raw.partition(), raw.offset()
            else:
                outcome.error = translate(error, f"writing to {topic}")
                self._failed.append(outcome)
            if on_done is not None:
                on_done(outcome)

        deadline = self._platform.monotonic() + FLUSH_SECONDS
        while True:
            try:
                self._producer.produce(
                    topic, value=value, key=key, headers=list(headers), on_delivery=on_delivery
                )
            except BufferError as exc:
                if self._platform.monotonic() > deadline:
                    raise BrokerUnavailable(f"writing to {topic}: the queue stays full") from exc
                self._producer.poll(0.1)
            except KafkaException as exc:
                raise translate(kafka_error(exc), f"writing to {topic}") from exc
            else:
                break
        self._producer.poll(0)
        return outcome

    def poll(self, seconds: float = 0.0) -> None:
        """Let acknowledgements come in."""
        self._producer.poll(seconds)

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until every record's fate is known.

        Raises
        ------
        FatalError
            a record can never be written
        BrokerUnavailable
            records are not acknowledged in time
        """
        left = self._producer.flush(seconds)
        failed, self._failed = self._failed, []
        self._raise(failed)
        if left:
            raise BrokerUnavailable(f"{left} records are not acknowledged after {seconds:.0f} s")

    @staticmethod
    def _raise(failed: Sequence[Acknowledged]) -> None:
        """Raise the gravest of several errors."""
        errors = [outcome.error for outcome in failed if outcome.error is not None]
        fatal = [error for error in errors if isinstance(error, FatalError)]
        if errors:
            raise (fatal or errors)[0]
