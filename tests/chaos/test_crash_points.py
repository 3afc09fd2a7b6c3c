"""Every stage dies before and after each of its steps, on the real broker, while uploads are under way.

One installation for the whole sweep, or one per stage where they are swept at once: each round kills one
stage at one point, starts it again, and the oracle judges everything that was ever written.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from streams.steps import CRASH_POINTS, CrashPoint
from tests.chaos.lending import Lending
from tests.chaos.stages import Stages, process_of, stages
from tests.chaos.uploads import Load

pytestmark = pytest.mark.broker

POINTS = [
    pytest.param(point, marks=pytest.mark.xdist_group(f"crashes of {point.stage}"))
    for point in CRASH_POINTS
    if point.stage != "drift"
]
ALWAYS = {"encode", "index", "arbitrate"}


Sweep = Lending[tuple[Stages, Load]]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    from streams.edges.broker import EmbeddedKafka

    def make(opened: ExitStack) -> tuple[Stages, Load]:
        folder = tmp_path_factory.mktemp("sweep")
        kafka = opened.enter_context(EmbeddedKafka(folder))
        made = opened.enter_context(stages(folder, bootstrap=kafka.bootstrap))
        made.start_all()
        return made, Load(made.music)

    with Lending(make) as lending:
        yield lending


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_a_crash_at_any_step_loses_doubles_and_changes_nothing(
    sweep: Sweep, point: CrashPoint, chronicle: Callable[..., None]
) -> None:
    running, load = sweep.take()
    name = process_of(point.stage)
    if name in ALWAYS:
        running.stop(name)
    running.start(name, crash_at=point)
    running.publish(load.next())
    running.await_crash(name)
    began = time.monotonic()
    running.start(name)
    verdict = running.judge()
    if name not in ALWAYS:
        running.stop(name)
    chronicle(
        where=point.stage,
        step=f"{point.number} {point.step}, {point.moment}",
        fault="SIGKILL",
        outcome=f"holds: {verdict}; {time.monotonic() - began:.1f} s to rest",
    )
    sweep.give_back((running, load))
