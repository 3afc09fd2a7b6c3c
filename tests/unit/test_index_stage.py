from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from streams.core.records import IndexRow, IndexWatermark
from streams.edges.avro import AvroCodec
from streams.edges.memory_index import MemoryCandidateIndex
from streams.errors import CorruptState, OffsetRegression
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


def kept(index: MemoryCandidateIndex, build: str) -> None:
    """Make a build that was active once and is kept for roll-back."""
    before = index.active().name
    index.create(build)
    index.promote(build)
    index.promote(before)


def test_rows_below_a_builds_own_watermark_are_skipped(
    index: MemoryCandidateIndex, stage: IndexProcessor
) -> None:
    index.active()
    index.apply("main", [], watermark=2)
    kept(index, "next")
    assert stage.resume_offset(end=4) == 0
    marks = watermarks(stage.process(messages([row("a"), row("b"), row("c"), row("d")])))
    assert {(m.build, m.rows, m.watermark) for m in marks} == {("main", 2, 4), ("next", 4, 4)}


def test_a_build_that_is_being_filled_is_left_to_its_rebuild(
    index: MemoryCandidateIndex, stage: IndexProcessor
) -> None:
    log = messages([row("a"), row("b"), row("c")])
    stage.process(log[:2])
    index.create("next")
    assert [m.build for m in watermarks(stage.process(log[2:]))] == ["main"]
    assert stage.resume_offset() == 3
    assert stage.idle(()) == []
    assert [build.watermark for build in index.builds()] == [3, 0]


@dataclass
class Rows:
    """`RowLog` over a list; ``then`` is what comes while somebody asks for the end."""

    log: list[Message]
    then: list[IndexRow] = field(default_factory=list)

    def end(self) -> int:
        now = self.log[-1].offset + 1 if self.log else 0
        if self.then:
            self.log += messages([self.then.pop(0)], first=now)
        return now

    def read(self, first: int, end: int) -> Iterator[Message]:
        return (message for message in list(self.log) if first <= message.offset < end)


def test_a_promoted_build_is_brought_up_to_date_with_the_next_batch(index: MemoryCandidateIndex) -> None:
    log = messages([row("a"), row("b"), row("a", state="deleted"), row("c"), row("d")])
    stage = IndexProcessor(index, CODEC, StoppedClock(), log=Rows(log), batch_rows=2)
    stage.process(log[:4])
    index.create("next")
    index.apply("next", [row("a")], watermark=1)
    index.promote("next")
    marks = watermarks(stage.process(log[4:]))
    assert {(m.build, m.rows, m.watermark, m.active) for m in marks} == {
        ("main", 3, 5, False),
        ("next", 3, 5, True),
    }
    assert index.summary("next") == index.summary("main")


def test_a_promoted_build_is_brought_up_to_date_and_announced_though_no_row_comes(
    index: MemoryCandidateIndex,
) -> None:
    log = messages([row("a"), row("b")])
    stage = IndexProcessor(index, CODEC, StoppedClock(), log=Rows(log))
    assert stage.idle(()) == ()
    stage.process(log)
    index.create("next")
    index.promote("next")
    marks = watermarks(stage.idle(()))
    assert [(m.build, m.watermark, m.active) for m in marks] == [("main", 2, False), ("next", 2, True)]
    assert stage.idle(()) == []
    index.promote("main")
    assert {(m.build, m.active) for m in watermarks(stage.idle(()))} == {("main", True), ("next", False)}


def test_a_store_that_lost_everything_is_folded_anew_while_the_stage_runs() -> None:
    lost = MemoryCandidateIndex()
    log = messages([row("a"), row("b"), row("c")])
    stage = IndexProcessor(lost, CODEC, StoppedClock(), log=Rows(log))
    stage.process(log[:2])
    lost.__init__()  # type: ignore[misc]  # as a server that comes back empty
    stage.process(log[2:])
    assert (lost.active().rows, lost.active().watermark) == (3, 3)


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
    built = rebuild(index, Rows(log), CODEC, batch_rows=2)
    assert (built.name, built.rows, built.watermark, built.active) == ("rebuild_1", 3, 5, True)
    assert [(build.name, build.filling) for build in index.builds()] == [
        ("main", False),
        ("rebuild_1", False),
    ]
    index.promote("main")
    assert index.active().rows == 1


def test_a_rebuild_that_lost_a_row_is_not_promoted(
    index: MemoryCandidateIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "summary", lambda build: IndexSummary(rows=1, checksum="0" * 16))
    with pytest.raises(CorruptState):
        rebuild(index, Rows(messages([row("a"), row("b")])), CODEC)
    assert index.active().name == "main"


def test_a_rebuild_under_load_takes_in_what_comes_meanwhile(index: MemoryCandidateIndex) -> None:
    coming = [row(name) for name in "cdefgh"]
    rows = Rows(messages([row("a"), row("b")]), then=coming)
    built = rebuild(index, rows, CODEC, batch_rows=1)
    assert rows.log[-1].offset + 1 - built.watermark <= 1
    assert built.rows == built.watermark == 4


def test_what_a_rebuild_left_unfinished_goes_and_no_name_of_a_build_is_taken_twice(
    index: MemoryCandidateIndex,
) -> None:
    rows = Rows(messages([row("a"), row("b")]))
    index.active()
    index.create("rebuild_1")
    index.apply("rebuild_1", [row("half")], watermark=1)
    assert rebuild(index, rows, CODEC).name == "rebuild_1"
    index.drop("main")
    assert rebuild(index, rows, CODEC).name == "rebuild_2"
    assert [(build.name, build.rows) for build in index.builds()] == [("rebuild_1", 2), ("rebuild_2", 2)]
