"""`samesong deadletters`: what was refused."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, output, print_json, settings_for

deadletters = typer.Typer(help="Refused records.", no_args_is_help=True)


@deadletters.callback()
def _deadletters() -> None:
    """Keep `list` a command of its own while it is the only one."""


@deadletters.command(name="list")
def list_(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    code: Annotated[str | None, typer.Option("--code", help="Only this code.")] = None,
) -> None:
    """List refused records with code, reason and where they stand in the log."""
    from streams.cli.decisions import read_records

    found = [
        letter
        for letter in read_records(settings_for(data_dir), "deadletter.v1")
        if code is None or letter.code == code
    ]
    if as_json:
        for letter in found:
            print_json(letter)
        return
    from rich.table import Table

    table = Table("origin", "item", "code", "reason", "bytes")
    for letter in found:
        origin = f"{letter.origin.topic} [{letter.origin.partition}] @ {letter.origin.offset}"
        item = f"{letter.source}/{letter.item_id}" if letter.source else "unknown"
        table.add_row(origin, item, letter.code, letter.reason, str(letter.body_bytes))
    console = output()
    console.print(table)
    counts = Counter(letter.code for letter in found)
    console.print(", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none")
