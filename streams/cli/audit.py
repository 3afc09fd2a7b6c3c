"""`samesong audit`: prove that nothing is lost, doubled or torn."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, Bootstrap, DataDir, output, print_json, settings_for, wiring


def audit(
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    once: Annotated[bool, typer.Option("--once", help="One pass; exit 1 on a mismatch.")] = False,
) -> None:
    """Check every hop of the log against the next; without --once, again and again until Ctrl-C."""
    settings = settings_for(data_dir, bootstrap=bootstrap)
    if not once:
        wiring().run_stage("audit", settings)
        return
    report = wiring().audit_once(settings)
    if as_json:
        print_json({"clean": report.clean, "mismatches": report.mismatches, "checked": dict(report.checked)})
    else:
        from streams.core.visible import visible

        console = output()
        for hop, count in report.checked.items():
            console.print(f"{count:>8} {hop}")
        for found in report.mismatches:
            said = f"{found.hop}: {found.what} {found.subject}: {found.detail}"
            console.print(visible(said), style="red")
        console.print("Everything adds up." if report.clean else f"{len(report.mismatches)} mismatches.")
    if not report.clean:
        raise typer.Exit(1)
