"""Partitions are held for their refusals and go on, while processes die, wake and replace each other.

The real encode stage, runner and guard on simulated brokers: whatever happens, no upload is left behind, and
where nothing goes wrong each hold is exact.
"""

import random
import threading
from collections import Counter

import orjson
import pytest

from streams.core.policy import RefusalLimits
from streams.core.records import StageControl
from streams.edges.avro import AvroCodec
from streams.edges.control_log import CONTROLS
from streams.edges.stateless_runner import StatelessRunner
from streams.simulation.broker import SimulatedBroker
from streams.simulation.groups import Cluster
from streams.simulation.process import SimulatedProcess
from streams.simulation.weather import Fault, Weather
from streams.simulation.world import World
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.refusal_guard import RefusalGuard

UPLOADS, GROUP = "catalog.upload.v1", "samesong.encode"
CODEC = AvroCodec()
LIMITS = RefusalLimits(run=4, share=0.6, window=12, failures=3)
SEEDS = 150
PATIENCE_SECONDS = 900.0


class Encoders:
    """One or two encode processes, started again whenever they end."""

    def __init__(self, seed: int, *, stormy: bool) -> None:
        self.chance = random.Random(f"held {seed}")  # noqa: S311 - a run must repeat
        self.world = World(seed, restless=self.chance.choice((0.05, 0.3)))
        self.broker = SimulatedBroker()
        self.stormy = stormy
        self.weather = Weather()
        if stormy:
            self.weather = Weather(
                lost_acknowledgement=0.01, full_queue=0.02, held_back=0.2, slipped=0.5, unready_seek=0.5
            )
        self.batch_items = self.chance.choice((1, 4, 16))
        self.cluster = Cluster(self.world, self.broker)
        self.stop = threading.Event()
        self.processes: list[SimulatedProcess | None] = [None] * (self.chance.choice((1, 2)) if stormy else 1)

    def keep_alive(self) -> None:
        for place, process in enumerate(self.processes):
            if process is None or process.dead:
                self.processes[place] = self._start(f"encode{place}.{self.world.now:.3f}")

    def _start(self, name: str) -> SimulatedProcess:
        faults = {}
        if self.stormy and self.world.now < 60.0 and self.chance.random() < 0.8:
            kind = self.chance.choice(("crash", "crash", "pause", "cut"))
            faults[self.chance.randint(1, 200)] = Fault(kind, self.chance.uniform(0.5, 15.0))  # type: ignore[arg-type]  # one of its kinds
        process = SimulatedProcess(name, self.cluster, self.weather, faults)
        guard = RefusalGuard("encode", LIMITS)
        read_to = -1

        def gate() -> bool:
            nonlocal read_to
            for message in self.broker.messages(CONTROLS):
                if message.offset > read_to:
                    read_to = message.offset
                    guard.told(CODEC.decode(CONTROLS, message.value or b""))
            return True

        runner = StatelessRunner(
            EncodeProcessor(CODEC, refusals=guard),
            bootstrap="",
            extra={"session.timeout.ms": 2_000},
            group_id=GROUP,
            topics=[UPLOADS],
            batch_items=self.batch_items,
            batch_ms=20,
            revoke_seconds=1.0,
            gate=gate,
            holds=guard,
            platform=process,
        )
        process.run(lambda: runner.run(self.stop))
        return process

    def fill(self) -> None:
        """Write runs of good and of bad records to every partition."""
        for partition in range(self.broker.counts[UPLOADS]):
            for number in range(self.chance.randint(0, 40)):
                bad = (number // self.chance.choice((1, 3, 8))) % 2 == 1
                upload = {
                    "source": "s",
                    "item_id": f"{partition}.{number}",
                    "kind": "recording",
                    "title": "A",
                }
                body = b"bad" if bad else orjson.dumps(upload)
                self.broker.write((UPLOADS, partition), None, body, (), state=None, now=self.world.now)

    def held(self) -> dict[int, StageControl]:
        """Give what the control log says is held."""
        latest: dict[int, StageControl] = {}
        for message in self.broker.messages(CONTROLS):
            said: StageControl = CODEC.decode(CONTROLS, message.value or b"")
            latest[said.partition or 0] = said
        return {partition: said for partition, said in latest.items() if said.paused}

    def resume(self, said: StageControl) -> None:
        word = StageControl(stage="encode", paused=False, topic=said.topic, partition=said.partition)
        self.broker.write(
            (CONTROLS, 0),
            word.key().encode(),
            CODEC.encode(CONTROLS, word),
            (),
            state=None,
            now=self.world.now,
        )

    def left(self) -> dict[int, tuple[int, int]]:
        """Give the partitions that are not finished: committed offset and end."""
        done = self.broker.committed.get(GROUP, {})
        ends = {p: self.broker.logs[UPLOADS, p].end for p in range(self.broker.counts[UPLOADS])}
        return {
            p: (done.get((UPLOADS, p), 0), end) for p, end in ends.items() if done.get((UPLOADS, p), 0) < end
        }

    def encoded(self) -> list[tuple[int, int]]:
        """Give what was encoded, as (partition, offset)."""
        return [
            (origin.partition, origin.offset)
            for number in range(self.broker.counts[ENCODED])
            for message in self.broker.messages(ENCODED, number)
            for origin in [CODEC.decode(ENCODED, message.value or b"").origin]
        ]


def _run(encoders: Encoders) -> None:
    """Let it work, and resume what is held after a while, until all is done."""
    encoders.fill()
    while encoders.left():
        encoders.keep_alive()
        encoders.world.sleep(encoders.chance.uniform(0.05, 3.0))
        assert encoders.world.now < PATIENCE_SECONDS, (encoders.left(), encoders.held())
        if encoders.world.now > 90.0:
            encoders.weather.clear_up()
        for said in encoders.held().values():
            if encoders.chance.random() < 0.4:
                encoders.resume(said)
    for process in encoders.processes:
        if process is not None:
            process.kill()


@pytest.mark.parametrize("block", range(5))
def test_whatever_happens_no_upload_is_left_behind(block: int) -> None:
    holds = 0
    # In the last a message was read just before its partition was lost and given back.
    for seed in (*range(block * SEEDS // 5, (block + 1) * SEEDS // 5), 1375):
        encoders = Encoders(seed, stormy=True)
        _run(encoders)
        wanted = {
            (partition, offset)
            for partition in range(encoders.broker.counts[UPLOADS])
            for offset in range(encoders.broker.logs[UPLOADS, partition].end)
        }
        assert set(encoders.encoded()) == wanted, seed
        holds += sum(1 for _ in encoders.broker.messages(CONTROLS))
    assert holds > 0


def test_where_nothing_goes_wrong_each_upload_is_encoded_once_and_each_hold_is_exact() -> None:
    holds = 0
    for seed in range(30):
        encoders = Encoders(seed, stormy=False)
        _run(encoders)
        assert set(Counter(encoders.encoded()).values()) <= {1}, seed
        written = encoders.broker.messages(CONTROLS)
        for said in (CODEC.decode(CONTROLS, message.value or b"") for message in written):
            if said.paused:
                holds += 1
                before = encoders.broker.logs[UPLOADS, said.partition]
                (last,) = [entry for entry in before.readable() if entry.offset == said.offset - 1]
                assert last.value == b"bad", seed
    assert holds > 20
