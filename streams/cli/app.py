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

FIRST = "First steps"
SERVICE = "The service"
DECISIONS = "Decisions and the catalogue"
WITHOUT_SERVICE = "Without a service"
CARE = "Operations"
PARTS = "Single parts"

app.command(rich_help_panel=FIRST)(demo)
app.command(rich_help_panel=FIRST)(doctor)
app.command(rich_help_panel=SERVICE)(up)
app.command(rich_help_panel=SERVICE)(publish)
app.command(rich_help_panel=SERVICE)(watch)
app.command(rich_help_panel=DECISIONS)(explain)
app.add_typer(entity, name="entity", rich_help_panel=DECISIONS)
app.add_typer(review, name="review", rich_help_panel=DECISIONS)
app.add_typer(deadletters, name="deadletters", rich_help_panel=DECISIONS)
app.command(rich_help_panel=WITHOUT_SERVICE)(resolve)
app.command(rich_help_panel=WITHOUT_SERVICE)(compare)
app.command(name="import", rich_help_panel=WITHOUT_SERVICE)(import_)
app.command(rich_help_panel=WITHOUT_SERVICE)(evaluate)
app.add_typer(train, name="train", rich_help_panel=WITHOUT_SERVICE)
app.command(rich_help_panel=CARE)(audit)
app.command(rich_help_panel=CARE)(verify)
app.command(rich_help_panel=CARE)(trace)
app.add_typer(stage, name="stage", rich_help_panel=CARE)
app.add_typer(index, name="index", rich_help_panel=CARE)
app.add_typer(models, name="models", rich_help_panel=CARE)
app.command(rich_help_panel=PARTS)(settings)
app.command(rich_help_panel=PARTS)(broker)
app.command(rich_help_panel=PARTS)(topics)
app.command(rich_help_panel=PARTS)(acls)
app.command(rich_help_panel=PARTS)(run)


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
