import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.edges.broker import BrokerLocked, EmbeddedKafka
from streams.edges.broker_discovery import discover_bootstrap
from streams.edges.kafka_config import (
    idempotent_producer_config,
    stateless_consumer_config,
    transactional_producer_config,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

PARENT = """
import sys, threading
from pathlib import Path
from streams.edges.broker import EmbeddedKafka
kafka = EmbeddedKafka(Path(sys.argv[1]))
kafka.start()
print(*kafka.pids, flush=True)
threading.Event().wait()
"""


def _create(bootstrap: str, name: str, *, copies: int) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})  # collected before its answer, it cancels
    admin.create_topics([NewTopic(name, 1, copies)])[name].result(30)


def _produce(bootstrap: str, name: str, value: bytes) -> None:
    failures: list[object] = []
    producer = Producer({**idempotent_producer_config(bootstrap), "log_level": 0})
    producer.produce(name, value, on_delivery=lambda error, _m: failures.append(error) if error else None)
    assert producer.flush(60) == 0
    assert failures == []


def _read(bootstrap: str, name: str, count: int) -> list[bytes]:
    consumer = Consumer({**stateless_consumer_config(bootstrap, group_id="reader"), "log_level": 0})
    consumer.subscribe([name])
    values: list[bytes] = []

    def enough() -> bool:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            values.append(message.value() or b"")
        return len(values) >= count

    try:
        wait_until(enough, seconds=60)
    finally:
        consumer.close()
    return values


def test_restart_keeps_address_and_records(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        first = kafka.bootstrap
        assert discover_bootstrap(tmp_path) == first
        _create(first, "kept", copies=1)
        _produce(first, "kept", b"one")
        pids = kafka.pids
        with pytest.raises(BrokerLocked, match=str(os.getpid())):
            EmbeddedKafka(tmp_path).start()
    assert discover_bootstrap(tmp_path) is None
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with EmbeddedKafka(tmp_path) as kafka:
        assert kafka.bootstrap == first
        assert _read(first, "kept", 1) == [b"one"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_orphan_when_the_parent_dies(tmp_path: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    with parent.stdout as said:
        pid = int(said.readline())
    java = psutil.Process(pid)
    guard = java.parent()
    assert guard is not None
    parent.send_signal(number)
    parent.wait(30)
    wait_until(lambda: not java.is_running() and not guard.is_running(), seconds=30)
    assert discover_bootstrap(tmp_path) is None
    with EmbeddedKafka(tmp_path) as kafka:
        assert discover_bootstrap(tmp_path) == kafka.bootstrap


def test_no_orphan_when_the_guard_is_killed(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        java = psutil.Process(kafka.pids[0])
        guard = java.parent()
        assert guard is not None
        guard.kill()
        wait_until(lambda: not java.is_running() or java.status() == psutil.STATUS_ZOMBIE, seconds=30)


@pytest.mark.slow
def test_three_brokers_outlive_the_loss_of_each(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path, brokers=3) as kafka:
        _create(kafka.bootstrap, "kept", copies=3)
        for index in range(3):
            kafka.kill(index)
            _produce(kafka.bootstrap, "kept", f"{index}".encode())
            kafka.restart(index)
        assert _read(kafka.bootstrap, "kept", 3) == [b"0", b"1", b"2"]


def test_a_transaction_that_was_being_committed_when_the_broker_was_killed_is_over_when_it_is_back(
    tmp_path: Path,
) -> None:
    """Kafka itself would lose the markers; see ``streams.edges.broker_session``."""
    names = [f"t-{number}" for number in range(8)]
    with EmbeddedKafka(tmp_path) as kafka:
        for name in names:
            _create(kafka.bootstrap, name, copies=1)
        producer = _transactional(kafka.bootstrap)
        said = threading.Event()

        def commit_until_it_breaks() -> None:
            with contextlib.suppress(KafkaException):
                for number in itertools.count():
                    producer.begin_transaction()
                    for name in names:
                        producer.produce(name, str(number).encode())
                    producer.commit_transaction(20.0)
                    said.set()

        committing = threading.Thread(target=commit_until_it_breaks, daemon=True)
        committing.start()
        assert said.wait(60)
        kafka.kill(0)
        kafka.restart(0)
        _transactional(kafka.bootstrap)
        committing.join(60)  # fenced
        log = (tmp_path / "kafka" / "node-1" / "server.log").read_text()
        assert "likely deleted already" not in log
        for name in names:
            assert _ends(kafka.bootstrap, name, "read_committed") == _ends(
                kafka.bootstrap, name, "read_uncommitted"
            )


def _transactional(bootstrap: str) -> Producer:
    """Open a producer that fences the one before, whose open transaction is aborted."""
    config = transactional_producer_config(bootstrap, transactional_id="one")
    producer = Producer({**config, "log_level": 0})
    producer.init_transactions(60.0)
    return producer


def _ends(bootstrap: str, name: str, isolation: str) -> int:
    """Return the end of a topic as readers see it; committed, it is where an open transaction begins."""
    config = stateless_consumer_config(bootstrap, group_id="ends")
    consumer = Consumer({**config, "log_level": 0, "isolation.level": isolation})
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=30)[1])
    finally:
        consumer.close()
