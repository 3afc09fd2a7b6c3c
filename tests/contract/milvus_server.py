"""A real Milvus server for the contract suite: from its package, apart from the project, no container.

It listens on every address of the machine (this version knows no other way), on free ports, without a
password, for as long as the tests run. Several processes of tests share one when it is started around them::

    python -m tests.contract.milvus_server COMMAND ...
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from tests.waiting import wait_until

VERSION = "2.3.5"
START_SECONDS = 120.0
URI_VARIABLE = "TEST_MILVUS_URI"
# Where connections were cut a port counts as taken for a minute, and the launcher would take the next one.
RUN = """
import socket, sys, milvus

class Reusing(socket.socket):
    def bind(self, address):
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        super().bind(address)

socket.socket = Reusing
sys.exit(milvus.main())
"""
# What a start does by itself for each new data folder: six seconds of a processor.
UNPACK = "import sys, milvus; milvus._initialize_data_files(sys.argv[1])"
# How often it looks for collections to load, in milliseconds: each load waits for several such looks.
LOOKS = {
    "QUERYCOORD_CHECKCHANNELINTERVAL": "100",
    "QUERYCOORD_CHECKSEGMENTINTERVAL": "100",
    "QUERYCOORD_DISTPULLINTERVAL": "100",
}


def _installed() -> Path:
    """Return the folder of the unpacked server, fetching it once."""
    home = platformdirs.user_cache_path("samesong") / "milvus" / VERSION
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=home.parent) as aside:
                made = Path(aside) / "made"
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-cache-dir"]
                subprocess.run([*pip, "--target", str(made), f"milvus=={VERSION}"], check=True)  # noqa: S603
                subprocess.run(  # noqa: S603
                    [sys.executable, "-c", UNPACK, str(made)], env=_environment(made), check=True
                )
                os.replace(made, home)
    return home


def _environment(home: Path) -> dict[str, str]:
    return os.environ | LOOKS | {"PYTHONPATH": str(home)}


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
        home = _installed()
        data = self._folder / "data"
        if not data.exists():
            data.mkdir(parents=True)
            (data / "bin").symlink_to(home / "bin")
        said = self._folder / "server.log"
        with said.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", RUN, "--data", str(data), "--proxy-port", str(self._port)],
                env=_environment(home),
                cwd=self._folder,
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

    def answers() -> bool:
        assert process.poll() is None, said.read_text()
        try:
            client = MilvusClient(uri, timeout=5.0)
            client.list_collections(timeout=5.0)
            client.close()
        except MilvusException:
            return False
        return True

    wait_until(answers, START_SECONDS, said.read_text)


@contextmanager
def milvus_server(folder: Path) -> Iterator[str]:
    """Give the URI of the server around this process, or of one that lasts as long as the block."""
    if URI_VARIABLE in os.environ:
        yield os.environ[URI_VARIABLE]
        return
    server = RestartableMilvus(folder)
    try:
        server.start()
        yield server.uri
    finally:
        server.stop()


def main(command: list[str]) -> int:
    """Run a command with a server around it; give its status."""
    with tempfile.TemporaryDirectory() as folder, milvus_server(Path(folder)) as uri:
        return subprocess.run(command, env=os.environ | {URI_VARIABLE: uri}, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
