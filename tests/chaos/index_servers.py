"""Indexes that are processes of their own, so that they can go away while the stages stay.

Milvus Lite serves on loopback for the everyday tests, with one worker: its engine takes no concurrent calls.
The real server has the same tests, marked `network`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from streams.edges.broker import EmbeddedKafka
from tests.chaos.stages import Stages, stages
from tests.contract.milvus_server import RestartableMilvus, await_answer
from tests.integration.installation import closed_port

STOP_SECONDS = 30.0
# It closes its files on the interrupt alone, which whoever was started in the background ignores.
SERVE = """
import signal, sys
from milvus_lite.cmdline import main
signal.signal(signal.SIGTERM, signal.default_int_handler)
sys.exit(main())
"""
# With a server `find` runs apart from `index`.
APART = ("encode", "find", "index", "arbitrate")


class Server(Protocol):
    """An index that can be stopped and started again, on the same port and data."""

    @property
    def uri(self) -> str:
        """Its address."""
        ...

    def start(self) -> None:
        """Start, and wait until it answers."""
        ...

    def stop(self) -> None:
        """End it; its port refuses from then on."""
        ...


class LiteServer:
    """Milvus Lite behind its own server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = closed_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        said = self._folder / "server.log"
        arguments = ["server", "--host", "127.0.0.1", "--port", str(self._port), "--max-workers", "1"]
        with said.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and its package
                [sys.executable, "-c", SERVE, *arguments, "--data-dir", str(self._folder / "data")],
                stdout=log,
                stderr=subprocess.STDOUT,
                # Python would find `tests` and `streams` of the current folder; the package needs neither.
                cwd=self._folder,
            )
        await_answer(self.uri, self._process, said)

    def stop(self) -> None:
        """End it, so that it closes its files; its port refuses from then on."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def index_server(kind: str, folder: Path) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    made: Server = LiteServer(folder) if kind == "lite" else RestartableMilvus(folder)
    try:
        # One that does not answer in time is running all the same.
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def apart(folder: Path, server: Server) -> Iterator[Stages]:
    """Run broker and stages, find and index apart from each other and from their index."""
    with (
        EmbeddedKafka(folder) as kafka,
        stages(folder, bootstrap=kafka.bootstrap, environment={"SAMESONG_INDEX__URI": server.uri}) as running,
    ):
        for stage in APART:
            running.start(stage)
        yield running
