"""Run the commands of the README from a fresh clone, as a reader would.

Executed are the fenced ``bash`` blocks that follow a ``<!-- run -->`` line, in order and in one shell, so
that a variable or a background job of one block is there in the next. Data go to a folder of their own.
Whatever a block leaves running is ended, and named: a README whose commands leave something is wrong.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

BLOCK = re.compile(r"^<!-- run -->\s*\n+```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STOP_SECONDS = 30.0
MARK = "README_RUN_MARK"


def blocks(text: str) -> list[str]:
    """Give the blocks that are marked for execution, in order."""
    return [match.group(1) for match in BLOCK.finditer(text)]


def _marked(mark: str) -> list[int]:
    """List live processes that carry our mark in their environment, ourselves excepted."""
    found = []
    needle = f"{MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if needle in environment.split(b"\0") and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def _left(mark: str, *, seconds: float) -> list[int]:
    """Wait until no marked process lives; give those that still do."""
    deadline = time.monotonic() + seconds
    while (pids := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return pids


def _end(pids: Sequence[int]) -> None:
    for pid in pids:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            print(f"readme: left running: {pid} {command[:160]}", file=sys.stderr)
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def run(readme: Path, *, cwd: Path, timeout: float) -> int:
    """Run every marked block; give the exit status."""
    found = blocks(readme.read_text(encoding="utf-8"))
    if not found:
        print(f"readme: {readme} has no block marked for execution", file=sys.stderr)
        return 1
    shell = shutil.which("bash")
    if shell is None:
        print("readme: there is no bash", file=sys.stderr)
        return 1
    # `set -x` shows each command before its output, as a reader would type it.
    script = "set -euo pipefail\nset -x\n" + "\n".join(found)
    with tempfile.TemporaryDirectory(prefix="samesong-readme-") as home:
        mark = Path(home).name
        environment = {**os.environ, MARK: mark, "SAMESONG_DATA_DIR": str(Path(home) / "data")}
        status = 1
        try:
            status = subprocess.run(  # noqa: S603  the README of this checkout is what is to be run
                [shell, "-c", script], cwd=cwd, env=environment, timeout=timeout, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            print(f"readme: not finished after {timeout:.0f} s", file=sys.stderr)
        finally:
            left = _left(mark, seconds=STOP_SECONDS)
            _end(left)
            _left(mark, seconds=STOP_SECONDS)
    return status or (1 if left else 0)


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readme", type=Path)
    parser.add_argument("--cwd", type=Path, default=Path.cwd())
    parser.add_argument("--timeout", type=float, default=1200.0, help="seconds for all blocks together")
    arguments = parser.parse_args()
    return run(arguments.readme, cwd=arguments.cwd, timeout=arguments.timeout)


if __name__ == "__main__":
    sys.exit(main())
