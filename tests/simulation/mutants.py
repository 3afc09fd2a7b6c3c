"""Each defence taken out in turn: what the product would be without it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import KafkaException

from streams.core.bundle import Bundle
from streams.core.growing import outgrown
from streams.core.origins import Origins
from streams.core.overlay import Overlay
from streams.core.records import IndexRow
from streams.edges.kafka_config import transactional_producer_config
from streams.edges.kafka_errors import kafka_error, translate
from streams.edges.kafka_platform import KafkaProducer
from streams.edges.memory_index import MemoryCandidateIndex
from streams.edges.stateless_runner.handover import Handover
from streams.edges.transactional_runner import TransactionalRunner
from streams.edges.transactional_runner.member import Member
from streams.edges.transactional_runner.taking_over import TakingOver
from streams.ports import Message, Produced
from streams.simulation.groups import ClassicGroup, IncrementalGroup
from streams.simulation.run import Focus
from streams.simulation.stores import SimulatedIndex
from streams.simulation.weather import Fault
from streams.stages import arbitrate
from streams.stages.arbitrate import ArbitrateStage
from streams.steps import Step

Mutation = Callable[[pytest.MonkeyPatch], None]


def no_fencing(patch: pytest.MonkeyPatch) -> None:
    """Every owner has a transactional id of its own, so that none ends another's right to write."""
    made = 0

    def fencing_producer(self: TakingOver, partition: int) -> KafkaProducer:
        nonlocal made
        made += 1
        settings = transactional_producer_config("", self._extra, transactional_id=f"{partition}-{made}")
        producer = self._platform.producer(settings)
        try:
            producer.init_transactions(15)
        except KafkaException as exc:
            raise translate(kafka_error(exc), "fencing") from exc
        return producer

    patch.setattr(TakingOver, "_fencing_producer", fencing_producer)


def no_group_metadata(patch: pytest.MonkeyPatch) -> None:
    """Offsets are sent as if always by a member of the present generation, and no owner is fenced."""
    no_fencing(patch)

    def check(self: object, *_who: object, **_how: object) -> None:
        """Let everybody pass."""

    for kind in (ClassicGroup, IncrementalGroup):
        patch.setattr(kind, "check", check)


def no_dedup_of_origins(patch: pytest.MonkeyPatch) -> None:
    """What find forwards again is decided again."""
    patch.setattr(Origins, "__contains__", lambda self, origin: False)


def state_before_commit(patch: pytest.MonkeyPatch) -> None:
    """The arbiter's state takes a batch over as soon as it is decided."""
    decide = ArbitrateStage.decide

    def decided(self: ArbitrateStage, batch: Sequence[Message]) -> Sequence[Produced]:
        produced = decide(self, batch)
        pending = self._pending
        assert pending is not None
        self._state.catalogue.apply(pending.changes)
        self._state.origins, self._state.head, self._state.rules = (
            pending.origins,
            pending.head,
            pending.rules,
        )
        return produced

    patch.setattr(ArbitrateStage, "decide", decided)


def overlay_off(patch: pytest.MonkeyPatch) -> None:
    """Rows that the index has not folded are seen by nobody."""
    patch.setattr(Overlay, "compare", lambda self, uploads, *, since: [() for _ in uploads])


def watermark_before_rows(patch: pytest.MonkeyPatch) -> None:
    """A build says that it has folded what it is only about to fold."""

    def apply(self: SimulatedIndex, build: str, rows: Sequence[IndexRow], *, watermark: int) -> None:
        self._answer("index: apply")
        with self._host.guard(Step.watermark):
            self._disk.index._builds[build].watermark = watermark
        with self._host.guard(Step.upsert):
            self._disk.index.apply(build, rows, watermark=watermark)

    patch.setattr(SimulatedIndex, "apply", apply)


def no_key_dedup(patch: pytest.MonkeyPatch) -> None:
    """Of several operations on one row in a batch the first one wins."""
    apply = MemoryCandidateIndex.apply

    def first_wins(
        self: MemoryCandidateIndex, build: str, rows: Sequence[IndexRow], *, watermark: int
    ) -> None:
        first: dict[str, IndexRow] = {}
        for row in rows:
            first.setdefault(row.row_id, row)
        apply(self, build, list(first.values()), watermark=watermark)

    patch.setattr(MemoryCandidateIndex, "apply", first_wins)


def no_rewind_after_abort(patch: pytest.MonkeyPatch) -> None:
    """After an aborted transaction the input goes on behind it."""
    failed, seek = TransactionalRunner._failed, Member.seek

    def gone_on(self: TransactionalRunner, *arguments: Any) -> None:
        patch.setattr(Member, "seek", lambda *_: None)
        try:
            failed(self, *arguments)
        finally:
            patch.setattr(Member, "seek", seek)

    patch.setattr(TransactionalRunner, "_failed", gone_on)


def offsets_before_outcome(patch: pytest.MonkeyPatch) -> None:
    """A stateless stage commits what it has read, finished or not."""
    following = Handover.next

    def taken(self: Handover, rest_due: float | None) -> Any:
        batch = following(self, rest_due)
        if batch is not None:
            self._finished.update(batch.offsets)
        return batch

    patch.setattr(Handover, "next", taken)


def restore_from_memory(patch: pytest.MonkeyPatch) -> None:
    """A transaction whose fate is unknown is taken for aborted: no new producer, no restore."""

    def recycle(self: TransactionalRunner, owned: Any) -> None:
        self._stage.rolled_back()
        owned.producer = self._taking_over._fencing_producer(owned.partition)
        self._member.seek(owned.partition, owned.next_offset)

    patch.setattr(TransactionalRunner, "_recycle", recycle)


def size_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The arbiter does not remember which size of the catalogue it has asked for."""

    def without_memory(bundle: Bundle | None, *, entities: int, asked: int) -> int | None:
        return outgrown(bundle, entities=entities, asked=0)

    patch.setattr(arbitrate, "outgrown", without_memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A defence taken out, and where to look for what that does."""

    mutate: Mutation
    focus: Focus | None = None


# The rare ones are looked for where they can be: an owner that dies with a transaction open, one that sleeps
# through its session in the middle of one, an index that dies between its rows and its watermark.
MUTANTS: dict[str, Mutant] = {
    "no_fencing": Mutant(
        mutate=no_fencing,
        focus=Focus(
            stage="arbitrate",
            fault=Fault("crash"),
            moments=("after begin", "after produce_first", "before send_offsets", "before commit"),
        ),
    ),
    "no_group_metadata": Mutant(
        mutate=no_group_metadata,
        focus=Focus(
            stage="arbitrate",
            fault=Fault("pause", 9.0),
            moments=("after begin", "after produce_first", "before send_offsets"),
        ),
    ),
    "no_dedup_of_origins": Mutant(mutate=no_dedup_of_origins),
    "state_before_commit": Mutant(mutate=state_before_commit),
    "overlay_off": Mutant(mutate=overlay_off),
    "watermark_before_rows": Mutant(
        mutate=watermark_before_rows,
        focus=Focus(stage="index", fault=Fault("crash"), moments=("after watermark", "before upsert")),
    ),
    "no_key_dedup": Mutant(mutate=no_key_dedup),
    "no_rewind_after_abort": Mutant(mutate=no_rewind_after_abort),
    "offsets_before_outcome": Mutant(mutate=offsets_before_outcome),
    "restore_from_memory": Mutant(mutate=restore_from_memory),
    "size_forgotten": Mutant(mutate=size_forgotten),
}
