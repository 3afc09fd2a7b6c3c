"""Everything on one machine: the embedded broker, the topics, one process per stage, kept alive."""

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

import psutil

from streams.edges import broker_guard
from streams.edges.broker import EmbeddedKafka
from streams.edges.kafka_config import ClientConfig
from streams.edges.topics import ensure_topics
from streams.errors import ConfigError

RUN_FOLDER = "run"
LOG_FOLDER = "logs"
LOCK_FILE = "up.lock"
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STABLE_SECONDS = 60.0
STOP_SECONDS = 10.0
TICK_SECONDS = 0.2
SIGNALLED = 192

log = logging.getLogger(__name__)


class AlreadyUp(ConfigError):
    """Another `up` runs on this data folder."""

    code = "already_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCommand:
    """One process to keep alive.

    Attributes
    ----------
    name : str
        unique; names its status file and its log
    command : tuple of str
    environment : mapping
        added to our own
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def stage_command(stage: str, *, data_dir: Path, name: str | None = None) -> StageCommand:
    """Return the command of one stage: ``python -m streams.cli run STAGE --data-dir D``."""
    command = (sys.executable, "-m", "streams.cli", "run", stage, "--data-dir", str(data_dir))
    return StageCommand(name=name or stage, command=command)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """How one process stands, as its status file says.

    Attributes
    ----------
    name : str
    pid : int, optional
        of the stage itself; none while it waits to be started again
    started : float, optional [s since 1970]
    restarts : int
    alive : bool
    last_exit : int, optional
        status of the last end; negative: the signal that ended it
    """

    name: str
    pid: int | None
    started: float | None
    restarts: int
    alive: bool
    last_exit: int | None = None


def read_status(data_dir: Path) -> tuple[StageStatus, ...]:
    """Read how every stage of a data folder stands; empty when nothing was ever started."""
    found = []
    for path in sorted((data_dir / RUN_FOLDER).glob("*.json")):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        alive = facts["pid"] is not None and _same_process(facts["pid"], facts["started"])
        found.append(
            StageStatus(
                name=facts["name"],
                pid=facts["pid"],
                started=facts["started"],
                restarts=facts["restarts"],
                alive=alive,
                last_exit=facts["last_exit"],
            )
        )
    return tuple(found)


def _same_process(pid: int, started: float) -> bool:
    """Say whether a process is the one that was started then, and not a later one with its id."""
    try:
        process = psutil.Process(pid)
        same = abs(float(process.create_time()) - started) < 1.0
        return same and bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


class _Child:
    """One stage below its guard: the guard ends the stage when we are gone, however that came."""

    def __init__(self, stage: StageCommand, *, data_dir: Path) -> None:
        self.stage = stage
        self.restarts = 0
        self.last_exit: int | None = None
        self._data_dir = data_dir
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._created: float | None = None
        self._since = 0.0
        self._wait = FIRST_WAIT_SECONDS
        self._due = 0.0

    @property
    def log_path(self) -> Path:
        """Return where the stage's output goes."""
        return self._data_dir / LOG_FOLDER / f"{self.stage.name}.log"

    def tick(self, environment: Mapping[str, str]) -> None:
        """Notice an end; start, or start again when its time has come."""
        now = time.monotonic()
        if self._guard is None:
            if now >= self._due:
                self._start(environment)
            return
        status = self._guard.poll()
        if status is None:
            if now - self._since > STABLE_SECONDS:
                self._wait = FIRST_WAIT_SECONDS
            return
        self._let_go()
        self._guard = self._pid = self._created = None
        # The guard ends with the stage's own status; a signal's negative number comes round as 256 less it.
        self.last_exit = status = status - 256 if status > SIGNALLED else status
        self.restarts += 1
        self._due = now + self._wait
        log.warning(
            "%s ended with status %d; again in %.1f s; its log: %s",
            self.stage.name,
            status,
            self._wait,
            self.log_path,
        )
        self._wait = min(LONGEST_WAIT_SECONDS, self._wait * 2)
        self._tell()

    def _start(self, environment: Mapping[str, str]) -> None:
        """Start the stage below a guard, which tells its process id."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        script = str(broker_guard.__file__)
        guard = subprocess.Popen(  # noqa: S603 - our own script and command
            [sys.executable, "-ISE", script, str(self.log_path), str(STOP_SECONDS), *self.stage.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C reaches the whole terminal group; we alone decide the order of the end.
            start_new_session=True,
            env={**os.environ, **environment, **self.stage.environment},
        )
        first = guard.stdout.readline().strip() if guard.stdout is not None else b""
        self._guard = guard
        self._since = time.monotonic()
        self._pid = int(first) if first.isdigit() else None
        if self._pid is not None:
            try:
                self._created = psutil.Process(self._pid).create_time()
            except psutil.Error:  # it ended at once: the next look notices
                self._pid = None
        log.info("started %s, process %s; its log: %s", self.stage.name, self._pid, self.log_path)
        self._tell()

    def ask_to_stop(self) -> None:
        """Close the pipe: the guard terminates the stage, waits, and kills it in the end."""
        if self._guard is not None:
            self._let_go()

    def await_stop(self) -> None:
        """Wait for the end; the guard has killed the stage by then."""
        if self._guard is not None:
            try:
                self.last_exit = self._guard.wait(STOP_SECONDS + 5.0)
            except subprocess.TimeoutExpired:
                # The stage goes with its guard where the system has parent-death signals.
                self._guard.kill()
                self._guard.wait()
            self._guard = self._pid = self._created = None
        self._tell()

    def _let_go(self) -> None:
        """Close the pipes to the guard."""
        if self._guard is not None:
            for pipe in (self._guard.stdin, self._guard.stdout):
                if pipe is not None:
                    pipe.close()

    def _tell(self) -> None:
        """Write the status file in one step."""
        folder = self._data_dir / RUN_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {
            "name": self.stage.name,
            "pid": self._pid,
            "started": self._created,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
        }
        aside = folder / f"{self.stage.name}.new"
        aside.write_text(json.dumps(facts) + "\n", encoding="utf-8")
        os.replace(aside, folder / f"{self.stage.name}.json")


class Supervisor:
    """Starts the broker, the topics and the stages of one data folder, and keeps the stages alive.

    Parameters
    ----------
    data_dir : Path
        the installation's folder; one supervisor each
    stages : sequence of StageCommand
        started in this order, stopped in this order (the first to read an upload stops first)
    bootstrap : str, optional
        a cluster of one's own; by default the embedded broker is started
    client_config : mapping, optional
        security for the admin client
    replication_factor : int
        of topics that are created
    topics : bool
        false leaves the topics alone
    """

    def __init__(
        self,
        data_dir: Path,
        stages: Sequence[StageCommand],
        *,
        bootstrap: str | None = None,
        client_config: ClientConfig | None = None,
        replication_factor: int = 1,
        topics: bool = True,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._children = [_Child(stage, data_dir=self._data_dir) for stage in stages]
        self._broker = EmbeddedKafka(self._data_dir) if bootstrap is None else None
        self._bootstrap = bootstrap
        self._client_config = client_config
        self._replication_factor = replication_factor
        self._topics = topics
        self._lock: IO[str] | None = None

    @property
    def bootstrap(self) -> str:
        """Return the address of the brokers; empty before the start."""
        if self._bootstrap is not None:
            return self._bootstrap
        return self._broker.bootstrap if self._broker is not None else ""

    def start(self) -> str:
        """Take the folder, start the broker, make the topics, start every stage.

        Returns
        -------
        bootstrap : str

        Raises
        ------
        AlreadyUp
            another supervisor runs on this folder
        ConfigError
            topics exist with other settings than declared
        """
        self._take_lock()
        try:
            self._await_older()
            if self._broker is not None:
                log.info("starting Kafka ...")
                self._broker.start()
            log.info("Kafka is ready at %s", self.bootstrap)
            if self._topics:
                self._ensure_topics()
            self.tick()
            log.info("every stage is started in %s; Ctrl-C stops all of it", self._data_dir)
        except BaseException:  # Ctrl-C too leaves nothing behind
            self.stop()
            raise
        return self.bootstrap

    def tick(self) -> None:
        """Look after every stage once."""
        environment = {"SAMESONG_KAFKA__BOOTSTRAP": self.bootstrap}
        for child in self._children:
            child.tick(environment)

    def status(self) -> tuple[StageStatus, ...]:
        """Return how every stage stands."""
        return read_status(self._data_dir)

    def run(self, stop: threading.Event) -> None:
        """Start, look after everything until asked to stop, then stop in order."""
        self.start()
        try:
            while not stop.wait(TICK_SECONDS):
                self.tick()
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop the stages in order, each within about ten seconds, then the broker; free the folder."""
        for child in self._children:
            log.info("stopping %s", child.stage.name)
            child.ask_to_stop()
            child.await_stop()
        if self._broker is not None:
            log.info("stopping Kafka")
            self._broker.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _await_older(self) -> None:
        """Wait for the stages of a supervisor that was killed: two owners of one store would lose rows."""
        deadline = time.monotonic() + STOP_SECONDS + 5.0
        while alive := [f"{s.name} ({s.pid})" for s in read_status(self._data_dir) if s.alive]:
            if time.monotonic() > deadline:
                raise AlreadyUp(f"stages still run on {self._data_dir}: {', '.join(alive)}. Stop them first.")
            time.sleep(TICK_SECONDS)
        for old in (self._data_dir / RUN_FOLDER).glob("*.json"):
            old.unlink(missing_ok=True)

    def _ensure_topics(self) -> None:
        """Make the topics; refuse those that are not as declared."""
        report = ensure_topics(
            self.bootstrap, self._client_config, replication_factor=self._replication_factor
        )
        if not report.good:
            wrong = "; ".join(
                f"{m.topic}: {m.setting} is {m.found}, declared {m.expected}" for m in report.mismatches
            )
            raise ConfigError(f"topics are not as declared: {wrong or ', '.join(report.missing)}")

    def _take_lock(self) -> None:
        """Take the folder; its file names the owner."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        lock = (self._data_dir / LOCK_FILE).open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise AlreadyUp(
                f"`samesong up` already runs on {self._data_dir} (process {owner}). "
                "Stop that one, or choose another --data-dir."
            ) from exc
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock


def supervise(supervisor: Supervisor) -> None:
    """Run a supervisor until Ctrl-C or SIGTERM; to be called from the main thread."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        supervisor.run(stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
