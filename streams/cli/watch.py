"""`samesong watch`: follow decisions as they are made."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, Bootstrap, DataDir, messages, output, print_json, settings_for


def watch(
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    beginning: Annotated[bool, typer.Option("--beginning", help="All decisions, not only new ones.")] = False,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="End after so many.")] = None,
) -> None:
    """Follow decisions as they are made, until Ctrl-C."""
    from streams.cli.decisions import follow_decisions
    from streams.cli.render import STYLES, decision_line

    console, seen = output(), 0
    if (talk := messages()).is_terminal:
        before = "" if beginning else " Those of before: --beginning."
        talk.print(f"Decisions as they are made; Ctrl-C ends.{before}", style="dim")
    try:
        with follow_decisions(
            settings_for(data_dir, bootstrap=bootstrap), start="beginning" if beginning else "end"
        ) as follower:
            while count is None or seen < count:
                for decision in follower.poll(1.0)[: None if count is None else count - seen]:
                    seen += 1
                    if as_json:
                        print_json(decision)
                    else:
                        console.print(decision_line(decision), style=STYLES[decision.outcome])
    except KeyboardInterrupt:
        return
