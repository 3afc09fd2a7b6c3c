"""`samesong index`: the vector index, which is a fold of the log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, messages, output, print_json, settings_for, wiring

index = typer.Typer(help="The vector index and its builds.", no_args_is_help=True)

Build = Annotated[str, typer.Argument(metavar="BUILD", help="As `samesong index builds` names it.")]


@index.command()
def rebuild(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Fold the log into a new build, verify it, and switch the alias to it."""
    build = wiring().rebuild_index(settings_for(data_dir))
    if as_json:
        print_json(asdict(build))
    else:
        messages().print(
            f"The index now answers from build {build.name}: {build.rows} rows, up to {build.watermark}."
        )


@index.command()
def recheck(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    since: Annotated[
        int | None,
        typer.Option(
            "--since",
            min=0,
            metavar="OFFSET",
            help="Of index.row.v1; by default where a build last proved to hold what its log says.",
        ),
    ] = None,
) -> None:
    """Search again for what was decided while the index lacked rows, and propose merges.

    For after a rebuild: nothing is written, `samesong entity merge` joins what you agree with.
    """
    from streams.core.visible import visible

    found = wiring().recheck_index(settings_for(data_dir), since=since)
    if as_json:
        print_json(asdict(found))
        return
    for each in found.proposals:
        pair = visible(f"{each.upload} and {each.other} ({', '.join(each.proposed_by)})")
        output().print(f"{each.log_odds:+.1f}  {pair}", soft_wrap=True)
        output().print(f"      samesong entity merge {each.other_entity_id} {each.entity_id}", soft_wrap=True)
    messages().print(
        f"{found.rows} rows since offset {found.since} were looked up again; "
        f"{len(found.proposals)} merges are proposed."
    )


@index.command()
def builds(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the builds of the index."""
    found = wiring().index_builds(settings_for(data_dir))
    if as_json:
        print_json([asdict(build) for build in found])
        return
    if not found:
        messages().print("There is no build yet: the index stage makes the first one.")
    for build in found:
        state = "active" if build.active else "being filled" if build.filling else "kept for roll-back"
        output().print(f"{build.name}  {build.rows} rows, up to {build.watermark}, {state}")


@index.command()
def promote(build: Build, data_dir: DataDir = None) -> None:
    """Switch the alias to a build, such as back to the one before a rebuild."""
    now = wiring().promote_build(settings_for(data_dir), build)
    messages().print(f"The index now answers from build {now.name}: {now.rows} rows, up to {now.watermark}.")


@index.command()
def drop(build: Build, data_dir: DataDir = None) -> None:
    """Delete a build that is not active."""
    wiring().drop_build(settings_for(data_dir), build)
    messages().print(f"Index build {build} is gone.")
