import subprocess
import sys
import time
import uuid
from collections.abc import Callable
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


def _start(broker: str, data_dir: Path, app_id: str) -> subprocess.Popen[bytes]:
    log = (data_dir / "worker.log").open("ab")
    command = [sys.executable, "-c", WORKER, broker, str(data_dir), app_id]
    return subprocess.Popen(command, stderr=log)  # noqa: S603 - our own interpreter and text


def _stop(worker: subprocess.Popen[bytes]) -> float:
    before = time.monotonic()
    worker.terminate()
    try:
        worker.wait(20)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
        raise
    return time.monotonic() - before


def test_a_shift_raises_an_alert_and_a_restart_counts_nothing_twice(broker: str, tmp_path: Path) -> None:
    ensure_topics(broker, replication_factor=1)
    feed = _Feed(broker)
    app_id = f"drift-{uuid.uuid4().hex[:8]}"
    worker = _start(broker, tmp_path, app_id)
    try:
        feed.until(0.0, lambda: _judged(feed) >= 2, 90)
        assert feed.alerts == {}
        assert _stop(worker) < 12
        assert worker.returncode == 0
        worker = _start(broker, tmp_path, app_id)
        feed.until(0.0, lambda: _judged(feed) >= 4, 90)
        assert feed.alerts == {}
        feed.until(2.0, lambda: bool(feed.alerts), 90)
    except AssertionError as exc:
        exc.add_note((tmp_path / "worker.log").read_text()[-6000:])
        raise
    finally:
        if worker.poll() is None:
            _stop(worker)
        feed.reader.close()
    (alert,) = feed.alerts.values()
    assert alert.code == "shift"
    assert alert.p_value <= 0.01
    # The reference was learned once, before the restart, and no sketch was folded into two windows.
    assert sum(w.reference == "building" for w in feed.windows.values()) <= 3
    references = {w.reference for w in feed.windows.values()} - {"building", "gathering"}
    assert len(references) == 2, "the two halves, the same after the restart"
    counted = sum(w.count for w in feed.windows.values() if w.reference != "gathering")
    assert counted <= feed.sent * 32


def test_a_paused_worker_folds_nothing_ends_at_once_and_goes_on(broker: str, tmp_path: Path) -> None:
    ensure_topics(broker, replication_factor=1)
    feed = _Feed(broker)
    app_id = f"drift-{uuid.uuid4().hex[:8]}"
    paused = tmp_path / "paused"
    paused.touch()
    worker = _start(broker, tmp_path, app_id)
    try:
        # Asked means that a sketch is at hand; then longer than it takes to close two windows.
        feed.until(0.0, (tmp_path / "asked").exists, 90)
        until = time.monotonic() + 6.0
        feed.until(0.0, lambda: time.monotonic() > until, 60)
        assert feed.windows == {}
        assert _stop(worker) < 12
        assert worker.returncode == 0
        worker = _start(broker, tmp_path, app_id)
        paused.unlink()
        feed.until(0.0, lambda: len(feed.windows) >= 2, 90)
        # The sketch that was at hand when it ended is counted, too.
        check(broker, RULES, model=feed.model)
    except AssertionError as exc:
        exc.add_note((tmp_path / "worker.log").read_text()[-6000:])
        raise
    finally:
        if worker.poll() is None:
            _stop(worker)
        feed.reader.close()


def test_what_was_committed_and_never_folded_is_gone_back_to(broker: str, tmp_path: Path) -> None:
    ensure_topics(broker, replication_factor=1)
    feed = _Feed(broker)
    app_id = f"drift-{uuid.uuid4().hex[:8]}"
    worker = _start(broker, tmp_path, app_id)
    try:
        feed.until(0.0, lambda: bool(feed.windows), 90)
        assert _stop(worker) < 12
        for _ in range(5):
            feed.send(0.0)
        commit_everything(broker, app_id)
        worker = _start(broker, tmp_path, app_id)
        known = len(feed.windows)
        feed.until(0.0, lambda: len(feed.windows) >= known + 2, 90)
        check(broker, RULES, model=feed.model)
    except AssertionError as exc:
        exc.add_note((tmp_path / "worker.log").read_text()[-6000:])
        raise
    finally:
        if worker.poll() is None:
            _stop(worker)
        feed.reader.close()


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


def test_a_worker_that_fails_ends_and_the_next_one_counts_what_failed(broker: str, tmp_path: Path) -> None:
    ensure_topics(broker, replication_factor=1)
    feed = _Feed(broker)
    app_id = f"drift-{uuid.uuid4().hex[:8]}"
    broken = tmp_path / "broken"
    worker = _start(broker, tmp_path, app_id)
    try:
        feed.until(0.0, lambda: bool(feed.windows), 90)
        broken.touch()
        feed.until(0.0, lambda: worker.poll() is not None, 90)
        assert worker.returncode == 1
        broken.unlink()
        worker = _start(broker, tmp_path, app_id)
        known = len(feed.windows)
        feed.until(0.0, lambda: len(feed.windows) >= known + 2, 90)
        check(broker, RULES, model=feed.model)
    except AssertionError as exc:
        exc.add_note((tmp_path / "worker.log").read_text()[-6000:])
        raise
    finally:
        if worker.poll() is None:
            _stop(worker)
        feed.reader.close()
