"""Consumer groups in trouble on the real broker: rebalances, paused owners, forgotten transactions."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from streams.edges.broker import EmbeddedKafka
from streams.edges.kafka_config import TRANSACTION_TIMEOUT_MS
from tests.chaos.faults import PAUSE_AT, TRANSACTION_MS
from tests.chaos.stages import Stages, stages
from tests.chaos.trickle import Trickle
from tests.chaos.uploads import Load
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

Chronicle = Callable[..., None]
# Members that nobody knows by name: each that comes or goes moves partitions.
NAMELESS = {"SAMESONG_KAFKA__INSTANCE_ID": ""}


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Stages]:
    """Give the stages of an installation; none runs yet, and none has a name in its groups."""
    with (
        EmbeddedKafka(tmp_path) as kafka,
        stages(tmp_path, bootstrap=kafka.bootstrap, environment=NAMELESS) as made,
    ):
        yield made


def storm(running: Stages, protocol: str, *, moves: int, seconds_between: float) -> int:
    """Let members of every group come and go, killed or stopped; give how often."""
    environment = {"SAMESONG_KAFKA__GROUP_PROTOCOL": protocol}
    chance = random.Random(f"storm {protocol}")  # noqa: S311 - a seed, no secret
    kinds = {"encode": 3, "arbitrate": 2, "index": 1}
    members: dict[str, list[str]] = {kind: [] for kind in kinds}
    started = 0

    def come(kind: str) -> None:
        nonlocal started
        started += 1
        name = f"{kind}-{started}"
        running.start(kind, name=name, environment=environment)
        members[kind].append(name)

    for kind, count in kinds.items():
        for _ in range(count):
            come(kind)
    for _ in range(moves):
        time.sleep(seconds_between)
        kind = chance.choices(list(kinds), [5, 3, 1])[0]
        # One that has ended by itself, such as a fenced owner, is started again as a supervisor would.
        running.revive()
        name = members[kind].pop(chance.randrange(len(members[kind])))
        # With Milvus Lite one process owns the index, so the next may only come when it is gone.
        if chance.random() < 0.5:
            running.kill(name)
        else:
            running.stop(name)
        come(kind)
    running.revive()
    return moves


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.parametrize(
    ("moves", "seconds_between"),
    [pytest.param(6, 1.5, id="short"), pytest.param(60, 2.0, marks=pytest.mark.slow, id="long")],
)
@pytest.mark.timeout(900)
def test_a_storm_of_rebalances_loses_and_doubles_nothing(
    quiet: Stages, protocol: str, moves: int, seconds_between: float, chronicle: Chronicle
) -> None:
    with Trickle(quiet, Load()) as trickle:
        began = time.monotonic()
        moved = storm(quiet, protocol, moves=moves, seconds_between=seconds_between)
        stall = trickle.stall(began=began, ended=time.monotonic())
    verdict = quiet.judge()
    assert verdict.decisions >= trickle.accepted > 0
    chronicle(
        where="consumer groups",
        step=f"{protocol} protocol",
        fault=f"{moved} members killed or stopped and replaced in {stall.fault_s:.0f} s",
        outcome=f"holds: {verdict}; longest stall {stall.stalled_s} s",
    )


def stopped(running: Stages, name: str) -> bool:
    return bool(psutil.Process(running.pid(name)).status() == psutil.STATUS_STOPPED)


@pytest.mark.parametrize("point", ["arbitrate.commit.before", "arbitrate.decide.after"])
def test_a_paused_arbiter_that_wakes_is_fenced_and_nothing_of_it_is_seen(
    quiet: Stages, point: str, chronicle: Chronicle
) -> None:
    load = Load()
    quiet.start("encode")
    quiet.start("index")
    quiet.start("arbitrate", name="old", environment={PAUSE_AT: point})
    quiet.publish(load.next())
    wait_until(lambda: stopped(quiet, "old"), 60, "the pause")
    began = time.monotonic()
    # It sends no heartbeat: the other takes over when the session is over.
    quiet.start("arbitrate", name="new")
    quiet.publish(load.next())
    quiet.oracle.await_rest()
    rested = time.monotonic() - began
    os.kill(quiet.pid("old"), signal.SIGCONT)
    quiet.publish(load.next())
    assert quiet.await_end("old") == 1
    assert "fenced" in quiet.log("old")
    verdict = quiet.judge()
    # With its transaction open its records lie in the log, aborted; before that it never wrote one.
    assert (verdict.aborted > 0) == (point == "arbitrate.commit.before")
    chronicle(
        where="a paused arbiter",
        step=f"paused {point.partition('.')[2]}",
        fault="SIGSTOP past its session, another takes over, SIGCONT",
        outcome=f"fenced, ends; holds: {verdict}; the other had decided all after {rested:.1f} s",
    )


def test_a_paused_encoder_that_wakes_writes_the_same_again_and_commits_nothing(
    quiet: Stages, chronicle: Chronicle
) -> None:
    load = Load()
    quiet.start("index")
    quiet.start("arbitrate")
    quiet.start("encode", name="old", environment={PAUSE_AT: "encode.publish_first.before"})
    quiet.publish(load.next())
    wait_until(lambda: stopped(quiet, "old"), 60, "the pause")
    quiet.start("encode", name="new")
    quiet.publish(load.next())
    quiet.oracle.await_rest()
    os.kill(quiet.pid("old"), signal.SIGCONT)
    quiet.publish(load.next())
    quiet.judge()

    def written(topic: str) -> int:
        return len(quiet.onlooker.seen(topic))

    wait_until(
        lambda: written("upload.encoded.v1") > written("catalog.upload.v1"),
        60,
        "the records of the one that woke",
    )
    verdict = quiet.judge()
    chronicle(
        where="a paused encoder",
        step="paused publish_first.before",
        fault="SIGSTOP past its session, another takes over, SIGCONT",
        outcome=f"its records came late, again, and the same; holds: {verdict}",
    )


@pytest.mark.parametrize(
    "timeout_ms",
    [
        pytest.param(6_000, id="short"),
        pytest.param(TRANSACTION_TIMEOUT_MS, marks=pytest.mark.slow, id="long"),
    ],
)
def test_a_transaction_that_outlives_its_time_is_aborted_and_its_owner_ends(
    quiet: Stages, timeout_ms: int, chronicle: Chronicle
) -> None:
    load = Load()
    environment = {TRANSACTION_MS: str(timeout_ms), PAUSE_AT: "arbitrate.commit.before"}
    quiet.start("encode")
    quiet.start("index")
    quiet.start("arbitrate", environment=environment)
    quiet.publish(load.next())
    wait_until(lambda: stopped(quiet, "arbitrate"), 60, "the pause")
    began = time.monotonic()
    decided = len(quiet.onlooker.seen("resolution.decided.v1"))
    # The broker looks for such transactions every ten seconds; nobody else takes over meanwhile.
    time.sleep(timeout_ms / 1000 + 12)
    assert len(quiet.onlooker.seen("resolution.decided.v1")) == decided == 0
    os.kill(quiet.pid("arbitrate"), signal.SIGCONT)
    assert quiet.await_end("arbitrate") == 1
    assert "fenced" in quiet.log("arbitrate")
    quiet.start("arbitrate", name="again")
    verdict = quiet.judge()
    assert verdict.aborted > 0
    chronicle(
        where="a paused arbiter",
        step="paused commit.before",
        fault=f"SIGSTOP beyond the transaction's {timeout_ms / 1000:g} s, alone",
        outcome=f"the broker aborts, the owner ends as fenced; holds: {verdict}; "
        f"decided {time.monotonic() - began:.0f} s after the pause began",
    )
