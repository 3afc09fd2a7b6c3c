"""Fold the change logs up to some point into the catalogue as it stood then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streams.cli.as_of import AsOf
from streams.cli.decisions import read_dated, read_records
from streams.config import Settings
from streams.core.records import EntityChanged, EntitySide, RelationChanged
from streams.core.subscribed import FollowedCatalogue
from streams.core.subscribing import ENTITY_CHANGED, RELATION_CHANGED, WholeSequence

Change = EntityChanged | RelationChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class AsItStood:
    """The catalogue after a sequence, and every change of entities until then."""

    catalogue: FollowedCatalogue
    changes: tuple[EntityChanged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityView:
    """One entity: as it stood, its relations to others, and every change that touched it.

    Attributes
    ----------
    as_of : int
        the last sequence that counts
    side : EntitySide
    stands_for : str
        the id that its redirects lead to; its own where it has none
    relations : tuple of RelationChanged
        of what it stands for, between the entities of then
    history : tuple of EntityChanged
    """

    as_of: int
    side: EntitySide
    stands_for: str
    relations: tuple[RelationChanged, ...]
    history: tuple[EntityChanged, ...]


def as_it_stood(settings: Settings, wanted: AsOf | None) -> AsItStood:
    """Read the logs of an installation up to a sequence or an instant, by default to their end.

    Raises
    ------
    ValueError
        the sequence has not been used yet
    """
    last = max((head.sequence for head in read_records(settings, "arbiter.head.v1")), default=0)
    changes = [
        *read_dated(settings, ENTITY_CHANGED),
        *read_dated(settings, RELATION_CHANGED),
    ]
    return fold(changes, wanted, last=last)


def fold(changes: Sequence[tuple[Change, int]], wanted: AsOf | None, *, last: int) -> AsItStood:
    """Fold changes, each with the time it was written [ms since 1970], up to what is wanted.

    A sequence counts at an instant when all of it, and of those before it, had been written by then.

    Raises
    ------
    ValueError
        the sequence wanted is beyond the last one
    """
    last = max((last, *(change.sequence for change, _ in changes)))
    if wanted is not None and wanted.sequence is not None:
        if wanted.sequence > last:
            raise ValueError(f"the log has come to sequence {last}, not yet to {wanted.sequence}")
        last = wanted.sequence
    elif wanted is not None and wanted.at_ms is not None:
        later = (change.sequence for change, at_ms in changes if at_ms > wanted.at_ms)
        last = min(later, default=last + 1) - 1
    entities: dict[int, list[EntityChanged]] = {}
    relations: dict[int, list[RelationChanged]] = {}
    for change, _ in changes:
        if isinstance(change, EntityChanged):
            entities.setdefault(change.sequence, []).append(change)
        else:
            relations.setdefault(change.sequence, []).append(change)
    catalogue = FollowedCatalogue()
    for number in range(1, last + 1):
        # Decisions are not read: they change no entity by themselves.
        catalogue.apply(
            WholeSequence(
                sequence=number,
                entities=tuple(entities.get(number, ())),
                relations=tuple(relations.get(number, ())),
            )
        )
    until = tuple(change for number in sorted(entities) if number <= last for change in entities[number])
    return AsItStood(catalogue=catalogue, changes=until)


def the_one(ids: Iterable[str], prefix: str) -> str:
    """Return the one id that begins so, or is exactly this.

    Raises
    ------
    LookupError
        none, or more than one, begins so; says which
    """
    found = [name for name in ids if name.startswith(prefix)]
    if prefix in found:
        return prefix
    if len(found) == 1:
        return found[0]
    raise LookupError(f"{prefix} may be any of: {', '.join(found[:10])}" if found else f"No entity {prefix}")


def whole_ids(settings: Settings, prefixes: Iterable[str]) -> tuple[str, ...]:
    """Complete ids of entities from the change log: the arbiter takes whole ones only.

    Raises
    ------
    LookupError
        of one of them none, or more than one, begins so
    """
    known = as_it_stood(settings, None).catalogue.entities
    return tuple(the_one(known, prefix) for prefix in prefixes)


def entity_view(stood: AsItStood, entity_id: str) -> EntityView:
    """Look at one id.

    Raises
    ------
    KeyError
        no event names the id
    """
    catalogue = stood.catalogue
    side, stands_for = catalogue.entities[entity_id], catalogue.resolve(entity_id)
    return EntityView(
        as_of=catalogue.sequence,
        side=side,
        stands_for=stands_for,
        relations=tuple(catalogue.relations_of(stands_for)),
        history=tuple(e for e in stood.changes if any(s.entity_id == entity_id for s in e.sides)),
    )
