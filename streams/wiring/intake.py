"""Whether a stage may take records in: what an operator said, and what else stands against it."""

import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from streams.core.controls import Controls
from streams.core.records import StageControl
from streams.ports import StageMetrics

log = logging.getLogger(__name__)

Why = Callable[[], str | None]
"""Says why intake must pause; none while it may go on. Asked from a polling thread: it must not block."""


class Words(Protocol):
    """Where it is heard what operators say: ``streams.edges.control_log``."""

    def news(self) -> tuple[StageControl, ...]:
        """Give what was said since it was last asked, without blocking."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class _Cause(NamedTuple):
    name: str
    why: Why


class Intake:
    """The gate of one stage, to be given to its runner; for the thread that polls.

    Parameters
    ----------
    stage : str
    words : Words
        its own: closed with the intake
    metrics : StageMetrics
    causes : mapping of str to callable
        what else may pause the stage, by name; see :data:`Why`
    told : callable, optional
        called with each word that concerns this stage, in the order of the log
    """

    def __init__(
        self,
        stage: str,
        words: Words,
        metrics: StageMetrics,
        *,
        causes: Mapping[str, Why] | None = None,
        told: Callable[[StageControl], None] | None = None,
    ) -> None:
        self._stage = stage
        self._words = words
        self._controls = Controls()
        self._metrics = metrics
        self._told = told
        self._causes = [_Cause("operator", self._operator)]
        self._causes += [_Cause(name, why) for name, why in (causes or {}).items()]
        self._closed: dict[str, str] = {}
        for cause in self._causes:
            metrics.set("samesong.intake.paused", 0, stage=stage, cause=cause.name)

    def __call__(self) -> bool:
        """Say whether intake may go on; a change is logged and counted once."""
        for said in self._words.news():
            if said.stage == self._stage:
                self._controls.take(said)
                if self._told is not None:
                    self._told(said)
        for cause in self._causes:
            self._tell(cause.name, cause.why())
        return not self._closed

    def __enter__(self) -> Self:
        """Give the gate."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._words.close()

    def _operator(self) -> str | None:
        said = self._controls.paused(self._stage)
        if said is None:
            return None
        note = f": {said.note}" if said.note else ""
        return f"paused by {said.by or 'somebody'}{note}; `samesong stage resume {self._stage}` goes on"

    def _tell(self, cause: str, why: str | None) -> None:
        """Notice a change of one cause."""
        if (why is None) == (cause not in self._closed):
            return
        if why is None:
            del self._closed[cause]
            log.warning("%s: intake goes on as far as %s is concerned", self._stage, cause)
        else:
            self._closed[cause] = why
            log.warning("%s: intake is paused (%s): %s", self._stage, cause, why)
        self._metrics.set("samesong.intake.paused", float(why is not None), stage=self._stage, cause=cause)
