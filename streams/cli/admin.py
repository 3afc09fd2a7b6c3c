"""`samesong admin`: what operators decide for the arbiter, as commands in its log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, messages, print_json, settings_for

admin = typer.Typer(help="Merge and split entities; promote a parameter bundle.", no_args_is_help=True)

By = Annotated[str, typer.Option("--by", help="Who says so.")]
Note = Annotated[str | None, typer.Option("--note")]


@admin.command()
def merge(
    entity_ids: Annotated[list[str], typer.Argument(metavar="ENTITY_ID...", help="Two or more.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Make entities one; the eldest id stays, `unmerge` takes it back."""
    if len(set(entity_ids)) < 2:
        raise typer.BadParameter("a merge needs two different entities")
    _publish("merge", entity_ids, (), data_dir, as_json=as_json, by=by, note=note)


@admin.command()
def split(
    entity_id: Annotated[str, typer.Argument()],
    members: Annotated[
        list[str], typer.Option("--member", help="SOURCE/ITEM_ID to split off; once for each.")
    ],
    data_dir: DataDir = None,
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
    _publish("split", [entity_id], tuple(named), data_dir, as_json=as_json, by=by, note=note)


@admin.command()
def unmerge(
    entity_ids: Annotated[
        list[str],
        typer.Argument(metavar="ENTITY_ID...", help="Merged ids to restore, or the one that holds them."),
    ],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Take merges back; each id that was merged is restored."""
    _publish("unmerge", entity_ids, (), data_dir, as_json=as_json, by=by, note=note)


@admin.command()
def promote(
    bundle: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Bundle JSON.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    by: By = "",
) -> None:
    """Bring a parameter bundle into force; the kept pairs are scored by it anew."""
    import getpass
    import hashlib
    import uuid

    from streams.cli.publishing import publish_promotion
    from streams.core.promoting import BUNDLE
    from streams.core.records import Promotion
    from streams.core.scoring import Bundle

    read = Bundle.from_json(bundle.read_bytes())
    payload = read.to_json()
    promotion = Promotion(
        promotion_id=str(uuid.uuid4()),
        subject=BUNDLE,
        version=read.version,
        payload=payload,
        sha256=hashlib.sha256(payload).hexdigest(),
        by=by or getpass.getuser(),
    )
    publish_promotion(settings_for(data_dir), promotion)
    if as_json:
        print_json(promotion)
    else:
        messages().print(f"Promotion {promotion.promotion_id} of bundle {read.version} is published.")


def _publish(
    command: str,
    entity_ids: list[str],
    members: tuple[str, ...],
    data_dir: Path | None,
    *,
    as_json: bool,
    by: str,
    note: str | None,
) -> None:
    import getpass
    import uuid

    from streams.cli.publishing import publish_command
    from streams.core.records import AdminCommand

    asked = AdminCommand(
        command_id=str(uuid.uuid4()),
        command=command,
        entity_ids=tuple(dict.fromkeys(entity_ids)),
        members=members,
        by=by or getpass.getuser(),
        note=note,
    )
    publish_command(settings_for(data_dir), asked)
    if as_json:
        print_json(asked)
    else:
        messages().print(
            f"Command {asked.command_id} is published; what cannot be done is in `samesong deadletters list`."
        )
