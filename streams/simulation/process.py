"""A process of the simulated machine: its clients, its locks, its threads, and its deaths."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from types import TracebackType

from streams.edges.kafka_config import ClientConfig
from streams.edges.kafka_platform import Condition, KafkaConsumer, KafkaProducer, OnCommit, Worker
from streams.simulation.consumer import SimulatedConsumer
from streams.simulation.groups import Cluster
from streams.simulation.producer import SimulatedProducer
from streams.simulation.weather import Fates, Fault, Weather
from streams.simulation.world import Actor, Crashed, Task, World
from streams.steps import Step

EPOCH_MS = 1_700_000_000_000


class SimulatedProcess(Actor):
    """One process; it is the platform of the runners in it.

    Parameters
    ----------
    name : str
    cluster : Cluster
    weather : Weather
        how often what goes wrong
    faults : Fates
        what happens to it, at which step
    """

    def __init__(
        self, name: str, cluster: Cluster, weather: Weather, faults: Fates | dict[int, Fault]
    ) -> None:
        super().__init__(name)
        self.cluster = cluster
        self.weather = weather
        self.steps = 0
        self.errors: list[BaseException] = []
        self._world = cluster.world
        self._faults: Fates = dict(faults.items())
        self._passed: Counter[str] = Counter()
        self._silences: list[tuple[float, float]] = []
        self._cut_until = 0.0
        self._tasks: list[Task] = []

    # --- life and death ---

    def point(self, what: str) -> None:
        """Pass a numbered step: others may go on, and what is due to happen here happens."""
        if self.dead:
            raise Crashed
        self.steps += 1
        fault = self._faults.pop(self.steps, None)
        if fault is not None:
            self._suffer(fault)
        self._world.point(what)

    def _suffer(self, fault: Fault) -> None:
        self._world.happened[fault.kind] += 1
        self._world.say(f"!! {fault.kind} for {fault.seconds:.1f} s at step {self.steps}")
        match fault.kind:
            case "crash":
                self.kill()
                raise Crashed
            case "pause":
                self.paused_until = self._world.now + fault.seconds
                self._silences.append((self._world.now, self.paused_until))
            case "cut":
                self._cut_until = self._world.now + fault.seconds
                self._silences.append((self._world.now, self._cut_until))

    @contextmanager
    def guard(self, step: Step) -> Iterator[None]:
        """Stand around a named step of a stage: it is a place to die like every other."""
        self._pass(f"before {step}")
        yield
        self._pass(f"after {step}")

    def _pass(self, moment: str) -> None:
        self._passed[moment] += 1
        self.point(moment)
        fault = self._faults.pop(f"{moment} {self._passed[moment]}", None)
        if fault is not None:
            self._suffer(fault)
            self._world.point(f"{moment}, with a mishap")

    def spare(self) -> None:
        """Let nothing that was planned for it happen any more."""
        self._faults.clear()

    def kill(self) -> None:
        """End the process at once, as SIGKILL would."""
        if not self.dead:
            self._silences.append((self._world.now, inf))
            self.dead = True
            self._world.reap(self)

    def silence(self, since: float) -> float:
        """Return the longest time for which no heartbeat of it arrived, from a time on."""
        if not self._silences:  # as of most
            return 0.0
        now = self._world.now
        return max(
            (min(until, now) - begun for begun, until in self._silences if begun >= since), default=0.0
        )

    @property
    def cut(self) -> bool:
        """Whether the brokers cannot be reached from it."""
        return self._world.now < self._cut_until

    @property
    def ended(self) -> bool:
        """Whether none of its threads is left."""
        return all(task.done for task in self._tasks)

    def run(self, work: Callable[[], None], *, name: str = "main") -> None:
        """Begin its work; when that fails the process is over, as its supervisor sees it."""

        def guarded() -> None:
            try:
                work()
            except Exception as exc:
                self._world.say(f"!! ended: {exc!r}")
                self.errors.append(exc)
                self.kill()

        self._tasks.append(self._world.start(self, guarded, name=name))

    # --- the platform ---

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return EPOCH_MS + int(self._world.now * 1000)

    def monotonic(self) -> float:
        """Seconds since the world began."""
        return self._world.now

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._world.sleep(seconds)

    def consumer(self, settings: ClientConfig, *, on_commit: OnCommit | None = None) -> KafkaConsumer:
        """Make a consumer."""
        return SimulatedConsumer(self, settings, on_commit=on_commit)

    def producer(self, settings: ClientConfig) -> KafkaProducer:
        """Make a producer."""
        return SimulatedProducer(self, settings)

    def condition(self) -> Condition:
        """Make a lock."""
        return SimulatedCondition(self._world)

    def start(self, work: Callable[[], None], *, name: str) -> Worker:
        """Start a thread."""
        task = self._world.start(self, work, name=name)
        self._tasks.append(task)
        return SimulatedWorker(self._world, task)


@dataclass(slots=True)
class SimulatedWorker:
    """A thread that can be waited for."""

    world: World
    task: Task

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        until = inf if timeout is None else self.world.now + timeout
        while not self.task.done and self.world.now < until:
            self.world.sleep(min(0.1, until - self.world.now))


class SimulatedCondition:
    """A lock to wait at."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._holder: Task | None = None
        self._waiting: list[Task] = []

    def __enter__(self) -> bool:
        while self._holder is not None:
            self._world.sleep(0.001)
        self._holder = self._world.current
        return True

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder = None

    def wait(self, timeout: float | None = None) -> bool:
        """Let go of the lock until notified or the time is over."""
        task = self._world.current
        until = inf if timeout is None else self._world.now + timeout
        self._holder = None
        self._waiting.append(task)
        try:
            self._world.sleep_until(until)
        finally:
            notified = task not in self._waiting
            if not notified:
                self._waiting.remove(task)
        self.__enter__()
        return notified

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until something holds."""
        until = inf if timeout is None else self._world.now + timeout
        while not (held := predicate()):
            left = until - self._world.now
            if left <= 0:
                break
            self.wait(None if left == inf else left)
        return held

    def notify_all(self) -> None:
        """Wake everybody who waits."""
        for task in self._waiting:
            task.wake_at = self._world.now
        self._waiting.clear()
