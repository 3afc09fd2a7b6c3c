"""Every command in one table; each module imports what is heavy only when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from streams.cli.acls import acls
from streams.cli.audit import audit
from streams.cli.broker import broker
from streams.cli.deadletters import deadletters
from streams.cli.demo import demo
from streams.cli.doctor import doctor
from streams.cli.entity import entity
from streams.cli.evaluate import evaluate
from streams.cli.explain import explain
from streams.cli.importing import import_
from streams.cli.index import index
from streams.cli.models import models
from streams.cli.offline import compare, resolve
from streams.cli.publish import publish
from streams.cli.review import review
from streams.cli.settings import settings
from streams.cli.stage import stage
from streams.cli.stages import run, up
from streams.cli.topics import topics
from streams.cli.trace import trace
from streams.cli.train import train
from streams.cli.verify import verify
from streams.cli.watch import watch

app = typer.Typer(
    name="samesong",
    help="Which recording, which work, and why: an event-driven resolver for music catalogues.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# By the panel of the help that shows them, in its order.
COMMANDS: dict[str, dict[str, typer.Typer | Callable[..., None]]] = {
    "First steps": {"demo": demo, "doctor": doctor},
    "The service": {"up": up, "publish": publish, "watch": watch},
    "Decisions and the catalogue": {
        "explain": explain,
        "entity": entity,
        "review": review,
        "deadletters": deadletters,
    },
    "Without a service": {
        "resolve": resolve,
        "compare": compare,
        "import": import_,
        "evaluate": evaluate,
        "train": train,
    },
    "Operations": {
        "audit": audit,
        "verify": verify,
        "trace": trace,
        "stage": stage,
        "index": index,
        "models": models,
    },
    "Single parts": {
        "settings": settings,
        "broker": broker,
        "topics": topics,
        "acls": acls,
        "run": run,
    },
}

for panel, commands in COMMANDS.items():
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=panel)
        else:
            app.command(name=name, rich_help_panel=panel)(command)


def _version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"samesong {version('samesong')}")
        raise typer.Exit


@app.callback()
def _root(
    _version_wanted: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Which recording, which work, and why: an event-driven resolver for music catalogues."""
