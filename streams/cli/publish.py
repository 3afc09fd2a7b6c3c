"""`samesong publish`: uploads from files of lines, standard input, or folders of media."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import (
    AsJson,
    Bootstrap,
    DataDir,
    above,
    messages,
    output,
    print_json,
    progress_bar,
    settings_for,
)
from streams.core.records import SourceKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from streams.cli.reading import Given
    from streams.core.records import Decision


def _show(decision: Decision, console: Console, *, as_json: bool) -> None:
    from streams.cli.render import STYLES, decision_line

    if as_json:
        print_json(decision)
    else:
        console.print(decision_line(decision), style=STYLES[decision.outcome])


def publish(
    paths: Annotated[list[str], typer.Argument(help="JSON Lines, - (standard input), or folders of media.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    source: Annotated[
        str | None, typer.Option("--source", help="Sender, where the input names none.")
    ] = None,
    source_kind: Annotated[
        SourceKind | None, typer.Option("--source-kind", help="What the sender is, where unsaid.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Print each decision; end when all are made.")] = False,
) -> None:
    """Publish uploads; lines that are no uploads are listed, the rest is published."""
    from streams.cli.publishing import publish_all
    from streams.cli.reading import check_paths, media_roots, read_given
    from streams.core.records import Outcome
    from streams.core.upload_json import parse_upload
    from streams.core.visible import visible
    from streams.edges.media_roots import add_media_roots

    check_paths(paths)
    settings = settings_for(data_dir, bootstrap=bootstrap)
    if roots := media_roots(paths):
        add_media_roots(settings.data_dir, roots)
    given = read_given(
        paths,
        parse=parse_upload,
        standard_input=sys.stdin.buffer,
        source=source,
        source_kind=source_kind.value if source_kind else None,
    )
    refused = 0
    with progress_bar(as_json=as_json) as bar:
        talk, shown = above(bar, messages()), above(bar, output())
        sent = bar.add_task("published", total=None)
        decided = bar.add_task("decided", total=None) if wait else None

        def counted() -> Iterator[Given]:
            yield from given
            bar.update(sent, total=run.published)

        run = publish_all(settings, counted(), wait=wait)
        for event in run:
            if event.problem is not None:
                refused += 1
                said = f"{event.problem.where}: {event.problem.problem} [{event.problem.code}]"
                talk.print(visible(said))
            elif event.decision is not None:
                refused += event.decision.outcome is Outcome.rejected
                if decided is not None:
                    bar.update(decided, advance=1, total=event.published)
                _show(event.decision, shown, as_json=as_json)
            bar.update(sent, completed=event.published)
    talk, total = messages(), run.published
    if as_json and not wait:
        print_json({"published": total, "refused": refused})
    else:
        talk.print(f"{total} published, {refused} refused.")
    if refused:
        raise typer.Exit(1)
