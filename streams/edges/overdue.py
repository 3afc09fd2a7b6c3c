"""Calls of the client library that do not come back, although they were given a time.

Seen with librdkafka 2.16: where the only broker is killed and started again during a transaction,
``send_offsets_to_transaction`` may wait for ever, whatever its time-out says. Nothing can interrupt such a
call from inside. Ending the process is safe at any step (whoever takes over aborts its transaction), and a
supervisor starts it again.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Limit = Callable[[str], AbstractContextManager[None]]
"""``limit(doing)``: around one call, which must come back in time."""

TICK_SECONDS = 1.0
# EX_SOFTWARE: told apart from a stage that ended by itself, and from a signal.
OVERDUE_STATUS = 70

log = logging.getLogger(__name__)


def no_limit(_doing: str) -> AbstractContextManager[None]:
    """Let a call take as long as it takes."""
    return nullcontext()


def _end_process() -> None:
    logging.shutdown()
    os._exit(OVERDUE_STATUS)


class Overdue:
    """Ends the process when a call does not come back.

    Time is counted in ticks of a thread of its own, not by the clock: a process that was stopped for a while
    has not been waiting meanwhile.

    Parameters
    ----------
    seconds : float [s]
        longer than any time-out of a call itself
    end : callable, optional
        by default ends the process at once, without cleaning up: a thread is stuck below
    tick_seconds : float [s]
    """

    def __init__(
        self,
        seconds: float,
        *,
        end: Callable[[], None] = _end_process,
        tick_seconds: float = TICK_SECONDS,
    ) -> None:
        self._ticks = max(1, round(seconds / tick_seconds))
        self._tick_seconds = tick_seconds
        self._end = end
        self._lock = threading.Lock()
        self._doing: str | None = None
        self._waited = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="overdue", daemon=True)
        self._thread.start()

    @contextmanager
    def limit(self, doing: str) -> Iterator[None]:
        """Watch one call; calls are watched one at a time."""
        with self._lock:
            self._doing, self._waited = doing, 0
        try:
            yield
        finally:
            with self._lock:
                self._doing = None

    def close(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._tick_seconds):
            with self._lock:
                if self._doing is None:
                    continue
                self._waited += 1
                doing = self._doing if self._waited >= self._ticks else None
            if doing is not None:
                log.critical("%s does not come back: the process ends, so that it can be started anew", doing)
                self._end()
                return
