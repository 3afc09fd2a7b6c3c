"""`samesong import`: what others keep, as uploads on standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import AsJson

if TYPE_CHECKING:
    from streams.core.importing.readings import Report
    from streams.core.importing.rows import RowResult


def import_(
    table: Annotated[str, typer.Argument(help="A table (CSV, also gzip); - is standard input.")],
    mapping: Annotated[
        Path, typer.Option("--mapping", "-m", help="What the columns of the table mean, TOML.")
    ],
    as_json: AsJson = False,
) -> None:
    """Turn what others keep into uploads, JSON Lines on standard output; remarks go to standard error."""
    from streams.cli.imported import import_table

    tally = _Tally("standard input" if table == "-" else table, as_json=as_json)
    for result in import_table(table, mapping):
        tally.take(result)
    tally.finish()


class _Tally:
    """Writes uploads, says what was not understood, and counts both."""

    def __init__(self, name: str, *, as_json: bool) -> None:
        self._name, self._as_json = name, as_json
        self._uploads = self._refused = self._remarks = 0

    def take(self, result: RowResult) -> None:
        for upload in result.uploads:
            sys.stdout.buffer.write(upload + b"\n")
        self._uploads += len(result.uploads)
        for report in result.reports:
            self._refused += report.refused
            self._remarks += not report.refused
            self._say(_as_dict(self._name, report) if self._as_json else _sentence(self._name, report))

    def finish(self) -> None:
        """Say how many there were; status 1 where something was refused."""
        sys.stdout.buffer.flush()
        counts = {"uploads": self._uploads, "refused": self._refused, "remarks": self._remarks}
        sentence = f"{self._name}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
        self._say({"file": self._name, **counts} if self._as_json else sentence)
        if self._refused:
            raise typer.Exit(1)

    @staticmethod
    def _say(what: dict[str, object] | str) -> None:
        import orjson

        line = what if isinstance(what, str) else orjson.dumps(what).decode()
        sys.stderr.write(line + "\n")


def _printable(text: str) -> str:
    """Write a cell so that no terminal acts on it and every output can take it."""
    short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)


_LONGEST_SHOWN = 200


def _sentence(name: str, report: Report) -> str:
    place = f", column {_printable(report.column)}" if report.column is not None else ""
    value = f" '{_printable(report.value)}'" if report.value is not None else ""
    refused = " [refused]" if report.refused else ""
    return f"{name}: row {report.row}{place}:{value} {report.why}{refused}"


def _as_dict(name: str, report: Report) -> dict[str, object]:
    value = _printable(report.value) if report.value is not None else None
    return {
        "file": name,
        "row": report.row,
        "column": report.column,
        "value": value,
        "why": report.why,
        "refused": report.refused,
    }
