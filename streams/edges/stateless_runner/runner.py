"""Drive a stateless stage at least once: polling here, work in one other thread."""

import threading
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaException, TopicPartition

from streams.edges.batching import Buffer, Cost, Partition
from streams.edges.kafka_config import ClientConfig, GroupProtocol, stateless_consumer_config
from streams.edges.kafka_errors import check_polled, kafka_error, translate
from streams.edges.kafka_messages import read_message
from streams.edges.kafka_platform import MACHINE, KafkaConsumer, Platform, Worker
from streams.edges.kafka_producer import Publisher
from streams.edges.stateless_runner.back_pressure import BackPressure
from streams.edges.stateless_runner.gaps import Gaps
from streams.edges.stateless_runner.handover import Handover
from streams.edges.stateless_runner.lag import Lag
from streams.edges.stateless_runner.offsets import commit_finished, keep_uncommitted
from streams.edges.stateless_runner.work import Idle, Work
from streams.ports import Holds, Processor, RunnerMetrics, Tracing
from streams.steps import Guard, unguarded

POLL_SECONDS = 0.05
QUEUE_BYTES = 32 * 1024 * 1024
IDLE_SECONDS = 5.0


class StatelessRunner:
    """Consumes, processes, produces, and commits what is finished and acknowledged, in order.

    Polling never waits for work: a worker thread processes one batch at a time while messages are read
    into a bounded buffer; when that is full the partitions are paused. A batch whose processor raises
    ``TransientError`` is given again after a growing pause; it never becomes a dead letter.

    Parameters
    ----------
    processor : Processor
        called from one thread only
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping, optional
        security and whatever else goes over the clients' settings
    group_id : str
    topics : sequence of str
    batch_items : int
    batch_ms : int [ms]
    tracing, metrics : optional
    cost : callable, optional
        work that a message asks for
    work_budget : float, optional
        work per batch, in the unit of ``cost``
    gate : callable, optional
        asked four times a second from the polling thread (it must not block): false pauses intake, and work
        on what was read ahead, once the batch at work is finished
    holds : Holds, optional
        which partitions are not to be read for a while; the others go on
    idle : callable, optional
        see :data:`streams.edges.stateless_runner.Idle`; called from the processor's thread, never during
        a batch
    idle_seconds : float [s]
        how long after a batch, or the last such call, it is called
    queue_items : int, optional
        read ahead at most so many messages; by default three batches
    revoke_seconds : float [s]
        how long a revoked partition, or a stop, may wait for the batch at work
    instance_id : str, optional
        static membership (classic protocol only)
    protocol : {"classic", "consumer"}
    platform : Platform
        clients, clock and threads
    guard : callable
        stands around each step
    """

    def __init__(
        self,
        processor: Processor,
        *,
        bootstrap: str,
        extra: ClientConfig | None = None,
        group_id: str,
        topics: Sequence[str],
        batch_items: int = 256,
        batch_ms: int = 100,
        tracing: Tracing | None = None,
        metrics: RunnerMetrics | None = None,
        cost: Cost | None = None,
        work_budget: float | None = None,
        gate: Callable[[], bool] | None = None,
        holds: Holds | None = None,
        idle: Idle | None = None,
        idle_seconds: float = IDLE_SECONDS,
        queue_items: int | None = None,
        revoke_seconds: float = 5.0,
        instance_id: str | None = None,
        protocol: GroupProtocol = "classic",
        platform: Platform = MACHINE,
        guard: Guard = unguarded,
    ) -> None:
        self._platform = platform
        self._guard = guard
        self._topics = list(topics)
        self._holds = holds
        self._revoke_seconds = revoke_seconds
        self._read_at_once = batch_items
        buffer = Buffer(
            batch_items=batch_items,
            batch_seconds=batch_ms / 1000,
            cost=cost,
            work_budget=work_budget,
            max_items=queue_items if queue_items is not None else 3 * batch_items,
            max_bytes=QUEUE_BYTES,
        )
        handover = self._handover = Handover(buffer, platform.condition(), platform)
        self._work = Work(
            processor,
            handover,
            Publisher(bootstrap, extra, platform=platform),
            clock=platform,
            tracing=tracing,
            metrics=metrics,
            holds=holds,
            idle=idle,
            idle_seconds=idle_seconds,
            guard=guard,
        )
        self._consumer = platform.consumer(
            stateless_consumer_config(
                bootstrap,
                extra,
                group_id=group_id,
                instance_id=instance_id,
                protocol=protocol,
                gathered=True,
            ),
            on_commit=lambda error, offsets: keep_uncommitted(handover, error, offsets),
        )
        self._gaps = Gaps()
        self._back_pressure = BackPressure(
            self._consumer, handover, self._gaps, clock=platform, gate=gate, holds=holds
        )
        self._lag = Lag(self._consumer, handover, metrics, platform)

    def run(self, stop: threading.Event) -> None:
        """Work until asked to stop; finishes or drops the batch at work within ``revoke_seconds``.

        Raises
        ------
        FatalError
            going on would corrupt state; the batch at work is not committed
        """
        self._consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        # Before the first record: a stage that was paused before a restart reads nothing after it.
        self._back_pressure.ask_gate()
        worker = self._platform.start(self._work.run, name="worker")
        try:
            while not stop.is_set() and self._handover.failure is None:
                self._poll()
                self._commit(wait=False)
                self._back_pressure.hold_or_go_on()
                self._lag.tell(self._back_pressure.paused)
        except KafkaException as exc:
            raise translate(kafka_error(exc), f"consuming {', '.join(self._topics)}") from exc
        finally:
            self._end(worker)
        if self._handover.failure is not None:
            raise self._handover.failure

    def _poll(self) -> None:
        """Read what is there, waiting a moment for the first."""
        first = self._consumer.poll(POLL_SECONDS)
        if first is None:
            return
        raws = [first]
        gaps = self._gaps
        if not self._back_pressure.holding:
            gaps.begin()
            raws += self._consumer.consume(self._read_at_once, 0)
            if gaps.is_gone((first.topic() or "", first.partition() or 0)):
                # Lost in that call, perhaps given back, and then read again from the committed offset: taken
                # now it would be committed before what lies before it is done.
                del raws[0]
        assigned = self._handover.assigned
        messages = []
        for raw in raws:
            error = raw.error()
            if error is not None:
                check_polled(error, f"reading {raw.topic() or ', '.join(self._topics)}")
                continue
            # A rebalance inside the poll may have taken the partition of a message read before it.
            where = (raw.topic() or "", raw.partition() or 0)
            if where in assigned:
                messages.append(read_message(raw, gap=gaps.before(where, raw.offset() or 0)))
        self._handover.add(messages, now=self._platform.monotonic())

    def _commit(self, *, wait: bool) -> None:
        commit_finished(self._consumer, self._handover, guard=self._guard, wait=wait)

    # --- rebalance ------------------------------------------------------------------------------------

    def _on_assign(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Note what is ours; what it was paused for is forgotten."""
        given = {(p.topic, p.partition) for p in partitions}
        self._back_pressure.given(given)
        self._gaps.start_anew(given)
        self._handover.given(given, held=self._holds.held() if self._holds is not None else frozenset())

    def _on_revoke(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Finish what is at work for these partitions within the budget, commit, let go."""
        gone = self._forget(partitions)
        self._handover.await_work(gone, self._revoke_seconds)
        self._commit(wait=True)
        self._handover.disown(gone)

    def _on_lost(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Let go of partitions that are somebody else's already: nothing of them is committed."""
        self._handover.disown(self._forget(partitions))

    def _forget(self, partitions: list[TopicPartition]) -> set[Partition]:
        """Drop what was read of partitions and not begun."""
        gone = {(p.topic, p.partition) for p in partitions}
        self._back_pressure.lose(gone)
        self._gaps.lose(gone)
        self._handover.forget(gone)
        return gone

    def _end(self, worker: Worker) -> None:
        """Finish or drop the batch at work, commit, leave the group."""
        self._handover.close()
        worker.join(self._revoke_seconds)
        try:
            self._commit(wait=True)
        finally:
            # The callbacks run once more in here; nothing is left for them.
            self._consumer.close()
