from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from streams.core.records import IndexRow, IndexWatermark
from streams.edges.avro import AvroCodec
from streams.edges.memory_index import MemoryCandidateIndex
from streams.errors import ConfigError, CorruptState, OffsetRegression
from streams.ports import IndexSummary, Message, Produced
from streams.stages.index import ROW_TOPIC, WATERMARK_TOPIC, IndexProcessor
from streams.stages.rebuild import rebuild

CODEC = AvroCodec()


class StoppedClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ms(self) -> int:
        return 1_700_000_000_000

    def monotonic(self) -> float:
        return self.seconds


def row(row_id: str, *, state: str = "live") -> IndexRow:
    vector = np.random.default_rng(len(row_id)).normal(size=4).astype("<f2")
    return IndexRow(
        row_id=row_id,
        source="label",
        item_id=row_id,
        revision=1,
        modality="text",
        model="use-3",
        window=0,
        start_ms=0,
        values=vector.tobytes() if state == "live" else b"",
        state=state,
    )


def messages(rows: Sequence[IndexRow], *, first: int = 0, step: int = 1) -> list[Message]:
    return [
        Message(
            topic=ROW_TOPIC,
            partition=0,
            offset=first + step * i,
            key=r.row_id.encode(),
            value=CODEC.encode(ROW_TOPIC, r),
        )
        for i, r in enumerate(rows)
    ]


def watermarks(produced: Sequence[Produced]) -> list[IndexWatermark]:
    assert {p.topic for p in produced} <= {WATERMARK_TOPIC}
    decoded = [CODEC.decode(p.topic, p.value or b"") for p in produced]
    assert [p.key for p in produced] == [w.build.encode() for w in decoded]
    return decoded


@pytest.fixture
def index() -> MemoryCandidateIndex:
    return MemoryCandidateIndex()


@pytest.fixture
def stage(index: MemoryCandidateIndex) -> IndexProcessor:
    return IndexProcessor(index, CODEC, StoppedClock(), batch_rows=3)


def test_a_batch_is_folded_and_announced_once_with_last_offset_plus_one(
    index: MemoryCandidateIndex, stage: IndexProcessor
) -> None:
    assert stage.resume_offset(end=0) == 0
    batch = messages([row("a"), row("b"), row("c"), row("d"), row("b", state="deleted")], step=2)
    produced = stage.process(batch)
    (mark,) = watermarks(produced)
    summary = index.summary("main")
    assert (mark.watermark, mark.rows, mark.checksum, mark.active) == (9, 3, summary.checksum, True)
    assert mark.at_ms == 1_700_000_000_000
    assert produced[0].cause == 4
    assert stage.resume_offset() == 9


def test_rows_below_a_builds_own_watermark_are_skipped(
    index: MemoryCandidateIndex, stage: IndexProcessor
) -> None:
    index.active()
    index.apply("main", [], watermark=2)
    index.create("next")
    assert stage.resume_offset(end=4) == 0
    marks = watermarks(stage.process(messages([row("a"), row("b"), row("c"), row("d")])))
    assert {(m.build, m.rows, m.watermark) for m in marks} == {("main", 2, 4), ("next", 4, 4)}


def test_a_build_that_lags_is_left_alone_until_the_stage_seeks(
    index: MemoryCandidateIndex, stage: IndexProcessor
) -> None:
    log = messages([row("a"), row("b"), row("c")])
    stage.process(log[:2])
    index.create("next")
    assert [m.build for m in watermarks(stage.process(log[2:]))] == ["main"]
    assert stage.lagging()
    assert stage.resume_offset() == 0
    stage.process(log)
    assert index.summary("next") == index.summary("main")
    assert not stage.lagging()


def test_a_replayed_batch_changes_nothing(index: MemoryCandidateIndex, stage: IndexProcessor) -> None:
    log = messages([row("a"), row("a", state="deleted")])
    stage.process(log)
    before = index.builds()
    stage.process(log[:1])
    assert index.builds() == before


def test_a_checksum_is_read_at_most_as_often_as_asked(index: MemoryCandidateIndex) -> None:
    clock = StoppedClock()
    stage = IndexProcessor(index, CODEC, clock, checksum_every_s=10)
    log = messages([row("a"), row("b"), row("c")])
    checksums = []
    for i, seconds in enumerate((0.0, 9.0, 11.0)):
        clock.seconds = seconds
        checksums += [m.checksum for m in watermarks(stage.process(log[i : i + 1]))]
    assert [bool(c) for c in checksums] == [True, False, True]


def test_a_build_ahead_of_its_log_is_refused(index: MemoryCandidateIndex, stage: IndexProcessor) -> None:
    index.active()
    index.apply("main", [], watermark=8)
    assert stage.resume_offset(end=8) == 8
    with pytest.raises(OffsetRegression):
        stage.resume_offset(end=7)


def test_a_row_that_cannot_be_read_stops_the_stage(
    index: MemoryCandidateIndex, stage: IndexProcessor
) -> None:
    (message,) = messages([row("a")])
    with pytest.raises(CorruptState):
        stage.process([replace(message, value=b"not avro")])
    assert index.active().watermark == 0


def test_an_absent_value_moves_the_watermark_only(index: MemoryCandidateIndex, stage: IndexProcessor) -> None:
    (message,) = messages([row("a")])
    stage.process([replace(message, value=None)])
    assert (index.active().watermark, index.active().rows) == (1, 0)


def test_nothing_in_nothing_out(stage: IndexProcessor) -> None:
    assert stage.process([]) == ()


def test_a_rebuild_is_verified_and_promoted_and_the_old_build_stays(index: MemoryCandidateIndex) -> None:
    log = messages([row("a"), row("b"), row("a", state="deleted"), row("c"), row("d")])
    index.active()
    index.apply("main", [row("wrong")], watermark=5)
    built = rebuild(index, iter(log), CODEC, "second", batch_rows=2)
    assert (built.name, built.rows, built.watermark, built.active) == ("second", 3, 5, True)
    assert [build.name for build in index.builds()] == ["main", "second"]
    index.promote("main")
    assert index.active().rows == 1


def test_a_rebuild_that_lost_a_row_is_not_promoted(
    index: MemoryCandidateIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "summary", lambda build: IndexSummary(rows=1, checksum="0" * 16))
    with pytest.raises(CorruptState):
        rebuild(index, iter(messages([row("a"), row("b")])), CODEC, "second")
    assert index.active().name == "main"


def test_the_active_build_is_not_rebuilt_in_place(index: MemoryCandidateIndex) -> None:
    index.active()
    with pytest.raises(ConfigError):
        rebuild(index, iter(()), CODEC, "main")
