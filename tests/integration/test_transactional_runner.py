import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.edges.kafka_config import ClientConfig
from streams.edges.kafka_platform import KafkaProducer, Machine
from streams.edges.log_reader import LogReader
from tests.integration.ledger import Ledger, transactional
from tests.integration.running import Running, committed, fill, topics
from tests.waiting import wait_until

pytestmark = pytest.mark.broker


def test_each_input_is_written_once_and_restart_restores(broker: str) -> None:
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 500)
    stage = Ledger(names["source"], names["output"])
    running = Running(transactional(broker, stage))
    wait_until(lambda: len(stage.state) == 500)
    running.end()
    assert running.error is None
    fill(broker, names["source"], 100, first=500)
    again = Ledger(names["source"], names["output"])
    running = Running(transactional(broker, again))
    wait_until(lambda: len(again.state) == 600)
    running.end()
    assert running.error is None
    with LogReader(broker) as reader:
        log = [(m.value, m.offset) for m in reader.read_committed_to_end(names["output"], 0)]
    assert log == again.state
    assert [value for value, _ in log] == [b"%d" % number for number in range(600)]


CRASHING = """
import os, signal, sys, threading
from streams.edges.kafka_platform import Machine
from tests.integration.ledger import Ledger, transactional

bootstrap, source, output, where, crash_after = sys.argv[1:]

class Crashing:
    def __init__(self, inner):
        self.inner = inner
        self.next_offset = 0

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def send_offsets_to_transaction(self, offsets, *more):
        self.inner.flush(10)
        self.next_offset = offsets[0].offset
        self.crash("produced")
        self.inner.send_offsets_to_transaction(offsets, *more)
        self.crash("offsets")

    def commit_transaction(self, *how):
        self.inner.commit_transaction(*how)
        self.crash("committed")

    def crash(self, here):
        if here == where and self.next_offset > int(crash_after):
            os.kill(os.getpid(), signal.SIGKILL)

class Deadly(Machine):
    def producer(self, settings):
        return Crashing(super().producer(settings))

ledger = Ledger(source, output)
transactional(bootstrap, ledger, batch_items=50, platform=Deadly()).run(threading.Event())
"""


@pytest.mark.parametrize("where", ["produced", "offsets", "committed"])
def test_a_crash_around_the_commit_leaves_each_input_once(broker: str, where: str) -> None:
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 300)
    arguments = [broker, names["source"], names["output"], where, "120"]
    root = str(Path(__file__).parents[2])
    died = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", CRASHING, *arguments], cwd=root, timeout=30, check=False, env=dict(os.environ)
    )
    assert died.returncode == -9
    stage = Ledger(names["source"], names["output"])
    running = Running(transactional(broker, stage))
    wait_until(lambda: len(stage.state) >= 300, seconds=18)
    running.end()
    assert running.error is None
    assert committed(broker, names["output"]) == [b"%d" % number for number in range(300)]


class Doubtful:
    """A producer whose first commit is refused by a rebalance; the answer to its second is lost."""

    def __init__(self, inner: KafkaProducer, machine: "Shaky") -> None:
        self._inner = inner
        self._machine = machine

    def __len__(self) -> int:
        return len(self._inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def commit_transaction(self, timeout: float = -1) -> None:
        self._machine.commits += 1
        if self._machine.commits == 1:
            raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
        self._inner.commit_transaction(timeout)
        if self._machine.commits == 2:
            self._machine.late_by += 60.0
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


class Shaky(Machine):
    """A machine with such producers, on which an answer can take a minute."""

    def __init__(self) -> None:
        self.commits = 0
        self.late_by = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.late_by

    def producer(self, settings: ClientConfig) -> KafkaProducer:
        return cast(KafkaProducer, Doubtful(super().producer(settings), self))


def test_aborted_and_unknown_transactions_leave_each_input_once(broker: str) -> None:
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 300)
    stage = Ledger(names["source"], names["output"])
    running = Running(transactional(broker, stage, platform=Shaky()))
    wait_until(lambda: len(stage.state) >= 300 or not running.alive)
    running.end()
    assert running.error is None
    assert (stage.restored, stage.rolled) == (2, 2)
    assert committed(broker, names["output"]) == [b"%d" % number for number in range(300)]
