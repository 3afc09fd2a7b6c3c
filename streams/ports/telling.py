"""What runners and stages tell of their work: traces and metrics."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from streams.ports.messages import Headers, Message


class BatchTrace(Protocol):
    """The spans of one batch in process."""

    def headers(self, cause: int | None) -> Headers:
        """Return the trace headers of a record that follows from message ``cause`` of the batch."""
        ...


class Tracing(Protocol):
    """What the runners ask of tracing; it never raises and never blocks."""

    def batch(self, topic: str, messages: Sequence[Message]) -> AbstractContextManager[BatchTrace]:
        """Open the span ``process <topic>`` with one child per message; leaving it ends them all."""
        ...


class StageMetrics(Protocol):
    """What stages count, by the names of ``streams.telemetry.METRICS``; it never raises or blocks."""

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        """Count ``value`` more."""
        ...

    def record(self, name: str, value: float, **labels: str) -> None:
        """Put one value into a histogram."""
        ...

    def set(self, name: str, value: float, **labels: str) -> None:
        """Say what a gauge stands at."""
        ...


class RunnerMetrics(Protocol):
    """What the runners count; it never raises and never blocks."""

    def processed(self, topic: str, *, items: int, seconds: float) -> None:
        """Count a finished batch."""
        ...

    def retried(self, topic: str, *, code: str) -> None:
        """Count a batch that is given again after an error with this code."""
        ...

    def transaction(self, outcome: str) -> None:
        """Count a transaction: committed, aborted or recycled."""
        ...

    def lag(self, topic: str, partition: int, *, records: int, seconds: float) -> None:
        """Tell how far behind the end of a partition we are, and how old the record last read was."""
        ...
