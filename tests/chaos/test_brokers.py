"""Brokers that die: the only one for a while, and each of three in turn, the controller too."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from streams.edges.broker import EmbeddedKafka
from streams.edges.kafka_config import admin_config
from tests.chaos.stages import Stages, stages
from tests.chaos.trickle import Stall, Trickle
from tests.chaos.uploads import Load
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

Chronicle = Callable[..., None]
IN_SYNC_SECONDS = 120.0
SUPERVISOR_SECONDS = 0.5
CHANGED = re.compile(
    r"Completed transition to (Leader|Follower|Candidate|Unattached|Resigned|Voted|Prospective)"
)


@contextmanager
def at_work(folder: Path, *, brokers: int) -> Iterator[tuple[EmbeddedKafka, Stages]]:
    """Run brokers and stages."""
    with (
        EmbeddedKafka(folder, brokers=brokers) as kafka,
        stages(folder, bootstrap=kafka.bootstrap, replication_factor=brokers) as running,
    ):
        running.start_all()
        yield kafka, running


@contextmanager
def supervised(running: Stages) -> Iterator[list[str]]:
    """Start again what ends, as `samesong up` does; give the names of what has ended so far.

    A named member whose broker was started again may be told that another has its name: it has joined anew,
    and a commit of before was still under way. That is fatal to its client, and ends the stage.
    """
    ended: list[str] = []
    over = threading.Event()

    def look_after() -> None:
        while not over.wait(SUPERVISOR_SECONDS):
            ended.extend(running.revive())

    thread = threading.Thread(target=look_after, name="supervisor", daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def gone(kafka: EmbeddedKafka, trickle: Trickle, *, seconds: float) -> Stall:
    """Kill the only broker and start it again later."""
    began = time.monotonic()
    kafka.kill(0)
    time.sleep(seconds)
    kafka.restart(0)
    return trickle.stall(began=began, ended=time.monotonic())


def bounce(kafka: EmbeddedKafka, trickle: Trickle, index: int) -> Stall:
    """Kill one of three brokers and start it at once; wait until every partition has its replicas again."""
    began = time.monotonic()
    kafka.kill(index)
    ended = time.monotonic()
    stall = trickle.stall(began=began, ended=ended)
    kafka.restart(index)
    await_in_sync(kafka)
    return stall


def await_in_sync(kafka: EmbeddedKafka) -> None:
    """Wait until no partition lacks a replica: the next loss would stop all writing."""
    admin = AdminClient(admin_config(kafka.bootstrap))

    def in_sync() -> bool:
        topics = admin.list_topics(timeout=15).topics.values()
        return all(len(p.isrs) == len(p.replicas) for topic in topics for p in topic.partitions.values())

    wait_until(in_sync, IN_SYNC_SECONDS, "every replica in sync")


def controller(kafka: EmbeddedKafka) -> int:
    """Give the index of the broker that leads the controllers: the one whose log says so last."""
    leading: dict[int, str] = {}
    for index in range(kafka.brokers):
        log = (kafka.home / f"node-{index + 1}" / "server.log").read_text(errors="replace")
        changes = [line for line in log.splitlines() if CHANGED.search(line)]
        if changes and "transition to Leader" in changes[-1]:
            leading[index] = changes[-1]
    assert leading, "no broker says that it leads"
    return max(leading, key=lambda index: leading[index])


@pytest.mark.parametrize(
    "seconds", [pytest.param(15.0, id="short"), pytest.param(120.0, marks=pytest.mark.slow, id="long")]
)
def test_the_stages_outlive_a_broker_that_is_gone_for_a_while(
    tmp_path: Path, seconds: float, chronicle: Chronicle
) -> None:
    with at_work(tmp_path, brokers=1) as (kafka, running):
        with supervised(running) as ended, Trickle(running, Load()) as trickle:
            trickle.await_flow()
            stall = gone(kafka, trickle, seconds=seconds)
        verdict = running.judge()
        # What no broker took nobody is owed.
        assert verdict.decisions >= trickle.accepted > 0
    # A stage may end of a call that does not come back, and of its name when the broker is back; not of
    # waiting.
    assert max(Counter(ended).values(), default=0) <= 2, ended
    chronicle(
        where="broker",
        step="uploads under way",
        fault=f"gone for {stall.fault_s:.0f} s (SIGKILL)",
        outcome=f"holds: {verdict}; started again meanwhile: {', '.join(ended) or 'no stage'}; decisions "
        f"again {stall.recovered_s} s after its return",
    )


@pytest.mark.parametrize(
    "rounds", [pytest.param(0, id="short"), pytest.param(2, marks=pytest.mark.slow, id="long")]
)
def test_three_brokers_bounced_in_turn_and_their_controller_killed_stall_and_lose_nothing(
    tmp_path: Path, rounds: int, chronicle: Chronicle
) -> None:
    with at_work(tmp_path, brokers=3) as (kafka, running):
        with supervised(running) as ended, Trickle(running, Load()) as trickle:
            trickle.await_flow()
            await_in_sync(kafka)
            stalls = {"controller": bounce(kafka, trickle, controller(kafka))}
            for turn in range(rounds):
                for index in range(3):
                    stalls[f"broker {index + 1}, round {turn + 1}"] = bounce(kafka, trickle, index)
        verdict = running.judge()
        assert verdict.decisions >= trickle.accepted > 0
    for which, stall in stalls.items():
        chronicle(
            where="three brokers",
            step="uploads under way",
            fault=f"{which} killed (SIGKILL) and started again",
            outcome=f"holds: {verdict}; longest stall {stall.stalled_s} s; started again in all: "
            f"{', '.join(ended) or 'no stage'}",
        )
