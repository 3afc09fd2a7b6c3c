"""What a stage of the tests does wrong on demand, told by its environment and armed in its process."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from streams.edges import kafka_config
from streams.steps import CrashPoint, Guard, Moment, Step, unguarded
from streams.wiring import index, stage_process

PAUSE_AT = "CHAOS_PAUSE_AT"
TRANSACTION_MS = "CHAOS_TRANSACTION_MS"


def arm(environment: Mapping[str, str]) -> None:
    """Put the faults that are asked for in place, in this process."""
    point = environment.get(PAUSE_AT)
    if point is not None:
        for module in (stage_process, index):
            setattr(module, "guard_of", _pausing(point))  # noqa: B010 - the modules do not export it
    transaction_ms = environment.get(TRANSACTION_MS)
    if transaction_ms is not None:
        kafka_config.TRANSACTION_TIMEOUT_MS = int(transaction_ms)
        kafka_config.MESSAGE_TIMEOUT_MS = int(transaction_ms) - 1_000


def _pausing(wanted: str) -> object:
    """Give a maker of guards that stop the process, once, as a long pause of the machine would."""

    def guard_of(stage: str, _point: CrashPoint | None) -> Guard:
        if wanted.partition(".")[0] != stage:
            return unguarded
        done = False

        def reached(step: Step, moment: Moment) -> None:
            nonlocal done
            if not done and f"{stage}.{step}.{moment}" == wanted:
                done = True
                print(f"stops at {wanted}", file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGSTOP)

        @contextmanager
        def guard(step: Step) -> Iterator[None]:
            reached(step, "before")
            yield
            reached(step, "after")

        return guard

    return guard_of
