"""The whole on a real Kafka: uploads in, decisions out, a killed stage, a clean audit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli.app import app
from streams.supervisor import read_status

pytestmark = pytest.mark.broker

DEADLINE_S = 60.0


@contextmanager
def running(data_dir: Path) -> Iterator[None]:
    """Run `samesong up` in a process of its own, stopped as Ctrl-C would."""
    with (data_dir / "up.log").open("wb") as output:
        up = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "streams.cli", "up", "--data-dir", str(data_dir)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + DEADLINE_S
        while {status.name for status in read_status(data_dir)} < {"encode", "index", "arbitrate"}:
            assert up.poll() is None, (data_dir / "up.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield
    finally:
        up.send_signal(signal.SIGINT)
        assert up.wait(timeout=60) == 0


def song(source: str, number: int, **more: object) -> dict[str, object]:
    return {
        "source": source,
        "item_id": str(number),
        "kind": "recording",
        "title": f"Clear Water Number {number * 7919}",
        "artists": [{"name": f"The Example Band {number}"}],
        "duration_ms": 200_000 + 997 * number,
        **more,
    }


def publish(data_dir: Path, *uploads: object) -> dict[tuple[str, str], str]:
    """Publish and wait; give the outcome of each item."""
    path = data_dir / "uploads.jsonl"
    path.write_bytes(b"".join(orjson.dumps(upload) + b"\n" for upload in uploads))
    command = [sys.executable, "-m", "streams.cli", "publish", str(path), "--wait", "--json"]
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [*command, "--data-dir", str(data_dir)], capture_output=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    decisions = [orjson.loads(line) for line in done.stdout.splitlines()]
    return {(each["source"], each["item_id"]): each["outcome"] for each in decisions}


def kill(data_dir: Path, stage: str) -> None:
    (status,) = [each for each in read_status(data_dir) if each.name == stage]
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)


def test_copies_match_kills_harm_nothing_and_the_audit_is_clean(tmp_path: Path) -> None:
    with running(tmp_path):
        first = publish(tmp_path, *(song("a", number) for number in range(20)))
        assert set(first.values()) == {"new"}
        for stage in ("encode", "arbitrate", "index"):
            kill(tmp_path, stage)
        second = publish(tmp_path, *(song("b", number) for number in range(20)), song("a", 0))
        assert second.pop(("a", "0")) == "duplicate"
        assert set(second.values()) == {"match"}
        audit = CliRunner().invoke(app, ["audit", "--once", "--data-dir", str(tmp_path)])
        assert audit.exit_code == 0, audit.output
