"""Drive a stateless stage at least once: polling here, work in one other thread."""

import logging
import sys
import threading
from collections.abc import Callable, Sequence, Set

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.batching import BackOff, Batch, Buffer, Cost, Partition
from streams.edges.kafka_config import ClientConfig, GroupProtocol, stateless_consumer_config
from streams.edges.kafka_errors import ErrorClass, check_polled, classify, is_fenced, kafka_error, translate
from streams.edges.kafka_messages import read_message, with_trace
from streams.edges.kafka_platform import MACHINE, KafkaConsumer, Platform, Worker
from streams.edges.kafka_producer import Publisher
from streams.errors import TransientError
from streams.ports import Headers, Holds, Processor, Produced, RunnerMetrics, Tracing
from streams.steps import Guard, Step, unguarded

POLL_SECONDS = 0.05
GATE_SECONDS = 0.25
LAG_SECONDS = 1.0
# Offsets between two records beyond this are no ends of transactions: retention may have taken records.
MAX_GAP = 1_000
# The client hears of new records only where it reads: of a paused partition the brokers are asked.
PAUSED_LAG_SECONDS = 10.0
ASK_SECONDS = 1.0
# Pausing throws away what the client has fetched ahead, and resuming waits for a fetch of up to 500 ms that
# is under way without the partition: a buffer that is full for a moment only is worth waiting for.
FULL_SECONDS = 1.0
QUEUE_BYTES = 32 * 1024 * 1024
IDLE_SECONDS = 5.0
# Of a held partition of which nothing was read and left: it goes on from where the client stands.
NOTHING_LEFT = sys.maxsize

Idle = Callable[[Sequence[Partition]], Sequence[Produced]]
"""Gives what is to be written although nothing came; asked with the partitions that are assigned."""

log = logging.getLogger(__name__)


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
        see :data:`Idle`; called from the processor's thread, never during a batch
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
        self._processor = processor
        self._platform = platform
        self._guard = guard
        self._topics = list(topics)
        self._tracing = tracing
        self._metrics = metrics
        self._gate = gate
        self._holds = holds
        self._idle = idle
        self._idle_seconds = idle_seconds
        self._idle_due = self._platform.monotonic() + idle_seconds
        self._revoke_seconds = revoke_seconds
        self._publisher = Publisher(bootstrap, extra, platform=platform)
        self._consumer = platform.consumer(
            stateless_consumer_config(
                bootstrap,
                extra,
                group_id=group_id,
                instance_id=instance_id,
                protocol=protocol,
                gathered=True,
            ),
            on_commit=self._on_commit,
        )
        self._read_at_once = batch_items
        # One lock for all below; whoever changes something tells the others.
        self._changed = platform.condition()
        self._buffer = Buffer(
            batch_items=batch_items,
            batch_seconds=batch_ms / 1000,
            cost=cost,
            work_budget=work_budget,
            max_items=queue_items if queue_items is not None else 3 * batch_items,
            max_bytes=QUEUE_BYTES,
        )
        self._at_work: Batch | None = None
        self._finished: dict[Partition, int] = {}
        self._closing = False
        self._failure: BaseException | None = None
        self._gate_open = True
        # Of each held partition the first record that was read and not worked on.
        self._undone: dict[Partition, int] = {}
        # Written by the polling thread alone; replaced, never changed, as the worker looks at it.
        self._assigned: frozenset[Partition] = frozenset()
        # Of the polling thread alone.
        self._paused: set[Partition] = set()
        # Just given to us: whether the client still has them paused from before it does not say.
        self._fresh: set[Partition] = set()
        self._gone: set[Partition] = set()
        # The offset after the last record read since a partition is ours.
        self._reached: dict[Partition, int] = {}
        self._holding = False
        self._gate_asked = 0.0
        self._lag_told = 0.0
        self._paused_lag_told = 0.0

    # --- polling --------------------------------------------------------------------------------------

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
        self._ask_gate()
        worker = self._platform.start(self._work, name="worker")
        try:
            while not stop.is_set() and self._failure is None:
                self._poll()
                self._commit(wait=False)
                self._hold_or_go_on()
                self._tell_lag()
        except KafkaException as exc:
            raise translate(kafka_error(exc), f"consuming {', '.join(self._topics)}") from exc
        finally:
            self._end(worker)
        if self._failure is not None:
            raise self._failure

    def _poll(self) -> None:
        """Read what is there, waiting a moment for the first."""
        first = self._consumer.poll(POLL_SECONDS)
        if first is None:
            return
        raws = [first]
        if not self._holding:
            self._gone.clear()
            raws += self._consumer.consume(self._read_at_once, 0)
            if (first.topic(), first.partition()) in self._gone:
                # Lost in that call, perhaps given back, and then read again from the committed offset: taken
                # now it would be committed before what lies before it is done.
                del raws[0]
        now = self._platform.monotonic()
        for raw in raws:
            error = raw.error()
            if error is not None:
                check_polled(error, f"reading {raw.topic() or ', '.join(self._topics)}")
                continue
            # A rebalance inside the poll may have taken the partition of a message read before it.
            where = (raw.topic() or "", raw.partition() or 0)
            if where in self._assigned:
                message = read_message(raw, gap=self._gap_before(where, raw.offset() or 0))
                with self._changed:
                    if where in self._undone:
                        self._undone[where] = min(self._undone[where], message.offset)
                    else:
                        self._buffer.add(message, now=now)
        with self._changed:
            self._changed.notify_all()

    def _gap_before(self, where: Partition, offset: int) -> int:
        """Note a record as read; give how many offsets between it and the one read before hold none.

        Of two records that one consumer gets one after the other nothing lies between, whoever works on them.
        What was read before the partition was given to us, given back or sought in is no such record.
        """
        reached = self._reached.pop(where, None)
        if where in self._gone:  # part of what this call gave may be from before it was given back
            return 0
        self._reached[where] = offset + 1
        gap = offset - reached if reached is not None else 0
        return gap if 0 < gap <= MAX_GAP else 0

    def _hold_or_go_on(self) -> None:
        """Pause or resume; a rebalance forgets pauses, so they are made again."""
        self._ask_gate()
        with self._changed:
            if self._gate_open and not self._holding:
                self._changed.wait_for(lambda: not self._buffer.full or self._stuck, FULL_SECONDS)
            full, roomy = self._buffer.full, self._buffer.roomy
        self._holding = not self._gate_open or full or (self._holding and not roomy)
        left = self._leave_held()
        wanted = set(self._assigned if self._holding else self._assigned & left)
        if more := wanted - self._paused:
            self._consumer.pause([TopicPartition(*where) for where in sorted(more)])
        if fewer := ((self._paused | self._fresh) & self._assigned) - wanted:
            self._consumer.resume([TopicPartition(*where) for where in sorted(fewer)])
        self._paused = wanted
        self._fresh.clear()

    def _leave_held(self) -> frozenset[Partition]:
        """Let go of what was read of held partitions, and go back to it in those that are held no more."""
        if self._holds is None:
            return frozenset()
        held = self._holds.held()
        with self._changed:
            fresh = (held & self._assigned) - self._undone.keys()
            left = self._buffer.drop(fresh)
            self._undone.update({where: left.get(where, NOTHING_LEFT) for where in fresh})
            over = {where: at for where, at in self._undone.items() if where not in held}
        for where, offset in over.items():
            if offset != NOTHING_LEFT and not self._seek(where, offset):
                continue
            with self._changed:
                # The batch at work may have left more just now: then we go back once more.
                if self._undone.get(where) == offset:
                    del self._undone[where]
        with self._changed:
            return frozenset(self._undone)

    def _seek(self, where: Partition, offset: int) -> bool:
        """Go to an offset; false when the client cannot yet, just after an assignment."""
        try:
            self._consumer.seek(TopicPartition(*where, offset))
        except KafkaException as exc:
            error = kafka_error(exc)
            if error.code() != KafkaError._STATE:
                raise translate(error, f"seeking in {where[0]}") from exc
            return False
        self._reached.pop(where, None)
        return True

    def _ask_gate(self) -> None:
        """Ask whether intake may go on; the worker is told of a change."""
        now = self._platform.monotonic()
        if self._gate is None or now - self._gate_asked < GATE_SECONDS:
            return
        self._gate_asked = now
        is_open = self._gate()
        if is_open != self._gate_open:
            with self._changed:
                self._gate_open = is_open
                self._changed.notify_all()

    def _commit(self, *, wait: bool) -> None:
        """Commit what is finished; what fails is committed again, although nothing new may ever come."""
        with self._changed:
            finished, self._finished = self._finished, {}
        if not finished:
            return
        offsets = [TopicPartition(t, p, offset) for (t, p), offset in sorted(finished.items())]
        try:
            with self._guard(Step.commit):
                if wait:
                    self._consumer.commit(offsets=offsets, asynchronous=False)
                else:
                    self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as exc:
            error = kafka_error(exc)
            if is_fenced(error) or classify(error) is ErrorClass.fatal:
                raise translate(error, "committing offsets") from exc
            self._on_commit(error, offsets)

    def _on_commit(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        """Keep what could not be committed for the next commit, unless it is somebody else's by now."""
        failed = [each for each in offsets if (error or each.error) is not None]
        if not failed:
            return
        log.warning("offsets are not committed yet: %s", error or failed[0].error)
        with self._changed:
            for each in failed:
                where = (each.topic, each.partition)
                if where in self._assigned:
                    # Of two commits that failed the later one counts, in whatever order that is told.
                    self._finished[where] = max(each.offset, self._finished.get(where, each.offset))

    def _tell_lag(self) -> None:
        """Tell the lag of each partition about once a second."""
        now = self._platform.monotonic()
        if self._metrics is None or now - self._lag_told < LAG_SECONDS:
            return
        self._lag_told = now
        paused = self._paused & self._assigned
        if paused and now - self._paused_lag_told >= PAUSED_LAG_SECONDS:
            self._paused_lag_told = now
            self._tell_paused_lag(self._metrics, paused)
        where = [TopicPartition(t, p) for t, p in sorted(self._assigned - paused)]
        for at in self._consumer.position(where) if where else ():
            _low, high = self._consumer.get_watermark_offsets(at, cached=True)
            if at.offset >= 0 and high >= 0:
                self._metrics.lag(
                    at.topic, at.partition, records=max(0, high - at.offset), seconds=self._waiting_seconds()
                )

    def _tell_paused_lag(self, metrics: RunnerMetrics, paused: Set[Partition]) -> None:
        """Tell what lies between the committed offsets of paused partitions and their ends."""
        where = [TopicPartition(t, p) for t, p in sorted(paused)]
        try:
            for at in self._consumer.committed(where, ASK_SECONDS):
                bounds = self._consumer.get_watermark_offsets(at, ASK_SECONDS, False)
                if bounds is not None:  # the library's answer where there was no time for one
                    low, high = bounds
                    behind = max(0, high - max(low, at.offset))
                    metrics.lag(at.topic, at.partition, records=behind, seconds=self._waiting_seconds())
        except KafkaException as exc:
            log.debug("the lag of paused partitions is not known: %s", exc)

    def _waiting_seconds(self) -> float:
        """Return how long the oldest message read has waited for work."""
        with self._changed:
            return self._buffer.oldest_seconds(self._platform.monotonic())

    # --- group ----------------------------------------------------------------------------------------

    def _on_assign(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Note what is ours; what it was paused for is forgotten."""
        given = {(p.topic, p.partition) for p in partitions}
        self._assigned |= given
        self._paused -= given
        self._fresh |= given
        for where in given:
            self._reached.pop(where, None)
        if self._holds is not None:
            with self._changed:
                self._undone.update(dict.fromkeys(given & self._holds.held(), NOTHING_LEFT))

    def _on_revoke(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Finish what is at work for these partitions within the budget, commit, let go."""
        gone = self._forget(partitions)
        self._await_work(gone)
        self._commit(wait=True)
        self._disown(gone)

    def _on_lost(self, _consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Let go of partitions that are somebody else's already: nothing of them is committed."""
        self._disown(self._forget(partitions))

    def _forget(self, partitions: list[TopicPartition]) -> set[Partition]:
        """Drop what was read of partitions and not begun."""
        gone = {(p.topic, p.partition) for p in partitions}
        self._assigned -= gone
        self._paused -= gone
        self._fresh -= gone
        self._gone |= gone
        with self._changed:
            self._buffer.drop(gone)
            for where in gone:
                self._undone.pop(where, None)
        return gone

    def _disown(self, gone: set[Partition]) -> None:
        """Never commit these partitions' offsets, neither of finished work nor of that still going on."""
        with self._changed:
            for partition in gone:
                self._finished.pop(partition, None)
                if self._at_work is not None:
                    self._at_work.offsets.pop(partition, None)
            self._changed.notify_all()

    def _await_work(self, gone: set[Partition]) -> None:
        """Wait within the budget until the batch at work, if it concerns these partitions, is finished."""

        def free() -> bool:
            return self._at_work is None or not gone & self._at_work.offsets.keys() or self._stuck

        with self._changed:
            self._changed.wait_for(free, self._revoke_seconds)

    @property
    def _stuck(self) -> bool:
        """Say whether waiting for the worker makes no sense: it failed, or waits for a dependency."""
        return self._failure is not None or (self._at_work is not None and self._at_work.waiting)

    def _end(self, worker: Worker) -> None:
        """Finish or drop the batch at work, commit, leave the group."""
        with self._changed:
            self._buffer.drop(set(self._assigned))
            self._closing = True
            self._changed.notify_all()
        worker.join(self._revoke_seconds)
        try:
            self._commit(wait=True)
        finally:
            # The callbacks run once more in here; nothing is left for them.
            self._consumer.close()

    # --- work -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Process one batch after the other until told to end."""
        try:
            while (batch := self._next()) is not None:
                if batch.messages:
                    self._process(batch)
                else:
                    self._rest()
                self._idle_due = self._platform.monotonic() + self._idle_seconds
                with self._changed:
                    # What was revoked meanwhile is no longer in the batch's offsets.
                    if self._at_work is not None:
                        self._leave_cut(self._at_work)
                        self._finished.update(self._at_work.offsets)
                    self._at_work = None
                    self._changed.notify_all()
        except BaseException as exc:
            with self._changed:
                self._failure = exc
                self._at_work = None
                self._changed.notify_all()

    def _leave_cut(self, batch: Batch) -> None:
        """Take out of a batch what it has left undone, and of the buffer what lies behind that."""
        cut = self._holds.cut() if self._holds is not None and batch.messages else {}
        ours = {where: offset for where, offset in cut.items() if where in batch.offsets}
        self._buffer.drop(ours.keys())
        for where, offset in ours.items():
            batch.offsets[where] = min(batch.offsets[where], offset)
            if where in self._assigned:  # else it is revoked while we finish: who reads it next starts there
                self._undone[where] = min(self._undone.get(where, NOTHING_LEFT), offset)

    def _next(self) -> Batch | None:
        """Wait for a batch that is due, an empty one after a long rest; none when told to end."""
        with self._changed:
            while not self._closing:
                now = self._platform.monotonic()
                batch = self._buffer.take(now) if self._gate_open else None
                rested = self._idle is not None and now >= self._idle_due
                if batch is None and rested:
                    batch = Batch(messages=())
                if batch is not None:
                    self._at_work = batch
                    return batch
                due = self._buffer.due_in(now) if self._gate_open else None
                if due is None and self._idle is not None:
                    due = self._idle_due - now
                self._changed.wait(due)
            return None

    def _rest(self) -> None:
        """Write what is to be said while nothing comes; what cannot be written now is left unsaid."""
        assigned = sorted(self._assigned)
        if self._idle is None or not assigned:
            return
        try:
            self._write([(produced, produced.headers) for produced in self._idle(assigned)])
        except TransientError as exc:
            log.warning("nothing comes, and that cannot be said (%s): %s", exc.code, exc)

    def _process(self, batch: Batch) -> None:
        """Process and write a batch, again and again while a dependency does not answer."""
        began = self._platform.monotonic()
        back_off = BackOff()
        while True:
            try:
                self._attempt(batch)
                break
            except TransientError as exc:
                seconds = back_off.step()
                log.warning("cannot process yet (%s): %s; again in %.1f s", exc.code, exc, seconds)
                if self._metrics is not None:
                    self._metrics.retried(batch.messages[0].topic, code=exc.code)
                if not self._wait(batch, seconds):
                    return
        if self._metrics is not None:
            seconds = self._platform.monotonic() - began
            self._metrics.processed(batch.messages[0].topic, items=len(batch.messages), seconds=seconds)

    def _attempt(self, batch: Batch) -> None:
        """Process a batch once and wait until all that follows from it is acknowledged."""
        if self._tracing is None:
            self._write([(p, p.headers) for p in self._processed(batch)])
            return
        with self._tracing.batch(batch.messages[0].topic, batch.messages) as trace:
            produced = self._processed(batch)
            self._write([(p, with_trace(p, trace.headers(p.cause))) for p in produced])

    def _processed(self, batch: Batch) -> Sequence[Produced]:
        with self._guard(Step.process):
            return self._processor.process(batch.messages)

    def _write(self, records: Sequence[tuple[Produced, Headers]]) -> None:
        """Write records and wait for their acknowledgements."""
        if not records:
            return
        half = len(records) // 2
        with self._guard(Step.publish_first):
            self._publish(records[:half])
        with self._guard(Step.publish_rest):
            self._publish(records[half:])
        with self._guard(Step.acknowledge):
            self._publisher.flush()

    def _publish(self, records: Sequence[tuple[Produced, Headers]]) -> None:
        for produced, headers in records:
            self._publisher.publish(produced.topic, key=produced.key, value=produced.value, headers=headers)

    def _wait(self, batch: Batch, seconds: float) -> bool:
        """Wait before the next attempt; false when the batch is not ours to finish any more."""

        def over() -> bool:
            return self._closing or not batch.offsets

        with self._changed:
            batch.waiting = True
            self._changed.notify_all()
            self._changed.wait_for(over, seconds)
            batch.waiting = False
            if not over():
                return True
            batch.offsets.clear()
            return False
