"""What is heard between two uploads becomes a relation with spans, and a word to whom it concerns."""

from dataclasses import replace
from itertools import permutations

import pytest

from streams.core.bundle import Bundle
from streams.core.records import (
    Contradiction,
    HeardSpan,
    Operation,
    Outcome,
    RelationChanged,
    SoundAlignment,
    SoundEvidence,
    SoundFacts,
)
from streams.core.sound_evidence import mirrored
from streams.core.verifying import verify
from streams.stages.arbitrate import ArbitrateStage
from streams.wiring.parts import rules
from tests.unit.test_find_and_arbitrate import Pipeline
from tests.unit.test_find_confirms import heard

SPEED = 1.25


class FastEar:
    """Hears "fast" as the other one, a quarter faster; and "loop" for nine seconds under all others."""

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        if left.features > right.features:
            return mirrored(self.confirm(right, left))
        if "loop" in (left.features, right.features):
            return _evidence(speed=1.0, end_ms=9_000, coverage=0.045, log_odds=60.0)
        return _evidence(speed=SPEED, end_ms=160_000, coverage=1.0, log_odds=900.0)


def _evidence(*, speed: float, end_ms: int, coverage: float, log_odds: float) -> SoundEvidence:
    """Tell it from the left side, which is so many times faster."""
    span = HeardSpan(
        start_ms=0, end_ms=end_ms, other_start_ms=0, other_end_ms=round(end_ms * speed), agreement=0.6
    )
    return SoundEvidence(
        bit_error=0.46,
        offset_ms=0,
        overlap_ms=100_000,
        speed_ratio=1.0,
        windows=0.3,
        harmony=0.1,
        alignment=SoundAlignment(
            spans=(span,),
            speed_ratio=speed,
            pitch_cents=386.3 if speed != 1.0 else 0.0,
            pitch_tied=True,
            coverage_left=coverage,
            coverage_right=coverage,
            longest_left=coverage,
            longest_right=coverage,
            log_odds=log_odds,
        ),
    )


class HearingPipeline(Pipeline):
    """The stages with the packaged parameters; the arbiter listens."""

    def new_stage(self) -> ArbitrateStage:
        return ArbitrateStage(
            self.codec,
            rules(Bundle.packaged(), FastEar().confirm),
            watermark=lambda: self.folded,
            overlay_rows=100,
        )

    def relations(self) -> list[RelationChanged]:
        return [
            self.codec.decode(each.topic, each.value or b"")
            for each in self.log.get("relation.changed.v1", [])
        ]

    def contradictions(self) -> list[Contradiction]:
        return [
            self.codec.decode(each.topic, each.value or b"")
            for each in self.log.get("upload.contradiction.v1", [])
        ]


@pytest.mark.parametrize("order", list(permutations(("fast", "plain"))))
@pytest.mark.parametrize("title", ["clear water", "muddy water"])
def test_a_fast_copy_is_sped_up_of_the_other_whichever_came_first(order: tuple[str, str], title: str) -> None:
    pipeline = HearingPipeline()
    titles = {"plain": "clear water", "fast": title}
    decided = {
        name: pipeline.decide(pipeline.look_up([heard(name, titles[name], name, offset)]))[0]
        for offset, name in enumerate(order)
    }
    assert [each.outcome for each in decided.values()] == [Outcome.new, Outcome.new]
    assert all(verify(each, Bundle.packaged()) == () for each in decided.values())
    (relation,) = pipeline.relations()
    assert relation.relation == "sped_up_of"
    assert relation.from_entity == decided["fast"].entity_id
    assert relation.to_entity == decided["plain"].entity_id
    assert relation.speed_ratio == SPEED
    assert relation.pitch_tied
    assert relation.probability > 0.99
    (span,) = relation.spans
    assert (span.end_ms, span.other_end_ms) == (160_000, 200_000)
    (told,) = pipeline.contradictions()
    assert (told.source, told.item_id) == ("s", "fast")
    assert told.message == "declared original; is 1.25x speed and +3.9 semitones of s/plain"
    assert pipeline.subscriber_lacks() == []


def test_a_loop_in_another_work_is_material_in_common() -> None:
    pipeline = HearingPipeline()
    pipeline.decide(pipeline.look_up([heard("a", "clear water", "loop", 0)]))
    (decided,) = pipeline.decide(pipeline.look_up([heard("b", "muddy water", "x", 1)]))
    assert decided.outcome is Outcome.new
    assert decided.relation is not None
    assert decided.relation.relation == "shares_material_with"
    assert [each.end_ms for each in decided.relation.spans] == [9_000]
    assert pipeline.contradictions() == []
    (relation,) = pipeline.relations()
    assert relation.relation == "shares_material_with"
    assert pipeline.subscriber_lacks() == []


def test_a_withdrawn_sample_takes_its_relation_along() -> None:
    pipeline = HearingPipeline()
    pipeline.decide(
        pipeline.look_up([heard("a", "clear water", "loop", 0), heard("b", "muddy water", "x", 1)])
    )
    gone = replace(heard("b", "muddy water", "x", 2), operation=Operation.withdraw, record=None, vectors=())
    pipeline.decide(pipeline.look_up([gone]))
    assert [each.status for each in pipeline.relations()] == ["asserted", "retracted"]
    assert pipeline.subscriber_lacks() == []


@pytest.mark.parametrize("order", list(permutations(("loop", "x"))))
def test_a_later_recording_samples_an_earlier_one_whichever_came_first(order: tuple[str, str]) -> None:
    pipeline = HearingPipeline()
    decided = {}
    for offset, name in enumerate(order):
        encoded = heard(name, f"{name} water song", name, offset)
        assert encoded.record is not None
        record = replace(encoded.record, year=1979 if name == "loop" else 2004)
        (decided[name],) = pipeline.decide(pipeline.look_up([replace(encoded, record=record)]))
    assert all(verify(each, Bundle.packaged()) == () for each in decided.values())
    (relation,) = pipeline.relations()
    assert relation.relation == "samples"
    assert (relation.from_entity, relation.to_entity) == (decided["x"].entity_id, decided["loop"].entity_id)
    assert [each.end_ms for each in relation.spans] == [9_000]
    assert (relation.visibility, relation.dispute) == ("public", "none")
    assert pipeline.subscriber_lacks() == []
