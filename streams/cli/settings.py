"""`samesong settings`: what is in force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streams.cli.common import AsJson, DataDir, output, print_json, settings_for


def flat(values: dict[str, Any], prefix: str = "SAMESONG_") -> Iterator[tuple[str, str]]:
    """Give each setting under the name of its environment variable."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name.upper()}__")
        elif isinstance(value, list):
            yield prefix + name.upper(), "[" + ", ".join(map(str, value)) + "]"
        else:
            yield prefix + name.upper(), "" if value is None else str(value)


def settings(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show the settings in force, by the names of their environment variables; secrets are masked."""
    values = settings_for(data_dir).model_dump(mode="json")
    if as_json:
        print_json(values)
        return
    from rich.table import Table

    table = Table("setting", "value")
    for name, value in flat(values):
        table.add_row(name, value)
    output().print(table)
