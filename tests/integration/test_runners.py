import asyncio
import os
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.protocol.group import LeaveGroupRequest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.edges import transactional_runner
from streams.edges.committed_log import committed_offsets
from streams.edges.kafka_config import ClientConfig, stateful_consumer_config, transactional_producer_config
from streams.edges.kafka_lag import GroupLagGate
from streams.edges.kafka_platform import KafkaProducer, Machine
from streams.edges.kafka_producer import Publisher
from streams.edges.kafka_runner import StatelessRunner
from streams.edges.log_reader import LogReader
from streams.edges.transactional_runner import TransactionalRunner
from streams.errors import BrokerUnavailable, FatalError, Fenced, IndexUnavailable, OffsetRegression
from streams.ports import Delivered, Message, Processor, Produced, StateReader, TransactionalStage
from tests.waiting import wait_until

pytestmark = pytest.mark.broker


def _topics(bootstrap: str, **partitions: int) -> dict[str, str]:
    names = {name: f"{name}.{uuid.uuid4().hex}" for name in partitions}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = [NewTopic(names[name], count, 1) for name, count in partitions.items()]
    for future in admin.create_topics(wanted).values():
        future.result(30)
    return names


def _fill(bootstrap: str, topic: str, count: int, *, first: int = 0) -> None:
    with Publisher(bootstrap) as publisher:
        for number in range(first, first + count):
            publisher.publish(topic, key=b"%d" % number, value=b"%d" % number)


def _committed(bootstrap: str, topic: str, partitions: int = 1) -> list[bytes]:
    with LogReader(bootstrap) as reader:
        return [
            message.value or b""
            for partition in range(partitions)
            for message in reader.read_committed_to_end(topic, 0, partition=partition)
        ]


def _ends(bootstrap: str, topic: str, partitions: int) -> int:
    with LogReader(bootstrap) as reader:
        return sum(reader.bounds(topic, partition)[1] for partition in range(partitions))


class Running:
    """A runner in a thread of its own."""

    def __init__(self, runner: StatelessRunner | TransactionalRunner) -> None:
        self.error: BaseException | None = None
        self.stop = threading.Event()
        self._runner = runner
        # A test that fails leaves its runner at work: the run ends all the same.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._runner.run(self.stop)
        except BaseException as exc:
            self.error = exc

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


class Copy(Processor):
    def __init__(self, output: str, *, failures: Sequence[Exception] = (), seconds: float = 0.0) -> None:
        self.output = output
        self.failures = list(failures)
        self.batches = 0
        self.seen: list[bytes] = []
        self._seconds = seconds

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        if self.failures and self.batches >= 2:
            raise self.failures.pop()
        self.batches += 1
        if self._seconds:
            threading.Event().wait(self._seconds)
        self.seen += [m.value or b"" for m in batch]
        return [
            Produced(topic=self.output, key=m.key or b"", value=m.value, cause=index)
            for index, m in enumerate(batch)
        ]


def _stateless(bootstrap: str, processor: Processor, topic: str, group: str) -> StatelessRunner:
    return StatelessRunner(
        processor, bootstrap=bootstrap, group_id=group, topics=[topic], batch_items=100, batch_ms=50
    )


def _numbers(count: int) -> set[bytes]:
    return {b"%d" % number for number in range(count)}


# --- stateless -------------------------------------------------------------------------------------------


def test_an_idle_runner_says_what_is_to_be_said(broker: str) -> None:
    names = _topics(broker, source=2, output=1)
    asked: list[list[tuple[str, int]]] = []

    def idle(partitions: Sequence[tuple[str, int]]) -> Sequence[Produced]:
        asked.append(list(partitions))
        return [Produced(topic=names["output"], key=b"", value=b"idle")]

    runner = StatelessRunner(
        Copy(names["output"]),
        bootstrap=broker,
        group_id=names["source"],
        topics=[names["source"]],
        idle=idle,
        idle_seconds=0.3,
    )
    running = Running(runner)
    wait_until(lambda: len(asked) >= 2)
    _fill(broker, names["source"], 5)
    wait_until(lambda: _numbers(5) <= set(_committed(broker, names["output"])))
    before = len(asked)
    wait_until(lambda: len(asked) > before)
    running.end()
    assert running.error is None
    assert asked[0] == [(names["source"], 0), (names["source"], 1)]
    assert set(_committed(broker, names["output"])) == {b"idle"} | _numbers(5)


def test_transient_failures_lose_nothing_and_commit_the_end(broker: str) -> None:
    names = _topics(broker, source=4, output=2)
    _fill(broker, names["source"], 2000)
    processor = Copy(names["output"], failures=[IndexUnavailable("busy"), BrokerUnavailable("busy")])
    running = Running(_stateless(broker, processor, names["source"], names["source"]))
    wait_until(lambda: _ends(broker, names["output"], 2) >= 2000)
    running.end()
    assert running.error is None
    assert processor.failures == []
    assert Counter(_committed(broker, names["output"], 2)) == Counter(_numbers(2000))
    # A second run of the group finds nothing left to do.
    again = Copy(names["output"])
    _fill(broker, names["source"], 1, first=2000)
    running = Running(_stateless(broker, again, names["source"], names["source"]))
    wait_until(lambda: len(again.seen) >= 1)
    running.end()
    assert again.seen == [b"2000"]


class Gaps(Copy):
    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.gaps: list[tuple[bytes, int, int]] = []

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        self.gaps += [(m.value or b"", m.offset, m.gap) for m in batch]
        return super().process(batch)


def _in_transactions(bootstrap: str, topic: str, sent: Sequence[tuple[bytes, bool]]) -> None:
    producer = Producer(transactional_producer_config(bootstrap, transactional_id=topic))
    producer.init_transactions(30)
    for value, kept in sent:
        producer.begin_transaction()
        producer.produce(topic, value=value)
        producer.flush()
        if kept:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)


def test_offsets_without_a_record_are_told_with_the_record_behind_them(broker: str) -> None:
    names = _topics(broker, source=1, output=1)
    sent = [(b"0", True), (b"1", True), (b"lost", False), (b"2", True)]
    _in_transactions(broker, names["source"], sent)
    processor = Gaps(names["output"])
    running = Running(_stateless(broker, processor, names["source"], names["source"]))
    wait_until(lambda: len(processor.gaps) >= 3)
    _fill(broker, names["source"], 2, first=3)
    wait_until(lambda: len(processor.gaps) >= 5)
    running.end()
    assert running.error is None
    # Each end of a transaction takes an offset, and one that was aborted takes its records' as well.
    assert processor.gaps == [(b"0", 0, 0), (b"1", 2, 1), (b"2", 6, 3), (b"3", 8, 1), (b"4", 9, 0)]
    # Nobody knows what stands before the first record of a life.
    _in_transactions(broker, names["source"], [(b"5", True)])
    again = Gaps(names["output"])
    running = Running(_stateless(broker, again, names["source"], names["source"]))
    wait_until(lambda: len(again.gaps) >= 1)
    running.end()
    assert again.gaps == [(b"5", 10, 0)]


def test_fatal_error_stops_without_committing(broker: str) -> None:
    names = _topics(broker, source=1, output=1)
    _fill(broker, names["source"], 300)
    processor = Copy(names["output"], failures=[FatalError("corrupt")])
    running = Running(_stateless(broker, processor, names["source"], names["source"]))
    wait_until(lambda: not running.alive)
    assert isinstance(running.error, FatalError)
    again = Copy(names["output"])
    running = Running(_stateless(broker, again, names["source"], names["source"]))
    wait_until(lambda: b"299" in again.seen)
    running.end()
    assert again.seen == [b"%d" % number for number in range(200, 300)]


def test_rebalance_of_two_members_loses_nothing(broker: str) -> None:
    names = _topics(broker, source=4, output=2)
    _fill(broker, names["source"], 1000)
    first = Copy(names["output"], seconds=0.02)
    second = Copy(names["output"], seconds=0.02)
    one = Running(_stateless(broker, first, names["source"], names["source"]))
    wait_until(lambda: first.batches > 0)
    two = Running(_stateless(broker, second, names["source"], names["source"]))
    filled = 1000

    def both_work() -> bool:
        nonlocal filled
        _fill(broker, names["source"], 50, first=filled)
        filled += 50
        return second.batches > 0

    wait_until(both_work)
    one.end()
    _fill(broker, names["source"], 500, first=filled)
    filled += 500
    wait_until(lambda: len(set(first.seen) | set(second.seen)) >= filled)
    two.end()
    assert one.error is None
    assert two.error is None
    assert set(_committed(broker, names["output"], 2)) == _numbers(filled)


class Withholding:
    """A producer whose records leave when it is flushed, and not before."""

    def __init__(self, inner: KafkaProducer) -> None:
        self._inner = inner
        self._held: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __len__(self) -> int:
        return len(self._held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def produce(self, *arguments: Any, **more: Any) -> None:
        self._held.append((arguments, more))

    def flush(self, timeout: float = -1) -> int:
        for arguments, more in self._held:
            self._inner.produce(*arguments, **more)
        self._held.clear()
        return self._inner.flush(timeout)


class Slow(Machine):
    """A machine whose network takes its time."""

    def producer(self, settings: ClientConfig) -> KafkaProducer:
        return cast(KafkaProducer, Withholding(super().producer(settings)))


def test_nothing_is_committed_before_it_is_acknowledged(broker: str) -> None:
    names = _topics(broker, source=2, output=1)
    _fill(broker, names["source"], 200)
    processor = Copy(names["output"])
    runner = StatelessRunner(
        processor,
        bootstrap=broker,
        group_id=names["source"],
        topics=[names["source"]],
        batch_items=50,
        platform=Slow(),
    )
    running = Running(runner)
    wait_until(lambda: len(processor.seen) >= 200)
    running.end()
    promised = committed_offsets(broker, None, names["source"], [names["source"]])
    assert len(_committed(broker, names["output"])) == sum(promised.values()) == 200


def test_closed_gate_holds_intake(broker: str) -> None:
    names = _topics(broker, source=2, output=1)
    _fill(broker, names["source"], 1000)
    gate = threading.Event()
    closed_for = 0
    processor = Copy(names["output"], seconds=0.02)

    def gated() -> bool:
        nonlocal closed_for
        is_open = gate.is_set() or not processor.seen
        closed_for += not is_open
        return is_open

    runner = StatelessRunner(
        processor,
        bootstrap=broker,
        group_id=names["source"],
        topics=[names["source"]],
        batch_items=10,
        gate=gated,
    )
    running = Running(runner)
    wait_until(lambda: closed_for >= 3)
    held = len(processor.seen)
    wait_until(lambda: closed_for >= 6)
    assert len(processor.seen) == held < 1000
    gate.set()
    wait_until(lambda: len(processor.seen) >= 1000)
    running.end()
    assert Counter(processor.seen) == Counter(_numbers(1000))


def test_lag_gate_follows_the_group(broker: str) -> None:
    names = _topics(broker, source=2, output=1)
    _fill(broker, names["source"], 200)
    with GroupLagGate(
        broker, group_id=names["source"], topic=names["source"], limit=50, every_seconds=0.1
    ) as gate:
        wait_until(lambda: gate.records == 200)
        assert not gate()
        running = Running(_stateless(broker, Copy(names["output"]), names["source"], names["source"]))
        wait_until(lambda: gate.records == 0)
        assert gate()
        running.end()


# --- transactional ---------------------------------------------------------------------------------------


class Ledger(TransactionalStage):
    """Copies each input to its output, which is its state as well."""

    def __init__(self, source: str, output: str) -> None:
        self.source = source
        self.output = output
        self.state: list[tuple[bytes, int]] = []
        self.restored = 0
        self.rolled = 0
        self.next_offset = 0

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        assert self.output in ends
        self.state = [(m.value or b"", m.offset) for m in read(self.output, 0)]
        self.restored += 1
        self.next_offset = committed or 0
        assert len(self.state) == self.next_offset
        return self.next_offset

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        assert [m.offset for m in batch] == list(range(self.next_offset, self.next_offset + len(batch)))
        return [
            Produced(topic=self.output, key=m.key or b"", value=m.value, cause=index)
            for index, m in enumerate(batch)
        ]

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        self.state += [(d.produced.value or b"", d.offset) for d in deliveries]
        self.next_offset = next_offset

    def rolled_back(self) -> None:
        self.rolled += 1

    def ready(self) -> bool:
        return True


def _transactional(bootstrap: str, stage: Ledger) -> TransactionalRunner:
    return TransactionalRunner(
        stage,
        bootstrap=bootstrap,
        group_id=stage.source,
        topic=stage.source,
        state_topics=[stage.output],
        transactional_prefix=stage.source,
        batch_items=100,
        batch_ms=50,
    )


def test_each_input_is_written_once_and_restart_restores(broker: str) -> None:
    names = _topics(broker, source=1, output=1)
    _fill(broker, names["source"], 500)
    stage = Ledger(names["source"], names["output"])
    running = Running(_transactional(broker, stage))
    wait_until(lambda: len(stage.state) == 500)
    running.end()
    assert running.error is None
    _fill(broker, names["source"], 100, first=500)
    again = Ledger(names["source"], names["output"])
    running = Running(_transactional(broker, again))
    wait_until(lambda: len(again.state) == 600)
    running.end()
    assert running.error is None
    with LogReader(broker) as reader:
        log = [(m.value, m.offset) for m in reader.read_committed_to_end(names["output"], 0)]
    assert log == again.state
    assert [value for value, _ in log] == [b"%d" % number for number in range(600)]


class Paused(Ledger):
    """Computes, then waits: as a process that sleeps while another takes over."""

    def __init__(self, source: str, output: str) -> None:
        super().__init__(source, output)
        self.computed = threading.Event()
        self.wake = threading.Event()

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        self.computed.set()
        assert self.wake.wait(30)
        return [Produced(topic=self.output, key=b"old", value=b"old")]


def test_a_fenced_old_owner_ends_and_nothing_of_it_is_seen(broker: str) -> None:
    from confluent_kafka import Producer

    from streams.edges.kafka_config import transactional_producer_config

    names = _topics(broker, source=1, output=1)
    _fill(broker, names["source"], 50)
    stage = Paused(names["source"], names["output"])
    running = Running(_transactional(broker, stage))
    wait_until(stage.computed.is_set)
    newer = Producer(transactional_producer_config(broker, transactional_id=f"{names['source']}-0"))
    newer.init_transactions(15)
    stage.wake.set()
    wait_until(lambda: not running.alive)
    assert isinstance(running.error, Fenced)
    assert _committed(broker, names["output"]) == []
    assert stage.state == []


def test_a_member_that_was_replaced_commits_nothing(broker: str) -> None:
    names = _topics(broker, source=1, output=1)
    _fill(broker, names["source"], 50)
    stage = Paused(names["source"], names["output"])
    runner = TransactionalRunner(
        stage,
        bootstrap=broker,
        group_id=stage.source,
        topic=stage.source,
        state_topics=[stage.output],
        transactional_prefix=stage.source,
        instance_id="the one",
    )
    running = Running(runner)
    wait_until(stage.computed.is_set)
    # The same member again, as a supervisor starts it that took the first for dead; it has fenced nobody yet.
    newer = Consumer(stateful_consumer_config(broker, group_id=stage.source, instance_id="the one"))
    try:
        newer.subscribe([stage.source])

        def joined() -> bool:
            newer.poll(0.1)
            return bool(newer.assignment())

        wait_until(joined, 30)
        stage.wake.set()
        wait_until(lambda: not running.alive, 30)
    finally:
        newer.close()
    assert isinstance(running.error, Fenced)
    assert _committed(broker, names["output"]) == []
    assert committed_offsets(broker, None, stage.source, [stage.source]) == {}


def _put_out(bootstrap: str, group: str) -> None:
    """Let the coordinator forget the one member of a group, who does not know it yet."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    (member,) = admin.describe_consumer_groups([group])[group].result(30).members

    async def leave() -> int:
        client = AIOKafkaClient(bootstrap_servers=bootstrap)
        await client.bootstrap()
        try:
            coordinator = await client.coordinator_lookup(0, group)
            request = LeaveGroupRequest(group, member.member_id)
            answer = await client.send(coordinator, request, group=ConnectionGroup.COORDINATION)
            return int(answer.error_code)
        finally:
            await client.close()

    assert asyncio.run(leave()) == 0


def test_a_member_that_was_put_out_commits_nothing_before_it_is_in_again(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No heartbeat tells it in time: that it is out it hears from the answer to its offsets alone.
    monkeypatch.setattr("streams.edges.kafka_config.SESSION_TIMEOUT_MS", 60_000)
    names = _topics(broker, source=1, output=1)
    _fill(broker, names["source"], 50)
    stage = Paused(names["source"], names["output"])
    runner = TransactionalRunner(
        stage,
        bootstrap=broker,
        group_id=stage.source,
        topic=stage.source,
        state_topics=[stage.output],
        transactional_prefix=stage.source,
    )
    running = Running(runner)
    wait_until(stage.computed.is_set, 30)
    _put_out(broker, stage.source)
    assert stage.rolled == 0
    stage.wake.set()
    wait_until(lambda: stage.rolled or stage.state or not running.alive, 30)
    assert (stage.rolled, stage.state) == (1, [])
    running.end()


CRASHING = """
import os, signal, sys, threading
from tests.integration.test_runners import Ledger
from streams.edges.transactional_runner import TransactionalRunner

class Crashing(TransactionalRunner):
    crash_after = int(sys.argv[5])
    where = sys.argv[4]

    def _send_offsets(self, owned, next_offset):
        owned.producer.flush(10)
        if self.where == "produced":
            self._maybe(next_offset)
        super()._send_offsets(owned, next_offset)
        if self.where == "offsets":
            self._maybe(next_offset)

    def _commit(self, owned):
        super()._commit(owned)
        if self.where == "committed":
            self._maybe(owned.next_offset + 1)

    def _maybe(self, next_offset):
        if next_offset > self.crash_after:
            os.kill(os.getpid(), signal.SIGKILL)

bootstrap, source, output = sys.argv[1:4]
Crashing(Ledger(source, output), bootstrap=bootstrap, group_id=source, topic=source, state_topics=[output],
         transactional_prefix=source, batch_items=50, batch_ms=50).run(threading.Event())
"""


@pytest.mark.parametrize("where", ["produced", "offsets", "committed"])
def test_a_crash_around_the_commit_leaves_each_input_once(broker: str, where: str) -> None:
    names = _topics(broker, source=1, output=1)
    _fill(broker, names["source"], 300)
    arguments = [broker, names["source"], names["output"], where, "120"]
    root = str(Path(__file__).parents[2])
    died = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", CRASHING, *arguments], cwd=root, timeout=30, check=False, env=dict(os.environ)
    )
    assert died.returncode == -9
    stage = Ledger(names["source"], names["output"])
    running = Running(_transactional(broker, stage))
    wait_until(lambda: len(stage.state) >= 300, seconds=18)
    running.end()
    assert running.error is None
    assert _committed(broker, names["output"]) == [b"%d" % number for number in range(300)]


class Shaky(TransactionalRunner):
    """Its first commit is refused by a rebalance; the answer to its second is lost."""

    commits = 0

    def _commit(self, owned: transactional_runner._Owned) -> None:
        self.commits += 1
        if self.commits == 1:
            raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
        super()._commit(owned)
        if self.commits == 2:
            raise transactional_runner._Indefinite


def test_aborted_and_unknown_transactions_leave_each_input_once(broker: str) -> None:
    names = _topics(broker, source=1, output=1)
    _fill(broker, names["source"], 300)
    stage = Ledger(names["source"], names["output"])
    runner = Shaky(
        stage,
        bootstrap=broker,
        group_id=names["source"],
        topic=names["source"],
        state_topics=[names["output"]],
        transactional_prefix=names["source"],
        batch_items=100,
    )
    running = Running(runner)
    wait_until(lambda: len(stage.state) >= 300 or not running.alive)
    running.end()
    assert running.error is None
    assert (stage.restored, stage.rolled) == (2, 2)
    assert _committed(broker, names["output"]) == [b"%d" % number for number in range(300)]


# --- reader ----------------------------------------------------------------------------------------------


def test_reader_refuses_offsets_that_are_not_there(broker: str) -> None:
    names = _topics(broker, source=1)
    _fill(broker, names["source"], 3)

    def read(offset: int) -> Iterator[Message]:
        with LogReader(broker) as reader:
            yield from reader.read_committed_to_end(names["source"], offset)

    assert len(list(read(1))) == 2
    assert list(read(3)) == []
    with pytest.raises(OffsetRegression):
        list(read(4))
