"""One seed: draw an installation, its work and what goes wrong; run until all is done; judge."""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from streams import steps
from streams.core.bundle import Bundle
from streams.edges.avro import AvroCodec
from streams.edges.kafka_config import GroupProtocol
from streams.simulation.codecs import RememberingCodec
from streams.simulation.installation import Installation, Shape
from streams.simulation.oracle import SAID, judge
from streams.simulation.stores import Mood
from streams.simulation.weather import Fates, Fault, Weather
from streams.simulation.workload import Sending, Workload, draw_workload
from streams.simulation.world import Stuck, World

# Long after the last mishap: whoever is not done by then never will be.
PATIENCE_SECONDS = 400.0
# A storm that never ends lets nothing be done.
STORM_SECONDS = 90.0
LOOK_SECONDS = 0.5
_GROUPS: Final[tuple[tuple[GroupProtocol, bool], ...]] = (
    ("classic", False), ("classic", False), ("classic", True), ("consumer", False),
)  # fmt: skip
"""The protocol of a seed's groups, and whether members keep a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a seed.

    Attributes
    ----------
    seed : int
    problems : tuple of str
        empty when everything holds
    deaths : tuple of str
        what processes ended of, crashes aside
    sent : int
        records sent from outside
    steps, starts : int
        passed by all processes; processes started
    seconds : float [s]
        of the world's time
    happened : mapping of str to int
        what went wrong, and what the stages did about it, by kind
    trace : tuple of str
    """

    seed: int
    problems: tuple[str, ...]
    deaths: tuple[str, ...] = ()
    sent: int = 0
    steps: int = 0
    starts: int = 0
    seconds: float = 0.0
    happened: Mapping[str, int] = field(default_factory=dict)
    trace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """One kind of mishap, at named moments of one stage, of which there are two processes.

    Attributes
    ----------
    stage : str
    fault : Fault
    moments : tuple of str
        such as ``after begin``; each start of a process suffers at one of them
    """

    stage: str
    fault: Fault
    moments: tuple[str, ...]


@lru_cache(maxsize=1)
def _parts() -> tuple[AvroCodec, Bundle]:
    return AvroCodec(), Bundle.packaged()


def _drawn_bundle(seed: int, packaged: Bundle) -> Bundle:
    """Give the bundle in force: of some seeds one for so small a catalogue that theirs outgrows it."""
    chance = random.Random(f"size {seed}")  # noqa: S311 - a run must repeat
    if chance.random() < 0.6:
        return packaged
    size = chance.choice((2, 3, 5))
    recording, work = (
        replace(
            head,
            measured_at=0,
            calibration={name: replace(each, measured_at=0) for name, each in head.calibration.items()},
        )
        for head in (packaged.recording, packaged.work)
    )
    return replace(
        packaged, version="small", recording=recording, work=work, catalogue_size=size, measured_at=size
    )


def simulate(seed: int, *, trace: bool = False, focus: Focus | None = None) -> Outcome:
    """Run one seed.

    Parameters
    ----------
    seed : int
    trace : bool
        keep a line per step
    focus : Focus, optional
        what goes wrong with one stage, in place of what the seed draws for it
    """
    avro, packaged = _parts()
    bundle = _drawn_bundle(seed, packaged)
    codec = RememberingCodec(avro)
    plan = _Plan(seed, focus)
    world = World(seed, restless=plan.restless, trace=trace)
    workload = draw_workload(seed, codec, bundle)
    installation = Installation(
        world=world,
        codec=codec,
        bundle=bundle,
        shape=plan.shape,
        weather=plan.weather,
        mood=plan.mood,
        faults=plan.faults,
    )
    running = _Running(installation, workload, plan)
    try:
        problems = running.problems()
    except Stuck as exc:
        problems = [f"stuck: nobody will ever go on, of {exc}"]
    finally:
        installation.shut_down()
    return Outcome(
        seed=seed,
        problems=tuple(problems),
        deaths=tuple(f"{place}: {error!r}" for place, error in installation.deaths),
        sent=len(workload),
        steps=sum(place.process.steps for place in installation.places if place.process is not None),
        starts=sum(place.starts for place in installation.places),
        seconds=world.now,
        happened=dict(world.happened),
        trace=tuple(world.lines),
    )


@dataclass(slots=True)
class _Plan:
    """What a seed draws, beside its work."""

    seed: int
    focus: Focus | None = None
    restless: float = field(init=False)
    shape: Shape = field(init=False)
    weather: Weather = field(init=False)
    mood: Mood = field(init=False)
    stormy: bool = True
    faults_left: int = field(init=False)
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = chance = random.Random(f"plan {self.seed}")  # noqa: S311 - a run must repeat
        self.faults_left = chance.randint(1, 6)
        self.restless = chance.choice((0.02, 0.1, 0.4))
        # By a chance of its own: the draws after it are those of before there were several kinds of groups.
        groups = random.Random(f"groups {self.seed}")  # noqa: S311 - a run must repeat
        protocol, named = groups.choice(_GROUPS)
        self.shape = Shape(
            encoders=chance.choice((1, 1, 2)),
            finders=chance.choice((0, 0, 1, 2)),
            arbiters=chance.choice((1, 1, 2)) if self.focus is None else 2,
            batch_items=chance.choice((1, 3, 8, 20)),
            batch_ms=chance.choice((20, 200)),
            kept_behind=chance.choice((8_192, 8_192, 8_192, 0, 4)),
            overlay_rows=chance.choice((10_000, 10_000, 8)),
            protocol=protocol,
        )
        # Of several named members one that dies while it gives partitions up, and comes back under its name,
        # leaves them to nobody: so it is on Kafka too (4.4), and named is only who has a group to itself.
        several = max(self.shape.encoders, self.shape.arbiters, self.shape.finders) > 1
        self.shape = replace(self.shape, named=named and not several)
        mild = chance.choice((0.0, 0.0, 0.02, 0.1))
        self.weather = Weather(
            lost_answer=chance.choice((0.0, 0.0, 0.1, 0.3)),
            lost_acknowledgement=mild / 4,
            full_queue=mild,
            held_back=chance.choice((0.0, 0.1, 0.4)),
            slipped=chance.choice((0.0, 0.5)),
            unready_seek=chance.choice((0.0, 0.5)),
            told_late=chance.choice((0.0, 0.5)),
        )
        spans = [(at, at + chance.uniform(0.5, 8.0)) for at in (chance.uniform(0.0, 10.0) for _ in range(3))]
        self.mood = Mood(
            index_away=spans[: chance.choice((0, 0, 0, 2))],
            features_away=spans[1 : chance.choice((1, 1, 3))],
            slow=chance.choice((0.0, 0.0, 0.3)),
            stale=bool(self.shape.finders) and chance.random() < 0.5,
            lying=chance.random() < 0.3,
            torn=chance.random() < 0.3,
        )

    def faults(self, place: str) -> Fates:
        """Draw what happens to a process that starts now."""
        chance = self.chance
        stage = place.rstrip("0123456789")
        if not self.stormy or not self.faults_left or chance.random() < 0.35:
            return {}
        self.faults_left -= 1
        if self.focus is not None and stage == self.focus.stage:
            return {f"{chance.choice(self.focus.moments)} {chance.choice((1, 2, 3))}": self.focus.fault}
        kind = chance.choices(("crash", "pause", "cut"), (6, 3, 1))[0]
        # Half of them in the first steps of a process, where it takes over and restores.
        step: int | str = chance.randint(1, 60) if chance.random() < 0.5 else chance.randint(1, 400)
        if chance.random() < 0.4:
            named = chance.choice(steps.STEPS[stage])
            step = f"{chance.choice(steps.MOMENTS)} {named} {chance.choice((1, 1, 2, 5))}"
        match kind:
            case "crash":
                return {step: Fault("crash")}
            case "pause":
                return {step: Fault("pause", chance.choice((0.3, 1.5, 4.0, 9.0)))}
            case _:
                return {step: Fault("cut", chance.choice((0.5, 3.0, 8.0, 60.0)))}


class _Running:
    """The world's hand: sends, keeps processes running, reads along, and waits."""

    def __init__(self, installation: Installation, workload: Workload, plan: _Plan) -> None:
        self._it = installation
        self._world = installation.world
        self._workload = workload
        self._plan = plan
        self._read: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)

    def problems(self) -> list[str]:
        """Run to the end and judge."""
        rounds, sizes = self._workload.rounds, []
        for number, sendings in enumerate(rounds):
            for sending in sendings:
                self._send(sending)
                self._spend(self._world.chance.choice((0.0, 0.01, 0.1, 0.6)))
            if number == len(rounds) - 1:
                self._calm_down()
            self._wait()
            if waiting := self._it.waiting():
                return [f"not done after {PATIENCE_SECONDS:.0f} s: {each}" for each in waiting]
            sizes.append(self._it.catalogue_size())
        self._look()
        return judge(self._it, self._workload, self._read, sizes)

    def _send(self, sending: Sending) -> None:
        """Send a record as a client outside would."""
        value = sending.value if isinstance(sending.value, bytes) else sending.value(self._it.entity_of)
        if value is None:
            return
        number = sending.partition
        if number is None:
            number = self._it.broker.partition_for(sending.topic, sending.key)
        where = sending.topic, number
        offset = self._it.broker.write(where, sending.key, value, (), state=None, now=self._world.now)
        self._world.say(f"sends {sending.topic}[{number}]@{offset}")
        self._it.cluster.stir([where])

    def _spend(self, seconds: float) -> None:
        """Let time pass, tending to what must be tended."""
        self._it.tend()
        self._look()
        if self._plan.stormy and self._world.chance.random() < 0.03:
            if self._it.broker.compact(self._world.chance.random()):
                self._world.happened["compacted"] += 1
        if self._plan.stormy:
            self._lose_index()
            if self._world.chance.random() < 0.02 and not self._it.mood.stale and self._it.rebuild_index():
                self._world.happened["index rebuilt"] += 1
        self._world.sleep(seconds)

    def _lose_index(self) -> None:
        """Delete the index while nobody has it open."""
        index = next(place for place in self._it.places if place.name == "index")
        closed = not self._it.shape.finders and index.process is not None and index.process.dead
        if closed and self._world.chance.random() < 0.1:
            self._world.say("!! the index is lost")
            self._world.happened["index lost"] += 1
            self._it.disk.lose_index()

    def _look(self) -> None:
        """Read along as a subscriber does."""
        for topic in SAID:
            seen = self._read[topic]
            offset = seen[-1][0] + 1 if seen else 0
            log = self._it.broker.logs[topic, 0]
            while (entry := log.next_readable(offset)) is not None:
                seen.append((entry.offset, entry.value or b""))
                offset = entry.offset + 1

    def _calm_down(self) -> None:
        """Let nothing new go wrong, after a last while of storm."""
        until = self._world.now + self._world.chance.uniform(0.0, 6.0)
        while self._world.now < until:
            self._spend(LOOK_SECONDS)
        self._clear_up()

    def _clear_up(self) -> None:
        self._plan.stormy = False
        self._plan.weather.clear_up()
        self._plan.mood.clear_up()
        for place in self._it.places:
            if place.process is not None:
                place.process.spare()

    def _wait(self) -> None:
        """Wait until everything sent is decided and folded."""
        begun = self._world.now
        while self._world.now < begun + PATIENCE_SECONDS and self._it.waiting():
            if self._world.now > begun + STORM_SECONDS:
                self._clear_up()
            self._spend(LOOK_SECONDS)
