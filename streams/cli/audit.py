"""`samesong audit`: prove that nothing is lost, doubled or torn."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, DataDir, output, print_json, settings_for, wiring


def audit(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    once: Annotated[bool, typer.Option("--once", help="One pass; exit 1 on a mismatch.")] = False,
) -> None:
    """Check every hop of the log against the next; without --once, again and again until Ctrl-C."""
    settings = settings_for(data_dir)
    if not once:
        wiring().run_stage("audit", settings)
        return
    report = wiring().audit_once(settings)
    if as_json:
        print_json(report)
    else:
        output().print(str(report))
    if report.mismatches:
        raise typer.Exit(1)
