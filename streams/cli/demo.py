"""`samesong demo`: the main job on real music."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import DataDir


def demo(
    data_dir: DataDir = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the data folder of an earlier demo.")] = False,
) -> None:
    """Publish real music and variants of it, watch the decisions, and compare them with the truth."""
    from streams.demo.run import run_demo

    raise typer.Exit(run_demo(_folder(data_dir), keep=keep))


def _folder(given: Path | None) -> Path:
    """Return the demo's own installation: never the user's."""
    if given is not None:
        return given.expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_cache_path("samesong")) / "demo" / "installation"
