"""Conservation from hop to hop: nothing lost, nothing doubled, nothing torn, as a pure check over logs.

A stage has promised what lies below its committed offset; only that is checked, so a pipeline at work is as
clean as one at rest.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from streams.core.index_rows import LiveRows
from streams.core.records import (
    EntityChanged,
    EntityState,
    IndexRow,
    Origin,
    Outcome,
    RelationChanged,
    RelationState,
)

Committed = Mapping[tuple[str, int], int]


class Carried(NamedTuple):
    """A record on its way: where it lies, and the upload it is about (None: it is about none)."""

    at: Origin
    origin: Origin | None


class DecidedAt(NamedTuple):
    """As much of a decision as conservation needs."""

    at: Origin
    origin: Origin
    sequence: int
    outcome: Outcome
    part: int = 0
    parts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexHolding:
    """What the active index build says it holds.

    Attributes
    ----------
    build : str
    watermark : int >= 0
        next offset of the row log that it has not folded
    rows : int >= 0
    checksum : str
        "" when it was not counted at this watermark
    """

    build: str
    watermark: int
    rows: int
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One thing that does not add up.

    Attributes
    ----------
    hop : str
        encode, find, arbitrate, sequence, entity, relation, index, read or subscriber
    what : str
        lost, doubled, from_nowhere, gap, torn, differs or unreadable
    subject : str
        the offset (``topic[partition]@offset``), sequence, entity or build
    detail : str
        for a person
    """

    hop: str
    what: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit found, and how much it looked at.

    Attributes
    ----------
    mismatches : tuple of Mismatch
        empty when everything adds up
    checked : mapping of str to int
        records looked at, by hop
    """

    mismatches: tuple[Mismatch, ...]
    checked: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether everything adds up."""
        return not self.mismatches


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """The logs of one installation at one cut; each iterable is read once, in log order."""

    uploads: Iterable[Origin] = ()
    encoded: Iterable[Carried] = ()
    again: Iterable[Carried] = ()
    inputs: Iterable[Carried] = ()
    decisions: Iterable[DecidedAt] = ()
    letters: Iterable[Carried] = ()
    entity_changes: Iterable[EntityChanged] = ()
    entities: Iterable[EntityState] = ()
    relation_changes: Iterable[RelationChanged] = ()
    relations: Iterable[RelationState] = ()
    rows: Iterable[tuple[int, IndexRow]] = ()
    unreadable_inputs: Iterable[Origin] = ()
    encode_committed: Committed
    find_committed: Committed
    arbiter_committed: Committed
    index: IndexHolding | None = None


def where(at: Origin) -> str:
    """Write a position."""
    return f"{at.topic}[{at.partition}]@{at.offset}"


def below(at: Origin, committed: Committed) -> bool:
    """Say whether a stage has promised the outcome of a record."""
    return at.offset < committed.get((at.topic, at.partition), 0)


def audit(log: AuditLog) -> AuditReport:
    """Check every hop of a cut against the next."""
    encoded, again, inputs = tuple(log.encoded), tuple(log.again), tuple(log.inputs)
    uploads, decisions, letters = tuple(log.uploads), tuple(log.decisions), tuple(log.letters)
    entity_changes, relation_changes = tuple(log.entity_changes), tuple(log.relation_changes)
    arrived = Counter(each.origin for each in inputs if each.origin is not None)
    # What was decided on is kept for ever, what was encoded is not: either proves that encode did its part.
    passed = {each.origin for each in encoded} | arrived.keys()
    rows = tuple(log.rows)
    found = (
        *_encode_hop(uploads, committed=log.encode_committed, passed=passed),
        *_find_hop(encoded, again, committed=log.find_committed, arrived=arrived),
        *_arbiter_hop(
            inputs, again, decisions, letters, log.unreadable_inputs, committed=log.arbiter_committed
        ),
        *_sequences(decisions, entity_changes, relation_changes),
        *_entity_fold(entity_changes, log.entities),
        *_relation_fold(relation_changes, log.relations),
        *_index_fold(rows, log.index),
    )
    checked = {
        "encode": len(uploads),
        "find": len(encoded) + len(again),
        "arbitrate": len(inputs),
        "sequence": len(decisions),
        "entity": len(entity_changes),
        "relation": len(relation_changes),
        "index": len(rows),
    }
    return AuditReport(mismatches=found, checked=checked)


def _encode_hop(
    uploads: Iterable[Origin], *, committed: Committed, passed: Collection[Origin | None]
) -> Iterator[Mismatch]:
    """Look for each upload below encode's offset in what encode wrote."""
    for at in uploads:
        if below(at, committed) and at not in passed:
            detail = "encode has committed past this upload, and wrote nothing for it"
            yield Mismatch(hop="encode", what="lost", subject=where(at), detail=detail)


def _find_hop(
    encoded: Iterable[Carried],
    again: Iterable[Carried],
    *,
    committed: Committed,
    arrived: Mapping[Origin, int],
) -> Iterator[Mismatch]:
    """Look for each encoded upload, and each look-up asked for anew, in the arbiter's log."""
    asked: Counter[Origin] = Counter()
    for each in encoded:
        if each.origin is not None and below(each.at, committed) and each.origin not in arrived:
            detail = f"find has committed past {where(each.origin)}, and wrote nothing for it"
            yield Mismatch(hop="find", what="lost", subject=where(each.at), detail=detail)
    for each in again:
        if each.origin is None or not below(each.at, committed):
            continue
        asked[each.origin] += 1
        # It has arrived once to be sent back at all, and once more for each time it was sent back.
        if arrived.get(each.origin, 0) < asked[each.origin] + 1:
            detail = f"{where(each.origin)} was to be looked up anew, and did not come back"
            yield Mismatch(hop="find", what="lost", subject=where(each.at), detail=detail)


def _arbiter_hop(
    inputs: Iterable[Carried],
    again: Iterable[Carried],
    decisions: Iterable[DecidedAt],
    letters: Iterable[Carried],
    unreadable: Iterable[Origin],
    *,
    committed: Committed,
) -> Iterator[Mismatch]:
    """Look for exactly one decision (or dead letter) of each origin below the arbiter's offset."""
    ends = Counter(each.origin for each in decisions)
    refused = Counter(each.origin for each in letters)
    sent_back = Counter(each.origin for each in again)
    read: Counter[Origin] = Counter()
    known: set[Origin] = set()
    for each in inputs:
        if each.origin is not None:
            known.add(each.origin)
            if below(each.at, committed):
                read[each.origin] += 1
    for origin, times in read.items():
        # Every time it came it may have been sent back for a look-up at a newer watermark.
        if not ends[origin] and not refused[origin] and times > sent_back[origin]:
            detail = "the arbiter has committed past it without a decision or dead letter"
            yield Mismatch(hop="arbitrate", what="lost", subject=where(origin), detail=detail)
    for at in unreadable:
        if below(at, committed) and not refused[at]:
            detail = "an unreadable record of the arbiter's log has no dead letter"
            yield Mismatch(hop="arbitrate", what="lost", subject=where(at), detail=detail)
    for origin, times in ends.items():
        if times > 1:
            detail = f"{times} decisions of one upload"
            yield Mismatch(hop="arbitrate", what="doubled", subject=where(origin), detail=detail)
        if origin not in known:
            detail = "decided, and never in the arbiter's log"
            yield Mismatch(hop="arbitrate", what="from_nowhere", subject=where(origin), detail=detail)
    for refused_origin, times in refused.items():
        if refused_origin is not None and times > 1:
            detail = f"{times} dead letters of one upload"
            yield Mismatch(hop="arbitrate", what="doubled", subject=where(refused_origin), detail=detail)


def _sequences(
    decisions: Iterable[DecidedAt],
    entity_changes: Iterable[EntityChanged],
    relation_changes: Iterable[RelationChanged],
) -> Iterator[Mismatch]:
    """Look for gaps, for numbers used twice, and for changes of which a part is missing.

    Verdicts and commands have numbers too, and show in what they changed.
    """
    last = -1
    seen: set[int] = set()
    # One sequence counts its parts over all three topics.
    parts: dict[int, set[tuple[int, int]]] = {}
    for each in decisions:
        if each.sequence <= last:
            detail = f"sequence {each.sequence} comes after {last}, at {where(each.at)}"
            yield Mismatch(hop="sequence", what="doubled", subject=str(each.sequence), detail=detail)
        last = max(last, each.sequence)
        seen.add(each.sequence)
        if each.parts:
            parts.setdefault(each.sequence, set()).add((each.part, each.parts))
    changes: Iterable[EntityChanged | RelationChanged] = chain(entity_changes, relation_changes)
    for change in changes:
        seen.add(change.sequence)
        held = parts.setdefault(change.sequence, set())
        if (change.part, change.parts) in held:
            detail = f"part {change.part} of {change.parts} is there twice"
            yield Mismatch(hop="sequence", what="doubled", subject=str(change.sequence), detail=detail)
        held.add((change.part, change.parts))
    for sequence, held in parts.items():
        total = max(of for _, of in held)
        if any(of != total for _, of in held) or {part for part, _ in held} != set(range(1, total + 1)):
            detail = f"decision, entity and relation changes hold {len(held)} of its {total} parts"
            yield Mismatch(hop="sequence", what="torn", subject=str(sequence), detail=detail)
    before = 0
    for number in sorted(seen):
        if number > before + 1:
            missing = f"{before + 1}" if number == before + 2 else f"{before + 1}-{number - 1}"
            detail = f"nothing carries sequence {missing}; {number} follows"
            yield Mismatch(hop="sequence", what="gap", subject=missing, detail=detail)
        before = number


def _entity_fold(changes: Iterable[EntityChanged], states: Iterable[EntityState]) -> Iterator[Mismatch]:
    """Compare the fold of the entity events with the state that the arbiter keeps."""
    folded: dict[str, tuple[object, ...]] = {}
    for change in changes:
        for side in change.sides:
            members = tuple(sorted(side.members))
            folded[side.entity_id] = (side.status, members, side.places, side.redirect_to, side.work_id)
    kept = {state.entity_id: state for state in states}
    stored = {
        name: (
            state.status,
            tuple(sorted(state.members)),
            state.places,
            state.redirect_to,
            state.work_id,
        )
        for name, state in kept.items()
    }
    yield from _compare("entity", folded, stored)
    homes: dict[tuple[bool, str], str] = {}
    for name, state in sorted(kept.items()):
        for member in state.members if state.status == "live" else ():
            other = homes.setdefault((state.kind == "work", member), name)
            if other != name:
                detail = f"member {member!r} is in {other} too"
                yield Mismatch(hop="entity", what="doubled", subject=name, detail=detail)


def _relation_fold(changes: Iterable[RelationChanged], states: Iterable[RelationState]) -> Iterator[Mismatch]:
    """Compare the fold of the relation events with the state that the arbiter keeps."""
    folded = {
        change.relation_id: (change.status, change.relation, change.from_entity, change.to_entity)
        for change in changes
    }
    stored = {
        state.relation_id: (state.status, state.relation, state.from_entity, state.to_entity)
        for state in states
    }
    yield from _compare("relation", folded, stored)


def _compare(hop: str, folded: Mapping[str, object], stored: Mapping[str, object]) -> Iterator[Mismatch]:
    """Name what is on one side alone or differs."""
    for name in sorted(folded.keys() | stored.keys()):
        said, kept = folded.get(name), stored.get(name)
        if said == kept:
            continue
        if kept is None:
            detail = "its events are there, its state is not"
        elif said is None:
            detail = "its state is there, no event says so"
        else:
            detail = f"its events say {said}, its state says {kept}"
        yield Mismatch(hop=hop, what="differs", subject=name, detail=detail)


def _index_fold(rows: tuple[tuple[int, IndexRow], ...], index: IndexHolding | None) -> Iterator[Mismatch]:
    """Compare the index with the fold of its rows, once it has come to their end."""
    # Behind the end nothing can be said: compaction may have dropped a row that the build still holds.
    if index is None or (rows and index.watermark <= rows[-1][0]):
        return
    live = LiveRows()
    live.fold(row for _, row in rows)
    if index.rows != len(live.ids):
        detail = f"it holds {index.rows} rows at watermark {index.watermark}, the log says {len(live.ids)}"
        yield Mismatch(hop="index", what="differs", subject=index.build, detail=detail)
    elif index.checksum and index.checksum != live.checksum():
        detail = f"as many rows as the log says at watermark {index.watermark}, but other ones"
        yield Mismatch(hop="index", what="differs", subject=index.build, detail=detail)
