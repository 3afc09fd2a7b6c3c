"""How every stage stands, as its status file says: written by the supervisor, read by every command."""

from dataclasses import dataclass
from pathlib import Path

from streams.edges.json_file import read_json, write_json
from streams.edges.process_age import is_alive

RUN_FOLDER = "run"


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


def write_status(
    data_dir: Path,
    name: str,
    *,
    pid: int | None,
    started: float | None,
    restarts: int,
    last_exit: int | None,
) -> None:
    """Write how a stage stands, in one step."""
    folder = data_dir / RUN_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"name": name, "pid": pid, "started": started, "restarts": restarts, "last_exit": last_exit}
    write_json(folder / f"{name}.json", facts)


def read_status(data_dir: Path) -> tuple[StageStatus, ...]:
    """Read how every stage of a data folder stands; empty when nothing was ever started."""
    found = []
    for path in sorted((data_dir / RUN_FOLDER).glob("*.json")):
        facts = read_json(path)
        if facts is None:
            continue
        found.append(
            StageStatus(
                name=facts["name"],
                pid=facts["pid"],
                started=facts["started"],
                restarts=facts["restarts"],
                alive=facts["pid"] is not None and is_alive(facts["pid"], facts["started"]),
                last_exit=facts["last_exit"],
            )
        )
    return tuple(found)


def forget_status(data_dir: Path) -> None:
    """Remove what is said of stages of before."""
    for old in (data_dir / RUN_FOLDER).glob("*.json"):
        old.unlink(missing_ok=True)
