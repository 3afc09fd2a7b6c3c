import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.core.drift import DriftRules
from streams.edges.avro import AvroCodec
from streams.edges.kafka_config import admin_config, idempotent_producer_config, stateless_consumer_config
from streams.edges.topics import ensure_topics
from tests.chaos.drift_outcomes import check
from tests.chaos.group_offsets import GroupOffsets
from tests.unit.test_drift import DIM, sketch_of
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

WORKER = """
import sys
from contextlib import contextmanager
from pathlib import Path
from streams.config import DriftSettings
from streams.edges.avro import AvroCodec
from streams.edges.faust_app import run_drift
from streams.telemetry import configure_logging
configure_logging("info", "drift")
settings = DriftSettings(window_s=2, grace_s=0.2, reference_windows=2, min_count=50, p_value=0.01)
paused, asked, broken = (Path(sys.argv[2], name) for name in ("paused", "asked", "broken"))

def gate():
    asked.touch()
    return not paused.exists()

@contextmanager
def guard(step):
    if step == "publish" and broken.exists():
        raise OSError("it cannot be written")
    yield

run_drift(sys.argv[1], settings, AvroCodec(), Path(sys.argv[2]), app_id=sys.argv[3], gate=gate, guard=guard)
"""
RULES = DriftRules(window_ms=2000, grace_ms=200, reference_windows=2, min_count=50, p_value=0.01)


class _Feed:
    """Sketches on their way, and what the worker answered."""

    def __init__(self, broker: str) -> None:
        self.codec = AvroCodec()
        self.model = f"m-{uuid.uuid4().hex[:8]}"
        self.producer = Producer(idempotent_producer_config(broker))
        self.reader = Consumer(stateless_consumer_config(broker, group_id=uuid.uuid4().hex))
        self.reader.subscribe(["drift.window.v1", "drift.alert.v1"])
        self.rng = np.random.default_rng(1)
        self.sent = 0
        self.windows: dict[str, Any] = {}
        self.alerts: dict[str, Any] = {}

    def send(self, shift: float) -> None:
        values = self.rng.standard_normal((32, DIM))
        values[:, 0] += shift
        sketch = replace(
            sketch_of(values, self.sent), model=self.model, sketch_id=f"{self.model}/{self.sent}"
        )
        self.sent += 1
        self.producer.produce(
            "embedding.sketch.v1", self.codec.encode("embedding.sketch.v1", sketch), key=self.model.encode()
        )
        self.producer.flush(10)

    def read(self, seconds: float) -> None:
        message = self.reader.poll(seconds)
        if message is None or message.error():
            return
        name, value = message.topic(), message.value()
        assert name is not None
        assert value is not None
        record = self.codec.decode(name, value)
        if record.model != self.model:
            return
        if name == "drift.window.v1":
            assert record.window_id not in self.windows
            self.windows[record.window_id] = record
        else:
            self.alerts[record.alert_id] = record

    def until(self, shift: float, done: Callable[[], bool], within: float) -> None:
        deadline = time.monotonic() + within
        while not done():
            assert time.monotonic() < deadline, (self.windows, self.alerts)
            self.send(shift)
            self.read(0.2)


def _judged(feed: _Feed) -> int:
    return sum(w.reference not in {"building", "gathering"} for w in feed.windows.values())


class _Worker:
    """One drift worker after the other, of one group and one folder, and what is fed to it."""

    def __init__(self, broker: str, folder: Path) -> None:
        self.folder = folder
        self.app_id = f"drift-{uuid.uuid4().hex[:8]}"
        self.feed = _Feed(broker)
        self._broker = broker
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-c", WORKER, self._broker, str(self.folder), self.app_id]
        with (self.folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log)  # noqa: S603 - our own interpreter and text

    def ended(self) -> int | None:
        """Give the status with which it ended; none while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """Ask it to end: at once, and in peace."""
        process, before = self._process, time.monotonic()
        assert process is not None
        process.terminate()
        try:
            assert process.wait(20) == 0
        finally:
            self.kill()
        assert time.monotonic() - before < 12

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def await_more_windows(self) -> None:
        """Feed it until two more windows are told.

        Seen once with aiokafka 0.14: to seek while records are handed out ended its consumer with a KeyError,
        and the worker with status 1. The supervisor starts it again, and so does this, once; what it tells
        must be the same.
        """
        known = len(self.feed.windows)
        restarts = iter([self.start])

        def told() -> bool:
            if self.ended():
                next(restarts)()
            return len(self.feed.windows) >= known + 2

        self.feed.until(0.0, told, 90)


@pytest.fixture
def worker(broker: str, tmp_path: Path) -> Iterator[_Worker]:
    """Give a worker to start; its log stands in the report of a failure."""
    ensure_topics(broker, replication_factor=1)
    worker = _Worker(broker, tmp_path)
    try:
        yield worker
    finally:
        worker.kill()
        worker.feed.reader.close()
        print((tmp_path / "worker.log").read_text()[-6000:])


def test_a_shift_raises_an_alert_and_a_restart_counts_nothing_twice(worker: _Worker) -> None:
    feed = worker.feed
    worker.start()
    feed.until(0.0, lambda: _judged(feed) >= 2, 90)
    assert feed.alerts == {}
    worker.stop()
    worker.start()
    feed.until(0.0, lambda: _judged(feed) >= 4, 90)
    assert feed.alerts == {}
    feed.until(2.0, lambda: bool(feed.alerts), 90)
    worker.stop()
    (alert,) = feed.alerts.values()
    assert alert.code == "shift"
    assert alert.p_value <= 0.01
    # The reference was learned once, before the restart, and no sketch was folded into two windows.
    assert sum(w.reference == "building" for w in feed.windows.values()) <= 3
    references = {w.reference for w in feed.windows.values()} - {"building", "gathering"}
    assert len(references) == 2, "the two halves, the same after the restart"
    counted = sum(w.count for w in feed.windows.values() if w.reference != "gathering")
    assert counted <= feed.sent * 32


def test_a_paused_worker_folds_nothing_ends_at_once_and_goes_on(worker: _Worker, broker: str) -> None:
    feed, paused = worker.feed, worker.folder / "paused"
    paused.touch()
    worker.start()
    # Asked means that a sketch is at hand; then longer than it takes to close two windows.
    feed.until(0.0, (worker.folder / "asked").exists, 90)
    until = time.monotonic() + 6.0
    feed.until(0.0, lambda: time.monotonic() > until, 60)
    assert feed.windows == {}
    worker.stop()
    paused.unlink()
    worker.start()
    worker.await_more_windows()
    # The sketch that was at hand when it ended is counted, too.
    check(broker, RULES, model=feed.model)


def test_what_was_committed_and_never_folded_is_gone_back_to(worker: _Worker, broker: str) -> None:
    feed = worker.feed
    worker.start()
    feed.until(0.0, lambda: bool(feed.windows), 90)
    worker.stop()
    for _ in range(5):
        feed.send(0.0)
    commit_everything(broker, worker.app_id)
    worker.start()
    worker.await_more_windows()
    check(broker, RULES, model=feed.model)


def commit_everything(broker: str, group: str) -> None:
    """Commit what a group has not read, as Faust does with what it has lost."""
    ends = GroupOffsets(broker).ends(["embedding.sketch.v1"])
    at = [TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()]
    admin = AdminClient(admin_config(broker))

    def done() -> bool:
        (asked,) = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, at)]).values()
        return asked.exception(30) is None and all(
            each.error is None for each in asked.result().topic_partitions
        )

    wait_until(done, 60, f"{group} without members")


def test_a_worker_that_fails_ends_and_the_next_one_counts_what_failed(worker: _Worker, broker: str) -> None:
    feed, broken = worker.feed, worker.folder / "broken"
    worker.start()
    feed.until(0.0, lambda: bool(feed.windows), 90)
    broken.touch()
    feed.until(0.0, lambda: worker.ended() is not None, 90)
    assert worker.ended() == 1
    broken.unlink()
    worker.start()
    worker.await_more_windows()
    check(broker, RULES, model=feed.model)
