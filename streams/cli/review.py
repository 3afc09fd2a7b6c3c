"""`samesong review`: settle what is doubtful."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, messages, print_json, settings_for

review = typer.Typer(help="Settle what is doubtful.", no_args_is_help=True)


class _Judgement(StrEnum):
    match = "match"
    non_match = "non_match"
    withdrawn = "withdrawn"


@review.callback()
def _review() -> None:
    """Keep `verdict` a command of its own while it is the only one."""


@review.command()
def verdict(
    left_source: Annotated[str, typer.Argument()],
    left_item_id: Annotated[str, typer.Argument()],
    right_source: Annotated[str, typer.Argument()],
    right_item_id: Annotated[str, typer.Argument()],
    judgement: Annotated[_Judgement, typer.Argument(help="withdrawn takes the pair's verdict back.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    by: Annotated[str, typer.Option("--by", help="Who says so.")] = "",
    note: Annotated[str | None, typer.Option("--note")] = None,
) -> None:
    """Say whether two uploads are the same recording; the catalogue follows."""
    import getpass
    import uuid

    from streams.cli.publishing import publish_verdict
    from streams.core.records import ItemKey, Verdict

    left, right = sorted((ItemKey(left_source, left_item_id), ItemKey(right_source, right_item_id)))
    if left == right:
        raise typer.BadParameter("a pair needs two different uploads")
    settled = Verdict(
        verdict_id=str(uuid.uuid4()),
        left_source=left.source,
        left_item_id=left.item_id,
        right_source=right.source,
        right_item_id=right.item_id,
        judgement=judgement.value,
        by=by or getpass.getuser(),
        note=note,
    )
    publish_verdict(settings_for(data_dir), settled)
    if as_json:
        print_json(settled)
    else:
        messages().print(f"Verdict {settled.verdict_id} is published.")
