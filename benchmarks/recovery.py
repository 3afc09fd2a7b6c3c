"""Time to recover from each fault, on the real broker, while ten uploads a second keep coming.

The faults and the stages are those of `tests/chaos`: every stage, Kafka itself and the index as processes,
and crude encoders in the place of the models. A figure is what a subscriber saw that reads committed.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_facts, write_result
from tests.chaos.index_servers import apart, index_server
from tests.chaos.stages import Stages
from tests.chaos.test_brokers import at_work, await_in_sync, bounce, controller, gone, supervised
from tests.chaos.trickle import Stall, Trickle
from tests.chaos.uploads import Load

GONE_S = 120.0
REPEATS = 3


@contextmanager
def flowing(running: Stages) -> Iterator[Trickle]:
    """Let uploads come, and begin when they are decided; what ends is started again."""
    with supervised(running), Trickle(running, Load()) as trickle:
        trickle.await_flow()
        yield trickle


def killed(running: Stages, trickle: Trickle, stage: str) -> Stall:
    """Kill a stage and start it at once, as the supervisor does."""
    began = time.monotonic()
    running.kill(stage)
    running.start(stage)
    return trickle.stall(began=began, ended=time.monotonic())


def taken_over(running: Stages, trickle: Trickle, stage: str) -> Stall:
    """Kill a stage for good while another waits to take over, without a name of its own in the group."""
    nameless = {"SAMESONG_KAFKA__INSTANCE_ID": ""}
    running.stop(stage)
    running.start(stage, name="first", environment=nameless)
    trickle.await_flow()
    running.start(stage, name="second", environment=nameless)
    trickle.await_flow()
    began = time.monotonic()
    running.kill("first")
    stall = trickle.stall(began=began, ended=time.monotonic())
    running.stop("second")
    running.start(stage)
    trickle.await_flow()
    return stall


def one_broker(folder: Path, gone_s: float, repeats: int) -> Iterator[tuple[str, Stall]]:
    with at_work(folder, brokers=1) as (kafka, running):
        with flowing(running) as trickle:
            for stage in ("encode", "index", "arbitrate"):
                for _ in range(repeats):
                    yield f"{stage} killed, started at once", killed(running, trickle, stage)
            for _ in range(repeats):
                yield "arbitrate killed, another takes over", taken_over(running, trickle, "arbitrate")
            for _ in range(repeats):
                yield "the only broker killed, started at once", gone(kafka, trickle, seconds=0.0)
            yield f"the only broker gone for {gone_s:g} s", gone(kafka, trickle, seconds=gone_s)
        running.judge()


def three_brokers(folder: Path) -> Iterator[tuple[str, Stall]]:
    with at_work(folder, brokers=3) as (kafka, running):
        with flowing(running) as trickle:
            await_in_sync(kafka)
            for index in range(3):
                yield "one of three brokers killed", bounce(kafka, trickle, index)
            for _ in range(2):
                leading = controller(kafka)
                yield "the controller of three brokers killed", bounce(kafka, trickle, leading)
        running.judge()


def index_apart(folder: Path, gone_s: float) -> Iterator[tuple[str, Stall]]:
    with ExitStack() as stack:
        server = stack.enter_context(index_server("lite", folder / "server"))
        running = stack.enter_context(apart(folder, server))
        with flowing(running) as trickle:
            began = time.monotonic()
            server.stop()
            time.sleep(gone_s)
            server.start()
            yield f"the index gone for {gone_s:g} s", trickle.stall(began=began, ended=time.monotonic())
        running.judge()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gone", type=float, default=GONE_S, help="seconds that broker and index are gone")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options, _ = parser.parse_known_args()
    started = machine_facts()
    scenes: list[Callable[[Path], Iterator[tuple[str, Stall]]]] = [
        lambda folder: one_broker(folder, options.gone, options.repeats),
        three_brokers,
        lambda folder: index_apart(folder, options.gone),
    ]
    faults: dict[str, list[dict[str, Any]]] = {}
    for scene in scenes:
        with tempfile.TemporaryDirectory(prefix="samesong-recovery-") as folder:
            for fault, stall in scene(Path(folder)):
                faults.setdefault(fault, []).append(asdict(stall))
    write_result(
        "recovery",
        "per fault: how long it lasted, the longest time without a decision from its begin on, and from its "
        "end until an upload sent after it was decided (s); after each scene the oracle found nothing wrong",
        {"faults": faults},
        started=started,
    )


if __name__ == "__main__":
    main()
