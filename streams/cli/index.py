"""`samesong index`: the vector index, which is a fold of the log."""

from __future__ import annotations

from dataclasses import asdict

import typer

from streams.cli.common import AsJson, DataDir, messages, print_json, settings_for, wiring

index = typer.Typer(help="The vector index.", no_args_is_help=True)


@index.callback()
def _index() -> None:
    """Keep `rebuild` a command of its own while it is the only one."""


@index.command()
def rebuild(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Fold the log into a new build, verify it, and switch the alias to it."""
    build = wiring().rebuild_index(settings_for(data_dir))
    if as_json:
        print_json(asdict(build))
    else:
        messages().print(
            f"The index now answers from build {build.name}: {build.rows} rows, up to {build.watermark}."
        )
