"""What a subscriber knows from whole sequences alone: entities, members, redirects, relations, uploads."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from streams.core.audit import Mismatch
from streams.core.records import (
    ArbiterHead,
    Decision,
    EntityChanged,
    EntitySide,
    EntityState,
    ItemKey,
    Outcome,
    RelationChanged,
    RelationState,
    UploadState,
)
from streams.core.subscribing import WholeSequence
from streams.errors import SequenceGap

WORK: Final = "work"
_PLACED: Final = frozenset({Outcome.match, Outcome.new, Outcome.review})


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUpload:
    """What became of one item.

    Attributes
    ----------
    revision : int >= 0
        the highest that was decided; 0 when all that came was a withdrawal
    decision_id : str
        of that revision
    live : bool
    withdrawn_up_to : int >= 0
        0: never withdrawn
    """

    revision: int
    decision_id: str
    live: bool
    withdrawn_up_to: int = 0


class FollowedCatalogue:
    """The fold of whole sequences; read it, and change it by ``apply`` alone.

    Attributes
    ----------
    sequence : int
        the last one applied
    entities : dict of str to EntitySide
        every id that was ever said, as it stands; none is ever deleted
    relations : dict of str to RelationChanged
        every relation that was ever said, as it stands
    uploads : dict of str to FollowedUpload
        by ``ItemKey.text()``
    """

    def __init__(self) -> None:
        self.sequence = 0
        self.entities: dict[str, EntitySide] = {}
        self.relations: dict[str, RelationChanged] = {}
        self.uploads: dict[str, FollowedUpload] = {}
        self._homes: dict[str, str] = {}

    def apply(self, whole: WholeSequence) -> None:
        """Take over the next sequence.

        Raises
        ------
        SequenceGap
            it is not the next one, or contradicts what came before it
        """
        if whole.sequence != self.sequence + 1:
            raise SequenceGap(f"sequence {whole.sequence} comes after {self.sequence}")
        if whole.decision is not None:
            self._decide(whole.decision)
        for change in whole.entities:
            self._change(change)
        for relation in whole.relations:
            self.relations[relation.relation_id] = relation
        self.sequence = whole.sequence

    def _change(self, change: EntityChanged) -> None:
        """Take over every side at once: a member that moves leaves one and joins another."""
        for side in change.sides:
            before = self.entities.get(side.entity_id)
            if before is not None and before.kind != side.kind:
                raise SequenceGap(f"{side.entity_id} was a {before.kind} and is said to be a {side.kind}")
            for member in before.members if before is not None and before.kind != WORK else ():
                self._homes.pop(member, None)
        for side in change.sides:
            self.entities[side.entity_id] = side
            for member in side.members if side.kind != WORK else ():
                if self._homes.setdefault(member, side.entity_id) != side.entity_id:
                    raise SequenceGap(f"{member} is in {self._homes[member]} and in {side.entity_id}")

    def _decide(self, decision: Decision) -> None:
        key = ItemKey(decision.source, decision.item_id).text()
        known = self.uploads.get(key)
        if decision.outcome in _PLACED:
            self.uploads[key] = FollowedUpload(
                revision=decision.revision,
                decision_id=decision.decision_id,
                live=True,
                withdrawn_up_to=known.withdrawn_up_to if known is not None else 0,
            )
        # An upload that an earlier withdrawal covers is `withdrawn` too, with a code: it changes nothing.
        elif decision.outcome is Outcome.withdrawn and decision.code is None:
            up_to = decision.revision
            if known is None:
                known = FollowedUpload(revision=0, decision_id=decision.decision_id, live=False)
            self.uploads[key] = replace(
                known,
                live=known.live and known.revision > up_to,
                withdrawn_up_to=max(known.withdrawn_up_to, up_to),
            )

    @property
    def homes(self) -> Mapping[str, str]:
        """The entity that each live upload (``ItemKey.text()``) is in."""
        return self._homes

    def resolve(self, entity_id: str) -> str:
        """Follow redirects to the id that stands for this one now.

        Raises
        ------
        KeyError
            no event names the id
        SequenceGap
            the redirects lead round in a circle
        """
        seen = [entity_id]
        while (onward := self.entities[seen[-1]].redirect_to) is not None:
            if onward in seen:
                raise SequenceGap(f"redirects of {entity_id} lead round in a circle")
            seen.append(onward)
        return seen[-1]

    def relations_of(self, entity_id: str) -> Iterator[RelationChanged]:
        """Give the relations between this entity and others, ends resolved, in the order of their ids.

        One whose two ends are one entity now says nothing until they part again.
        """
        for name in sorted(self.relations):
            relation = self.relations[name]
            if relation.status != "asserted":
                continue
            ends = self.resolve(relation.from_entity), self.resolve(relation.to_entity)
            if entity_id in ends and ends[0] != ends[1]:
                yield replace(relation, from_entity=ends[0], to_entity=ends[1])


def differences(
    followed: FollowedCatalogue,
    *,
    head: ArbiterHead,
    uploads: Iterable[UploadState],
    entities: Iterable[EntityState],
    relations: Iterable[RelationState],
) -> Iterator[Mismatch]:
    """Compare what a subscriber has built with what the arbiter keeps, at one cut.

    Parameters
    ----------
    followed : FollowedCatalogue
    head : ArbiterHead
    uploads, entities, relations : iterable
        the latest state of each key

    Yields
    ------
    Mismatch
        of hop "subscriber"
    """
    if followed.sequence != head.sequence:
        yield _mismatch("gap", str(followed.sequence), f"the arbiter's head says {head.sequence}")
    kept = {state.key.text(): state for state in uploads}
    yield from _compare(
        "upload",
        {key: _upload(upload) for key, upload in followed.uploads.items()},
        {key: _upload(state) for key, state in kept.items()},
    )
    yield from _compare(
        "entity",
        {name: _entity(side) for name, side in followed.entities.items()},
        {state.entity_id: _entity(state) for state in entities},
    )
    yield from _compare("home", followed.homes, {k: v.entity_id for k, v in kept.items() if v.live})
    yield from _compare(
        "relation",
        {name: _relation(each) for name, each in followed.relations.items()},
        {each.relation_id: _relation(each) for each in relations},
    )
    for name in sorted(followed.entities):
        try:
            followed.resolve(name)
        except (KeyError, SequenceGap) as exc:
            yield _mismatch("torn", f"redirect {name}", f"it leads nowhere: {exc}")


def _upload(state: UploadState | FollowedUpload) -> tuple[object, ...]:
    return state.revision, state.decision_id, state.live, state.withdrawn_up_to


def _entity(state: EntityState | EntitySide) -> tuple[object, ...]:
    members = tuple(sorted(state.members))
    return state.kind, state.status, members, state.places, state.redirect_to, state.work_id


def _relation(state: RelationState | RelationChanged) -> tuple[object, ...]:
    return state.status, state.relation, state.from_entity, state.to_entity, state.probability


def _compare(what: str, followed: Mapping[str, object], kept: Mapping[str, object]) -> Iterator[Mismatch]:
    for name in sorted(followed.keys() | kept.keys()):
        said, stands = followed.get(name), kept.get(name)
        if said != stands:
            yield _mismatch("differs", f"{what} {name}", f"events say {said}, the state says {stands}")


def _mismatch(what: str, subject: str, detail: str) -> Mismatch:
    return Mismatch(hop="subscriber", what=what, subject=subject, detail=detail)
