"""A whole installation in one world: the processes of each stage, wired as the service wires them."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from streams.core.bundle import Bundle
from streams.core.promoting import rules_of
from streams.core.records import ArbiterHead, ItemKey, UploadState
from streams.core.rules import Rules
from streams.edges.kafka_config import GroupProtocol
from streams.edges.kafka_producer import Publisher
from streams.edges.log_follower import LogFollower
from streams.edges.log_reader import LogReader
from streams.edges.memory_encoder import MemoryConfirmer
from streams.edges.stateless_runner import Idle, StatelessRunner
from streams.edges.transactional_runner import TransactionalRunner
from streams.ports import Codec
from streams.simulation.broker import SimulatedBroker
from streams.simulation.groups import Cluster
from streams.simulation.process import SimulatedProcess
from streams.simulation.stores import (
    Disk,
    InventedMedia,
    Mood,
    RememberingEncoder,
    ReplicaIndex,
    SimulatedFeatures,
    SimulatedIndex,
)
from streams.simulation.weather import Fates, Weather
from streams.simulation.world import World
from streams.stages.arbiter_records import HEAD, ROWS, STATE_TOPICS, UPLOADS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.audit import ARBITER_GROUP, ENCODE_GROUP, FIND_GROUP
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import AGAIN, INPUT, PASSED_ON, FindProcessor
from streams.stages.index import WATERMARK_TOPIC, IndexProcessor
from streams.stages.index_position import FoldedTo, KafkaRowLog, catch_up
from streams.stages.rebuild import rebuild
from streams.steps import Step

ARRIVING: Final = "catalog.upload.v1"
INDEX_GROUP: Final = "samesong.index"
BOOTSTRAP: Final = "simulated"
# More than any workload has: discovery is complete, so that the partition cannot depend on it.
SEARCH_LIMIT: Final = 64
# Sessions and transactions run out sooner than in the service, only to make runs shorter.
SESSION_SECONDS: Final = 2.0
CLIENT: Final = {"session.timeout.ms": int(SESSION_SECONDS * 1000), "transaction.timeout.ms": 20_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many processes there are and how they work.

    Attributes
    ----------
    encoders, finders, arbiters : int
    finders : int
        0: `find` shares the index process, as with Milvus Lite
    batch_items : int
    batch_ms : int [ms]
    kept_behind : int
        offsets of rows that the arbiter's overlay keeps although the index has them
    overlay_rows : int
        more than that many rows that the index lacks pause the arbiter
    protocol : {"classic", "consumer"}
        of every group
    named : bool
        members keep a name over restarts (static membership, classic protocol only)
    """

    encoders: int = 1
    finders: int = 0
    arbiters: int = 1
    batch_items: int = 8
    batch_ms: int = 50
    kept_behind: int = 8_192
    overlay_rows: int = 10_000
    protocol: GroupProtocol = "classic"
    named: bool = False


Faults = Callable[[str], Fates]
"""Draws what happens to a process that is about to start."""


@dataclass(slots=True)
class Place:
    """A process that is kept running."""

    name: str
    work: Callable[["SimulatedProcess"], None]
    process: SimulatedProcess | None = None
    starts: int = 0
    due: float = 0.0


@dataclass(slots=True, kw_only=True)
class Installation:
    """The stages at work over one broker and one disk."""

    world: World
    codec: Codec
    bundle: Bundle
    shape: Shape
    weather: Weather
    mood: Mood
    faults: Faults
    broker: SimulatedBroker = field(default_factory=SimulatedBroker)
    disk: Disk = field(default_factory=Disk)
    stop: threading.Event = field(default_factory=threading.Event)
    arbiters: dict[str, tuple[TransactionalRunner, ArbitrateStage]] = field(default_factory=dict)
    operators: list[SimulatedProcess] = field(default_factory=list)
    deaths: list[tuple[str, BaseException]] = field(default_factory=list)
    cluster: Cluster = field(init=False)
    places: list[Place] = field(init=False)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.world, self.broker, session_seconds=SESSION_SECONDS)
        shape = self.shape
        self.places = [Place(f"encode{n}", self._encode) for n in range(shape.encoders)]
        self.places += [Place("index", self._index)]
        self.places += [Place(f"find{n}", self._find_alone) for n in range(shape.finders)]
        self.places += [Place(f"arbitrate{n}", self._arbitrate) for n in range(shape.arbiters)]

    # --- the supervisor ---

    def tend(self) -> None:
        """Start what does not run, a moment after it ended."""
        now = self.world.now
        for place in self.places:
            process = place.process
            if process is not None and process.dead and not place.due:
                self.deaths += [(place.name, error) for error in process.errors]
                place.due = now + self.world.chance.choice((0.05, 0.5, 3.0))
            if (process is None or (process.dead and process.ended)) and now >= place.due:
                self._start(place)

    def _start(self, place: Place) -> None:
        place.starts += 1
        place.due = 0.0
        name = f"{place.name}.{place.starts}"
        process = SimulatedProcess(name, self.cluster, self.weather, self.faults(place.name))
        place.process = process
        self.world.say(f"starts {name}")
        process.run(lambda: place.work(process))

    def rebuild_index(self) -> bool:
        """Let an operator rebuild the index beside the stages; false while an earlier one is at it."""
        if not self.shape.finders or not all(each.dead or each.ended for each in self.operators):
            return False
        name = f"operator.{len(self.operators)}"
        process = SimulatedProcess(name, self.cluster, self.weather, self.faults("index"))
        self.operators.append(process)
        process.run(lambda: self._rebuild(process))
        return True

    def shut_down(self) -> None:
        """End everything, as power loss would."""
        placed = [place.process for place in self.places if place.process is not None]
        for process in (*placed, *self.operators):
            process.kill()

    # --- the stages ---

    def rules(self, process: SimulatedProcess) -> Rules:
        """Give what is in force until the log promotes something else."""
        return rules_of(self.bundle, MemoryConfirmer(self._features(process)).confirm)

    def _features(self, process: SimulatedProcess) -> SimulatedFeatures:
        return SimulatedFeatures(self.disk, self.mood, self.world, process)

    def _membership(self, process: SimulatedProcess) -> dict[str, Any]:
        """Give how a process is a member of its groups."""
        client = CLIENT
        if self.shape.protocol != "classic":  # there the brokers say how long a session is
            client = {key: value for key, value in CLIENT.items() if key != "session.timeout.ms"}
        name = process.name.partition(".")[0] if self.shape.named else None
        return {"extra": client, "protocol": self.shape.protocol, "instance_id": name}

    def _runner(
        self,
        process: SimulatedProcess,
        processor: EncodeProcessor | FindProcessor | IndexProcessor,
        group: str,
        topics: Iterable[str],
        idle: Idle | None = None,
    ) -> StatelessRunner:
        return StatelessRunner(
            processor,
            bootstrap=BOOTSTRAP,
            group_id=group,
            topics=list(topics),
            batch_items=self.shape.batch_items,
            batch_ms=self.shape.batch_ms,
            revoke_seconds=1.0,
            idle=idle,
            platform=process,
            guard=process.guard,
            **self._membership(process),
        )

    def _encode(self, process: SimulatedProcess) -> None:
        processor = EncodeProcessor(
            self.codec, RememberingEncoder(), media=InventedMedia(), store=self._features(process)
        )
        self._runner(process, processor, ENCODE_GROUP, [ARRIVING]).run(self.stop)

    def _find(self, process: SimulatedProcess, index: SimulatedIndex) -> None:
        processor = FindProcessor(
            index,
            self.codec,
            limit=SEARCH_LIMIT,
            confirm=MemoryConfirmer(self._features(process)).confirm,
        )
        self._runner(process, processor, FIND_GROUP, [ENCODED, AGAIN, *PASSED_ON]).run(self.stop)

    def _find_alone(self, process: SimulatedProcess) -> None:
        self._find(process, ReplicaIndex(self.disk, self.mood, self.world, process))

    def _index(self, process: SimulatedProcess) -> None:
        index = SimulatedIndex(self.disk, self.mood, self.world, process)
        reader = LogReader(BOOTSTRAP, CLIENT, platform=process)
        log = KafkaRowLog(reader)
        processor = IndexProcessor(index, self.codec, process, log=log, batch_rows=64, checksum_every_s=0.0)
        with process.guard(Step.catch_up), Publisher(BOOTSTRAP, CLIENT, platform=process) as publisher:
            catch_up(processor, log, publisher)
        if not self.shape.finders:
            process.run(lambda: self._find(process, index), name="find")
        self._runner(process, processor, INDEX_GROUP, [ROWS], idle=processor.idle).run(self.stop)

    def _rebuild(self, process: SimulatedProcess) -> None:
        log = KafkaRowLog(LogReader(BOOTSTRAP, CLIENT, platform=process))
        rebuild(SimulatedIndex(self.disk, self.mood, self.world, process), log, self.codec, batch_rows=4)

    def _arbitrate(self, process: SimulatedProcess) -> None:
        follower = LogFollower(BOOTSTRAP, CLIENT, WATERMARK_TOPIC, start="beginning", platform=process)
        stage = ArbitrateStage(
            self.codec,
            self.rules(process),
            watermark=FoldedTo(follower, self.codec),
            overlay_rows=self.shape.overlay_rows,
            kept_behind=self.shape.kept_behind,
        )
        runner = TransactionalRunner(
            stage,
            bootstrap=BOOTSTRAP,
            group_id=ARBITER_GROUP,
            state_topics=STATE_TOPICS,
            batch_items=self.shape.batch_items,
            batch_ms=self.shape.batch_ms,
            platform=process,
            guard=process.guard,
            **self._membership(process),
        )
        self.arbiters[process.name.partition(".")[0]] = runner, stage
        runner.run(self.stop)

    # --- looking at it ---

    def waiting(self) -> list[str]:
        """Name what is not done yet."""
        lagging = [
            f"{group} has not finished {topic}[{number}]"
            for group, topics in (
                (ENCODE_GROUP, (ARRIVING,)),
                (FIND_GROUP, (ENCODED, AGAIN, *PASSED_ON)),
                (ARBITER_GROUP, (INPUT,)),
            )
            for topic in topics
            for number in range(self.broker.counts[topic])
            if not self._finished(group, topic, number)
        ]
        done = self.broker.committed.get(ARBITER_GROUP, {}).get((INPUT, 0), 0)
        if all(stage.head.input_offset < done for stage in self.owners()):
            lagging.append("no arbiter knows that its transactions are committed")
        rows = self.broker.logs[ROWS, 0]
        folded = self.disk.index.active().watermark
        if rows.next_readable(folded) is not None or rows.stable_end != rows.end:
            lagging.append(f"the index has folded up to {folded}")
        return lagging

    def owners(self) -> list[ArbitrateStage]:
        """Return the arbiters that own the log, as far as they know."""
        alive = {place.name for place in self.places if place.process is not None and not place.process.dead}
        return [
            stage
            for name, (runner, stage) in self.arbiters.items()
            if name in alive and runner.partition is not None
        ]

    def _finished(self, group: str, topic: str, number: int) -> bool:
        log = self.broker.logs[topic, number]
        done = self.broker.committed.get(group, {}).get((topic, number), 0)
        return log.stable_end == log.end and log.next_readable(done) is None

    def catalogue_size(self) -> int:
        """Return the size that the catalogue has asked for, by the committed state; 0: none yet."""
        size = 0
        for message in self.broker.messages(HEAD):
            head: ArbiterHead = self.codec.decode(HEAD, message.value or b"")
            size = head.catalogue_size
        return size

    def entity_of(self, key: ItemKey) -> str | None:
        """Return the entity that an item is in, by the committed state."""
        state: UploadState | None = None
        for message in self.broker.messages(UPLOADS):
            if message.key == key.text().encode():
                state = self.codec.decode(UPLOADS, message.value or b"")
        return state.entity_id if state is not None and state.live else None
