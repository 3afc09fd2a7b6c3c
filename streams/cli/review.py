"""`samesong review`: what people are asked about, and how they settle it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

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
    settings_for,
)

if TYPE_CHECKING:
    from streams.core.records import PairState, ReviewRequested, UploadState

review = typer.Typer(help="List what is doubtful, and settle it.", no_args_is_help=True)


class _Judgement(StrEnum):
    match = "match"
    non_match = "non_match"
    withdrawn = "withdrawn"


@review.command(name="list")
def list_open(data_dir: DataDir = None, bootstrap: Bootstrap = None, as_json: AsJson = False) -> None:
    """List the pairs that wait for a person's verdict."""
    from streams.cli.decisions import read_records

    settings = settings_for(data_dir, bootstrap=bootstrap)
    waiting = unsettled(
        read_records(settings, "review.requested.v1"),
        read_records(settings, "pair.state.v1"),
        read_records(settings, "upload.state.v1"),
    )
    for asked in waiting:
        if as_json:
            print_json(asked)
        else:
            output().print(
                f"{asked.left_source} {asked.left_item_id}  {asked.right_source} {asked.right_item_id}  "
                f"p={asked.probability:.3f}  {asked.reason}  (sequence {asked.sequence})"
            )
    if not as_json:
        pairs = "1 pair waits" if len(waiting) == 1 else f"{len(waiting)} pairs wait"
        messages().print(
            f"{pairs}. `samesong explain SOURCE ITEM_ID` shows the evidence, "
            "`samesong review verdict` settles a pair."
            if waiting
            else "No pair waits for a verdict."
        )


def unsettled(
    requests: Iterable[ReviewRequested], pairs: Iterable[PairState], uploads: Iterable[UploadState]
) -> tuple[ReviewRequested, ...]:
    """Return the latest request of each pair without a verdict whose uploads live in two entities."""
    from streams.core.records import ItemKey

    latest: dict[tuple[str, str], ReviewRequested] = {}
    for asked in requests:
        left, right = sorted(
            (
                ItemKey(asked.left_source, asked.left_item_id).text(),
                ItemKey(asked.right_source, asked.right_item_id).text(),
            )
        )
        latest[left, right] = asked
    stand: dict[tuple[str, str], PairState] = {}
    for pair in pairs:
        left, right = sorted((pair.left, pair.right))
        stand[left, right] = pair
    homes = {upload.key.text(): upload.entity_id if upload.live else None for upload in uploads}

    def waits(left: str, right: str) -> bool:
        state = stand.get((left, right))
        if state is not None and (state.verdict is not None or not state.live):
            return False
        home, other = homes.get(left), homes.get(right)
        return home is not None and other is not None and home != other

    return tuple(asked for names, asked in latest.items() if waits(*names))


@review.command()
def verdict(
    left_source: Annotated[str, typer.Argument(help="Who sent one of the two.")],
    left_item_id: Annotated[str, typer.Argument(help="What they call it.")],
    right_source: Annotated[str, typer.Argument(help="Who sent the other.")],
    right_item_id: Annotated[str, typer.Argument(help="What they call it.")],
    judgement: Annotated[_Judgement, typer.Argument(help="withdrawn takes the pair's verdict back.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Say whether two uploads are the same recording; the catalogue follows."""
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
        by=person(by),
        note=note,
    )
    publish_verdict(settings_for(data_dir, bootstrap=bootstrap), settled)
    if as_json:
        print_json(settled)
    else:
        messages().print(
            f"The verdict is published as {settled.verdict_id} and takes effect in a moment. "
            "If it cannot be acted on, `samesong deadletters list` says why."
        )
