"""`samesong import`: what others keep, as uploads on standard output."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import AsJson, DataDir
from streams.core.records import SourceKind

if TYPE_CHECKING:
    from streams.core.importing.readings import Report
    from streams.core.importing.rows import RowResult


class _Format(StrEnum):
    auto = "auto"
    table = "table"
    ddex = "ddex"


def import_(
    paths: Annotated[
        list[str], typer.Argument(help="Tables (CSV) or DDEX messages (XML); - is standard input.")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", "-m", help="What the columns of a table mean, TOML.", show_default=False),
    ] = None,
    form: Annotated[
        _Format, typer.Option("--format", help="By default a file that starts with < is a message.")
    ] = _Format.auto,
    source: Annotated[
        str | None, typer.Option("--source", help="Sender of a message; by default as it says.")
    ] = None,
    source_kind: Annotated[
        SourceKind, typer.Option("--source-kind", help="What the sender of a message is.")
    ] = SourceKind.label_feed,
    delivered: Annotated[
        list[Path] | None,
        typer.Option("--delivered", help="The message that delivered what is purged (repeatable)."),
    ] = None,
    data_dir: DataDir = None,  # as every command; nothing of an installation is read
    as_json: AsJson = False,
) -> None:
    """Turn what others keep into uploads, JSON Lines on standard output; remarks go to standard error."""
    from streams.cli.messages import import_message
    from streams.imported import import_table, is_message

    refused = False
    for path in paths:
        if form is _Format.ddex or (form is _Format.auto and mapping is None and is_message(path)):
            sent = {"source": source, "source_kind": source_kind.value}
            results = import_message(path, **sent, delivered=tuple(delivered or ()))
        elif mapping is not None:
            results = import_table(path, mapping)
        else:
            raise typer.BadParameter(
                f"{path} is no message (XML), and a table needs --mapping; JSON Lines are uploads already",
                param_hint="--mapping",
            )
        tally = _Tally("standard input" if path == "-" else path, as_json=as_json)
        for result in results:
            tally.take(result)
        refused |= tally.finish()
    if refused:
        raise typer.Exit(1)


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

    def finish(self) -> bool:
        """Say how many there were; True where something was refused."""
        sys.stdout.buffer.flush()
        counts = {"uploads": self._uploads, "refused": self._refused, "remarks": self._remarks}
        sentence = f"{self._name}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
        self._say({"file": self._name, **counts} if self._as_json else sentence)
        return self._refused > 0

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
    place = f"row {report.row}" if report.row is not None else _printable(report.part or "message")
    if report.column is not None:
        place += f", column {_printable(report.column)}"
    value = f" '{_printable(report.value)}'" if report.value is not None else ""
    refused = " [refused]" if report.refused else ""
    return f"{name}: {place}:{value} {report.why}{refused}"


def _as_dict(name: str, report: Report) -> dict[str, object]:
    value = _printable(report.value) if report.value is not None else None
    return {
        "file": name,
        "row": report.row,
        "part": report.part,
        "column": report.column,
        "value": value,
        "why": report.why,
        "refused": report.refused,
    }
