"""`samesong stage`: pause a stage without a deploy, let it go on, and see which are paused."""

from __future__ import annotations

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
from streams.cli.stages import Stage

if TYPE_CHECKING:
    from streams.config import Settings

stage = typer.Typer(help="Pause and resume stages.", no_args_is_help=True)

Name = Annotated[Stage, typer.Argument(help="Which one.")]
Partition = Annotated[
    int | None,
    typer.Option("--partition", min=0, help="Of encode: only this partition of the uploads."),
]


@stage.command()
def pause(
    name: Name,
    partition: Partition = None,
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Let a stage take nothing in, within a second, until it is resumed; restarts change nothing."""
    settings = settings_for(data_dir, bootstrap=bootstrap)
    _say(name, settings, partition=partition, paused=True, as_json=as_json, by=by, note=note)


@stage.command()
def resume(
    name: Name,
    partition: Partition = None,
    exempt_waiting: Annotated[
        bool,
        typer.Option("--exempt-waiting", help="With --partition: what waits there now may all be refused."),
    ] = False,
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    by: By = "",
    note: Note = None,
) -> None:
    """Let a paused stage, or a partition that was held for its refusals, go on where it was."""
    settings, exempt_before = settings_for(data_dir, bootstrap=bootstrap), 0
    if exempt_waiting:
        if partition is None:
            raise typer.BadParameter("--exempt-waiting needs --partition")
        from streams.cli.stage_status import end_of_uploads

        exempt_before = end_of_uploads(settings, partition)
    _say(
        name,
        settings,
        partition=partition,
        paused=False,
        as_json=as_json,
        by=by,
        note=note,
        exempt_before=exempt_before,
    )


@stage.command()
def status(
    name: Annotated[Stage | None, typer.Argument(help="Only this one.")] = None,
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Show which stages are paused, by whom and why, and what waits for each."""
    from streams.cli.stage_status import stage_rows

    rows = [
        row
        for row in stage_rows(settings_for(data_dir, bootstrap=bootstrap))
        if name is None or row.stage == name.value
    ]
    if as_json:
        for row in rows:
            print_json(row)
        return
    from rich.table import Table

    table = Table("stage", "intake", "since", "by", "why", "offsets behind", "process")
    for row in rows:
        waiting = "" if row.waiting is None else str(row.waiting)
        table.add_row(row.what, row.intake, row.since or "", row.by, row.why, waiting, row.process)
    output().print(table)


def _say(
    name: Stage,
    settings: Settings,
    *,
    partition: int | None,
    paused: bool,
    as_json: bool,
    by: str,
    note: str | None,
    exempt_before: int = 0,
) -> None:

    from streams.cli.publishing import publish_control
    from streams.core.records import StageControl

    if partition is not None and name is not Stage.encode:
        raise typer.BadParameter("only encode is paused by partition")
    if partition is not None:
        from streams.cli.stage_status import partitions_of_uploads

        if partition not in (known := partitions_of_uploads(settings)):
            raise typer.BadParameter(f"there is no partition {partition}, only {known[0]} to {known[-1]}")
    said = StageControl(
        stage=name.value,
        paused=paused,
        topic=None if partition is None else "catalog.upload.v1",
        partition=partition,
        by=person(by),
        note=note,
        exempt_before=exempt_before,
    )
    publish_control(settings, said)
    if as_json:
        print_json(said)
    else:
        what = "is to pause" if paused else "may go on"
        whole = name.value if partition is None else f"{name.value}, partition {partition},"
        messages().print(f"{whole} {what}; `samesong stage status` shows it.")
