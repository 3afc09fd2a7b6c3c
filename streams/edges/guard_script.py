"""Run one process, a broker or a stage, and end it when whoever started it is gone.

Started as a script by :mod:`streams.edges.guarded_process`, with the standard library alone, so that it
costs little memory. Its standard input is a pipe that the starter holds open: end of file means that the
starter stopped, crashed or was killed, and the process is stopped. Should the guard itself be killed,
Linux kills the process with it.

Arguments: path of the log for the process's own output, seconds to wait for a clean stop, command line.
Its process id is written to standard output as one line.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import types
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5


def _die_with_parent() -> Callable[[], None] | None:
    """Return a hook for the child that ties its life to ours; none where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    me = os.getpid()

    def hook() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != me:
            os._exit(1)

    return hook


def _stop(process: "subprocess.Popen[bytes]", *, grace_seconds: float) -> None:
    """Ask for a clean stop, wait, then kill."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main(arguments: list[str]) -> int:
    """Run the command line given until it ends by itself or the starter is gone.

    Returns
    -------
    status : int
        0 after a stop that was asked for, else the process's own exit status
    """
    log_path, grace, *command = arguments
    starter = os.getppid()
    asked = False

    def on_signal(_number: int, _frame: types.FrameType | None) -> None:
        nonlocal asked
        asked = True

    # Ctrl-C reaches the whole terminal group; the starter alone decides when the process stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, on_signal)
    with open(log_path, "ab") as log:
        process = subprocess.Popen(  # noqa: S603 - the command line comes from our own starter
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent()
        )
    with contextlib.suppress(BrokenPipeError):  # the starter is gone already: noticed below
        os.write(1, f"{process.pid}\n".encode())
    while process.poll() is None and not asked and os.getppid() == starter:
        readable, _, _ = select.select([0], [], [], POLL_SECONDS)
        # The parent's id is checked too: a process forked off the starter may hold the pipe open.
        if readable and not os.read(0, 64):
            asked = True
    ended_alone = process.poll() is not None
    _stop(process, grace_seconds=float(grace))
    return process.returncode if ended_alone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
