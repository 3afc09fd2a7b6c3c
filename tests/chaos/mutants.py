"""Samesong with one defence taken away at a time: declared patches, applied to a copy of the tree alone.

Each names the tests that must notice. A patch that does not fit any more fails loudly, so that a defence
that moves takes its mutant along.
"""

import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECLARED = Path(__file__).parent / "mutants.toml"
COPIED = ("streams", "schemas", "encoders", "tests", "deploy", "docs", "pyproject.toml", "README.md")
PASSED, FAILED = 0, 1
RUN_SECONDS = 280.0


@dataclass(frozen=True, slots=True)
class Edit:
    """One text, found exactly once in a file, and what takes its place."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One defence taken away.

    Attributes
    ----------
    defence : str
    without : str
        what happens in its place
    edits : tuple of Edit
    tests : tuple of str
        node ids; at least one must fail
    """

    defence: str
    without: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def mutants() -> tuple[Mutant, ...]:
    """Read the declared ones."""
    declared = tomllib.loads(DECLARED.read_text(encoding="utf-8"))
    return tuple(
        Mutant(
            defence=one["defence"],
            without=one["without"],
            edits=tuple(Edit(**edit) for edit in one["edit"]),
            tests=tuple(one["tests"]),
        )
        for one in declared["mutant"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What some tests said: pytest's status, and who failed."""

    status: int
    failed: tuple[str, ...]
    output: str


def copy_of_tree(into: Path) -> Path:
    """Copy what the tests need; the copy is what they import."""
    for name in COPIED:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, into / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(place, into / name)
    return into


def apply(mutant: Mutant, tree: Path) -> None:
    """Patch a copy.

    Raises
    ------
    AssertionError
        a text is not there exactly once
    """
    for edit in mutant.edits:
        path = tree / edit.path
        text = path.read_text(encoding="utf-8")
        times = text.count(edit.old)
        assert times == 1, f"{mutant.defence}: {times} times in {edit.path}: {edit.old!r}"
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def run(tests: tuple[str, ...], tree: Path) -> Run:
    """Run tests in a copy of the tree."""
    report = tree / "report.xml"
    # `-m pytest` puts the working folder first, before the tree that the environment was made from.
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider")
    done = subprocess.run(  # noqa: S603 - our own interpreter and tests
        [*command, "-m", "not network", f"--junitxml={report}", *tests],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    cases = ET.parse(report).getroot().iter("testcase") if report.exists() else ()  # noqa: S314 - pytest wrote it
    failed = tuple(case.get("name") or "" for case in cases if case.find("failure") is not None)
    return Run(status=done.returncode, failed=failed, output=done.stdout + done.stderr)
