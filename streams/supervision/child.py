"""One stage kept alive: started below a guard, and again after a growing wait when it ends."""

import logging
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streams.edges.guarded_process import GuardedProcess
from streams.edges.process_age import started
from streams.supervision.status import write_status

LOG_FOLDER = "logs"
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STABLE_SECONDS = 60.0
STOP_SECONDS = 10.0
SIGNALLED = 192

log = logging.getLogger(__name__)


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


class Child:
    """One stage below its guard: the guard ends the stage when we are gone, however that came."""

    def __init__(self, stage: StageCommand, *, data_dir: Path) -> None:
        self.stage = stage
        self.restarts = 0
        self.last_exit: int | None = None
        self._data_dir = data_dir
        self._process: GuardedProcess | None = None
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
        if self._process is None:
            if now >= self._due:
                self._start(environment)
            return
        status = self._process.ended()
        if status is None:
            if now - self._since > STABLE_SECONDS:
                self._wait = FIRST_WAIT_SECONDS
            return
        self._process.let_go()
        self._process = self._pid = self._created = None
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
        """Start the stage below a guard."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._process = GuardedProcess.start(
            self.stage.command,
            log_path=self.log_path,
            stop_seconds=STOP_SECONDS,
            environment={**environment, **self.stage.environment},
        )
        self._since = time.monotonic()
        pid = self._process.pid
        # None where it ended at once: the next look notices.
        self._created = started(pid) if pid is not None else None
        self._pid = pid if self._created is not None else None
        log.info("started %s, process %s; its log: %s", self.stage.name, self._pid, self.log_path)
        self._tell()

    def ask_to_stop(self) -> None:
        """Close the pipe: the guard terminates the stage, waits, and kills it in the end."""
        if self._process is not None:
            self._process.let_go()

    def await_stop(self) -> None:
        """Wait for the end; the guard has killed the stage by then."""
        if self._process is not None:
            try:
                self.last_exit = self._process.wait(STOP_SECONDS + 5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._process = self._pid = self._created = None
        self._tell()

    def _tell(self) -> None:
        """Write the status file."""
        write_status(
            self._data_dir,
            self.stage.name,
            pid=self._pid,
            started=self._created,
            restarts=self.restarts,
            last_exit=self.last_exit,
        )
