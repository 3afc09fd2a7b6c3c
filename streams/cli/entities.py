"""Fold the change logs into one entity's present and past: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streams.core.records import EntityChanged, EntitySide, RelationChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityView:
    """One entity: as it stands, its asserted relations, and every change that touched it."""

    side: EntitySide
    relations: tuple[RelationChanged, ...]
    history: tuple[EntityChanged, ...]


def matching_ids(events: Iterable[EntityChanged], prefix: str) -> list[str]:
    """Return the ids that begin so; an exact one alone."""
    ids = dict.fromkeys(s.entity_id for e in events for s in e.sides if s.entity_id.startswith(prefix))
    return [prefix] if prefix in ids else list(ids)


def entity_as_of_now(
    entity_id: str, events: Sequence[EntityChanged], relations: Iterable[RelationChanged]
) -> EntityView:
    """Fold the logs for one id.

    Raises
    ------
    KeyError
        no event names the id
    """
    history = tuple(e for e in events if any(side.entity_id == entity_id for side in e.sides))
    if not history:
        raise KeyError(entity_id)
    side = next(s for s in reversed(history[-1].sides) if s.entity_id == entity_id)
    latest = {r.relation_id: r for r in relations if entity_id in (r.from_entity, r.to_entity)}
    standing = tuple(r for r in latest.values() if r.status == "asserted")
    return EntityView(side=side, relations=standing, history=history)
