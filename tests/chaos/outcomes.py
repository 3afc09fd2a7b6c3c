"""What came out of each chaos test, with the commit it ran on; `docs/guarantees.md` shows it.

``make chaos`` writes: the environment variable CHAOS_OUTCOMES names the file. Without it nothing is kept.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

VARIABLE = "CHAOS_OUTCOMES"
FILE = Path(__file__).parent / "outcomes.json"
ROOT = Path(__file__).parents[2]
# No place that was hit, but what the tests said of a defence that was taken away.
MUTANT = "mutant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row of the crash matrix.

    Attributes
    ----------
    where : str
        the stage, or what was hit: broker, index, ...
    step : str
        what went on just then
    fault : str
        what was done
    outcome : str
        what held afterwards, with figures
    test : str
        the test's node id
    commit : str
    """

    where: str
    step: str
    fault: str
    outcome: str
    test: str
    commit: str


def read(path: Path = FILE) -> tuple[Outcome, ...]:
    """Read what is kept, in its order."""
    if not path.exists():
        return ()
    return tuple(Outcome(**one) for one in orjson.loads(path.read_bytes()))


def keep(outcomes: Iterable[Outcome]) -> None:
    """Put rows into the file in the place of those with the same test, place and step."""
    named = os.environ.get(VARIABLE)
    if not named:
        return
    path = Path(named)
    with _alone(path):
        rows = {(row.where, row.step, row.fault): row for row in read(path)}
        rows |= {(row.where, row.step, row.fault): row for row in outcomes}
        ordered = [asdict(row) for row in rows.values()]
        path.write_bytes(orjson.dumps(ordered, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep out other processes that run tests at the same time."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def commit() -> str:
    """Name the commit at work, and say so where files differ from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=, changed", "--abbrev=9", "--exclude=*"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "unknown"
