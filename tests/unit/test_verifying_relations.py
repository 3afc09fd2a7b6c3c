"""A relation that does not follow from its own decision is told."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.core.bundle import Bundle
from streams.core.records import ComparedSpan, ConsideredCandidate, Decision, RelationClaim
from streams.core.scoring import probability
from streams.core.verifying_relations import bounded_only, relation_problems
from tests.unit.test_verifying import heard_decisions

BUNDLE = Bundle.packaged()
LIVE = ConsideredCandidate(
    source="s",
    item_id="live",
    entity_id="e-live",
    proposed_by=("title_artist",),
    recording_log_odds=-9.0,
    work_log_odds=3.0,
    relation="live_version_of",
)
NEARER = replace(LIVE, item_id="nearer", entity_id="e-nearer", work_log_odds=4.0)
CLAIM = RelationClaim(
    relation="live_version_of",
    to_entity="e-live",
    to_source="s",
    to_item_id="live",
    probability=probability(3.0),
)
HALF = ComparedSpan(start_ms=0, end_ms=10_000, other_start_ms=0, other_end_ms=20_000)


def decided(claim: RelationClaim | None = CLAIM, *candidates: ConsideredCandidate) -> Decision:
    return replace(heard_decisions()[0], relation=claim, candidates=candidates or (LIVE,))


def problems(decision: Decision) -> list[str]:
    return list(relation_problems(decision, BUNDLE))


def test_the_relation_of_the_likeliest_other_entity_adds_up() -> None:
    assert problems(decided()) == []
    assert not bounded_only(decided())
    same = replace(NEARER, entity_id=heard_decisions()[0].entity_id)
    far = replace(NEARER, work_log_odds=BUNDLE.work_review - 0.1)
    assert problems(decided(CLAIM, LIVE, same, far, replace(NEARER, relation=None))) == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda claim: replace(claim, relation="remix_of"),
        lambda claim: replace(claim, to_entity="other"),
        lambda claim: replace(claim, to_item_id="nobody"),
        lambda claim: replace(claim, probability=0.999),
        lambda claim: replace(claim, relation="music_video_of"),
        lambda claim: replace(claim, speed_ratio=1.25, spans=(HALF,)),
    ],
)
def test_a_relation_that_was_tampered_with_is_told(tamper: Callable[[RelationClaim], RelationClaim]) -> None:
    assert problems(decided(tamper(CLAIM))) != []


def test_a_relation_that_was_left_out_is_told() -> None:
    assert problems(decided(None)) != []
    assert problems(decided(CLAIM, LIVE, NEARER)) != []


def test_what_was_heard_is_bounded_by_the_work_alone() -> None:
    heard = replace(LIVE, relation="excerpt_of")
    claim = replace(CLAIM, relation="excerpt_of", probability=0.9999)
    assert bounded_only(decided(claim, heard))
    assert problems(decided(claim, heard)) == []
    assert problems(decided(replace(claim, probability=0.5), heard)) != []
