"""`samesong resolve` and `samesong compare`: the same resolver without Kafka."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import DataDir, settings_for, wiring, writable

if TYPE_CHECKING:
    from streams.wiring.offline import Answered

Output = Annotated[Path, typer.Option("--output", "-o", help="JSON Lines to write.", callback=writable)]


def _finish(answered: Answered, output: Path, *, what: str) -> None:
    """Say what came of a file and list what was refused; then the status says so too."""
    counts = answered.counts
    told = ", ".join(
        f"{number:,} {name}" for name, number in sorted(counts.items(), key=lambda each: -each[1])
    )
    kept = answered.entities
    entities = f"; {kept:,} {'entity' if kept == 1 else 'entities'}" if kept else ""
    total = sum(counts.values())
    named = what if total == 1 else f"{what}s"
    sys.stderr.write(f"{total:,} {named}: {told or 'none'}{entities}; in {output}\n")
    for problem in answered.problems:
        sys.stderr.write(f"{problem}\n")
    if answered.problems:
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
    _finish(wiring().resolve_file(settings_for(data_dir), uploads, output), output, what="upload")


def compare(
    pairs: Annotated[Path, typer.Argument(help='{"left": ..., "right": ...} a line.', callback=_readable)],
    output: Output,
    data_dir: DataDir = None,
) -> None:
    """Compare pairs of uploads: probabilities, relation and evidence, in the same order."""
    _finish(wiring().compare_file(settings_for(data_dir), pairs, output), output, what="pair")
