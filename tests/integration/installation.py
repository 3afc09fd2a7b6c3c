"""One installation at work: `samesong up` in a process of its own, and commands on it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import psutil

from streams.supervision import read_status
from tests.waiting import wait_until

DEADLINE_S = 240.0
STAGES = {"encode", "index", "arbitrate", "audit", "drift"}


@contextmanager
def taken_ports(count: int) -> Iterator[int]:
    """Hold so many ports in a row; give the first."""
    while True:
        with ExitStack() as stack:
            try:
                first = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
                for port in range(first + 1, first + count):
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except (OSError, OverflowError):
                continue
            yield first
            return


def closed_port() -> int:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Installation:
    """A data folder whose service runs with an environment of its own."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self._environment = {**os.environ, **environment}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run `samesong up`, stopped as Ctrl-C would."""
        with (self.data_dir / "up.log").open("wb") as output:
            up = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self._command("up"), stdout=output, stderr=subprocess.STDOUT, env=self._environment
            )
        try:
            wait_until(lambda: self._runs(up), DEADLINE_S, "every stage's start")
            yield
        finally:
            up.send_signal(signal.SIGINT)
            assert up.wait(timeout=DEADLINE_S) == 0

    def _runs(self, up: "subprocess.Popen[bytes]") -> bool:
        assert up.poll() is None, (self.data_dir / "up.log").read_text()
        # What an earlier service left behind names processes that are gone.
        running = (each for each in read_status(self.data_dir) if each.pid and psutil.pid_exists(each.pid))
        return {status.name for status in running} >= STAGES

    def publish(self, *uploads: object) -> list[dict[str, Any]]:
        """Publish and wait; give the decisions."""
        path = self.data_dir / "uploads.jsonl"
        path.write_bytes(b"".join(orjson.dumps(upload) + b"\n" for upload in uploads))
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            self._command("publish", str(path), "--wait", "--json"),
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
            env=self._environment,
        )
        assert done.returncode == 0, done.stderr.decode()
        return [orjson.loads(line) for line in done.stdout.splitlines()]

    def kill(self, stage: str) -> None:
        """End a stage as a crash would."""
        (status,) = [each for each in read_status(self.data_dir) if each.name == stage]
        assert status.pid is not None
        os.kill(status.pid, signal.SIGKILL)

    def log(self, stage: str) -> str:
        """Read what a stage said."""
        return (self.data_dir / "logs" / f"{stage}.log").read_text(encoding="utf-8", errors="replace")

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "streams.cli", *arguments, "--data-dir", str(self.data_dir)]
