"""Back-pressure: partitions are paused while work is behind, the gate is closed, or they are held."""

from collections.abc import Callable, Set

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.batching import Partition
from streams.edges.kafka_errors import kafka_error, translate
from streams.edges.kafka_platform import KafkaConsumer
from streams.edges.stateless_runner.gaps import Gaps
from streams.edges.stateless_runner.handover import NOTHING_LEFT, Handover
from streams.ports import Clock, Holds

GATE_SECONDS = 0.25
# Pausing throws away what the client has fetched ahead, and resuming waits for a fetch of up to 500 ms that
# is under way without the partition: a buffer that is full for a moment only is worth waiting for.
FULL_SECONDS = 1.0


class BackPressure:
    """Pauses and resumes partitions, from the polling thread alone."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        handover: Handover,
        gaps: Gaps,
        *,
        clock: Clock,
        gate: Callable[[], bool] | None,
        holds: Holds | None,
    ) -> None:
        self._consumer = consumer
        self._handover = handover
        self._gaps = gaps
        self._clock = clock
        self._gate = gate
        self._holds = holds
        self._gate_asked = 0.0
        self._holding = False
        self._paused: set[Partition] = set()
        # Just given to us: whether the client still has them paused from before it does not say.
        self._fresh: set[Partition] = set()

    @property
    def holding(self) -> bool:
        """Whether nothing at all is to be read."""
        return self._holding

    @property
    def paused(self) -> Set[Partition]:
        """The partitions that are not read."""
        return self._paused

    def given(self, partitions: Set[Partition]) -> None:
        """Note partitions that are ours now: a rebalance forgets pauses, so they are made again."""
        self._paused -= partitions
        self._fresh |= partitions

    def lose(self, partitions: Set[Partition]) -> None:
        """Note partitions that are ours no more."""
        self._paused -= partitions
        self._fresh -= partitions

    def ask_gate(self) -> None:
        """Ask whether intake may go on; the worker is told of a change."""
        now = self._clock.monotonic()
        if self._gate is None or now - self._gate_asked < GATE_SECONDS:
            return
        self._gate_asked = now
        is_open = self._gate()
        if is_open != self._handover.is_open:
            self._handover.set_open(is_open)

    def hold_or_go_on(self) -> None:
        """Pause or resume."""
        self.ask_gate()
        is_open = self._handover.is_open
        full, roomy = self._handover.await_room(FULL_SECONDS if is_open and not self._holding else 0.0)
        self._holding = not is_open or full or (self._holding and not roomy)
        left = self._leave_held()
        assigned = self._handover.assigned
        wanted = set(assigned if self._holding else assigned & left)
        if more := wanted - self._paused:
            self._consumer.pause([TopicPartition(*where) for where in sorted(more)])
        if fewer := ((self._paused | self._fresh) & assigned) - wanted:
            self._consumer.resume([TopicPartition(*where) for where in sorted(fewer)])
        self._paused = wanted
        self._fresh.clear()

    def _leave_held(self) -> frozenset[Partition]:
        """Let go of what was read of held partitions, and go back to it in those that are held no more."""
        if self._holds is None:
            return frozenset()
        for where, offset in self._handover.leave(self._holds.held()).items():
            if offset == NOTHING_LEFT or self._seek(where, offset):
                self._handover.went_back(where, offset)
        return self._handover.left()

    def _seek(self, where: Partition, offset: int) -> bool:
        """Go to an offset; false when the client cannot yet, just after an assignment."""
        try:
            self._consumer.seek(TopicPartition(*where, offset))
        except KafkaException as exc:
            error = kafka_error(exc)
            if error.code() != KafkaError._STATE:
                raise translate(error, f"seeking in {where[0]}") from exc
            return False
        self._gaps.start_anew({where})
        return True
