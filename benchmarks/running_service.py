"""`samesong up` in a temporary folder, and what its processes cost while it works."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from streams.config import Settings
from streams.connection import bootstrap_of, kafka_extra
from streams.edges.topics import ensure_topics
from streams.errors import BrokerUnavailable, ConfigError
from streams.supervision import read_status

READY_S = 120.0
STOP_S = 60.0
SAMPLE_S = 0.5


@contextmanager
def running_service(settings: Settings) -> Iterator["Watch"]:
    """Run the whole service as a child for as long as the block lasts, and watch its processes.

    Raises
    ------
    BrokerUnavailable
        it ended or was not ready in time
    """
    log = settings.data_dir / "up.log"
    command = [sys.executable, "-m", "streams.cli", "up", "--data-dir", str(settings.data_dir)]
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ}, start_new_session=True
        )
    try:
        _await_ready(child, settings, log)
        watch = Watch(child.pid, settings.data_dir)
        watch.start()
        try:
            yield watch
        finally:
            watch.stop()
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _await_ready(child: subprocess.Popen[bytes], settings: Settings, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        said = log.read_text(encoding="utf-8", errors="replace")[-1500:]
        if child.poll() is not None or time.monotonic() > deadline:
            raise BrokerUnavailable(f"`samesong up` is not ready: {said}")
        try:
            bootstrap, extra = bootstrap_of(settings), kafka_extra(settings)
            if not ensure_topics(bootstrap, extra, replication_factor=1, create=False).missing:
                return
        except (BrokerUnavailable, ConfigError):
            pass  # not yet
        time.sleep(0.3)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds so far and peak memory of one part of the service, its own children included."""

    cpu_s: float = 0.0
    peak_rss: int = 0


class Watch:
    """Samples memory and CPU of every part: the stages by name, the broker, the rest as "supervisor".

    Parameters
    ----------
    pid : int
        of `samesong up`
    data_dir : Path
    """

    def __init__(self, pid: int, data_dir: Path) -> None:
        self.pid = pid
        self._up = psutil.Process(pid)
        self._data_dir = data_dir
        self._cpu: dict[int, tuple[str, float]] = {}
        self._peak: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._sample()
        self._thread.start()

    def stop(self) -> None:
        """Sample no more."""
        self._stop.set()
        self._thread.join()

    def costs(self) -> dict[str, Cost]:
        """Return what each part has cost so far."""
        self._sample()
        found: dict[str, Cost] = {}
        for name, cpu_s in list(self._cpu.values()):
            before = found.get(name, Cost())
            found[name] = Cost(before.cpu_s + cpu_s, self._peak.get(name, 0))
        return found

    def forget_peaks(self) -> None:
        """Begin peaks anew."""
        self._peak.clear()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self._sample()

    def _sample(self) -> None:
        stages = {each.pid: each.name for each in read_status(self._data_dir) if each.pid is not None}
        parts: dict[int, str] = {}
        rss: dict[str, int] = {}
        try:
            # One walk over the machine's processes, not one for each: a parent stands before its children.
            processes = [self._up, *self._up.children(recursive=True)]
        except psutil.Error:
            return
        for process in processes:
            try:
                with process.oneshot():
                    above = parts.get(process.ppid(), "supervisor")
                    name = "broker" if process.name() == "java" else stages.get(process.pid, above)
                    times = process.cpu_times()
                    held = process.memory_info().rss
            except psutil.Error:
                continue
            parts[process.pid] = name
            self._cpu[process.pid] = (name, times.user + times.system)
            rss[name] = rss.get(name, 0) + held
        for name, held in rss.items():
            self._peak[name] = max(held, self._peak.get(name, 0))
