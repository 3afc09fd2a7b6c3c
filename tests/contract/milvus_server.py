"""A real Milvus server for the contract suite: from its package, in a throwaway environment, no container.

It listens on every address of the machine (this version knows no other way), on free ports, without a
password, for as long as the tests run.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = "2.3.5"
START_SECONDS = 120.0


def _install(folder: Path) -> Path:
    """Install the server apart from the project: its pins are old."""
    python = folder / "bin" / "python"
    wanted = [f"milvus=={VERSION}", "setuptools<70"]
    uv = shutil.which("uv")
    if uv is not None:
        subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(folder)], check=True)  # noqa: S603
        command = [uv, "pip", "install", "-q", "--python", str(python), *wanted]
    else:
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "-q", *wanted]
    subprocess.run(command, check=True)  # noqa: S603
    return folder / "bin" / "milvus-server"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RestartableMilvus:
    """A server that can be killed and started again, on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        server = self._folder / "env" / "bin" / "milvus-server"
        if not server.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            server = _install(self._folder / "env")
        said = self._folder / "server.log"
        with said.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [str(server), "--data", str(self._folder / "data"), "--proxy-port", str(self._port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        await_answer(self.uri, self._process, said)

    def stop(self) -> None:
        """Kill it and its children, as a crash would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def await_answer(uri: str, process: "subprocess.Popen[bytes]", said: Path) -> None:
    """Wait until a server that was just started answers."""
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, said.read_text()
        try:
            client = MilvusClient(uri, timeout=5.0)
            client.list_collections(timeout=5.0)
            client.close()
        except MilvusException:
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.2)
        else:
            return


@contextmanager
def milvus_server(folder: Path) -> Iterator[str]:
    """Start the server, wait until it answers, give its URI, end it and its children."""
    server = RestartableMilvus(folder)
    server.start()
    try:
        yield server.uri
    finally:
        server.stop()
