"""`samesong evaluate`: how good the resolver is on labelled sets, and what another bundle would change."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import AsJson, DataDir, output, print_json, settings_for, wiring, writable

if TYPE_CHECKING:
    from streams.core.bundle import Bundle
    from streams.evaluation.figures import SetReport
    from streams.evaluation.run import Asked


def evaluate(
    sets: Annotated[list[str] | None, typer.Argument(help="Labelled sets; by default all.")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="A bundle instead of the packaged one.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="The folder that holds the labelled sets.", show_default=False),
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(
            "--held-out",
            help="A folder of bundles fitted without a set (SET.json) or a fold of it (SET.fold0.json ...).",
            show_default=False,
        ),
    ] = None,
    orders: Annotated[
        int | None,
        typer.Option("--orders", help="Random orders of each stream; the worst is told.", show_default=False),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option("--sample", help="About this many of each set, whole clusters.", show_default=False),
    ] = None,
    floors: Annotated[
        bool, typer.Option("--floors", help="Fixed samples, one order; a figure below its floor fails.")
    ] = False,
    diff: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--diff", help="Two bundles: what the second changes.", show_default=False),
    ] = None,
    uploads: Annotated[
        Path | None,
        typer.Option("--uploads", help="With --diff: uploads of your own, JSON Lines.", show_default=False),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write all of it, with the worst cases, as Markdown.",
            show_default=False,
            callback=writable,
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Measure the resolver on labelled sets: figures, targets, floors and the worst cases."""
    from streams.evaluation.run import Asked

    asked = Asked(names=sets or (), data=data, floors=floors, size=sample, orders=orders)
    if diff is not None:
        _diff(asked, diff, uploads, report, data_dir, as_json=as_json)
        return
    if uploads is not None:
        raise typer.BadParameter("goes with --diff", param_hint="--uploads")
    _evaluate(asked, bundle, held_out, report, data_dir, as_json=as_json)


def _evaluate(
    asked: Asked,
    bundle_path: Path | None,
    held_out: Path | None,
    report: Path | None,
    data_dir: Path | None,
    *,
    as_json: bool,
) -> None:
    from streams.cli.evaluated import as_markdown, as_plain, checks_table, set_table
    from streams.core.bundle import Bundle
    from streams.evaluation.run import evaluate as run
    from streams.evaluation.targets import checks

    bundle = _bundle(bundle_path) if bundle_path is not None else Bundle.packaged()
    others = {path.stem: _bundle(path) for path in sorted(held_out.glob("*.json"))} if held_out else {}

    def finished(own: SetReport, beside: SetReport | None) -> None:
        if not as_json:
            output().print(set_table(own, beside))

    with wiring().offline_parts(settings_for(data_dir)) as parts:
        done = run(asked, bundle, parts, progress=_progress, finished=finished, held_out=others)
    held = list(checks(done.reports)) if not asked.size else []
    broken = [check for check in held if asked.floors and check.above_floor is False]
    if as_json:
        print_json(as_plain(done, held))
    elif held:
        output().print(checks_table(held, floors=asked.floors))
    if report is not None:
        report.write_text(as_markdown(done, held), encoding="utf-8")
    for name, why in done.absent.items():
        sys.stderr.write(f"absent: {name}: {why}\n")
    for check in broken:
        sys.stderr.write(
            f"below its floor: {check.target.set}: {check.target.name} {check.figure.value:.4f}, "
            f"floor {check.target.floor}\n"
        )
    if broken or (asked.names and done.absent):
        raise typer.Exit(1)


def _diff(
    asked: Asked,
    bundles: tuple[Path, Path],
    uploads: Path | None,
    report: Path | None,
    data_dir: Path | None,
    *,
    as_json: bool,
) -> None:
    from streams.cli.evaluated import diff_markdown, diff_plain
    from streams.evaluation.run import diff as run

    before, after = (_bundle(path) for path in bundles)
    with wiring().offline_parts(settings_for(data_dir)) as parts:
        diffs, absent = run(asked, before, after, parts, uploads=uploads, progress=_progress)
    text = diff_markdown(before.version, after.version, diffs)
    if report is not None:
        report.write_text(text, encoding="utf-8")
    if as_json:
        print_json(diff_plain(before.version, after.version, diffs, absent))
    else:
        output().print(text)
    for name, why in absent.items():
        sys.stderr.write(f"absent: {name}: {why}\n")
    if asked.names and absent:
        raise typer.Exit(1)


def _bundle(path: Path) -> Bundle:
    from streams.core.bundle import Bundle
    from streams.errors import UnreadableInput

    try:
        return Bundle.from_json(path.read_bytes())
    except OSError as exc:
        raise UnreadableInput(f"{path}: {exc.strerror or exc}") from exc


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"evaluating {what}\n")
