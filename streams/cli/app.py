"""Every command in one table; each module imports what is heavy only when it runs."""

from __future__ import annotations

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

app.command()(up)
app.command()(publish)
app.command()(watch)
app.command()(explain)
app.command()(resolve)
app.command()(compare)
app.command(name="import")(import_)
app.command()(evaluate)
app.command()(demo)
app.command()(doctor)
app.command()(broker)
app.command()(topics)
app.command()(acls)
app.command()(run)
app.command()(audit)
app.command()(verify)
app.command()(trace)
app.command()(settings)
app.add_typer(entity, name="entity")
app.add_typer(models, name="models")
app.add_typer(train, name="train")
app.add_typer(index, name="index")
app.add_typer(deadletters, name="deadletters")
app.add_typer(review, name="review")
app.add_typer(stage, name="stage")


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
