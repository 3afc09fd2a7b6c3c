"""Runners by themselves on simulated brokers: what a whole installation would take long to show."""

import threading
from collections.abc import Mapping, Sequence

import pytest
from confluent_kafka import KafkaError, TopicPartition

from streams.edges.batching import Buffer
from streams.edges.stateless_runner import StatelessRunner
from streams.edges.stateless_runner.handover import Handover
from streams.edges.stateless_runner.offsets import keep_uncommitted
from streams.edges.transactional_runner import TransactionalRunner
from streams.errors import OffsetRegression
from streams.ports import (
    Delivered,
    Message,
    Processor,
    Produced,
    StateReader,
    TransactionalStage,
)
from streams.simulation.broker import SimulatedBroker
from streams.simulation.groups import Cluster
from streams.simulation.process import SimulatedProcess
from streams.simulation.weather import Fates, Fault, Weather
from streams.simulation.world import World


class Copy(Processor):
    def __init__(self) -> None:
        self.seen: list[bytes | None] = []

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        self.seen += [message.value for message in batch]
        return [Produced(topic="out", key=b"", value=message.value) for message in batch]


def handover_after(finished: Sequence[int]) -> Handover:
    """Finish work up to each of these offsets of one partition, and ask for a commit of each."""
    process = SimulatedProcess("copy", Cluster(World(1), SimulatedBroker(())), Weather(), {})
    buffer = Buffer(batch_items=1, batch_seconds=1.0, max_items=100, max_bytes=1_000)
    handover = Handover(buffer, process.condition(), process)
    handover.given({("in", 0)})
    for offset in finished:
        handover.add([Message(topic="in", partition=0, offset=offset - 1, key=b"", value=b"")], now=0.0)
        assert handover.next(None) is not None
        handover.finish(None)
        assert handover.take_finished() == {("in", 0): offset}
    return handover


@pytest.mark.parametrize("told", [(40, 58), (58, 40)])
def test_of_two_commits_that_failed_the_later_one_is_made_again(told: tuple[int, int]) -> None:
    handover = handover_after([40, 58])
    for offset in told:
        error = KafkaError(KafkaError.ILLEGAL_GENERATION)
        keep_uncommitted(handover, error, [TopicPartition("in", 0, offset)])
    assert handover.take_finished() == {("in", 0): 58}


def test_a_commit_that_failed_takes_nothing_back_of_one_that_followed_it() -> None:
    handover = handover_after([40, 58])
    keep_uncommitted(handover, KafkaError(KafkaError.REBALANCE_IN_PROGRESS), [TopicPartition("in", 0, 40)])
    assert handover.take_finished() == {}


def test_a_commit_of_before_a_partition_was_lost_is_not_made_again_when_it_is_ours_once_more() -> None:
    handover = handover_after([58])
    handover.forget({("in", 0)})
    handover.disown({("in", 0)})
    handover.given({("in", 0)})
    keep_uncommitted(handover, KafkaError(KafkaError.ILLEGAL_GENERATION), [TopicPartition("in", 0, 58)])
    assert handover.take_finished() == {}


def test_an_offset_that_could_not_be_committed_is_committed_although_nothing_more_comes() -> None:
    for step in range(1, 60):
        world = World(step)
        broker = SimulatedBroker(())
        broker.create("in", 1)
        broker.create("out", 1)
        process = SimulatedProcess("copy", Cluster(world, broker), Weather(), {step: Fault("cut", 0.5)})
        runner = StatelessRunner(
            Copy(), bootstrap="", group_id="g", topics=["in"], batch_items=2, batch_ms=10, platform=process
        )
        stop = threading.Event()
        process.run(lambda runner=runner, stop=stop: runner.run(stop))  # type: ignore[misc]
        for number in range(3):
            broker.write(("in", 0), None, b"%d" % number, (), state=None, now=world.now)
        world.sleep(120)
        assert broker.committed["g"] == {("in", 0): 3}
        assert {entry.value for entry in broker.logs["out", 0].readable()} == {b"0", b"1", b"2"}
        process.kill()


class Doubtful(TransactionalStage):
    """Finds its state ahead of the group so many times, as when another owner commits while it restores."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.done = 0

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        self.times -= 1
        if self.times >= 0:
            raise OffsetRegression("the group committed more")
        return committed or 0

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        return []

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        self.done = next_offset

    def rolled_back(self) -> None:
        pass

    def ready(self) -> bool:
        return True


@pytest.mark.parametrize(("times", "errors"), [(1, []), (2, [OffsetRegression])])
def test_state_that_another_owner_moved_meanwhile_is_restored_once_more(
    times: int, errors: list[type[Exception]]
) -> None:
    world = World(1)
    broker = SimulatedBroker(())
    broker.create("in", 1)
    process = SimulatedProcess("arbiter", Cluster(world, broker), Weather(), {})
    stage = Doubtful(times)
    runner = TransactionalRunner(stage, bootstrap="", group_id="g", topic="in", platform=process)
    process.run(lambda: runner.run(threading.Event()))
    broker.write(("in", 0), None, b"1", (), state=None, now=world.now)
    world.sleep(60)
    assert [type(error) for error in process.errors] == errors
    assert stage.done == (0 if errors else 1)
    process.kill()


def test_no_older_owner_is_fenced_while_nobody_answers(caplog: pytest.LogCaptureFixture) -> None:
    world = World(1, trace=True)
    broker = SimulatedBroker(())
    broker.create("in", 1)
    faults: Fates = {"before commit 1": Fault("cut", 100.0)}
    process = SimulatedProcess("arbiter", Cluster(world, broker), Weather(), faults)
    stage = Doubtful(0)
    runner = TransactionalRunner(
        stage,
        bootstrap="",
        extra={"session.timeout.ms": 600_000},
        group_id="g",
        topic="in",
        platform=process,
        guard=process.guard,
    )
    process.run(lambda: runner.run(threading.Event()))
    broker.write(("in", 0), None, b"1", (), state=None, now=world.now)
    world.sleep(200)
    assert process.errors == []
    assert stage.done == 1
    cut = next(at for at, line in enumerate(world.lines) if "!! cut" in line)
    until = float(world.lines[cut].split()[0]) + 100.0
    fenced = [float(line.split()[0]) for line in world.lines[cut:] if line.split()[2:] == ["init"]]
    assert len(fenced) == 1
    assert fenced[0] >= until
    told = [record.message for record in caplog.records if "Kafka" in record.message]
    assert [message.split(" after ")[0].split(":")[0] for message in told] == [
        "Kafka does not answer",
        "Kafka answers",
    ]
    process.kill()
