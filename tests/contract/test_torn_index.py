"""A Milvus Lite folder whose files are damaged: recognised, put away, and folded anew from the log."""

import fcntl
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.core.index_rows import LiveRows
from streams.core.records import IndexRow
from streams.edges.milvus import MilvusCandidateIndex, open_lite
from streams.errors import CorruptState, IndexUnavailable
from streams.ports import CandidateIndex
from tests.contract.index_rows import deleted, row, search

# The last batch only changes and deletes: its loss leaves as many rows as before, or more.
LOG: list[tuple[list[IndexRow], int]] = [
    ([row(str(i), i) for i in range(20)], 20),
    ([row(str(i), i) for i in range(20, 40)], 40),
    ([row("3", 103), deleted("4")], 42),
]
DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "emptied": lambda _: b"",
    "cut": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "ends in zeros": lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
    "gone": lambda _: None,
}


def fold(index: CandidateIndex) -> str:
    """Fold the log from where the index stands, as the index stage does."""
    build = index.active()
    for rows, watermark in LOG:
        if watermark > build.watermark:
            index.apply(build.name, rows, watermark=watermark)
    return build.name


def check_whole(index: CandidateIndex) -> None:
    """Find in the index what the log says, and work with it."""
    build = fold(index)
    live = LiveRows()
    for rows, _ in LOG:
        live.fold(rows)
    summary = index.summary(build)
    assert (summary.rows, summary.checksum) == (39, live.checksum())
    assert [hit.item_id for (hit,) in search(index, 7, 25, 103, limit=1)] == ["item-7", "item-25", "item-3"]
    index.create("next")
    index.apply("next", [row("only", 1)], watermark=1)
    index.promote("next")
    assert [item.name for item in index.builds()] == ["main", "next"]
    index.drop("main")
    assert (index.active().name, index.active().rows) == ("next", 1)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store that was closed."""
    path = tmp_path_factory.mktemp("closed") / "index.db"
    index = MilvusCandidateIndex(str(path))
    fold(index)
    index.close()
    return path


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the files as they lie while the store is open: what a killed process leaves."""
    folder = tmp_path_factory.mktemp("killed")
    index = MilvusCandidateIndex(str(folder / "open.db"))
    fold(index)
    shutil.copytree(folder / "open.db", folder / "index.db")
    index.close()
    return folder / "index.db"


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("store", ["closed", "killed"])
def test_any_damaged_file_is_survived(
    store: str, how: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    whole: Path = request.getfixturevalue(store)
    files = sorted(
        path.relative_to(whole) for path in whole.rglob("*") if path.is_file() and path.stat().st_size
    )
    assert len(files) > 8
    for number, name in enumerate(files):
        path = tmp_path / f"{number}.db"
        shutil.copytree(whole, path)
        damaged = DAMAGES[how]((path / name).read_bytes())
        if damaged is None:
            (path / name).unlink()
        else:
            (path / name).write_bytes(damaged)
        index = open_lite(path)
        try:
            check_whole(index)
        except Exception as exc:
            exc.add_note(f"{name} was damaged")
            raise
        finally:
            index.close()
        assert not path.with_name(f"{path.name}.torn").exists()


def damage_manifest(path: Path) -> None:
    for manifest in path.rglob("manifest.json"):
        manifest.write_bytes(b"")


def damage_rows(path: Path) -> None:
    for rows in path.rglob("*.parquet"):
        rows.write_bytes(bytes(100))


@pytest.mark.parametrize("damage", [damage_manifest, damage_rows], ids=["manifest", "rows"])
def test_a_torn_store_is_corrupt_each_time_it_is_opened(
    damage: Callable[[Path], None], closed: Path, tmp_path: Path
) -> None:
    path = tmp_path / "index.db"
    shutil.copytree(closed, path)
    damage(path)
    for _ in range(2):
        with pytest.raises(CorruptState):
            MilvusCandidateIndex(str(path))


def test_a_torn_store_is_told_in_one_line(
    closed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "index.db"
    shutil.copytree(closed, path)
    damage_manifest(path)
    caplog.set_level(logging.INFO, "streams")
    open_lite(path).close()
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("streams")]
    assert "torn" in line
    assert "manifest.json" in line


def test_a_whole_store_is_kept(closed: Path, killed: Path, tmp_path: Path) -> None:
    for number, whole in enumerate((closed, killed)):
        path = tmp_path / f"{number}.db"
        shutil.copytree(whole, path)
        (tmp_path / f"{number}.db.torn").mkdir()
        index = open_lite(path)
        assert (index.active().watermark, index.active().rows) == (42, 39)
        check_whole(index)
        index.close()
        assert not (tmp_path / f"{number}.db.torn").exists()


def test_a_store_that_another_has_open_is_not_taken_for_torn(closed: Path, tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    shutil.copytree(closed, path)
    damage_manifest(path)
    before = sorted(os.walk(path))
    with (path / "LOCK").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(IndexUnavailable, match="another process"):
            open_lite(path)
    assert sorted(os.walk(path)) == before


def test_a_store_of_an_older_layout_is_folded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "index.db"
    with monkeypatch.context() as older:
        older.setattr("streams.edges.milvus.index.layout_prefix", lambda prefix: prefix)
        index = MilvusCandidateIndex(str(path))
        fold(index)
        index.close()
    with pytest.raises(CorruptState, match="layout"):
        MilvusCandidateIndex(str(path))
    caplog.set_level(logging.INFO, "streams")
    index = open_lite(path)
    assert (index.active().watermark, index.active().rows) == (0, 0)
    assert "another layout" in caplog.text
    check_whole(index)
    index.close()
    again = open_lite(path)
    assert again.active().name == "next"
    again.close()
