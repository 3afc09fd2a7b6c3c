"""Saying what one record led to: events, of which those that carry one sequence are counted n of m."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from streams.core.filming import REPLACED
from streams.core.hearing import MAX_SPEED_DEVIATION
from streams.core.ids import stable_id
from streams.core.placing import Placement
from streams.core.records import (
    Contradiction,
    DeadLetter,
    EntityChanged,
    IndexRow,
    RelationChanged,
    ReviewRequested,
    SoundEvidence,
)
from streams.core.records.decided import Carrier
from streams.core.relating import RelationStep
from streams.core.sound_evidence import compared_spans, placed

Event = Carrier | ReviewRequested | Contradiction | DeadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one record led to: events in their order, and rows for the index."""

    events: tuple[Event, ...]
    rows: tuple[IndexRow, ...] = ()


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
    at = placed(step.sound)
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
        offset_ms=at.offset_ms,
        overlap_ms=at.overlap_ms,
        speed_ratio=at.speed_ratio,
        evidence=(cause,),
        pitch_cents=at.pitch_cents,
        pitch_tied=at.pitch_tied,
        spans=compared_spans(step.sound),
    )


_TELLING: Final = 0.3


def contradiction_text(code: str, one: str, other: str, sound: SoundEvidence | None) -> str:
    """Say in words what contradicts what.

    Parameters
    ----------
    code : str
        of the contradiction
    one, other : str
        what the sender declared of the upload's version, and the other upload
    sound : SoundEvidence, optional
        told from the upload's side
    """
    if code == "heard_against_declared":
        at = placed(sound)
        ratio, semitones = at.speed_ratio or 1.0, (at.pitch_cents or 0.0) / 100
        moved = [f"{ratio:.2f}x speed"] if abs(ratio - 1.0) > MAX_SPEED_DEVIATION else []
        moved += [f"{semitones:+.1f} semitones"] if abs(semitones) >= _TELLING else []
        heard = f"is {' and '.join(moved)} of" if moved else "sounds the same as"
        return f"declared {one}; {heard} {other}"
    if code == REPLACED:
        return f"is called a video of {other} and does not hold its sound"
    if code == "same_isrc_other_sound":
        return f"shares an ISRC with {other} and sounds different"
    return f"contradicts {other}"


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
