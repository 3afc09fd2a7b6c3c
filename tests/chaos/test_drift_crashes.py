"""The drift monitor dies before and after each of its steps: windows and alerts stay those of a calm run."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from streams.core.drift import DriftRules
from streams.edges.kafka_producer import Publisher
from streams.steps import CRASH_POINTS, CrashPoint
from tests.chaos.drift_outcomes import CODEC, SKETCHES, calm, check, told
from tests.chaos.lending import Lending
from tests.chaos.stages import Stages, stages
from tests.unit.test_drift import DIM, sketch_of
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

MODEL = "m-1"
SETTINGS = {
    "SAMESONG_DRIFT__WINDOW_S": "1",
    "SAMESONG_DRIFT__GRACE_S": "0.2",
    "SAMESONG_DRIFT__REFERENCE_WINDOWS": "2",
    "SAMESONG_DRIFT__MIN_COUNT": "50",
    "SAMESONG_DRIFT__P_VALUE": "0.01",
}
RULES = DriftRules(window_ms=1000, grace_ms=200, reference_windows=2, min_count=50, p_value=0.01)
REST_SECONDS = 90.0


class Sketching:
    """Sends sketches all the time, and compares what came of them with a calm fold of the same log."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Sketching":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rng = np.random.default_rng(1)
        sent = 0
        with Publisher(self._bootstrap) as publisher:
            while not self._stop.wait(0.05):
                sketch = sketch_of(rng.standard_normal((32, DIM)), sent)
                value = CODEC.encode(SKETCHES, replace(sketch, sketch_id=f"t/{sent}"))
                publisher.publish(SKETCHES, key=b"one partition", value=value)
                publisher.flush()
                sent += 1

    def await_calm_outcome(self) -> tuple[int, int]:
        """Wait until all windows that the log so far closes are there, as a calm fold has them."""
        due = calm(self._bootstrap, RULES, model=MODEL)
        wait_until(
            lambda: due.keys() <= told(self._bootstrap, model=MODEL).keys(), REST_SECONDS, "every window"
        )
        check(self._bootstrap, RULES, model=MODEL)
        return len(due), sum(getattr(record, "count", 0) for record in due.values())


Watched = Lending[tuple[Stages, Sketching]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    from streams.edges.broker import EmbeddedKafka

    def make(opened: ExitStack) -> tuple[Stages, Sketching]:
        folder = tmp_path_factory.mktemp("drift")
        kafka = opened.enter_context(EmbeddedKafka(folder))
        running = opened.enter_context(stages(folder, bootstrap=kafka.bootstrap, environment=SETTINGS))
        return running, opened.enter_context(Sketching(kafka.bootstrap))

    with Lending(make) as lending:
        yield lending


@pytest.mark.parametrize("point", [p for p in CRASH_POINTS if p.stage == "drift"], ids=str)
def test_a_crash_of_the_monitor_changes_no_window(
    watched: Watched, point: CrashPoint, chronicle: Callable[..., None]
) -> None:
    running, sketching = watched.take()
    running.start("drift", crash_at=point)
    running.await_crash("drift")
    began = time.monotonic()
    running.start("drift")
    windows, embeddings = sketching.await_calm_outcome()
    seconds = time.monotonic() - began
    running.stop("drift")
    chronicle(
        where="drift",
        step=f"{point.number} {point.step}, {point.moment}",
        fault="SIGKILL",
        outcome=f"{windows} windows, {embeddings} embeddings, as in a calm run; {seconds:.1f} s to rest",
    )
    watched.give_back((running, sketching))
