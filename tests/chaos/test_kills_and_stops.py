"""Stages killed at random, and stopped in good order, again and again while uploads keep coming."""

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.chaos.feeding import Feeding
from tests.chaos.stages import Stages
from tests.chaos.uploads import Load

pytestmark = pytest.mark.broker

ENCODERS = ("encode-1", "encode-2", "encode-3")
MEMBERS = (*ENCODERS, "index", "arbitrate")
# Long enough for a stage to get to work, short enough to be killed while it starts, too.
SHORTEST_LIFE_S, LONGEST_LIFE_S = 0.1, 2.5


def _start(running: Stages, name: str) -> None:
    running.start(name.partition("-")[0], name=name)


@pytest.fixture
def crowd(running: Stages) -> Stages:
    """Run three workers of encode, and the others once."""
    running.end_all()
    for name in MEMBERS:
        _start(running, name)
    return running


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("kills", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_random_kills_under_load_lose_double_and_change_nothing(
    crowd: Stages, kills: int, chronicle: Callable[..., None]
) -> None:
    choose = random.Random(kills)  # noqa: S311 - which stage dies is no secret
    killed: Counter[str] = Counter()
    with Feeding(crowd, Load(crowd.music)):
        for _ in range(kills):
            time.sleep(choose.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))
            name = choose.choice(MEMBERS)
            crowd.kill(name)
            _start(crowd, name)
            killed[name] += 1
    verdict = crowd.judge()
    chronicle(
        where="every stage",
        step=f"any, {kills} times, three workers of encode, load on",
        fault="SIGKILL",
        outcome=f"holds: {verdict.decisions} decisions, {verdict}",
    )


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("stops", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_graceful_stops_under_load_are_quick_and_write_nothing_twice(
    crowd: Stages, stops: int, chronicle: Callable[..., None]
) -> None:
    before = crowd.oracle.written_twice()
    choose = random.Random(stops)  # noqa: S311 - which stage stops is no secret
    longest = 0.0
    with Feeding(crowd, Load(crowd.music)):
        for _ in range(stops):
            time.sleep(choose.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))
            name = choose.choice(MEMBERS)
            began = time.monotonic()
            crowd.stop(name)
            longest = max(longest, time.monotonic() - began)
            _start(crowd, name)
    verdict = crowd.judge()
    assert crowd.oracle.written_twice() == before
    chronicle(
        where="every stage",
        step=f"any, {stops} times, three workers of encode, load on",
        fault="SIGTERM",
        outcome=f"holds: {verdict.decisions} decisions, nothing written twice; longest {longest:.1f} s",
    )
