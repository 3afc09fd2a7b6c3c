import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from streams.edges.folder_lock import FolderUnusable
from streams.supervision import AlreadyUp, StageCommand, Supervisor, child, read_status, stage_command
from tests.waiting import wait_until

SLEEPER = "import threading; threading.Event().wait()"
STUBBORN = "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); threading.Event().wait()"
UP = """
import sys
from pathlib import Path
from streams.supervision import StageCommand, Supervisor, supervise
stage = StageCommand(name="one", command=(sys.executable, "-c", sys.argv[2]))
supervise(Supervisor(Path(sys.argv[1]), [stage], bootstrap="127.0.0.1:1", topics=False))
"""


def _stage(name: str, code: str) -> StageCommand:
    return StageCommand(name=name, command=(sys.executable, "-c", code))


def _supervisor(folder: Path, *stages: StageCommand) -> Supervisor:
    return Supervisor(folder, stages, bootstrap="127.0.0.1:1", topics=False)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Supervisor]:
    one = _supervisor(tmp_path, _stage("one", SLEEPER), _stage("two", SLEEPER))
    one.start()
    yield one
    one.stop()


def _pids(folder: Path) -> dict[str, int]:
    return {s.name: s.pid for s in read_status(folder) if s.alive and s.pid is not None}


def test_killed_stage_is_started_again(up: Supervisor, tmp_path: Path) -> None:
    first = _pids(tmp_path)
    assert set(first) == {"one", "two"}
    os.kill(first["one"], signal.SIGKILL)

    def again() -> bool:
        up.tick()
        now = _pids(tmp_path)
        return "one" in now and now["one"] != first["one"]

    wait_until(again)
    by_name = {s.name: s for s in up.status()}
    assert by_name["one"].restarts == 1
    assert by_name["one"].last_exit == -9
    assert by_name["two"].restarts == 0
    assert _pids(tmp_path)["two"] == first["two"]


def test_stop_leaves_nobody(tmp_path: Path) -> None:
    one = _supervisor(tmp_path, _stage("one", SLEEPER))
    one.start()
    pids = _pids(tmp_path)
    one.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids.values())
    assert _pids(tmp_path) == {}


def test_back_off_grows_to_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(child, "LONGEST_WAIT_SECONDS", 0.02)
    one = _supervisor(tmp_path, _stage("one", "raise SystemExit(3)"))
    one.start()

    def three() -> bool:
        one.tick()
        return one.status()[0].restarts >= 3

    wait_until(three)
    assert one.status()[0].last_exit == 3
    one.stop()


def test_second_supervisor_on_a_folder_is_refused(up: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(AlreadyUp, match=str(os.getpid())):
        _supervisor(tmp_path).start()
    assert len(_pids(tmp_path)) == 2


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnusable, match="file cannot be a data folder"):
        _supervisor(tmp_path / "file").start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_orphan_however_the_supervisor_ends(tmp_path: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", UP, str(tmp_path), SLEEPER])  # noqa: S603 - our own
    try:
        wait_until(lambda: "one" in _pids(tmp_path))
        pid = _pids(tmp_path)["one"]
        parent.send_signal(number)
        assert parent.wait(20) == (-9 if number == signal.SIGKILL else 0)
        wait_until(lambda: not psutil.pid_exists(pid))
    finally:
        parent.kill()
        parent.wait()


def test_a_stage_that_ignores_the_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "STOP_SECONDS", 0.3)
    one = _supervisor(tmp_path, _stage("one", STUBBORN))
    one.start()
    pids = _pids(tmp_path)
    one.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids.values())


def test_stage_command_names_the_stage_and_the_folder(tmp_path: Path) -> None:
    command = stage_command("find", data_dir=tmp_path).command
    assert command[1:] == ("-m", "streams.cli", "run", "find", "--data-dir", str(tmp_path))
