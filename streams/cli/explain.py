"""`samesong explain`: the evidence of one decision."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import (
    AsJson,
    Bootstrap,
    DataDir,
    messages,
    output,
    print_json,
    print_lines,
    settings_for,
)


def explain(
    source: Annotated[str, typer.Argument(help="Who sent it.")],
    item_id: Annotated[str, typer.Argument(help="What they call it.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Every decision on the item, not the latest.")] = False,
) -> None:
    """Say why an upload was decided as it was: scores that add up, what spoke against, what would flip it."""
    from streams.cli.decisions import DECISIONS, read_records
    from streams.cli.render import explanation
    from streams.core.records import Outcome

    settings = settings_for(data_dir, bootstrap=bootstrap)
    found = [
        decision
        for decision in read_records(settings, DECISIONS)
        if decision.source == source and decision.item_id == item_id
    ]
    if not found:
        messages().print(f"No decision on {source}/{item_id} yet.")
        raise typer.Exit(1)
    # A repeat only names the first decision: the one with the evidence is asked for.
    telling = [d for d in found if d.outcome is not Outcome.duplicate] or found
    chosen = found if every else telling[-1:]
    console = output()
    for number, decision in enumerate(chosen):
        if as_json:
            print_json(decision)
            continue
        if number:
            console.print()
        print_lines(console, explanation(decision))
