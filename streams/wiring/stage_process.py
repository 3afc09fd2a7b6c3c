"""What every stage has in its process: clients, traces, metrics, a gate, and a signal that ends it."""

import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.records import StageControl
from streams.edges.control_log import ControlLog
from streams.edges.crash import guard_of
from streams.edges.disk import DiskRoom
from streams.edges.metrics import Metrics
from streams.edges.stateless_runner import StatelessRunner
from streams.edges.tracing import Tracing
from streams.edges.waiting import answers, await_kafka
from streams.ports import Processor
from streams.wiring.intake import Intake

GATE_S = 0.25
WRITING = frozenset({"encode", "find", "arbitrate", "index"})


class _Closed(Protocol):
    """Something that has to be closed."""

    def close(self) -> None: ...


_T = TypeVar("_T", bound=_Closed)


class StageProcess:
    """One stage at work, with all that is its own, which is closed in bounded time.

    Attributes
    ----------
    settings : Settings
    bootstrap, extra, codec
        how it talks to Kafka
    stop : threading.Event
        that SIGTERM or SIGINT came
    guard : callable
        stands around each of its steps
    tracing, metrics
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.bootstrap, self.extra = bootstrap_of(settings), kafka_extra(settings)
        self.codec = codec_for(settings)
        self.stop = stop_on_signals()
        self._closing = ExitStack()
        self.guard = guard_of(name, settings.faults.point)
        self.tracing = self.closed(Tracing.start(settings.telemetry, stage=name, data_dir=settings.data_dir))
        self.metrics = self.closed(Metrics.start(settings.telemetry, name))

    def __enter__(self) -> Self:
        """Give the process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what was opened, the last first."""
        self._closing.close()

    def closed(self, part: _T) -> _T:
        """Give a part, which is closed in the end."""
        self._closing.callback(part.close)
        return part

    def await_kafka(self) -> bool:
        """Wait until there is a Kafka to work with; false when asked to stop before."""

        def told(waiting: bool) -> None:
            self.metrics.set("samesong.intake.paused", float(waiting), stage=self.name, cause="kafka")

        ask = answers(self.bootstrap, self.extra)
        return await_kafka(ask, bootstrap=self.bootstrap, stop=self.stop, told=told)

    def intake(self, stage: str, *, told: Callable[[StageControl], None] | None = None) -> Intake:
        """Give the gate of a stage; with Milvus Lite two stages share a process, and each has its own."""
        words = ControlLog(self.bootstrap, self.extra, self.codec)
        room = DiskRoom.of(
            self.settings.data_dir, min_free=self.settings.disk.min_free_bytes, metrics=self.metrics
        )
        # What only looks may go on looking.
        causes = {"disk": room} if stage in WRITING else {}
        return self.closed(Intake(stage, words, self.metrics, causes=causes, told=told))

    def await_open(self, intake: Intake) -> bool:
        """Wait while intake is paused; false when we are asked to stop."""
        while not intake() and not self.stop.is_set():
            self.stop.wait(GATE_S)
        return not self.stop.is_set()

    def runner(self, processor: Processor, **how: Any) -> StatelessRunner:
        """Give what drives a stateless stage."""
        return StatelessRunner(
            processor,
            bootstrap=self.bootstrap,
            extra=self.extra,
            protocol=self.settings.kafka.group_protocol,
            instance_id=self.settings.kafka.instance_id,
            metrics=self.metrics,
            **{"tracing": self.tracing, "guard": self.guard, **how},
        )


def stop_on_signals() -> threading.Event:
    """Give an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop
