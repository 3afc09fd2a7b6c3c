"""A call that does not come back ends the process; one that does is left alone."""

import subprocess
import sys
import threading

from streams.edges.overdue import OVERDUE_STATUS, Overdue
from tests.waiting import wait_until

STUCK = """
import sys, threading
from streams.edges.overdue import Overdue
with Overdue(0.2, tick_seconds=0.05).limit("sending offsets"):
    threading.Event().wait()
"""


def test_a_process_whose_call_is_stuck_ends_and_says_what_was_stuck() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", STUCK], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == OVERDUE_STATUS
    assert b"sending offsets does not come back" in done.stderr


def test_many_short_calls_are_never_taken_for_one_long_one() -> None:
    ended = threading.Event()
    watch = Overdue(0.5, end=ended.set, tick_seconds=0.05)
    for _ in range(20):
        with watch.limit("a call"):
            threading.Event().wait(0.05)
    watch.close()
    assert not ended.is_set()


def test_nothing_is_overdue_between_calls() -> None:
    ended = threading.Event()
    watch = Overdue(0.1, end=ended.set, tick_seconds=0.02)
    with watch.limit("a call"):
        pass
    threading.Event().wait(0.4)
    assert not ended.is_set()
    with watch.limit("another"):
        wait_until(ended.is_set, 10, "the end")
    watch.close()
