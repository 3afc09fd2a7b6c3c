"""The vector index in trouble: gone for a while, on a full disk, rebuilt under load."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from streams.edges.broker import EmbeddedKafka
from tests.chaos.index_servers import APART, Server, apart, index_server
from tests.chaos.stages import Stages, stages
from tests.chaos.trickle import Trickle
from tests.chaos.uploads import Load
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

Chronicle = Callable[..., None]
LETTERS = "deadletter.v1"
GROWTH_BYTES = 100 * 2**20
# The stages would take nothing in on so small a disk: what fills up faster than they look is what is tried.
UNGUARDED = {"SAMESONG_DISK__MIN_FREE_BYTES": "0"}


@pytest.fixture(params=["lite", pytest.param("milvus", marks=[pytest.mark.network, pytest.mark.slow])])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Give an index that is a process of its own."""
    with index_server(request.param, tmp_path / "server") as made:
        yield made


def resident(running: Stages) -> dict[str, int]:
    """Give the memory of each stage."""
    return {name: psutil.Process(running.pid(name)).memory_info().rss for name in APART}


@pytest.mark.parametrize(
    "seconds", [pytest.param(15.0, id="short"), pytest.param(120.0, marks=pytest.mark.slow, id="long")]
)
def test_an_index_that_is_gone_pauses_find_and_is_caught_up_with(
    tmp_path: Path, server: Server, seconds: float, chronicle: Chronicle
) -> None:
    with apart(tmp_path, server) as running:
        load = Load()
        running.publish(load.next())
        running.judge()
        with Trickle(running, load, every_s=0.05) as trickle:
            trickle.await_flow()
            before, began = resident(running), time.monotonic()
            server.stop()
            time.sleep(seconds)  # gone for so long: that is the fault
            grown = {name: now - before[name] for name, now in resident(running).items()}
            running.assert_alive()
            server.start()
            stall = trickle.stall(began=began, ended=time.monotonic())
        verdict = running.judge()
        rubbish = sum(message.key == b"rubbish" for message in running.onlooker.seen("catalog.upload.v1"))
        letters = len(running.onlooker.seen(LETTERS))
        assert letters == rubbish, "an index that is gone is no reason to refuse an upload"
        assert max(grown.values()) < GROWTH_BYTES, grown
    chronicle(
        where="the vector index",
        step="uploads under way",
        fault=f"gone for {stall.fault_s:.0f} s",
        outcome=f"find pauses, holds: {verdict}; no stage grew by more than "
        f"{max(grown.values()) / 2**20:.0f} MB; decisions again {stall.recovered_s} s after its return",
    )


@contextmanager
def small_disk(path: Path, *, megabytes: int) -> Iterator[Path]:
    """Put a disk of its own under a folder, of which next to nothing is free; give what fills it."""
    path.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "samesong-test", str(path)]
    mounted = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own folder
    if mounted.returncode != 0:
        pytest.skip(f"nobody may mount here: {mounted.stderr.decode().strip()}")
    try:
        yield path / "ballast"
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)  # noqa: S603, S607 - our own folder


def fill(ballast: Path, *, leaving: int) -> None:
    """Take all of a disk but so many bytes."""
    free = os.statvfs(ballast.parent)
    ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - leaving)))


def test_a_full_disk_under_the_index_pauses_folding_and_loses_nothing(
    tmp_path: Path, chronicle: Chronicle
) -> None:
    with (
        small_disk(tmp_path / "index", megabytes=24) as ballast,
        EmbeddedKafka(tmp_path) as kafka,
        stages(tmp_path, bootstrap=kafka.bootstrap, environment=UNGUARDED) as running,
    ):
        running.start_all()
        load = Load()
        running.publish(load.next())
        running.judge()
        with Trickle(running, load, every_s=0.05) as trickle:
            trickle.await_flow()
            began = time.monotonic()
            fill(ballast, leaving=64 * 1024)
            wait_until(lambda: "No space left" in running.log("index"), 60, "a full disk")
            # What is decided meanwhile waits in the arbiter's overlay.
            trickle.await_flow()
            running.assert_alive()
            # A crash on a full disk: it opens its store again, or ends and is started anew until it can.
            running.kill("index")
            running.start("index")
            revived = 0
            for _ in range(10):
                time.sleep(0.5)  # as a supervisor that starts again what has ended; five seconds of it
                revived += len(running.revive())
            ballast.unlink()
            ended = time.monotonic()
            wait_until(lambda: not running.revive(), 10)
            stall = trickle.stall(began=began, ended=ended)
        verdict = running.judge()
    chronicle(
        where="the vector index",
        step="uploads under way",
        fault=f"its disk full for {stall.fault_s:.0f} s, killed meanwhile",
        outcome=f"folding pauses, holds: {verdict}; longest stall {stall.stalled_s} s",
    )
