"""One suite for every vector index: memory, Milvus Lite, and a real Milvus server."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from streams.core.index_rows import LiveRows
from streams.core.records import IndexRow, SoundFacts
from streams.edges.memory_index import MemoryCandidateIndex
from streams.edges.milvus import MilvusCandidateIndex
from streams.edges.milvus.rows import PAGE_ROWS, QUERY_ROWS, WRITE_ROWS
from streams.errors import ConfigError, CorruptState, EncoderMismatch
from streams.ports import CandidateIndex
from tests.contract.index_rows import DIM, deleted, row, search, unit
from tests.contract.milvus_server import milvus_server

Open = Callable[[], CandidateIndex]
# Milvus's language of filters, and ways out of a quoted text in it.
FILTERS = (
    '" or "1" == "1',
    '"] or key != ""  //',
    "' || true || '",
    'key in ["watermark"]',
    '{"$ne": ""}',
    '\\" or key like "%',
    "{key}",
)
_prefixes = count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus_server(tmp_path_factory.mktemp("milvus")) as uri:
        yield uri


@pytest.fixture(
    params=[
        "memory",
        "lite",
        pytest.param("server", marks=[pytest.mark.network, pytest.mark.slow]),
    ]
)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Give a function that opens the same store each time; a memory one is the same object."""
    made: list[CandidateIndex] = []
    memory = MemoryCandidateIndex()
    prefix = f"t{os.getpid()}_{next(_prefixes)}"

    def open_again() -> CandidateIndex:
        index: CandidateIndex
        match request.param:
            case "memory":
                index = memory
            case "lite":
                index = MilvusCandidateIndex(str(tmp_path / "index.db"))
            case _:
                index = MilvusCandidateIndex(request.getfixturevalue("server"), prefix=prefix)
        made.append(index)
        return index

    yield open_again
    for index in made:
        index.close()


@pytest.fixture
def index(opener: Open) -> CandidateIndex:
    opened = opener()
    opened.active()
    return opened


def test_an_empty_store_gets_one_active_build_and_keeps_it(opener: Open) -> None:
    index = opener()
    first = index.active()
    assert (first.watermark, first.rows, first.active) == (0, 0, True)
    assert index.active() == first
    assert index.builds() == (first,)


def test_searching_where_nothing_is_finds_nothing(index: CandidateIndex) -> None:
    assert search(index, 1, 2) == [(), ()]
    assert search(index, 1, build="no such build") == [()]
    none = np.zeros((0, DIM), dtype=np.float32)
    assert index.search("main", modality="text", model="use-3", vectors=none, limit=3) == []


def test_hits_come_most_similar_first_with_cosine_and_name_the_upload(index: CandidateIndex) -> None:
    near = unit(1) + np.float32(0.3) * unit(2)
    rows = [row("a", 1, window=3, start_ms=1500, revision=2), row("b", values=5 * near), row("c", 9)]
    index.apply("main", rows, watermark=3)
    (hits,) = search(index, 1)
    assert [hit.item_id for hit in hits][:2] == ["item-a", "item-b"]
    assert hits[0][:5] == ("label", "item-a", 2, 3, 1500)
    expected = [1.0, float(near @ unit(1) / np.linalg.norm(near)), float(unit(9) @ unit(1))]
    assert [hit.similarity for hit in hits] == pytest.approx(expected, abs=2e-3)
    assert len(search(index, 1, limit=2)[0]) == 2


def facts(number: int) -> SoundFacts:
    digest = f"{number:064x}"
    return SoundFacts(
        duration_ms=240_017 + number,
        silent_share=1 / 3,
        rms_dbfs=-17.123456789012345,
        features=digest,
        content_sha256=digest[::-1],
    )


def test_a_hit_names_the_sound_of_its_upload(opener: Open) -> None:
    index = opener()
    index.active()
    rows = [row("a", 1, sound=facts(1)), row("b", 2), row("c", 3, sound=facts(3))]
    index.apply("main", rows, watermark=3)
    index.apply("main", [row("c", 3, sound=facts(4))], watermark=4)
    index.close()
    found = search(opener(), 1, 2, 3, limit=1)
    assert [hit.sound for (hit,) in found] == [facts(1), None, facts(4)]


def test_applying_the_same_rows_twice_changes_nothing(index: CandidateIndex) -> None:
    rows = [row(str(i), i) for i in range(20)]
    index.apply("main", rows, watermark=20)
    before = (index.summary("main"), index.active(), search(index, 3))
    index.apply("main", rows, watermark=20)
    assert (index.summary("main"), index.active(), search(index, 3)) == before
    assert before[1].rows == before[0].rows == 20


def test_the_last_operation_of_a_row_wins_within_and_across_batches(index: CandidateIndex) -> None:
    index.apply("main", [row("a", 1), deleted("a"), deleted("b"), row("b", 2), row("c", 3)], watermark=5)
    assert {hit.item_id for hit in search(index, 1)[0]} == {"item-b", "item-c"}
    index.apply("main", [deleted("c"), deleted("never")], watermark=7)
    assert [hit.item_id for hit in search(index, 1)[0]] == ["item-b"]
    assert (index.active().rows, index.active().watermark) == (1, 7)


def test_an_older_batch_is_not_folded_again(index: CandidateIndex) -> None:
    index.apply("main", [row("a", 1), deleted("a")], watermark=2)
    index.apply("main", [row("a", 1)], watermark=1)
    assert (index.active().watermark, index.active().rows) == (2, 0)


def test_summary_is_the_fold_of_the_log(index: CandidateIndex) -> None:
    log = [row(str(i), i) for i in range(1, 40)] + [deleted("3"), row("x", 1, model="other-1")]
    live = LiveRows()
    live.fold(log)
    index.apply("main", log, watermark=len(log))
    summary = index.summary("main")
    assert (summary.rows, summary.checksum) == (39, live.checksum())


def test_spaces_do_not_mix(index: CandidateIndex) -> None:
    index.apply(
        "main", [row("a", 1), row("b", 1, modality="identity"), row("c", 1, model="USE 3")], watermark=3
    )
    assert [hit.item_id for hit in search(index, 1)[0]] == ["item-a"]


@pytest.mark.parametrize(
    "item_id",
    ['it\'s "quoted" \\ `', "水の歌 🎵 é", "x" * 5000, *FILTERS, "%_", "a\nb", "\x1b[2J\u202e", ""],
    ids=["quotes", "unicode", "long", *map(ascii, FILTERS), "wild cards", "newline", "steering", "empty"],
)
def test_any_id_goes_in_and_comes_back(index: CandidateIndex, item_id: str) -> None:
    index.apply("main", [row(f"row {item_id}", 1, item_id=item_id), row("other", 2)], watermark=2)
    assert search(index, 1)[0][0].item_id == item_id
    index.apply("main", [deleted(f"row {item_id}")], watermark=3)
    assert [hit.item_id for hit in search(index, 1)[0]] == ["item-other"]


@pytest.mark.parametrize("name", FILTERS, ids=ascii)
def test_no_name_of_anything_is_read_as_a_filter(index: CandidateIndex, name: str) -> None:
    index.apply("main", [row("kept", 1), row("kept too", 2)], watermark=2)
    index.create(name)
    index.apply(name, [row(name, 1, item_id=name, model=name), row("other", 2, model=name)], watermark=2)
    hits = index.search(name, modality="text", model=name, vectors=unit(1)[None], limit=5)
    assert [hit.item_id for hit in hits[0]] == [name, "item-other"]
    index.apply(name, [deleted(name, model=name)], watermark=3)
    assert index.summary(name).rows == 1
    assert index.summary("main").rows == 2
    index.drop(name)
    assert index.summary("main").rows == 2


@pytest.mark.parametrize(
    "bad",
    [
        row("bad", values=np.array([np.nan] * DIM, dtype=np.float32)),
        row("bad", values=np.array([np.inf] * DIM, dtype=np.float32)),
        row("bad", values=np.ones(DIM + 1, dtype=np.float32)),
        row("bad", values=np.zeros(0, dtype=np.float32)),
        row("bad", state="odd"),
        row("bad", sound=replace(facts(1), features="f" * 70_000)),
    ],
    ids=["nan", "infinite", "dimension", "no values", "state", "sound"],
)
def test_a_bad_row_is_refused_before_anything_is_written(index: CandidateIndex, bad: IndexRow) -> None:
    index.apply("main", [row("a", 1)], watermark=1)
    with pytest.raises(CorruptState):
        index.apply("main", [row("b", 2), bad], watermark=3)
    assert (index.active().watermark, index.active().rows) == (1, 1)


def test_a_dimension_other_than_the_stored_one_is_refused(index: CandidateIndex) -> None:
    index.apply("main", [row("a", 1)], watermark=1)
    wide = np.ones((1, DIM + 1), dtype=np.float32)
    with pytest.raises(CorruptState):
        index.apply("main", [row("b", values=wide[0])], watermark=2)
    with pytest.raises(EncoderMismatch):
        index.search("main", modality="text", model="use-3", vectors=wide, limit=1)


def test_bad_queries_are_refused_and_a_zero_query_finds_nothing(index: CandidateIndex) -> None:
    index.apply("main", [row("a", 1)], watermark=1)
    queries = np.stack([unit(1), np.zeros(DIM, dtype=np.float32)])
    found = index.search("main", modality="text", model="use-3", vectors=queries, limit=1)
    assert [len(hits) for hits in found] == [1, 0]
    queries[1, 0] = np.nan
    with pytest.raises(CorruptState):
        index.search("main", modality="text", model="use-3", vectors=queries, limit=1)


def test_a_row_of_zeros_is_never_stored(index: CandidateIndex) -> None:
    index.apply("main", [row("a", 1), row("z", values=np.zeros(DIM, dtype=np.float32))], watermark=2)
    assert (index.active().rows, index.active().watermark) == (1, 2)
    assert index.zero_rows == 1  # type: ignore[attr-defined]  # of both classes, not of the port


def test_the_alias_moves_and_rolls_back_and_the_active_build_cannot_be_dropped(index: CandidateIndex) -> None:
    index.apply("main", [row("a", 1)], watermark=1)
    assert index.create("next build/2").rows == 0
    index.apply("next build/2", [row("b", 2)], watermark=5)
    index.promote("next build/2")
    assert (index.active().name, index.active().watermark) == ("next build/2", 5)
    assert [hit.item_id for hit in search(index, 2, build="next build/2")[0]] == ["item-b"]
    with pytest.raises(ConfigError):
        index.drop("next build/2")
    index.promote("main")
    assert [(build.name, build.active) for build in index.builds()] == [
        ("main", True),
        ("next build/2", False),
    ]
    assert [hit.item_id for hit in search(index, 1)[0]] == ["item-a"]
    index.drop("next build/2")
    assert [build.name for build in index.builds()] == ["main"]
    assert search(index, 2, build="next build/2") == [()]


def test_a_build_is_being_filled_until_it_is_promoted_and_never_again(opener: Open) -> None:
    index = opener()
    assert not index.active().filling
    assert index.create("next").filling
    index.apply("next", [row("a", 1)], watermark=4)
    index.close()
    again = opener()
    assert [(build.name, build.filling, build.watermark) for build in again.builds()] == [
        ("main", False, 0),
        ("next", True, 4),
    ]
    again.promote("next")
    again.promote("main")
    assert [(build.filling, build.watermark) for build in again.builds()] == [(False, 0), (False, 4)]


def test_without_an_alias_an_unfinished_build_is_not_taken(opener: Open) -> None:
    index = opener()
    index.create("half")
    index.apply("half", [row("a", 1)], watermark=4)
    assert index.active().name == "main"


def test_creating_a_build_again_empties_it(index: CandidateIndex) -> None:
    index.apply("main", [row("a", 1)], watermark=1)
    emptied = index.create("main")
    assert (emptied.rows, emptied.watermark, emptied.active) == (0, 0, True)
    assert search(index, 1) == [()]
    index.apply("main", [row("b", 1)], watermark=1)
    assert [hit.item_id for hit in search(index, 1)[0]] == ["item-b"]


def test_unknown_builds_are_refused(index: CandidateIndex) -> None:
    with pytest.raises(CorruptState):
        index.apply("ghost", [row("a")], watermark=1)
    with pytest.raises(ConfigError):
        index.promote("ghost")
    with pytest.raises(ConfigError):
        index.summary("ghost")


def test_reopening_keeps_rows_watermark_and_alias(opener: Open) -> None:
    index = opener()
    index.active()
    index.create("second")
    index.apply("second", [row(str(i), i) for i in range(50)], watermark=50)
    index.promote("second")
    before = (index.builds(), index.summary("second"), search(index, 7, build="second"))
    index.close()
    again = opener()
    assert (again.builds(), again.summary("second"), search(again, 7, build="second")) == before


def test_a_reader_beside_a_writer_misses_nothing(index: CandidateIndex) -> None:
    index.apply("main", [row("first", 1)], watermark=1)
    written = Event()

    def read() -> list[str]:
        seen = []
        while not written.is_set():
            seen.append(search(index, 1, limit=1)[0][0].item_id)
        return seen

    with ThreadPoolExecutor(2) as readers:
        reading = [readers.submit(read) for _ in range(2)]
        try:
            for i in range(10):
                index.apply("main", [row(f"{i}-{j}", 100 + j) for j in range(50)], watermark=2 + i)
        finally:
            written.set()
    assert {item_id for future in reading for item_id in future.result()} == {"item-first"}
    assert index.summary("main").rows == 501


def test_what_one_client_folds_another_finds_at_once(opener: Open) -> None:
    writer, reader = opener(), opener()
    build = writer.active().name
    for batch in range(1, 6):
        writer.apply(build, [row(f"{batch}-{i}", 10 * batch + i) for i in range(5)], watermark=batch)
        writer.apply(build, [deleted(f"{batch - 1}-0")], watermark=batch)
        assert (reader.active().watermark, reader.active().rows) == (batch, 5 + 4 * (batch - 1))
        (newest, gone) = search(reader, 10 * batch + 4, 10 * (batch - 1), build=build, limit=50)
        assert newest[0].item_id == f"item-{batch}-4"
        assert f"item-{batch - 1}-0" not in {hit.item_id for hit in gone}


def test_more_than_one_call_takes_is_written_searched_and_summed_in_parts(index: CandidateIndex) -> None:
    rows = [row(str(i), i) for i in range(PAGE_ROWS + WRITE_ROWS // 2)]
    # The same key at both ends: its last operation counts, whichever part it falls into.
    log = [row("0", 777_777), *rows[1:], row("0", 0), deleted("1")]
    index.apply("main", log, watermark=len(log))
    live = LiveRows()
    live.fold(log)
    summary = index.summary("main")
    assert (summary.rows, summary.checksum) == (len(rows) - 1, live.checksum())
    asked = [0, *range(2, QUERY_ROWS + 20)]
    assert [hits[0].item_id for hits in search(index, *asked, limit=1)] == [f"item-{i}" for i in asked]
