"""`samesong audit`: prove that nothing is lost, doubled or torn."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import AsJson, Bootstrap, DataDir, messages, output, print_json, settings_for, wiring

if TYPE_CHECKING:
    from streams.core.audit import AuditReport, Mismatch


def audit(
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    once: Annotated[bool, typer.Option("--once", help="One look, hop by hop.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks.")] = 60.0,
) -> None:
    """Check every hop of the log against the next; without --once, again and again until Ctrl-C.

    Exit status 1 when any look found a mismatch, 2 when Kafka does not answer the first one, else 0.
    """
    from streams.cli.reaching import reached
    from streams.errors import TransientError

    settings = settings_for(data_dir, bootstrap=bootstrap)
    reached(settings)
    running = wiring().auditor(settings)
    report: AuditReport = running.look()
    if once:
        _show_hops(report, as_json=as_json)
        if not report.clean:
            raise typer.Exit(1)
        return
    looks = _Looks(as_json=as_json)
    try:
        looks.show(report)
        while True:
            time.sleep(every)
            try:
                looks.show(running.look())
            except TransientError as exc:
                messages().print(f"no look this time: {exc} [{exc.code}]")
    except KeyboardInterrupt:
        if looks.found_any:
            raise typer.Exit(1) from None


class _Looks:
    """One look after the other, for a person or as JSON Lines; a mismatch is shown when it comes and goes."""

    def __init__(self, *, as_json: bool) -> None:
        self.found_any = False
        self._as_json = as_json
        self._shown: dict[str, Mismatch] = {}

    def show(self, report: AuditReport) -> None:
        """Show what one look found."""
        self.found_any = self.found_any or not report.clean
        at = datetime.now(UTC).isoformat(timespec="seconds")
        if self._as_json:
            print_json({"at": at, **_plain(report)})
            return
        console = output()
        now = {_said(found): found for found in report.mismatches}
        for said in now.keys() - self._shown.keys():
            console.print(said, style="red")
        for said in self._shown.keys() - now.keys():
            console.print(f"no more: {said}", style="green")
        self._shown = now
        count = sum(report.checked.values())
        verdict = "everything adds up" if report.clean else f"{len(report.mismatches)} mismatches"
        console.print(f"{at}  {count} checked, {verdict}", style=None if report.clean else "red")


def _show_hops(report: AuditReport, *, as_json: bool) -> None:
    """Show one look, hop by hop."""
    if as_json:
        print_json(_plain(report))
        return
    console = output()
    console.print(f"{'checked':>8}  at")
    for hop, count in report.checked.items():
        console.print(f"{count:>8}  {hop}")
    for found in report.mismatches:
        console.print(_said(found), style="red")
    console.print("Everything adds up." if report.clean else f"{len(report.mismatches)} mismatches.")


def _plain(report: AuditReport) -> dict[str, object]:
    return {"clean": report.clean, "mismatches": report.mismatches, "checked": dict(report.checked)}


def _said(found: Mismatch) -> str:
    from streams.core.visible import visible

    return visible(f"{found.hop}: {found.what} {found.subject}: {found.detail}")
