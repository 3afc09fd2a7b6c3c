"""The worker of a stateless stage: one batch after the other, written and acknowledged before the next."""

import logging
from collections.abc import Callable, Sequence

from streams.edges.batching import BackOff, Batch, Partition
from streams.edges.kafka_messages import with_trace
from streams.edges.kafka_producer import Publisher
from streams.edges.stateless_runner.handover import Handover
from streams.errors import TransientError
from streams.ports import Clock, Headers, Holds, Processor, Produced, RunnerMetrics, Tracing
from streams.steps import Guard, Step

Idle = Callable[[Sequence[Partition]], Sequence[Produced]]
"""Gives what is to be written although nothing came; asked with the partitions that are assigned."""

log = logging.getLogger(__name__)


class Work:
    """Processes batches in a thread of its own; the parameters are those of `StatelessRunner`."""

    def __init__(
        self,
        processor: Processor,
        handover: Handover,
        publisher: Publisher,
        *,
        clock: Clock,
        tracing: Tracing | None,
        metrics: RunnerMetrics | None,
        holds: Holds | None,
        idle: Idle | None,
        idle_seconds: float,
        guard: Guard,
    ) -> None:
        self._processor = processor
        self._handover = handover
        self._publisher = publisher
        self._clock = clock
        self._tracing = tracing
        self._metrics = metrics
        self._holds = holds
        self._idle = idle
        self._idle_seconds = idle_seconds
        self._idle_due = clock.monotonic() + idle_seconds
        self._guard = guard

    def run(self) -> None:
        """Process one batch after the other until told to end."""
        try:
            while (
                batch := self._handover.next(self._idle_due if self._idle is not None else None)
            ) is not None:
                if batch.messages:
                    self._process(batch)
                else:
                    self._rest()
                self._idle_due = self._clock.monotonic() + self._idle_seconds
                self._handover.finish(self._holds.cut if self._holds is not None and batch.messages else None)
        except BaseException as exc:
            self._handover.fail(exc)

    def _rest(self) -> None:
        """Write what is to be said while nothing comes; what cannot be written now is left unsaid."""
        assigned = sorted(self._handover.assigned)
        if self._idle is None or not assigned:
            return
        try:
            self._write([(produced, produced.headers) for produced in self._idle(assigned)])
        except TransientError as exc:
            log.warning("nothing comes, and that cannot be said (%s): %s", exc.code, exc)

    def _process(self, batch: Batch) -> None:
        """Process and write a batch, again and again while a dependency does not answer."""
        began = self._clock.monotonic()
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
                if not self._handover.wait(batch, seconds):
                    return
        if self._metrics is not None:
            seconds = self._clock.monotonic() - began
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
