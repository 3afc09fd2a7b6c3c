"""A sender that goes on and on, but never far ahead of the decisions: load without a growing backlog."""

import threading
from contextlib import AbstractContextManager

from tests.chaos.stages import Stages
from tests.chaos.uploads import Load

AHEAD = 300
PAUSE_SECONDS = 0.2


class Feeding(AbstractContextManager["Feeding"]):
    """Publishes one load after the other in a thread of its own.

    Parameters
    ----------
    running : Stages
    load : Load
    ahead : int
        uploads that may be undecided before the next load is sent
    """

    def __init__(self, running: Stages, load: Load, *, ahead: int = AHEAD) -> None:
        self._running = running
        self._load = load
        self._ahead = ahead
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feeding", daemon=True)

    def __enter__(self) -> "Feeding":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stop.wait(PAUSE_SECONDS):
                if self._running.oracle.undecided() <= self._ahead:
                    self._running.publish(self._load.next())
        except BaseException as exc:
            self._failure = exc
