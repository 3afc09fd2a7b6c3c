"""Typed relations between entities: asserted from pairs of uploads, retracted when a pair is taken back.

Each pair has one relation in one direction, so that the graph does not depend on which upload came first.
A relation names the entities of both sides at the time; merged ids redirect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from streams.core.catalogue import CatalogueState, Workspace
from streams.core.filming import LIVE_VIDEO, VIDEO_RELATIONS, holds, is_live
from streams.core.hearing import OF_SEVERAL, SAMPLES, assurance, made_from
from streams.core.ids import stable_id
from streams.core.records import EntityState, PairScore, RelationState, SoundEvidence
from streams.core.rules import Thresholds
from streams.core.sound_evidence import mirrored
from streams.core.versions import inverse_relation

# The likeliest few: a live take of a much-recorded song is not related one by one to every other recording.
# What a medley is made of is told whole.
MAX_CLAIMS: Final = 5
MAX_REDIRECTS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairClaim:
    """A relation between two uploads, told from left to right, with how their sounds relate."""

    relation: str
    left: str
    right: str
    probability: float
    sound: SoundEvidence | None = None

    def canonical(self) -> "PairClaim":
        """Tell it in the one direction that is kept: "what it is of" rather than "what it has"."""
        back = inverse_relation(self.relation)
        symmetric = back is None or back == self.relation
        of_it = self.relation.endswith("_of") or self.relation == SAMPLES
        turned = self.right < self.left if symmetric else not of_it
        if not turned or back is None:
            return self
        return PairClaim(
            relation=back,
            left=self.right,
            right=self.left,
            probability=self.probability,
            sound=mirrored(self.sound) if self.sound is not None else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationStep:
    """A relation as it stands after a change, with how the sounds relate where that is known."""

    state: RelationState
    sound: SoundEvidence | None = None


def assertion(score: PairScore, sound: SoundEvidence | None, thresholds: Thresholds) -> float | None:
    """Say how probable the relation of a pair is; none where it is not to be told.

    What senders write relates two recordings of what may be one work. What is heard needs no work in common:
    a sample is heard in another one.
    """
    if score.relation is None:
        return None
    heard = assurance(sound) if made_from(score.relation) else None
    if score.work.log_odds >= thresholds.work_review:
        return max(score.work.probability, heard or 0.0)
    return heard


def retract(workspace: Workspace, key: str) -> list[RelationState]:
    """Take back every relation that an upload is part of; give what they were."""
    taken = list(workspace.relations_of(key))
    for relation in taken:
        workspace.put_relation(replace(relation, status="retracted"))
    return taken


def relate(
    workspace: Workspace, claims: Sequence[PairClaim], taken: Sequence[RelationState]
) -> list[RelationStep]:
    """Assert claims and give every relation that differs from before, in a fixed order.

    Parameters
    ----------
    claims : sequence of PairClaim
        the likeliest first
    taken : sequence of RelationState
        what was retracted just before
    """
    steps = {was.relation_id: RelationStep(state=replace(was, status="retracted")) for was in taken}
    before = {was.relation_id: was for was in taken}
    told = [*claims[:MAX_CLAIMS], *(claim for claim in claims[MAX_CLAIMS:] if claim.relation in OF_SEVERAL)]
    for claim in (claim.canonical() for claim in told):
        left, right = workspace.upload(claim.left), workspace.upload(claim.right)
        ends = [upload.entity_id for upload in (left, right) if upload is not None and upload.entity_id]
        if len(ends) < 2 or ends[0] == ends[1]:
            continue
        state = RelationState(
            relation_id=stable_id("relation", claim.relation, claim.left, claim.right),
            relation=claim.relation,
            from_entity=ends[0],
            to_entity=ends[1],
            status="asserted",
            probability=claim.probability,
            left=claim.left,
            right=claim.right,
        )
        workspace.put_relation(state)
        if before.get(state.relation_id) == state:
            steps.pop(state.relation_id)
        else:
            steps[state.relation_id] = RelationStep(state=state, sound=claim.sound)
    return [steps[name] for name in sorted(steps)]


def follow(workspace: Workspace, keys: Iterable[str]) -> list[RelationStep]:
    """Restate the relations of some uploads that lead to other entities than these are in now.

    A merged id leads on, so a merge restates nothing. One whose two sides have become one entity is left as
    it is: it says nothing until they part again.
    """
    found = {relation.relation_id: relation for key in keys for relation in workspace.relations_of(key)}
    steps: list[RelationStep] = []
    for _, relation in sorted(found.items()):
        left, right = workspace.upload(relation.left), workspace.upload(relation.right)
        if left is None or right is None or left.entity_id is None or right.entity_id is None:
            continue
        named = entity_now(workspace, relation.from_entity), entity_now(workspace, relation.to_entity)
        if [entity and entity.entity_id for entity in named] == [left.entity_id, right.entity_id]:
            continue
        state = replace(relation, from_entity=left.entity_id, to_entity=right.entity_id)
        workspace.put_relation(state)
        steps.append(RelationStep(state=state, sound=_sound_of(workspace, relation)))
    return steps


def _is_heard(catalogue: CatalogueState, relation: RelationState) -> bool:
    """Say whether a video holds the recording: a live one may be of a song that is sung once more."""
    if relation.relation != LIVE_VIDEO:
        return True
    sound = _sound_of(catalogue, relation)
    if sound is not None:
        return holds(sound)
    right = catalogue.upload(relation.right)
    return right is not None and right.record is not None and is_live(right.record)


def _sound_of(workspace: CatalogueState, relation: RelationState) -> SoundEvidence | None:
    """Return how the sounds of a relation's sides relate, told from its left side."""
    left, right = sorted((relation.left, relation.right))
    for pair in workspace.pairs_of(left):
        if (pair.left, pair.right) == (left, right) and pair.sound is not None:
            return pair.sound if left == relation.left else mirrored(pair.sound)
    return None


def entity_now(catalogue: CatalogueState, entity_id: str | None) -> EntityState | None:
    """Follow redirects to the entity that an id leads to."""
    entity = catalogue.entity(entity_id) if entity_id else None
    for _ in range(MAX_REDIRECTS):
        if entity is None or entity.redirect_to is None:
            break
        entity = catalogue.entity(entity.redirect_to)
    return entity


def heard_in(catalogue: CatalogueState, video: EntityState) -> str | None:
    """Return the recording heard in a music video: the likeliest of those that its members are videos of."""
    claims = [
        relation
        for member in video.members
        for relation in catalogue.relations_of(member)
        if relation.relation in VIDEO_RELATIONS and relation.left == member and _is_heard(catalogue, relation)
    ]
    best = min(claims, key=lambda claim: (-claim.probability, claim.relation_id), default=None)
    entity = entity_now(catalogue, best.to_entity) if best is not None else None
    return entity.entity_id if entity is not None and entity.status == "live" else None
