"""Drive a stage whose outcome is one fenced Kafka transaction per micro-batch."""

import contextlib
import logging
import math
import threading
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.kafka_config import ClientConfig, GroupProtocol, stateful_consumer_config
from streams.edges.kafka_errors import ErrorClass, check_polled, classify, is_fenced, kafka_error, translate
from streams.edges.kafka_messages import read_message, with_trace
from streams.edges.kafka_platform import MACHINE, Platform
from streams.edges.overdue import Limit, no_limit
from streams.edges.transactional_runner.member import POLL_SECONDS, Member, Owned
from streams.edges.transactional_runner.taking_over import TakingOver
from streams.edges.transactional_runner.transaction import Indefinite, Transactions
from streams.errors import BrokerUnavailable, FatalError, TransientError
from streams.ports import Delivered, Headers, Message, Produced, RunnerMetrics, Tracing, TransactionalStage
from streams.steps import Guard, Step, unguarded

log = logging.getLogger(__name__)


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
        self._guard = guard
        self._topic = topic
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
        self._member = Member(self._consumer, topic, clock=platform, metrics=metrics)
        self._taking_over = TakingOver(
            stage,
            self._consumer,
            self._member,
            bootstrap=bootstrap,
            extra=extra,
            topic=topic,
            state_topics=state_topics,
            transactional_prefix=transactional_prefix,
            platform=platform,
            limit=limit,
            guard=guard,
        )
        self._transactions = Transactions(self._consumer, topic, clock=platform, limit=limit, guard=guard)
        self._collected = -math.inf  # when the last batch was whole

    @property
    def partition(self) -> int | None:
        """The partition that is ours and restored; none while another process has it, or it is on its way."""
        return self._member.owned.partition if self._member.owned is not None else None

    def run(self, stop: threading.Event) -> None:
        """Work until asked to stop.

        Raises
        ------
        Fenced
            another owner has taken over, or a transaction outlived its time-out: end the process
        FatalError
            going on would corrupt state; the batch at hand is not committed
        """
        member = self._member
        member.join(stop)
        try:
            while not stop.is_set():
                if member.assigned and member.owned is None:
                    self._taking_over.attempt()
                elif member.owned is None or not self._gate() or not self._stage.ready():
                    member.pause()
                    member.idle(POLL_SECONDS)
                else:
                    member.resume()
                    batch = self._collect(member.owned)
                    if batch:
                        self._process(batch)
        except KafkaException as exc:
            raise translate(kafka_error(exc), f"consuming {self._topic}") from exc
        finally:
            member.leave()

    def _collect(self, owned: Owned) -> list[Message]:
        """Read a batch: until it is full, or nothing more is there and the one before it long enough ago.

        What came while that one was decided and committed has waited already, and a lone message need not.
        """
        batch: list[Message] = []
        due = self._platform.monotonic() + self._batch_seconds
        while len(batch) < self._batch_items and not self._member.stop.is_set():
            raw = self._consumer.poll(max(0.0, due - self._platform.monotonic()))
            if self._member.owned is not owned:
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
        return [] if self._member.stop.is_set() else batch

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
        member = self._member
        owned = member.owned
        while member.owned is owned and not member.stop.is_set():
            try:
                with self._guard(Step.decide):
                    return self._stage.decide(batch)
            except TransientError as exc:
                member.retry_later(exc.code, f"cannot decide yet: {exc}")
        self._stage.rolled_back()
        return None

    def _transact(
        self, produced: Sequence[Produced], headers: Sequence[Headers], *, next_offset: int
    ) -> bool:
        """Write, commit, and only then let the stage apply; false when the same input comes again."""
        owned = self._member.owned
        if owned is None:
            raise FatalError("a transaction without a partition")
        try:
            offsets = self._transactions.write(owned, produced, headers, next_offset=next_offset)
        except KafkaException as exc:
            self._failed(owned, kafka_error(exc))
            return False
        except Indefinite:
            self._recycle(owned)
            return False
        owned.next_offset = next_offset
        self._member.back_off.reset()
        self._count("committed")
        pairs = zip(produced, offsets, strict=True)
        with self._guard(Step.apply):
            self._stage.committed([Delivered(p, o) for p, o in pairs], next_offset=next_offset)
        return True

    def _failed(self, owned: Owned, error: KafkaError) -> None:
        """Abort and rewind where that is enough; else start over with a new producer; else end."""
        kind = classify(error)
        log.warning("transaction failed (%s): %s", kind, error)
        if is_fenced(error) or kind is ErrorClass.fatal:
            raise translate(error, f"writing the outcome of {self._topic}")
        if kind is not ErrorClass.abortable:
            self._recycle(owned)
            return
        try:
            self._transactions.abort(owned)
        except KafkaException as exc:
            problem = kafka_error(exc)
            if is_fenced(problem) or classify(problem) is ErrorClass.fatal:
                raise translate(problem, "aborting a transaction") from exc
            self._recycle(owned)
            return
        self._count("aborted")
        self._stage.rolled_back()
        self._member.seek(owned.partition, owned.next_offset)
        self._member.retry_later(BrokerUnavailable.code, "a transaction was aborted")

    def _recycle(self, owned: Owned) -> None:
        """Drop a producer whose transaction's fate is unknown; the next turn fences it and restores."""
        self._count("recycled")
        self._taking_over.unanswered = True
        self._stage.rolled_back()
        self._member.pause()
        if self._member.owned is owned:
            self._member.owned = None
        self._member.retry_later(BrokerUnavailable.code, "a transaction's fate is unknown")

    def _count(self, outcome: str) -> None:
        """Count a transaction."""
        if self._metrics is not None:
            self._metrics.transaction(outcome)
