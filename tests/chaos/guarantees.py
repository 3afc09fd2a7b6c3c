"""The page `docs/guarantees.md`, written from the promise, the mutants and what the chaos tests left.

``python -m tests.chaos.guarantees`` writes it; with ``--check`` it only says whether the page is up to date.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import measured
from streams.steps import STEPS
from tests.chaos.outcomes import MUTANT, ROOT, Outcome, read

DECLARED = Path(__file__).parent / "promise.toml"
PAGE = ROOT / "docs" / "guarantees.md"

MATRIX = "| what | doing | done to it | outcome | commit |\n| --- | --- | --- | --- | --- |\n"
MISSED = "| without | so that | missed by | commit |\n| --- | --- | --- | --- |\n"


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the promise: its words, what they mean, and the tests that prove it."""

    text: str
    means: str
    tests: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """The name of its section."""
        return self.text.replace(" ", "-")


def clauses() -> tuple[Clause, ...]:
    """Read the promise."""
    return tuple(Clause(one["text"], one["means"], tuple(one["tests"])) for one in _declared()["clause"])


def _declared() -> dict[str, Any]:
    return tomllib.loads(DECLARED.read_text(encoding="utf-8"))


def said(text: str) -> str:
    """Give a text without its links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def page(outcomes: Iterable[Outcome]) -> str:
    """Write the whole page."""
    rows = tuple(outcomes)
    prose = _declared()["page"]
    parts = (
        prose["head"],
        *_promise(),
        prose["matrix"],
        *_matrix(rows),
        prose["measured"],
        *measured.parts(),
        prose["mutants"],
        *_mutants(rows),
    )
    return "".join(parts)


def _promise() -> Iterator[str]:
    yield "> " + "; ".join(f"[{clause.text}](#{clause.anchor})" for clause in clauses()) + ".\n\n"
    for clause in clauses():
        yield f"### {clause.text}\n\n{clause.means}\n\n"
        yield from (f"- {_link(test)}\n" for test in clause.tests)
        yield "\n"


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"


def _matrix(rows: tuple[Outcome, ...]) -> Iterator[str]:
    """Write the stages in the order of their steps, then everything else as it came."""
    stages = list(STEPS)
    swept = sorted(
        (row for row in rows if row.where in stages),
        key=lambda row: (stages.index(row.where), int(row.step.split()[0]), row.step.endswith("after")),
    )
    others = sorted(
        (row for row in rows if row.where not in (*stages, MUTANT)),
        key=lambda row: (row.test, row.where),
    )
    for title, some in (("Every step of every stage", swept), ("Everything else", others)):
        if some:
            yield f"### {title}\n\n{MATRIX}"
            yield from (
                f"| {row.where} | {row.step} | {row.fault} | {row.outcome} | `{row.commit}` |\n"
                for row in some
            )
            yield "\n"


def _mutants(rows: tuple[Outcome, ...]) -> Iterator[str]:
    yield MISSED
    for row in rows:
        if row.where == MUTANT:
            yield f"| {row.step} | {row.fault} | {row.outcome} | `{row.commit}` |\n"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description="write docs/guarantees.md")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is out of date")
    text = page(read())
    if not parser.parse_args().check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.name} is out of date: run `make guarantees`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
