"""`samesong entity`: one entity as the log tells it."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, messages, output, print_json, settings_for


def entity(
    entity_id: Annotated[str, typer.Argument(help="Id of an entity, or its first letters.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show an entity: members, relations as they stand, and its history."""
    from streams.cli.decisions import read_records
    from streams.cli.entities import entity_as_of_now, matching_ids
    from streams.cli.render import entity_text

    settings = settings_for(data_dir)
    events = list(read_records(settings, "entity.changed.v1"))
    ids = matching_ids(events, entity_id)
    if len(ids) != 1:
        named = f"{entity_id} may be any of: {', '.join(ids[:10])}" if ids else f"No entity {entity_id}."
        messages().print(named)
        raise typer.Exit(1)
    view = entity_as_of_now(ids[0], events, list(read_records(settings, "relation.changed.v1")))
    if as_json:
        print_json({"entity": view.side, "relations": view.relations, "history": view.history})
    else:
        output().print(entity_text(view.side, relations=view.relations, history=view.history))
