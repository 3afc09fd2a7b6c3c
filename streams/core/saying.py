"""Saying what changed: the records that carry one sequence, counted n of m."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from streams.core.ids import stable_id
from streams.core.placing import Placement
from streams.core.records import EntityChanged, RelationChanged
from streams.core.records.decided import Carrier
from streams.core.relating import RelationStep


def numbered(carriers: Sequence[Carrier]) -> tuple[Carrier, ...]:
    """Count what carries one sequence, so that a subscriber knows when it has it all."""
    return tuple(replace(each, part=part, parts=len(carriers)) for part, each in enumerate(carriers, start=1))


def entity_changed(placement: Placement, *, event_id: str, sequence: int, cause: str) -> EntityChanged:
    """Say how entities changed."""
    return EntityChanged(
        event_id=event_id,
        sequence=sequence,
        part=1,
        parts=1,
        change=placement.change,
        sides=placement.sides,
        cause=cause,
    )


def relation_changed(step: RelationStep, *, event_id: str, sequence: int, cause: str) -> RelationChanged:
    """Say how a relation stands now."""
    return RelationChanged(
        event_id=event_id,
        sequence=sequence,
        part=1,
        parts=1,
        relation_id=step.state.relation_id,
        relation=step.state.relation,
        from_entity=step.state.from_entity,
        to_entity=step.state.to_entity,
        status=step.state.status,
        probability=step.state.probability,
        offset_ms=step.sound.offset_ms if step.sound else None,
        overlap_ms=step.sound.overlap_ms if step.sound else None,
        speed_ratio=step.sound.speed_ratio if step.sound else None,
        evidence=(cause,),
    )


def said_by(who: str, cause: str, placements: Iterable[Placement], *, sequence: int) -> tuple[Carrier, ...]:
    """Say what a verdict, command or promotion changed; nothing when nothing did.

    Parameters
    ----------
    who : {"verdict", "command", "promotion"}
    cause : str
        its id
    placements : iterable of Placement
        one for each group of uploads that was placed anew
    sequence : int
    """
    placed = [placement for placement in placements if placement.sides]
    entities = [
        entity_changed(
            placement,
            event_id=stable_id("event", who, cause, "entity", ordinal),
            sequence=sequence,
            cause=cause,
        )
        for ordinal, placement in enumerate(placed)
    ]
    steps = [step for placement in placed for step in placement.relations]
    relations = [
        relation_changed(
            step,
            event_id=stable_id("event", who, cause, "relation", ordinal),
            sequence=sequence,
            cause=cause,
        )
        for ordinal, step in enumerate(steps)
    ]
    return numbered((*entities, *relations))
