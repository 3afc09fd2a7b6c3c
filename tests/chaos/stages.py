"""The stages of one installation, each a process that can be started, stopped, killed and made to crash."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import orjson

from streams.core.records import Origin
from streams.edges.avro import AvroCodec
from streams.edges.feature_files import FileFeatureStore
from streams.edges.kafka_producer import Acknowledged, Publisher
from streams.edges.memory_encoder import MemoryConfirmer
from streams.edges.topics import ensure_topics
from streams.simulation.codecs import RememberingCodec
from streams.steps import CrashPoint
from tests.chaos import stage_process
from tests.chaos.logs import Onlooker
from tests.chaos.oracle import UPLOADS, Oracle, Verdict
from tests.chaos.uploads import Sent
from tests.waiting import wait_until

# With Milvus Lite, `index` also finds.
ALL = ("encode", "index", "arbitrate")
CRASH_SECONDS = 60.0
STOP_SECONDS = 10.0


def process_of(stage: str) -> str:
    """Name the process that a stage runs in."""
    return "index" if stage == "find" else stage


def origin_of(at: Acknowledged) -> Origin | None:
    """Name an upload that a broker has acknowledged."""
    if at.partition is None or at.offset is None:
        return None
    return Origin(topic=UPLOADS, partition=at.partition, offset=at.offset)


class Stages:
    """Starts and ends the stages of a data folder on a broker that is there already.

    Parameters
    ----------
    data_dir : Path
    bootstrap : str
    environment : mapping, optional
        settings for every stage
    onlooker : Onlooker
    replication_factor : int

    Attributes
    ----------
    oracle : Oracle
        judges the log
    music : Path
        a folder that media are read from
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        bootstrap: str,
        onlooker: Onlooker,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.music = data_dir / "music"
        self.music.mkdir(parents=True, exist_ok=True)
        self.onlooker = onlooker
        self.bootstrap = bootstrap
        self._environment = {
            "SAMESONG_KAFKA__BOOTSTRAP": bootstrap,
            "SAMESONG_MEDIA__ALLOWED_ROOTS": orjson.dumps([str(self.music)]).decode(),
            # Small loads: nobody waits for a batch to fill.
            "SAMESONG_ENCODE__BATCH_MS": "50",
            "SAMESONG_ARBITER__BATCH_MS": "50",
            "SAMESONG_INDEX__BATCH_MS": "100",
            **(environment or {}),
        }
        # One at a time: a supervisor's thread that looks at a stage while a test kills and starts it would
        # start it twice, under one name.
        self._changing = threading.RLock()
        self._running: dict[str, ForkServerProcess] = {}
        self._how: dict[str, tuple[str, Mapping[str, str]]] = {}
        features = FileFeatureStore(data_dir / "features")
        self.oracle = Oracle(
            bootstrap, onlooker, RememberingCodec(AvroCodec()), MemoryConfirmer(features).confirm
        )

    def start(
        self,
        stage: str,
        *,
        name: str | None = None,
        crash_at: CrashPoint | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ForkServerProcess:
        """Start a stage, under a name of its own where it runs more than once."""
        name = name or stage
        # A static member of its groups: it goes on at once after a kill, not after the session time-out.
        settings = {"SAMESONG_KAFKA__INSTANCE_ID": name, **self._environment, **(environment or {})}
        if crash_at is not None:
            settings["SAMESONG_FAULTS__CRASH_AT"] = str(crash_at)
        # A member without a name has none at all: an empty one would be refused.
        settings = {key: value for key, value in settings.items() if value}
        with self._changing:
            assert name not in self._running, f"{name} runs already"
            self._how[name] = stage, environment or {}
            started = self._running[name] = stage_process.start(
                stage, data_dir=self.data_dir, environment=settings, log_path=self._log_path(name)
            )
        return started

    @property
    def settings(self) -> dict[str, str]:
        """The environment in which commands reach this installation."""
        return {**os.environ, **self._environment}

    def start_all(self) -> None:
        """Start each stage once."""
        for stage in ALL:
            self.start(stage)

    def pid(self, name: str) -> int:
        """Give the process id of a running stage."""
        pid = self._running[name].pid
        assert pid is not None
        return pid

    def kill(self, name: str) -> None:
        """End a stage as a crash would."""
        with self._changing:
            process = self._running.pop(name)
            assert process.exitcode is None, self._ended(name, process)
            process.kill()
            process.join()

    def await_crash(self, name: str) -> None:
        """Wait until a stage has killed itself."""
        process = self._running.pop(name)
        process.join(CRASH_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"{name} did not reach its crash point:\n{self.log(name)[-2000:]}")
        assert process.exitcode == -signal.SIGKILL, self._ended(name, process)

    def await_end(self, name: str) -> int:
        """Wait until a stage ends by itself; give its status."""
        process = self._running.pop(name)
        process.join(CRASH_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"{name} did not end:\n{self.log(name)[-2000:]}")
        return process.exitcode

    def revive(self) -> list[str]:
        """Start again what has ended by itself, as the supervisor does; name it."""
        with self._changing:
            ended = [name for name, process in self._running.items() if process.exitcode is not None]
            for name in ended:
                del self._running[name]
                stage, environment = self._how[name]
                self.start(stage, name=name, environment=environment)
        return ended

    def stop(self, name: str) -> None:
        """Ask a stage to end, as a supervisor does, and see it end well and in time."""
        process = self._running.pop(name)
        ready = stage_process.ready_file(self._log_path(name))
        wait_until(lambda: ready.exists() or process.exitcode is not None, CRASH_SECONDS, f"{name}'s start")
        assert process.exitcode is None, self._ended(name, process)
        process.terminate()
        process.join(STOP_SECONDS)
        late = process.exitcode is None
        if late:
            process.kill()
            process.join()
        assert not late, f"{name} was not done after {STOP_SECONDS:g} s:\n{self.log(name)[-2000:]}"
        assert process.exitcode == 0, self._ended(name, process)

    def end_all(self) -> None:
        """Kill whatever runs."""
        for process in self._running.values():
            process.kill()
            process.join()
        self._running.clear()

    def publish(self, load: Iterable[Sent]) -> None:
        """Write a load, acknowledged on return."""
        with Publisher(self.bootstrap) as publisher:
            written = [publisher.publish(UPLOADS, key=sent.key, value=sent.value) for sent in load]
        self.oracle.expect(origin for at in written if (origin := origin_of(at)) is not None)

    def judge(self) -> Verdict:
        """Wait for rest and let the oracle judge; a stage that has ended is told at once."""
        return self.oracle.judge(alive=self.assert_alive)

    def assert_alive(self) -> None:
        """See that no stage has ended by itself."""
        for name, process in self._running.items():
            assert process.exitcode is None, self._ended(name, process)

    def log(self, name: str) -> str:
        """Read what a stage said."""
        path = self._log_path(name)
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _log_path(self, name: str) -> Path:
        return self.data_dir / f"{name}.log"

    def _ended(self, name: str, process: ForkServerProcess) -> str:
        return f"{name} has ended with {process.exitcode}:\n{self.log(name)[-2000:]}"


@contextmanager
def stages(
    data_dir: Path,
    *,
    bootstrap: str,
    environment: Mapping[str, str] | None = None,
    replication_factor: int = 1,
) -> Iterator[Stages]:
    """Make the topics, look on, and give the stages of a folder; none runs yet, none is left."""
    ensure_topics(bootstrap, replication_factor=replication_factor)
    with Onlooker(bootstrap) as onlooker:
        made = Stages(data_dir, bootstrap=bootstrap, environment=environment, onlooker=onlooker)
        try:
            yield made
        finally:
            made.end_all()
