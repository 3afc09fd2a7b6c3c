"""`samesong entity`: one entity as the log tells it, and what operators decide about entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from streams.cli.common import (
    AsJson,
    Bootstrap,
    By,
    DataDir,
    Note,
    messages,
    output,
    person,
    print_json,
    print_lines,
    settings_for,
)

if TYPE_CHECKING:
    from streams.config import Settings

SHOW = "ID"


class _IdOrCommand(TyperGroup):
    """A first word that is none of the commands is the id of an entity to show."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the showing in front of an id, or of options that come before it."""
        asks = {*self.commands, *ctx.help_option_names} - {SHOW}
        return super().parse_args(ctx, [SHOW, *args] if args and args[0] not in asks else args)


entity = typer.Typer(
    help="Show an entity (`samesong entity ID`); merge, split and unmerge entities.",
    no_args_is_help=True,
    cls=_IdOrCommand,
    subcommand_metavar="ID | merge | split | unmerge",
)


@entity.command(name=SHOW)
def show(
    entity_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an entity, or its first letters.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="SEQUENCE|TIME",
            help="As it stood after a sequence of the log, or at an instant such as 2026-01-31T12:00:00Z.",
        ),
    ] = None,
) -> None:
    """Show an entity: members, relations, and its history; by default as it stands now."""
    from datetime import UTC, datetime

    from streams.cli.as_of import parse_as_of
    from streams.cli.entities import as_it_stood, entity_view, the_one
    from streams.cli.render import entity_text

    try:
        wanted = parse_as_of(as_of, now=datetime.now(UTC)) if as_of is not None else None
        stood = as_it_stood(settings_for(data_dir, bootstrap=bootstrap), wanted)
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="--as-of") from exc
    try:
        named = the_one(stood.catalogue.entities, entity_id)
    except LookupError as exc:
        when = f" as of sequence {stood.catalogue.sequence}" if as_of is not None else ""
        messages().print(f"{exc.args[0]}{when}.")
        raise typer.Exit(1) from None
    view = entity_view(stood, named)
    if as_json:
        print_json(
            {
                "as_of": view.as_of,
                "entity": view.side,
                "stands_for": view.stands_for,
                "relations": view.relations,
                "history": view.history,
            }
        )
    else:
        print_lines(output(), entity_text(view))


@entity.command()
def merge(
    entity_ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Two or more, or their first letters.")
    ],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Make entities one; the eldest id stays, `unmerge` takes it back."""
    if len(set(entity_ids)) < 2:
        raise typer.BadParameter("a merge needs two different entities")
    _publish(
        "merge",
        entity_ids,
        (),
        settings_for(data_dir, bootstrap=bootstrap),
        as_json=as_json,
        by=by,
        note=note,
    )


@entity.command()
def split(
    entity_id: Annotated[str, typer.Argument(metavar="ID", help="The entity, or its first letters.")],
    members: Annotated[
        list[str], typer.Option("--member", help="SOURCE/ITEM_ID to split off; once for each.")
    ],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Part some members from the others of their entity; `merge` of the two takes it back."""
    from streams.core.records import ItemKey

    named = []
    for member in members:
        source, slash, item_id = member.partition("/")
        if not (source and slash and item_id):
            raise typer.BadParameter(f"{member!r} is not SOURCE/ITEM_ID")
        named.append(ItemKey(source, item_id).text())
    _publish(
        "split",
        [entity_id],
        tuple(named),
        settings_for(data_dir, bootstrap=bootstrap),
        as_json=as_json,
        by=by,
        note=note,
    )


@entity.command()
def unmerge(
    entity_ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", help="Merged ids to restore, or the one that holds them; first letters do."
        ),
    ],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Take merges back; each id that was merged is restored."""
    _publish(
        "unmerge",
        entity_ids,
        (),
        settings_for(data_dir, bootstrap=bootstrap),
        as_json=as_json,
        by=by,
        note=note,
    )


def _publish(
    command: str,
    entity_ids: list[str],
    members: tuple[str, ...],
    settings: Settings,
    *,
    as_json: bool,
    by: str,
    note: str | None,
) -> None:
    import uuid

    from streams.cli.entities import whole_ids
    from streams.cli.publishing import publish_command
    from streams.core.records import AdminCommand

    try:
        named = whole_ids(settings, entity_ids)
    except LookupError as exc:
        messages().print(f"{exc.args[0]}. Nothing was published.")
        raise typer.Exit(1) from None
    asked = AdminCommand(
        command_id=str(uuid.uuid4()),
        command=command,
        entity_ids=tuple(dict.fromkeys(named)),
        members=members,
        by=person(by),
        note=note,
    )
    publish_command(settings, asked)
    if as_json:
        print_json(asked)
    else:
        messages().print(
            f"The {command} is published as command {asked.command_id} and takes effect in a moment: "
            f"see `samesong entity {named[0]}`. If it cannot be done, `samesong deadletters list` says why."
        )
