"""Verifying the relation that a decision claims, as far as its own event tells.

The event names whom an upload was compared with, what each of them is to it and how likely they share a work.
What is heard adds to that by the worth of an alignment, which the event does not hold: such a claim is
bounded only.
"""

import math
from collections.abc import Iterator
from typing import Final

from streams.core.bundle import Bundle
from streams.core.claiming import MAX_NAMED
from streams.core.filming import VIDEO_RELATIONS
from streams.core.hearing import made_from
from streams.core.records import ComparedSpan, ConsideredCandidate, Decision, Kind, RelationClaim
from streams.core.scoring import probability

TOLERANCE: Final = 1e-9
# Ends are told in milliseconds and move against each other by what was measured at them.
_SPEED: Final = 0.03
_LEAST_MS: Final = 5_000


def bounded_only(decision: Decision) -> bool:
    """Say whether a decision claims a relation by ear: how probable it is cannot be computed again."""
    return decision.relation is not None and made_from(decision.relation.relation)


def relation_problems(decision: Decision, bundle: Bundle) -> Iterator[str]:
    """Say what does not follow of a decision's relation."""
    claim = decision.relation
    told = [each for each in decision.candidates if _may_be_claimed(each, decision, bundle)]
    if claim is None:
        for each in told:
            yield f"relation: {each.relation} of {each.source}/{each.item_id} is not claimed"
        return
    named = next((each for each in decision.candidates if _is_of(claim, each)), None)
    if named is not None:
        yield from _follows(claim, named, bundle)
    elif len(decision.candidates) < MAX_NAMED:
        yield f"relation: {claim.to_source}/{claim.to_item_id} is nobody whom it was compared with"
    for each in told:
        if not _is_of(claim, each) and _shared(each) > claim.probability + TOLERANCE:
            yield f"relation: {each.source}/{each.item_id} is likelier than the one that is claimed"
    if claim.relation in VIDEO_RELATIONS and decision.kind is not Kind.music_video:
        yield f"relation: a recording is no {claim.relation}"
    yield from _speed(claim)


def _is_of(claim: RelationClaim, candidate: ConsideredCandidate) -> bool:
    return (claim.to_source, claim.to_item_id) == (candidate.source, candidate.item_id)


def _may_be_claimed(each: ConsideredCandidate, decision: Decision, bundle: Bundle) -> bool:
    """Say whether what was compared alone makes a relation to be told of another entity."""
    elsewhere = each.entity_id is not None and each.entity_id != decision.entity_id
    near = each.work_log_odds is not None and each.work_log_odds >= bundle.work_review
    return each.relation is not None and elsewhere and near


def _shared(each: ConsideredCandidate) -> float:
    """Give how probable it is that a candidate is of the same work."""
    return probability(each.work_log_odds) if each.work_log_odds is not None else 0.0


def _follows(claim: RelationClaim, named: ConsideredCandidate, bundle: Bundle) -> Iterator[str]:
    """Compare a claim with the candidate that it is of."""
    if claim.relation != named.relation:
        yield f"relation: {claim.relation} is claimed, the comparison says {named.relation}"
    if claim.to_entity != named.entity_id:
        yield f"relation: it is of {claim.to_entity}, the candidate is in {named.entity_id}"
    near = named.work_log_odds is not None and named.work_log_odds >= bundle.work_review
    expected = _shared(named) if near else 0.0
    if made_from(claim.relation):
        if not expected - TOLERANCE <= claim.probability <= 1.0:
            yield f"relation: the probability is {claim.probability}, one work alone makes it {expected}"
    elif not math.isclose(claim.probability, expected, rel_tol=0.0, abs_tol=TOLERANCE):
        yield f"relation: the probability is {claim.probability}, its work makes it {expected}"


def _speed(claim: RelationClaim) -> Iterator[str]:
    """Compare the speed with the lengths of the spans."""
    if claim.speed_ratio is None:
        return
    for span in claim.spans:
        own, other = _lengths(span)
        if min(own, other) >= _LEAST_MS and abs(other / own / claim.speed_ratio - 1.0) > _SPEED:
            yield f"relation: {other} ms in {own} ms are not {claim.speed_ratio} times as fast"


def _lengths(span: ComparedSpan) -> tuple[int, int]:
    return span.end_ms - span.start_ms, span.other_end_ms - span.other_start_ms
