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


@contextmanager
def milvus_server(folder: Path) -> Iterator[str]:
    """Start the server, wait until it answers, give its URI, end it and its children."""
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

    server = _install(folder / "env")
    port = _free_port()
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(  # noqa: S603
        [str(server), "--data", str(folder / "data"), "--proxy-port", str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        uri = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, (folder / "server.log").read_text()
            try:
                client = MilvusClient(uri, timeout=5.0)
                client.list_collections(timeout=5.0)
                client.close()
                break
            except MilvusException:
                assert time.monotonic() < deadline, (folder / "server.log").read_text()
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()
