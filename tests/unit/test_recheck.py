"""What an index that lost rows made two of is found again, once, and only what nobody has settled."""

from dataclasses import replace

import numpy as np
import pytest

from streams.core.index_rows import LiveRows
from streams.core.rechecking import last_good_watermark
from streams.core.records import IndexRow, IndexWatermark
from streams.edges.memory_index import MemoryCandidateIndex
from streams.ports import FloatArray, Hit
from streams.stages.arbiter_records import ROWS
from streams.stages.find import FindProcessor
from streams.stages.recheck import recheck
from tests.unit.test_find_and_arbitrate import Pipeline, upload


class LossyIndex(MemoryCandidateIndex):
    """Finds nothing while it is torn, and says nothing of it."""

    torn = False

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Search, or lose."""
        found = super().search(build, modality=modality, model=model, vectors=vectors, limit=limit)
        return [() for _ in found] if self.torn else found


@pytest.fixture
def doubled() -> Pipeline:
    """Two uploads of one recording, minted twice; then the index is whole again."""
    pipeline = Pipeline(kept_behind=0)
    lossy = LossyIndex()
    pipeline.index = lossy
    pipeline.find = FindProcessor(lossy, pipeline.codec, limit=10)
    pipeline.decide(pipeline.look_up([upload("a", "one", 0), upload("other", "another", 1)]))
    pipeline.index_all()
    lossy.torn = True
    (missed,) = pipeline.decide(pipeline.look_up([upload("b", "one", 2)]))
    assert missed.outcome.value == "new"
    pipeline.index_all()
    lossy.torn = False
    return pipeline


def _rows(pipeline: Pipeline, first: int = 0) -> list[IndexRow]:
    return [pipeline.codec.decode(ROWS, message.value or b"") for message in pipeline.log[ROWS][first:]]


def test_two_entities_of_one_recording_are_proposed_once(doubled: Pipeline) -> None:
    proposals = list(recheck(_rows(doubled), arbiter=doubled.stage, find=doubled.find, codec=doubled.codec))
    assert [{each.upload, each.other} for each in proposals] == [{_key("a"), _key("b")}]
    assert proposals[0].entity_id != proposals[0].other_entity_id
    assert proposals[0].proposed_by == ("vector:text",)


def _key(item: str) -> str:
    return upload(item, "one", 0).key.text()


def test_only_what_was_decided_since_is_looked_up(doubled: Pipeline) -> None:
    later = recheck(_rows(doubled, 2), arbiter=doubled.stage, find=doubled.find, codec=doubled.codec)
    assert [each.upload for each in later] == [_key("b")]
    nothing = recheck([], arbiter=doubled.stage, find=doubled.find, codec=doubled.codec)
    assert list(nothing) == []


def test_an_index_that_misses_nothing_proposes_nothing() -> None:
    pipeline = Pipeline(kept_behind=0)
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    pipeline.index_all()
    pipeline.decide(pipeline.look_up([upload("b", "one", 1), upload("c", "three", 2)]))
    pipeline.index_all()
    assert not list(
        recheck(_rows(pipeline), arbiter=pipeline.stage, find=pipeline.find, codec=pipeline.codec)
    )


def _row(number: int, *, state: str = "live") -> IndexRow:
    return IndexRow(
        row_id=f"{number}",
        source="s",
        item_id=f"{number}",
        revision=1,
        modality="text",
        model="m-1",
        window=0,
        start_ms=0,
        values=np.ones(4, dtype="<f2").tobytes() if state == "live" else b"",
        state=state,
    )


def test_the_last_good_watermark_is_the_last_at_which_count_and_checksum_agree() -> None:
    rows = [(0, _row(0)), (1, _row(1)), (3, _row(0, state="deleted")), (4, _row(2))]

    def mark(watermark: int) -> IndexWatermark:
        live = LiveRows()
        live.fold(row for offset, row in rows if offset < watermark)
        return IndexWatermark(build="main", watermark=watermark, rows=len(live.ids), checksum=live.checksum())

    good, unproven = [mark(2), mark(4)], replace(mark(5), checksum="")
    lacking = replace(mark(5), rows=1)
    assert last_good_watermark(rows, [unproven, *good, lacking]) == 4
    assert last_good_watermark(rows, [mark(5), *good]) == 5
    assert last_good_watermark(rows, [lacking, unproven]) == 0
    assert last_good_watermark([], []) == 0
