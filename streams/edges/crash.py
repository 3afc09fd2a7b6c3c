"""A crash on demand: the process kills itself at one moment of one step, so that tests see what it leaves."""

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streams.steps import CrashPoint, Guard, Moment, Step, unguarded

# Clients send in threads of their own: what was handed to them is out by then, which is the worse case.
SETTLE_SECONDS = 0.1

log = logging.getLogger(__name__)


def guard_of(stage: str, point: CrashPoint | None) -> Guard:
    """Give the guard of a stage: one that crashes at the point, or none where the point is another's."""
    if point is None or point.stage != stage:
        return unguarded

    @contextmanager
    def guard(step: Step) -> Iterator[None]:
        reached(step, "before")
        yield
        reached(step, "after")

    def reached(step: Step, moment: Moment) -> None:
        if step is point.step and moment == point.moment:
            log.warning("crashes at %s", point)
            time.sleep(SETTLE_SECONDS)
            os.kill(os.getpid(), signal.SIGKILL)

    return guard
