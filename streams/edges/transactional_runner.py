"""Drive a stage whose outcome is one fenced Kafka transaction per micro-batch."""

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.batching import BackOff
from streams.edges.kafka_config import (
    ClientConfig,
    GroupProtocol,
    stateful_consumer_config,
    transactional_producer_config,
)
from streams.edges.kafka_errors import ErrorClass, check_polled, classify, is_fenced, kafka_error, translate
from streams.edges.kafka_messages import read_message, with_trace
from streams.edges.kafka_platform import MACHINE, KafkaConsumer, KafkaProducer, Platform
from streams.edges.log_reader import LogReader
from streams.edges.overdue import Limit, no_limit
from streams.errors import BrokerUnavailable, FatalError, OffsetRegression, TransientError
from streams.ports import Delivered, Message, Produced, RunnerMetrics, Tracing, TransactionalStage
from streams.steps import Guard, Step, unguarded

CALL_SECONDS = 15.0
# Twice what a call is given: one that has not come back by then never does.
OVERDUE_SECONDS = 2 * CALL_SECONDS
# As long as the broker keeps a transaction open (45 s): after that the answer cannot be "committed".
GIVE_UP_SECONDS = 45.0
POLL_SECONDS = 0.05
ASK_SECONDS = 5.0
SEEK_SECONDS = 30.0

log = logging.getLogger(__name__)


class _Lost(Exception):
    """The partition was taken from us while we were restoring."""


class _Indefinite(Exception):
    """Whether a transaction was committed is not known."""


@dataclass(slots=True, kw_only=True)
class _Owned:
    """The partition that is ours, its fencing producer, and where its input goes on."""

    partition: int
    producer: KafkaProducer
    next_offset: int


class TransactionalRunner:
    """Consumes one partition of one topic; each micro-batch is one transaction, offsets included.

    One process owns one partition; a second process in the group waits to take over. Whoever takes a
    partition over fences the older owner (``transactional.id`` ends with the partition) before it restores
    the stage, so that nothing can change below it.

    Parameters
    ----------
    stage : TransactionalStage
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping, optional
        security and whatever else goes over the clients' settings
    group_id : str
    topic : str
        the input
    state_topics : sequence of str
        whose read-committed ends the stage gets at a restore
    transactional_prefix : str
        of the ``transactional.id``
    batch_items : int
    batch_ms : int [ms]
    tracing, metrics : optional
    gate : callable, optional
        asked before each batch (it must not block): false pauses intake
    instance_id : str, optional
        static membership (classic protocol only)
    protocol : {"classic", "consumer"}
    limit : callable, optional
        put around each call that may not come back (``streams.edges.overdue``)
    platform : Platform
        clients and clock
    guard : callable
        stands around each step
    """

    def __init__(
        self,
        stage: TransactionalStage,
        *,
        bootstrap: str,
        extra: ClientConfig | None = None,
        group_id: str = "samesong-arbitrate",
        topic: str = "arbiter.input.v1",
        state_topics: Sequence[str] = (),
        transactional_prefix: str = "samesong-arbitrate",
        batch_items: int = 256,
        batch_ms: int = 200,
        tracing: Tracing | None = None,
        metrics: RunnerMetrics | None = None,
        gate: Callable[[], bool] = lambda: True,
        instance_id: str | None = None,
        protocol: GroupProtocol = "classic",
        platform: Platform = MACHINE,
        limit: Limit = no_limit,
        guard: Guard = unguarded,
    ) -> None:
        self._stage = stage
        self._platform = platform
        self._limit = limit
        self._guard = guard
        self._bootstrap = bootstrap
        self._extra = extra
        self._topic = topic
        self._state_topics = tuple(state_topics)
        self._prefix = transactional_prefix
        self._batch_items = batch_items
        self._batch_seconds = batch_ms / 1000
        self._tracing = tracing
        self._metrics = metrics
        self._gate = gate
        self._consumer = platform.consumer(
            stateful_consumer_config(
                bootstrap,
                extra,
                group_id=group_id,
                instance_id=instance_id,
                protocol=protocol,
                gathered=True,
            )
        )
        self._assigned: set[int] = set()
        self._owned: _Owned | None = None
        self._paused = True
        self._doubted = False
        self._unanswered = False  # the last that was asked of Kafka
        self._back_off = BackOff()
        self._collected = -math.inf  # when the last batch was whole
        self._stop = threading.Event()

    @property
    def partition(self) -> int | None:
        """The partition that is ours and restored; none while another process has it, or it is on its way."""
        return self._owned.partition if self._owned is not None else None

    # --- the loop -------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Work until asked to stop.

        Raises
        ------
        Fenced
            another owner has taken over, or a transaction outlived its time-out: end the process
        FatalError
            going on would corrupt state; the batch at hand is not committed
        """
        self._stop = stop
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not stop.is_set():
                if self._assigned and self._owned is None:
                    self._take_over()
                elif self._owned is None or not self._gate() or not self._stage.ready():
                    self._pause()
                    self._idle(POLL_SECONDS)
                else:
                    self._resume()
                    batch = self._collect()
                    if batch:
                        self._process(batch)
        except KafkaException as exc:
            raise translate(kafka_error(exc), f"consuming {self._topic}") from exc
        finally:
            self._owned = None
            self._consumer.close()

    def _idle(self, seconds: float) -> None:
        """Poll for the group's sake while paused."""
        until = self._platform.monotonic() + seconds
        while not self._stop.is_set():
            raw = self._consumer.poll(max(0.0, min(POLL_SECONDS, until - self._platform.monotonic())))
            if raw is not None and (error := raw.error()) is not None:
                check_polled(error, f"reading {self._topic}")
            elif raw is not None and self._owned is not None:
                # It slipped through just before the pause: it is read again.
                self._seek(self._owned.partition, self._owned.next_offset)
            if self._platform.monotonic() >= until:
                return

    def _collect(self) -> list[Message]:
        """Read a batch: until it is full, or nothing more is there and the one before it long enough ago.

        What came while that one was decided and committed has waited already, and a lone message need not.
        """
        batch: list[Message] = []
        due = self._platform.monotonic() + self._batch_seconds
        while len(batch) < self._batch_items and not self._stop.is_set():
            owned = self._owned
            if owned is None:
                break
            raw = self._consumer.poll(max(0.0, due - self._platform.monotonic()))
            if self._owned is not owned:
                return []
            if raw is None:
                break
            error = raw.error()
            if error is not None:
                check_polled(error, f"reading {self._topic}")
                continue
            message = read_message(raw)
            if message.partition != owned.partition or message.offset < owned.next_offset:
                continue
            if not batch:
                due = self._collected + self._batch_seconds
            batch.append(message)
        self._collected = self._platform.monotonic()
        return batch if self._owned is not None and not self._stop.is_set() else []

    # --- group ----------------------------------------------------------------------------------------

    def _on_assign(self, consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Take a partition, paused; the rest happens outside of the callback."""
        # The offset is set by the restore: until then nothing is read.
        given = [TopicPartition(p.topic, p.partition, 0) for p in partitions]
        consumer.incremental_assign(given)
        if given:
            consumer.pause(given)
            self._paused = True
        self._assigned |= {p.partition for p in given}

    def _on_revoke(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Let go: no transaction is ever open while we poll."""
        self._assigned -= {p.partition for p in partitions}
        if self._owned is not None and self._owned.partition not in self._assigned:
            self._owned = None

    def _pause(self) -> None:
        """Stop reading the partition that is ours."""
        if self._owned is not None and not self._paused:
            self._consumer.pause([TopicPartition(self._topic, self._owned.partition)])
            self._paused = True

    def _resume(self) -> None:
        """Read the partition that is ours."""
        if self._owned is not None and self._paused:
            self._consumer.resume([TopicPartition(self._topic, self._owned.partition)])
            self._paused = False

    def _seek(self, partition: int, offset: int) -> None:
        """Go to an offset; just after an assignment the client may not be able to yet."""
        deadline = self._platform.monotonic() + SEEK_SECONDS
        while partition in self._assigned:
            try:
                self._consumer.seek(TopicPartition(self._topic, partition, offset))
            except KafkaException as exc:
                error = kafka_error(exc)
                if error.code() != KafkaError._STATE or self._platform.monotonic() > deadline:
                    raise translate(error, f"seeking in {self._topic}") from exc
                self._consumer.poll(POLL_SECONDS)
            else:
                return

    # --- taking over ----------------------------------------------------------------------------------

    def _take_over(self) -> None:
        """Fence the older owner, restore the stage, go to where the input continues."""
        if len(self._assigned) > 1:
            raise FatalError(
                f"{len(self._assigned)} partitions of {self._topic} fell to one process: start one for each"
            )
        (partition,) = self._assigned
        if self._unanswered and not self._await_kafka(partition):
            return
        try:
            with self._guard(Step.fence):
                producer = self._fencing_producer(partition)
            with self._guard(Step.restore):
                next_offset = self._restore(partition)
                self._seek(partition, next_offset)
        except TransientError as exc:
            self._unanswered = True
            self._retry_later(exc.code, f"cannot restore yet: {exc}")
            return
        except OffsetRegression as exc:
            # Another owner may have taken over, and committed, while we read: its news come with a poll.
            # Whoever finds the same once more has the topics of two installations before him.
            if self._doubted:
                raise
            self._doubted = True
            self._retry_later(exc.code, f"cannot restore yet: {exc}")
            return
        except _Lost:
            return
        if partition not in self._assigned:
            return
        self._doubted = False
        self._owned = _Owned(partition=partition, producer=producer, next_offset=next_offset)
        self._back_off.reset()
        log.info("owns %s[%d] from offset %d", self._topic, partition, next_offset)

    def _await_kafka(self, partition: int) -> bool:
        """Wait until Kafka answers; false when the partition is lost, or we stop, before it does.

        The library's call that fences may never come back while there is nobody to answer it: that would end
        the process, again and again until the brokers are back.
        """
        began, told = self._platform.monotonic(), False
        bounds: tuple[int, int] | None
        while partition in self._assigned and not self._stop.is_set():
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
                self._unanswered = False
                self._back_off.reset()
                return True
            if not told:
                told = True
                log.warning("Kafka does not answer: waiting for it before the older owner is fenced")
                if self._metrics is not None:
                    self._metrics.retried(self._topic, code=BrokerUnavailable.code)
            self._idle(self._back_off.step())
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

        def on_idle() -> None:
            self._consumer.poll(0)
            if partition not in self._assigned or self._stop.is_set():
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

    def _retry_later(self, code: str, why: str) -> None:
        """Pause, wait a little longer than last time, and go on polling meanwhile."""
        seconds = self._back_off.step()
        log.warning("%s; again in %.1f s", why, seconds)
        if self._metrics is not None:
            self._metrics.retried(self._topic, code=code)
        self._pause()
        self._idle(seconds)

    # --- one batch ------------------------------------------------------------------------------------

    def _process(self, batch: Sequence[Message]) -> None:
        """Decide a batch and commit what follows from it."""
        began = self._platform.monotonic()
        with contextlib.ExitStack() as stack:
            trace = stack.enter_context(self._tracing.batch(self._topic, batch)) if self._tracing else None
            produced = self._decide(batch)
            if produced is None:
                return
            headers = [with_trace(p, trace.headers(p.cause) if trace is not None else ()) for p in produced]
            done = self._transact(produced, headers, next_offset=batch[-1].offset + 1)
        if done and self._metrics is not None:
            self._metrics.processed(self._topic, items=len(batch), seconds=self._platform.monotonic() - began)
            age = self._platform.now_ms() / 1000 - batch[-1].timestamp_ms / 1000
            _low, high = self._consumer.get_watermark_offsets(
                TopicPartition(self._topic, batch[-1].partition), cached=True
            )
            behind = max(0, high - batch[-1].offset - 1)
            self._metrics.lag(
                self._topic, batch[-1].partition, records=behind, seconds=max(0.0, age) if behind else 0.0
            )

    def _decide(self, batch: Sequence[Message]) -> Sequence[Produced] | None:
        """Let the stage compute; none when the partition is lost, or we stop, before it could."""
        owned = self._owned
        while self._owned is owned and not self._stop.is_set():
            try:
                with self._guard(Step.decide):
                    return self._stage.decide(batch)
            except TransientError as exc:
                self._retry_later(exc.code, f"cannot decide yet: {exc}")
        self._stage.rolled_back()
        return None

    def _transact(
        self,
        produced: Sequence[Produced],
        headers: Sequence[tuple[tuple[str, bytes], ...]],
        *,
        next_offset: int,
    ) -> bool:
        """Write, commit, and only then let the stage apply; false when the same input comes again."""
        owned = self._owned
        if owned is None:
            raise FatalError("a transaction without a partition")
        delivered: list[int | None] = [None] * len(produced)
        try:
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
        except KafkaException as exc:
            self._failed(owned, kafka_error(exc))
            return False
        except _Indefinite:
            self._recycle(owned)
            return False
        offsets = [offset for offset in delivered if offset is not None]
        if len(offsets) != len(produced):
            raise FatalError(f"{len(produced) - len(offsets)} committed records have no offset")
        owned.next_offset = next_offset
        self._back_off.reset()
        self._count("committed")
        pairs = zip(produced, offsets, strict=True)
        with self._guard(Step.apply):
            self._stage.committed([Delivered(p, o) for p, o in pairs], next_offset=next_offset)
        return True

    def _produce(
        self,
        owned: _Owned,
        produced: Sequence[Produced],
        headers: Sequence[tuple[tuple[str, bytes], ...]],
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

    def _send_offsets(self, owned: _Owned, next_offset: int) -> None:
        """Put the input's offset into the transaction."""
        offsets = [TopicPartition(self._topic, owned.partition, next_offset)]
        deadline = self._platform.monotonic() + GIVE_UP_SECONDS
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

    def _commit(self, owned: _Owned) -> None:
        """Commit; while the answer is "not yet", ask again."""
        deadline = self._platform.monotonic() + GIVE_UP_SECONDS
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
        if self._platform.monotonic() > deadline:
            raise _Indefinite from exc

    def _failed(self, owned: _Owned, error: KafkaError) -> None:
        """Abort and rewind where that is enough; else start over with a new producer; else end."""
        kind = classify(error)
        log.warning("transaction failed (%s): %s", kind, error)
        if is_fenced(error) or kind is ErrorClass.fatal:
            raise translate(error, f"writing the outcome of {self._topic}")
        if kind is not ErrorClass.abortable:
            self._recycle(owned)
            return
        try:
            with self._limit("aborting the transaction"):
                owned.producer.abort_transaction(CALL_SECONDS)
        except KafkaException as exc:
            problem = kafka_error(exc)
            if is_fenced(problem) or classify(problem) is ErrorClass.fatal:
                raise translate(problem, "aborting a transaction") from exc
            self._recycle(owned)
            return
        self._count("aborted")
        self._stage.rolled_back()
        self._seek(owned.partition, owned.next_offset)
        self._retry_later(BrokerUnavailable.code, "a transaction was aborted")

    def _recycle(self, owned: _Owned) -> None:
        """Drop a producer whose transaction's fate is unknown; the next turn fences it and restores."""
        self._count("recycled")
        self._unanswered = True
        self._stage.rolled_back()
        self._pause()
        if self._owned is owned:
            self._owned = None
        self._retry_later(BrokerUnavailable.code, "a transaction's fate is unknown")

    def _count(self, outcome: str) -> None:
        """Count a transaction."""
        if self._metrics is not None:
            self._metrics.transaction(outcome)
