"""Runners by themselves on simulated brokers: what a whole installation would take long to show."""

import threading
from collections.abc import Sequence

from streams.edges.kafka_runner import StatelessRunner
from streams.ports import Message, Processor, Produced
from streams.simulation.broker import SimulatedBroker
from streams.simulation.groups import Cluster
from streams.simulation.process import SimulatedProcess
from streams.simulation.weather import Fault, Weather
from streams.simulation.world import World


class Copy(Processor):
    def __init__(self) -> None:
        self.seen: list[bytes | None] = []

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        self.seen += [message.value for message in batch]
        return [Produced(topic="out", key=b"", value=message.value) for message in batch]


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
