"""Find compares the sounds of the candidates it names; the arbiter those that nobody has compared."""

from dataclasses import replace

import pytest

from streams.core.bundle import Bundle
from streams.core.records import ArbiterInput, Candidate, EncodedUpload, Outcome, SoundEvidence, SoundFacts
from streams.core.rules import Confirm
from streams.core.sound_evidence import mirrored
from streams.errors import FeatureMissing
from streams.ports import Message
from streams.stages.arbiter_records import PAIRS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.find import INPUT, FindProcessor
from streams.wiring.parts import rules
from tests.unit.test_find_and_arbitrate import Pipeline, upload


class Ear:
    """Compares sounds by a letter in the name of their features, and counts how often it was asked."""

    def __init__(self, gone: str = "") -> None:
        self.gone = gone
        self.asked: list[tuple[str, str]] = []

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        self.asked.append((left.features, right.features))
        if self.gone in {left.features, right.features}:
            raise FeatureMissing(self.gone)
        same = left.features[0] == right.features[0]
        longer = max(left.duration_ms, right.duration_ms)
        overlap = min(left.duration_ms, right.duration_ms)
        return SoundEvidence(
            bit_error=0.03 if same else 0.47,
            offset_ms=left.duration_ms - right.duration_ms,
            overlap_ms=overlap if same else overlap // 20,
            coverage_left=overlap / longer,
            coverage_right=1.0,
            speed_ratio=1.0,
            windows=0.99 if same else 0.2,
            harmony=0.9 if same else 0.0,
        )


class HeardPipeline(Pipeline):
    """The stages with the packaged parameters, and sounds compared in find or only by the arbiter."""

    def __init__(self, *, in_find: bool, gone: str = "") -> None:
        self.finder, self.arbiter = Ear(gone), Ear()
        super().__init__()
        confirm: Confirm | None = self.finder.confirm if in_find else None
        self.find = FindProcessor(self.index, self.codec, limit=50, confirm=confirm)

    def new_stage(self) -> ArbitrateStage:
        return ArbitrateStage(
            self.codec,
            rules(Bundle.packaged(), self.arbiter.confirm),
            watermark=lambda: self.folded,
            overlay_rows=100,
        )

    def named(self, looked_up: Message) -> tuple[Candidate, ...]:
        record: ArbiterInput = self.codec.decode(INPUT, looked_up.value or b"")
        assert record.found is not None
        return record.found.candidates


def heard(item: str, title: str, features: str, offset: int) -> EncodedUpload:
    sound = SoundFacts(
        duration_ms=200_000 + 1_000 * offset,
        silent_share=0.0,
        rms_dbfs=-14.5,
        features=features,
        content_sha256=features * 2,
    )
    return replace(upload(item, title, offset), sound=sound)


def test_find_gives_the_evidence_of_sound_told_from_the_upload() -> None:
    pipeline = HeardPipeline(in_find=True)
    first, second = heard("a", "clear water", "x1", 0), heard("b", "muddy water", "x2", 1)
    pipeline.decide(pipeline.look_up([first]))
    pipeline.index_all()
    (found,) = pipeline.look_up([second])
    assert second.sound is not None
    assert first.sound is not None
    (candidate,) = pipeline.named(found)
    assert candidate.sound == Ear().confirm(second.sound, first.sound)
    assert candidate.sound != mirrored(candidate.sound)
    (decided,) = pipeline.decide([found])
    assert decided.recording_ledger is not None
    assert any(
        line.name == "sound" and line.level not in {"absent", "skipped"}
        for line in decided.recording_ledger.lines
    )
    assert pipeline.arbiter.asked == []


def test_decisions_are_the_same_whoever_compares() -> None:
    uploads = [
        heard("a", "clear water", "x1", 0),
        heard("b", "track 07", "x2", 1),
        heard("c", "clear water", "y1", 2),
        upload("d", "clear water", 3),
        heard("e", "x clear water", "x3", 4),
        heard("b", "track 08", "y2", 5),
    ]
    uploads[-1] = replace(uploads[-1], revision=2)
    pipelines = HeardPipeline(in_find=True), HeardPipeline(in_find=False)
    for at, each in enumerate(uploads):
        for pipeline in pipelines:
            (decided,) = pipeline.decide(pipeline.look_up([each]))
            assert decided.outcome is not Outcome.rejected
            if at % 2:
                pipeline.index_all()
    early, late = pipelines
    for topic in ("resolution.decided.v1", PAIRS, "entity.changed.v1", "index.row.v1"):
        assert early.log[topic] == late.log[topic]
    assert early.finder.asked
    assert len(early.arbiter.asked) < len(late.arbiter.asked)


def test_the_arbiter_compares_what_the_index_has_not_seen() -> None:
    pipeline = HeardPipeline(in_find=True)
    twins = [heard("a", "clear water", "x1", 0), heard("b", "clear water", "x2", 1)]
    pipeline.decide(pipeline.look_up(twins))
    assert pipeline.finder.asked == []
    assert pipeline.arbiter.asked == [("x2", "x1")]


def test_features_that_are_gone_are_left_to_the_arbiter() -> None:
    pipeline = HeardPipeline(in_find=True, gone="x1")
    pipeline.decide(
        pipeline.look_up([heard("a", "clear water", "x1", 0), heard("b", "muddy water", "x2", 1)])
    )
    pipeline.index_all()
    pipeline.arbiter.asked.clear()
    (found,) = pipeline.look_up([heard("c", "clear waters", "x3", 2)])
    evidence = {each.item_id: each.sound for each in pipeline.named(found)}
    assert evidence["a"] is None
    assert evidence["b"] is not None
    pipeline.decide([found])
    assert pipeline.arbiter.asked[0] == ("x3", "x1")


def test_only_those_that_are_compared_first_are_compared_in_find(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = HeardPipeline(in_find=True)
    pipeline.decide(pipeline.look_up([heard(f"i{n}", f"title {n}", f"y{n}", n) for n in range(6)]))
    pipeline.index_all()
    monkeypatch.setattr("streams.core.proposing.MAX_COMPARED", 2)
    (found,) = pipeline.look_up([heard("z", "title 9", "x9", 9)])
    assert [each.item_id for each in pipeline.named(found) if each.sound is not None] == ["i0", "i1"]


def test_an_upload_without_sound_asks_for_no_comparison() -> None:
    pipeline = HeardPipeline(in_find=True)
    pipeline.decide(pipeline.look_up([heard("a", "clear water", "x1", 0)]))
    pipeline.index_all()
    (found,) = pipeline.look_up([upload("b", "clear water", 1)])
    assert [each.sound for each in pipeline.named(found)] == [None]
    assert pipeline.finder.asked == []
