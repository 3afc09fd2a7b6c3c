"""The supervisor: takes a data folder, starts the broker, the topics and the stages, and looks after them."""

import logging
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from streams.edges.broker import EmbeddedKafka
from streams.edges.folder_lock import FolderLock, FolderTaken
from streams.edges.kafka_config import ClientConfig
from streams.edges.topics import ensure_topics
from streams.errors import ConfigError
from streams.supervision.child import STOP_SECONDS, Child, StageCommand
from streams.supervision.status import StageStatus, forget_status, read_status

LOCK_FILE = "up.lock"
TICK_SECONDS = 0.2

log = logging.getLogger(__name__)


class AlreadyUp(ConfigError):
    """Another `up` runs on this data folder."""

    code = "already_up"


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
        self._children = [Child(stage, data_dir=self._data_dir) for stage in stages]
        self._broker = EmbeddedKafka(self._data_dir) if bootstrap is None else None
        self._bootstrap = bootstrap
        self._client_config = client_config
        self._replication_factor = replication_factor
        self._topics = topics
        self._lock: FolderLock | None = None

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
            self._lock.let_go()
            self._lock = None

    def _await_older(self) -> None:
        """Wait for the stages of a supervisor that was killed: two owners of one store would lose rows."""
        deadline = time.monotonic() + STOP_SECONDS + 5.0
        while alive := [f"{s.name} ({s.pid})" for s in read_status(self._data_dir) if s.alive]:
            if time.monotonic() > deadline:
                raise AlreadyUp(f"stages still run on {self._data_dir}: {', '.join(alive)}. Stop them first.")
            time.sleep(TICK_SECONDS)
        forget_status(self._data_dir)

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
        try:
            self._lock = FolderLock.take(self._data_dir / LOCK_FILE)
        except FolderTaken as exc:
            raise AlreadyUp(
                f"`samesong up` already runs on {self._data_dir} (process {exc.owner or 'unknown'}). "
                "Stop that one, or choose another --data-dir."
            ) from exc


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
