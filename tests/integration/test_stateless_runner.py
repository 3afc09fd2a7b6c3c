import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import pytest
from confluent_kafka import Producer

from streams.edges.committed_log import committed_offsets
from streams.edges.kafka_config import ClientConfig, transactional_producer_config
from streams.edges.kafka_lag import GroupLagGate
from streams.edges.kafka_platform import KafkaProducer, Machine
from streams.edges.stateless_runner import StatelessRunner
from streams.errors import BrokerUnavailable, FatalError, IndexUnavailable
from streams.ports import Message, Processor, Produced
from tests.integration.running import Copy, Running, committed, ends, fill, numbers, topics
from tests.waiting import wait_until

pytestmark = pytest.mark.broker


def stateless(bootstrap: str, processor: Processor, topic: str, group: str) -> StatelessRunner:
    return StatelessRunner(
        processor, bootstrap=bootstrap, group_id=group, topics=[topic], batch_items=100, batch_ms=50
    )


def test_an_idle_runner_says_what_is_to_be_said(broker: str) -> None:
    names = topics(broker, source=2, output=1)
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
    fill(broker, names["source"], 5)
    wait_until(lambda: numbers(5) <= set(committed(broker, names["output"])))
    before = len(asked)
    wait_until(lambda: len(asked) > before)
    running.end()
    assert running.error is None
    assert asked[0] == [(names["source"], 0), (names["source"], 1)]
    assert set(committed(broker, names["output"])) == {b"idle"} | numbers(5)


def test_transient_failures_lose_nothing_and_commit_the_end(broker: str) -> None:
    names = topics(broker, source=4, output=2)
    fill(broker, names["source"], 2000)
    processor = Copy(names["output"], failures=[IndexUnavailable("busy"), BrokerUnavailable("busy")])
    running = Running(stateless(broker, processor, names["source"], names["source"]))
    wait_until(lambda: ends(broker, names["output"], 2) >= 2000)
    running.end()
    assert running.error is None
    assert processor.failures == []
    assert Counter(committed(broker, names["output"], 2)) == Counter(numbers(2000))
    # A second run of the group finds nothing left to do.
    again = Copy(names["output"])
    fill(broker, names["source"], 1, first=2000)
    running = Running(stateless(broker, again, names["source"], names["source"]))
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
    names = topics(broker, source=1, output=1)
    sent = [(b"0", True), (b"1", True), (b"lost", False), (b"2", True)]
    _in_transactions(broker, names["source"], sent)
    processor = Gaps(names["output"])
    running = Running(stateless(broker, processor, names["source"], names["source"]))
    wait_until(lambda: len(processor.gaps) >= 3)
    fill(broker, names["source"], 2, first=3)
    wait_until(lambda: len(processor.gaps) >= 5)
    running.end()
    assert running.error is None
    # Each end of a transaction takes an offset, and one that was aborted takes its records' as well.
    assert processor.gaps == [(b"0", 0, 0), (b"1", 2, 1), (b"2", 6, 3), (b"3", 8, 1), (b"4", 9, 0)]
    # Nobody knows what stands before the first record of a life.
    _in_transactions(broker, names["source"], [(b"5", True)])
    again = Gaps(names["output"])
    running = Running(stateless(broker, again, names["source"], names["source"]))
    wait_until(lambda: len(again.gaps) >= 1)
    running.end()
    assert again.gaps == [(b"5", 10, 0)]


def test_fatal_error_stops_without_committing(broker: str) -> None:
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 300)
    processor = Copy(names["output"], failures=[FatalError("corrupt")])
    running = Running(stateless(broker, processor, names["source"], names["source"]))
    wait_until(lambda: not running.alive)
    assert isinstance(running.error, FatalError)
    again = Copy(names["output"])
    running = Running(stateless(broker, again, names["source"], names["source"]))
    wait_until(lambda: b"299" in again.seen)
    running.end()
    assert again.seen == [b"%d" % number for number in range(200, 300)]


def test_rebalance_of_two_members_loses_nothing(broker: str) -> None:
    names = topics(broker, source=4, output=2)
    fill(broker, names["source"], 1000)
    first = Copy(names["output"], seconds=0.02)
    second = Copy(names["output"], seconds=0.02)
    one = Running(stateless(broker, first, names["source"], names["source"]))
    wait_until(lambda: first.batches > 0)
    two = Running(stateless(broker, second, names["source"], names["source"]))
    filled = 1000

    def both_work() -> bool:
        nonlocal filled
        fill(broker, names["source"], 50, first=filled)
        filled += 50
        return second.batches > 0

    wait_until(both_work)
    one.end()
    fill(broker, names["source"], 500, first=filled)
    filled += 500
    wait_until(lambda: len(set(first.seen) | set(second.seen)) >= filled)
    two.end()
    assert one.error is None
    assert two.error is None
    assert set(committed(broker, names["output"], 2)) == numbers(filled)


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
    names = topics(broker, source=2, output=1)
    fill(broker, names["source"], 200)
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
    assert len(committed(broker, names["output"])) == sum(promised.values()) == 200


def test_closed_gate_holds_intake(broker: str) -> None:
    names = topics(broker, source=2, output=1)
    fill(broker, names["source"], 1000)
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
    assert Counter(processor.seen) == Counter(numbers(1000))


def test_lag_gate_follows_the_group(broker: str) -> None:
    names = topics(broker, source=2, output=1)
    fill(broker, names["source"], 200)
    with GroupLagGate(
        broker, group_id=names["source"], topic=names["source"], limit=50, every_seconds=0.1
    ) as gate:
        wait_until(lambda: gate.records == 200)
        assert not gate()
        running = Running(stateless(broker, Copy(names["output"]), names["source"], names["source"]))
        wait_until(lambda: gate.records == 0)
        assert gate()
        running.end()
