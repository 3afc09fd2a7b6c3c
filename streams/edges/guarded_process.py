"""A process below a guard, which ends it when we are gone, however that came."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from streams.edges import guard_script


class GuardedProcess:
    """A running process and its guard.

    Attributes
    ----------
    pid : int, optional
        of the process itself; none when the guard ended before it could start it
    """

    def __init__(self, guard: "subprocess.Popen[bytes]", pid: int | None) -> None:
        self._guard = guard
        self.pid = pid

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        log_path: Path,
        stop_seconds: float,
        environment: Mapping[str, str] | None = None,
        keep_open: Sequence[int] = (),
    ) -> Self:
        """Start a process.

        Parameters
        ----------
        command : sequence of str
        log_path : Path
            where its output goes
        stop_seconds : float [s]
            how long it may take to end by itself once we have let go
        environment : mapping, optional
            added to our own
        keep_open : sequence of int
            file descriptors that it inherits
        """
        guard = subprocess.Popen(  # noqa: S603 - our own script and command
            [sys.executable, "-ISE", str(guard_script.__file__), str(log_path), str(stop_seconds), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C reaches the whole terminal group; we alone decide the order of the end.
            start_new_session=True,
            pass_fds=tuple(keep_open),
            env={**os.environ, **(environment or {})},
        )
        first = guard.stdout.readline().strip() if guard.stdout is not None else b""
        return cls(guard, int(first) if first.isdigit() else None)

    def ended(self) -> int | None:
        """Give the status with which it ended; none while it runs."""
        return self._guard.poll()

    def let_go(self) -> None:
        """Close the pipe: the guard terminates the process, waits, and kills it in the end."""
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()

    def wait(self, seconds: float) -> int:
        """Wait for the end.

        Raises
        ------
        subprocess.TimeoutExpired
            it goes on
        """
        return self._guard.wait(seconds)

    def kill(self) -> None:
        """Kill the guard; the process goes with it where the system has parent-death signals."""
        self._guard.kill()
        self._guard.wait()
