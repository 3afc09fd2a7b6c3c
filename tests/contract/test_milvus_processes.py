"""Milvus by itself: one owner of a Lite folder, a server that comes and goes, folds that are cut short."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from streams.core.index_rows import LiveRows
from streams.edges.milvus import MilvusCandidateIndex
from streams.edges.milvus.builds import Builds
from streams.errors import ConfigError, IndexUnavailable
from streams.steps import MOMENTS, Moment, Step
from tests.chaos.index_servers import LiteServer
from tests.contract.index_rows import deleted, row, search
from tests.waiting import wait_until


def test_lite_listens_to_nobody_beyond_this_machine(tmp_path: Path) -> None:
    index = MilvusCandidateIndex(str(tmp_path / "index.db"))
    index.active()
    listening = [each for each in psutil.Process().net_connections() if each.status == psutil.CONN_LISTEN]
    assert listening
    assert {each.laddr.ip.removeprefix("::ffff:") for each in listening} <= {"127.0.0.1", "::1"}
    index.close()


SECOND_OWNER = """
import sys
from streams.edges.milvus import MilvusCandidateIndex
from streams.errors import IndexUnavailable
try:
    MilvusCandidateIndex(sys.argv[1])
except IndexUnavailable:
    sys.exit(7)
"""


def test_a_second_process_does_not_get_a_lite_folder(tmp_path: Path) -> None:
    index = MilvusCandidateIndex(str(tmp_path / "index.db"))
    index.apply(index.active().name, [row("a", 1)], watermark=1)
    second = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", SECOND_OWNER, str(tmp_path / "index.db")], check=False, timeout=120
    )
    assert second.returncode == 7
    assert search(index, 1)[0][0].item_id == "item-a"
    index.close()


def test_one_process_has_one_lite_client(tmp_path: Path) -> None:
    one, two = (MilvusCandidateIndex(str(tmp_path / "index.db")) for _ in range(2))
    one.apply(one.active().name, [row("a", 1)], watermark=1)
    assert two.active().rows == 1
    one.close()
    one.close()
    assert search(two, 1)[0][0].item_id == "item-a"
    two.close()


def test_a_lite_folder_needs_its_ending(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        MilvusCandidateIndex(str(tmp_path / "index"))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(IndexUnavailable):
        MilvusCandidateIndex("http://127.0.0.1:9", timeout_s=0.5)


def test_a_server_that_was_started_again_is_searched_and_written_again(tmp_path: Path) -> None:
    server = LiteServer(tmp_path)
    server.start()
    try:
        index = MilvusCandidateIndex(server.uri, timeout_s=2.0)
        index.apply(index.active().name, [row("a", 1)], watermark=1)
        server.stop()
        with pytest.raises(IndexUnavailable):
            index.builds()
        server.start()

        def answers() -> bool:
            # Nothing is loaded there: the first call may say so.
            with suppress(IndexUnavailable):
                return search(index, 1)[0][0].item_id == "item-a" and index.active().watermark == 1
            return False

        wait_until(answers, 30, "an answer")
        index.apply("main", [row("b", 2)], watermark=2)
        assert (index.active().rows, index.active().watermark) == (2, 2)
        index.close()
    finally:
        server.stop()


WRITER = """
import sys
from streams.edges.milvus import MilvusCandidateIndex
from tests.contract.index_rows import row
index = MilvusCandidateIndex(sys.argv[1])
build = index.active().name
for batch in range(10_000):
    first = batch * 20
    index.apply(build, [row(str(i), i) for i in range(first, first + 20)], watermark=first + 20)
    print(first + 20, flush=True)
"""


def test_a_killed_writer_leaves_rows_at_or_ahead_of_the_watermark(tmp_path: Path) -> None:
    path = str(tmp_path / "index.db")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert writer.stdout is not None
    acknowledged = 0
    for line in writer.stdout:
        acknowledged = int(line)
        if acknowledged >= 100:
            break
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    index = MilvusCandidateIndex(path)
    build = index.active()
    assert acknowledged <= build.watermark <= build.rows
    live = LiveRows()
    live.fold(row(str(i), i) for i in range(build.rows))
    assert index.summary(build.name).checksum == live.checksum()
    index.close()


class Cut(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("step", [Step.upsert, Step.flush, Step.watermark])
def test_a_fold_cut_short_at_any_step_is_made_good_by_the_same_rows(
    tmp_path: Path, step: Step, moment: Moment
) -> None:
    armed = False

    @contextmanager
    def cut(reached: Step) -> Iterator[None]:
        if armed and reached is step and moment == "before":
            raise Cut
        yield
        if armed and reached is step and moment == "after":
            raise Cut

    path = str(tmp_path / "index.db")
    index = MilvusCandidateIndex(path, guard=cut)
    index.active()
    index.apply("main", [row("a", 1), row("b", 2)], watermark=2)
    armed = True
    more = [row("c", 3), deleted("a"), row("d", 4, modality="identity")]
    with pytest.raises(Cut):
        index.apply("main", more, watermark=5)
    index.close()
    again = MilvusCandidateIndex(path)
    # The log is read from the watermark on: behind it nothing may be missing.
    build = again.active()
    again.apply("main", [row("a", 1), row("b", 2), *more][build.watermark :], watermark=5)
    live = LiveRows()
    live.fold([row("a", 1), row("b", 2), *more])
    assert again.summary("main").checksum == live.checksum()
    again.close()


def test_a_build_whose_making_was_cut_short_is_no_build_and_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(builds: Builds, meta: str, build: str, watermark: int, *, filling: bool) -> None:
        raise IndexUnavailable(build)

    index = MilvusCandidateIndex(str(tmp_path / "index.db"))
    index.active()
    with monkeypatch.context() as patch:
        patch.setattr(Builds, "write", cut)
        with pytest.raises(IndexUnavailable):
            index.create("next")
    index.close()
    again = MilvusCandidateIndex(str(tmp_path / "index.db"))
    assert [build.name for build in again.builds()] == ["main"]
    assert again.create("next").filling
    assert [build.name for build in again.builds()] == ["main", "next"]
    again.close()


def test_an_emptying_that_was_cut_short_is_finished_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(builds: Builds, build: str) -> None:
        raise IndexUnavailable(build)

    index = MilvusCandidateIndex(str(tmp_path / "index.db"))
    index.apply(index.active().name, [row("a", 1)], watermark=1)
    with monkeypatch.context() as patch:
        patch.setattr(Builds, "empty", cut)
        with pytest.raises(IndexUnavailable):
            index.create("main")
    index.close()
    again = MilvusCandidateIndex(str(tmp_path / "index.db"))
    assert (again.active().watermark, again.active().rows, search(again, 1)) == (0, 0, [()])
    again.close()
