"""`samesong doctor`: check every component and say the fix."""

from __future__ import annotations

import typer

from streams.cli.common import AsJson, Bootstrap, DataDir, output, print_json, settings_for


def doctor(data_dir: DataDir = None, bootstrap: Bootstrap = None, as_json: AsJson = False) -> None:
    """Check everything the service needs, and say how to mend what is wrong."""
    from streams.cli.checks import State, run_checks

    styles = {State.good: "green", State.note: "yellow", State.wrong: "red"}
    findings = []
    console = output()
    for finding in run_checks(settings_for(data_dir, bootstrap=bootstrap)):
        findings.append(finding)
        if not as_json:
            console.print(
                f"{finding.state.value:<6} {finding.what:<12} {finding.found}", style=styles[finding.state]
            )
            if finding.fix:
                console.print(f"{'':<6} {'':<12} fix: {finding.fix}")
    if as_json:
        print_json(findings)
    if any(finding.state is State.wrong for finding in findings):
        raise typer.Exit(1)
