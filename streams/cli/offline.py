"""`samesong resolve` and `samesong compare`: the same resolver without Kafka."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import DataDir, settings_for, wiring

Output = Annotated[Path, typer.Option("--output", "-o", help="JSON Lines to write.")]


def _finish(problems: tuple[str, ...]) -> None:
    """List what was refused, and end with the status that says so."""
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if problems:
        raise typer.Exit(1)


def _readable(path: Path) -> Path:
    """Refuse an input that is not there, before anything is loaded."""
    if not path.is_file():
        raise typer.BadParameter(f"{path}: no such file")
    return path


def resolve(
    uploads: Annotated[Path, typer.Argument(help="Uploads, JSON Lines.", callback=_readable)],
    output: Output,
    data_dir: DataDir = None,
) -> None:
    """Resolve a file of uploads in its order; one line per upload with its final ids."""
    _finish(tuple(wiring().resolve_file(settings_for(data_dir), uploads, output)))


def compare(
    pairs: Annotated[Path, typer.Argument(help='{"left": ..., "right": ...} a line.', callback=_readable)],
    output: Output,
    data_dir: DataDir = None,
) -> None:
    """Compare pairs of uploads: probabilities, relation and evidence, in the same order."""
    _finish(tuple(wiring().compare_file(settings_for(data_dir), pairs, output)))
