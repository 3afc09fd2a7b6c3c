"""Uploads that keep coming while something is wrong, and for how long decisions stood still."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from streams.core.records import Origin
from streams.edges.avro import AvroCodec
from streams.edges.kafka_producer import Acknowledged, Publisher
from streams.errors import BrokerUnavailable
from tests.chaos.oracle import UPLOADS
from tests.chaos.stages import Stages, origin_of
from tests.chaos.undisturbed import DECISIONS
from tests.chaos.uploads import Load, Sent
from tests.waiting import wait_until

LOOK_SECONDS = 0.02
FLOW_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """What a fault did to those who wait for decisions.

    Attributes
    ----------
    fault_s : float
        from the fault to its end
    stalled_s : float
        longest time in which no decision came, from the fault on
    recovered_s : float
        from the end of the fault until an upload sent after it was decided
    """

    fault_s: float
    stalled_s: float
    recovered_s: float


class Trickle:
    """Sends an upload every so often and notes when a committed decision on it is seen.

    Parameters
    ----------
    running : Stages
    load : Load
    every_s : float
    """

    def __init__(self, running: Stages, load: Load, *, every_s: float = 0.1) -> None:
        self._bootstrap = running.bootstrap
        self._oracle = running.oracle
        self._onlooker = running.onlooker
        self._uploads = _endless(load)
        self._every_s = every_s
        self._codec = AvroCodec()
        self._sent: list[tuple[float, Acknowledged]] = []
        self._decided: dict[Origin | None, float] = {}
        self._looked = len(self._onlooker.seen(DECISIONS))
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="trickle", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._oracle.expect(origin for _, at in self._sent if (origin := origin_of(at)) is not None)
        # One that was written although its sender never heard of it is in the log, and so is decided.
        self._oracle.expect(
            Origin(topic=UPLOADS, partition=message.partition, offset=message.offset)
            for message in self._onlooker.seen(UPLOADS)
        )

    def _run(self) -> None:
        try:
            publisher = Publisher(self._bootstrap)
            due = time.monotonic()
            while not self._stop.wait(LOOK_SECONDS):
                if time.monotonic() >= due:
                    due = time.monotonic() + self._every_s
                    sent = next(self._uploads)
                    self._sent.append(
                        (time.monotonic(), publisher.publish(UPLOADS, key=sent.key, value=sent.value))
                    )
                publisher.poll()
                self._look()
            # What no broker took was not accepted: nobody is owed a decision on it.
            with suppress(BrokerUnavailable):
                publisher.flush()
        except BaseException as exc:
            self._failure = exc

    def _look(self) -> None:
        fresh = self._onlooker.seen(DECISIONS, since=self._looked)
        self._looked += len(fresh)
        for message in fresh:
            decision = self._codec.decode(DECISIONS, message.value or b"")
            self._decided[decision.origin] = time.monotonic()

    @property
    def accepted(self) -> int:
        """How many uploads a broker has acknowledged."""
        return sum(origin_of(acknowledged) is not None for _, acknowledged in list(self._sent))

    def await_flow(self, since: float | None = None) -> float:
        """Wait until an upload that is sent from now, or a moment, on is decided; give when it was seen."""
        moment = time.monotonic() if since is None else since

        def seen() -> float | None:
            assert self._failure is None, self._failure
            times = [
                at
                for sent_at, acknowledged in list(self._sent)
                if sent_at >= moment and (at := self._decided.get(origin_of(acknowledged))) is not None
            ]
            return min(times, default=None)

        wait_until(lambda: seen() is not None, FLOW_SECONDS, "a decision on an upload sent after the fault")
        found = seen()
        assert found is not None
        return found

    def stall(self, *, began: float, ended: float) -> Stall:
        """Measure a fault that is over, once decisions come again."""
        recovered = self.await_flow(ended)
        times = sorted(at for at in list(self._decided.values()) if at <= recovered)
        before = [at for at in times if at < began]
        points = [before[-1] if before else began, *(at for at in times if at >= began)]
        gaps = [later - earlier for earlier, later in itertools.pairwise(points)]
        return Stall(
            fault_s=round(ended - began, 2),
            stalled_s=round(max(gaps, default=0.0), 2),
            recovered_s=round(recovered - ended, 2),
        )


def _endless(load: Load) -> Iterator[Sent]:
    while True:
        yield from load.next()
