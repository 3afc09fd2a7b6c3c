"""The arbiter's state as one value: what is stored, overlaid by what this batch has not committed yet."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from streams.core.records import EntityState, Kind, PairState, RelationState, UploadState
from streams.core.records.common import key_text

PairKey = tuple[str, str]
Holders = set[str] | frozenset[str]
_NOBODY: Final = frozenset[str]()
_UPLOADED: Final = frozenset(kind.value for kind in Kind)  # works are what these are of


class CatalogueState(Protocol):
    """What the arbiter asks of its state; keys are ``ItemKey.text()``."""

    @property
    def entity_count(self) -> int:
        """How many recordings and videos are live."""
        ...

    def live_keys(self) -> tuple[str, ...]:
        """Return the keys of all live uploads, sorted."""
        ...

    def upload(self, key: str) -> UploadState | None:
        """Return what is kept of an item."""
        ...

    def entity(self, entity_id: str) -> EntityState | None:
        """Return an entity, whatever its status."""
        ...

    def pairs_of(self, key: str) -> tuple[PairState, ...]:
        """Return the live pairs of an upload, in the order of their keys."""
        ...

    def pairs(self) -> Iterator[PairState]:
        """Give every live pair once; nothing may be set meanwhile."""
        ...

    def relations_of(self, key: str) -> tuple[RelationState, ...]:
        """Return the asserted relations that an upload supports or is named by, in the order of their ids."""
        ...

    def holders(self, blocking_key: str, *, at_most: int) -> Holders | None:
        """Return the live uploads that hold a blocking key; none where there are more."""
        ...


@dataclass(slots=True, kw_only=True)
class Changes:
    """What a batch writes, the last value of each key."""

    uploads: dict[str, UploadState] = field(default_factory=dict)
    entities: dict[str, EntityState] = field(default_factory=dict)
    pairs: dict[PairKey, PairState] = field(default_factory=dict)
    relations: dict[str, RelationState] = field(default_factory=dict)


class MemoryCatalogue:
    """A catalogue state in dictionaries: the working double, and the state of `samesong resolve`."""

    def __init__(self) -> None:
        self._uploads: dict[str, UploadState] = {}
        self._entities: dict[str, EntityState] = {}
        self._entity_count = 0
        self._pairs: dict[str, dict[PairKey, PairState]] = {}
        self._relations: dict[str, RelationState] = {}
        self._relations_of: dict[str, set[str]] = {}
        self._holders: dict[str, set[str]] = {}

    @property
    def entity_count(self) -> int:
        """How many recordings and videos are live."""
        return self._entity_count

    def live_keys(self) -> tuple[str, ...]:
        """Return the keys of all live uploads, sorted."""
        return tuple(sorted(key for key, upload in self._uploads.items() if upload.live))

    def upload(self, key: str) -> UploadState | None:
        """Return what is kept of an item."""
        return self._uploads.get(key)

    def entity(self, entity_id: str) -> EntityState | None:
        """Return an entity, whatever its status."""
        return self._entities.get(entity_id)

    def pairs_of(self, key: str) -> tuple[PairState, ...]:
        """Return the live pairs of an upload, in the order of their keys."""
        held = self._pairs.get(key)
        if not held:
            return ()
        return tuple(held[pair] for pair in sorted(held))

    def pairs(self) -> Iterator[PairState]:
        """Give every live pair once; nothing may be set meanwhile."""
        for key, held in self._pairs.items():
            for pair in held.values():
                if pair.left == key:
                    yield pair

    def relations_of(self, key: str) -> tuple[RelationState, ...]:
        """Return the asserted relations that an upload supports or is named by, in the order of their ids."""
        return tuple(self._relations[name] for name in sorted(self._relations_of.get(key, ())))

    def holders(self, blocking_key: str, *, at_most: int) -> Holders | None:
        """Return the live uploads that hold a blocking key; none where there are more."""
        held: Holders = self._holders.get(blocking_key, _NOBODY)
        return held if len(held) <= at_most else None

    def held(self) -> Changes:
        """Return everything that is kept, as the changes that would make it."""
        pairs = {(pair.left, pair.right): pair for pair in self.pairs()}
        return Changes(
            uploads=dict(self._uploads),
            entities=dict(self._entities),
            pairs=pairs,
            relations=dict(self._relations),
        )

    def apply(self, changes: Changes) -> None:
        """Take a batch's changes over."""
        for key, upload in changes.uploads.items():
            before = self._uploads.get(key)
            if before is not None:
                for blocking_key in before.blocking_keys:
                    self._holders.get(blocking_key, set()).discard(key)
            self._uploads[key] = upload
            if upload.live:
                for blocking_key in upload.blocking_keys:
                    self._holders.setdefault(blocking_key, set()).add(key)
        for name, entity in changes.entities.items():
            self._entity_count += _counted(entity) - _counted(self._entities.get(name))
            self._entities[name] = entity
        for pair_key, pair in changes.pairs.items():
            for side in pair_key:
                held = self._pairs.setdefault(side, {})
                if pair.live:
                    held[pair_key] = pair
                else:
                    held.pop(pair_key, None)
        for name, relation in changes.relations.items():
            self._relations[name] = relation
            for side in (relation.left, relation.right):
                names = self._relations_of.setdefault(side, set())
                if relation.status == "asserted":
                    names.add(name)
                else:
                    names.discard(name)


class Workspace:
    """A stored state with one batch's changes on top; the stored state is never touched."""

    def __init__(self, stored: CatalogueState) -> None:
        self._stored = stored
        self.changes = Changes()
        self._risen = 0  # by so many live recordings and videos
        # The batch's own changes, findable without walking all of them.
        self._pairs: dict[str, set[PairKey]] = {}
        self._relations: dict[str, set[str]] = {}
        self._holders: dict[str, set[str]] = {}

    @property
    def entity_count(self) -> int:
        """How many recordings and videos are live."""
        return self._stored.entity_count + self._risen

    def live_keys(self) -> tuple[str, ...]:
        """Return the keys of all live uploads, sorted."""
        changed = self.changes.uploads
        held = {key for key in self._stored.live_keys() if key not in changed}
        return tuple(sorted(held | {key for key, upload in changed.items() if upload.live}))

    def upload(self, key: str) -> UploadState | None:
        """Return what is kept of an item."""
        return self.changes.uploads.get(key) or self._stored.upload(key)

    def entity(self, entity_id: str) -> EntityState | None:
        """Return an entity, whatever its status."""
        return self.changes.entities.get(entity_id) or self._stored.entity(entity_id)

    def pairs_of(self, key: str) -> tuple[PairState, ...]:
        """Return the live pairs of an upload, in the order of their keys."""
        stored, changed = self._stored.pairs_of(key), self._pairs.get(key)
        if not changed:
            return stored
        held = {(pair.left, pair.right): pair for pair in stored}
        for pair_key in changed:
            held[pair_key] = self.changes.pairs[pair_key]
        return tuple(held[pair] for pair in sorted(held) if held[pair].live)

    def pairs(self) -> Iterator[PairState]:
        """Give every live pair once; nothing may be set meanwhile."""
        changed = self.changes.pairs
        for pair in self._stored.pairs():
            if (pair.left, pair.right) not in changed:
                yield pair
        for pair in changed.values():
            if pair.live:
                yield pair

    def relations_of(self, key: str) -> tuple[RelationState, ...]:
        """Return the asserted relations that an upload supports or is named by, in the order of their ids."""
        held = {relation.relation_id: relation for relation in self._stored.relations_of(key)}
        for name in self._relations.get(key, ()):
            held[name] = self.changes.relations[name]
        return tuple(held[name] for name in sorted(held) if held[name].status == "asserted")

    def holders(self, blocking_key: str, *, at_most: int) -> Holders | None:
        """Return the live uploads that hold a blocking key; none where there are more."""
        changed = self.changes.uploads
        # A key that half the catalogue holds is never walked: a batch takes away no more than it changes.
        stored = self._stored.holders(blocking_key, at_most=at_most + len(changed))
        if stored is None:
            return None
        held = stored.difference(changed)
        if mine := self._holders.get(blocking_key):
            held |= {key for key in mine if changed[key].live and blocking_key in changed[key].blocking_keys}
        return held if len(held) <= at_most else None

    def adopt(self, changes: Changes) -> None:
        """Take over what was tried on a workspace above this one."""
        for upload in changes.uploads.values():
            self.put_upload(upload)
        for entity in changes.entities.values():
            self.put_entity(entity)
        for pair in changes.pairs.values():
            self.put_pair(pair)
        for relation in changes.relations.values():
            self.put_relation(relation)

    def put_upload(self, upload: UploadState) -> None:
        """Set what is kept of an item."""
        key = key_text(upload.source, upload.item_id)
        before = self.changes.uploads.get(key)
        self.changes.uploads[key] = upload
        # Mostly its entity has changed, and nothing else.
        if before is None or before.blocking_keys is not upload.blocking_keys:
            for blocking_key in upload.blocking_keys:
                self._holders.setdefault(blocking_key, set()).add(key)

    def put_entity(self, entity: EntityState) -> None:
        """Set an entity."""
        self._risen += _counted(entity) - _counted(self.entity(entity.entity_id))
        self.changes.entities[entity.entity_id] = entity

    def put_pair(self, pair: PairState) -> None:
        """Set a pair."""
        pair_key = (pair.left, pair.right)
        self.changes.pairs[pair_key] = pair
        for side in pair_key:
            self._pairs.setdefault(side, set()).add(pair_key)

    def put_relation(self, relation: RelationState) -> None:
        """Set a relation."""
        self.changes.relations[relation.relation_id] = relation
        for side in (relation.left, relation.right):
            self._relations.setdefault(side, set()).add(relation.relation_id)


def _counted(entity: EntityState | None) -> bool:
    """Say whether an entity is one of those that a catalogue is as large as."""
    return entity is not None and entity.status == "live" and entity.kind in _UPLOADED
