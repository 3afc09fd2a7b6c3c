"""The demo's run: start the whole service, publish, show decisions, compare them with the truth, stop."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.table import Table

from streams.cli.publishing import publish_all
from streams.cli.reading import read_lines
from streams.cli.render import STYLES, decision_line, explanation
from streams.config import Settings, load_settings
from streams.connection import bootstrap_of, kafka_extra
from streams.core.audit import AuditReport
from streams.core.records import Decision, Outcome
from streams.core.upload_json import parse_upload
from streams.demo import drift
from streams.demo.drift import Shift, show_drift
from streams.demo.music import as_lines, prepare
from streams.demo.truth import Judged, Truth, Verdict, counts, judge, pairs
from streams.edges.media_roots import add_media_roots
from streams.edges.topics import ensure_topics
from streams.errors import BrokerUnavailable
from streams.wiring import auditor

READY_SECONDS = 300.0
STOP_SECONDS = 60.0


def run_demo(folder: Path, *, keep: bool = False) -> int:
    """Run the demo in a data folder of its own.

    Parameters
    ----------
    folder : Path
        emptied first, so that the catalogue starts empty, unless ``keep``
    keep : bool

    Returns
    -------
    status : int
        0 when every upload was decided (rightly or not: the summary says), the drift stage alerted after
        the shift and never before, and the audit found nothing, else 1
    """
    console, started = Console(soft_wrap=True), time.monotonic()
    marker = folder / "samesong-demo"
    if not keep and marker.is_file():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()
    settings = load_settings(data_dir=folder)
    # Publishing is the first span of each trace.
    telemetry = settings.telemetry.model_copy(update={"traces_file": True})
    settings = settings.model_copy(update={"telemetry": telemetry})
    cache = Path(platformdirs.user_cache_path("samesong")) / "demo"
    media, made = prepare(cache, progress=console.print)
    add_media_roots(folder, [media])
    console.print(f"Starting Kafka and every stage in {folder} ...")
    decisions: list[Decision] = []
    with _service(settings, log=folder / "up.log"):
        console.print(f"Ready after {time.monotonic() - started:.0f} s. Publishing {len(made)} uploads ...\n")
        # The label first: were both sent at once, either of a pair might be decided first and be "new".
        for source in dict.fromkeys(expectation.source for _, expectation in made):
            console.print(f"{source}:")
            wave = tuple(one for one in made if one[1].source == source)
            decisions += _publish(console, settings, as_lines(wave))
        console.print("\nA steady stream of invented English titles, for the drift monitor ...")
        shift = show_drift(settings, say=lambda line: console.print(line, highlight=False))
        audited = auditor(settings).look()
    judged = judge([expectation for _, expectation in made], decisions)
    _summary(console, judged)
    _explain_one(console, judged, folder)
    _say_drift(console, shift)
    _say_audit(console, audited)
    console.print(f"\n{time.monotonic() - started:.0f} s in all.")
    missing = any(one.verdict is Verdict.missing for one in judged)
    return 0 if not missing and shift.right and audited.clean else 1


def _publish(console: Console, settings: Settings, lines: list[bytes]) -> list[Decision]:
    """Publish, and show each decision as it comes."""
    decisions = []
    given = read_lines(lines, name="demo", parse=parse_upload)
    for event in publish_all(settings, given, wait=True):
        if event.problem is not None:
            console.print(f"{event.problem.where}: {event.problem.problem}", style="red", markup=False)
        if event.decision is not None:
            decisions.append(event.decision)
            style = STYLES[event.decision.outcome]
            console.print(decision_line(event.decision), style=style, markup=False, highlight=False)
    return decisions


@contextmanager
def _service(settings: Settings, *, log: Path) -> Iterator[None]:
    """Run `samesong up` as a child for as long as the block lasts.

    Raises
    ------
    BrokerUnavailable
        it ended, or was not ready in time; the message ends with what it said last
    """
    environment = {**os.environ, **drift.ENVIRONMENT, "SAMESONG_TELEMETRY__TRACES_FILE": "true"}
    command = [sys.executable, "-m", "streams.cli", "up", "--data-dir", str(settings.data_dir)]
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=out, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    try:
        _await_ready(child, settings, log)
        yield
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _await_ready(child: subprocess.Popen[bytes], settings: Settings, log: Path) -> None:
    """Wait until the broker answers and every topic is there; stages take what comes from then on."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        said = log.read_text(encoding="utf-8", errors="replace")[-1500:]
        if child.poll() is not None:
            raise BrokerUnavailable(f"`samesong up` ended with status {child.returncode}. {log} says: {said}")
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"`samesong up` was not ready within {READY_SECONDS:.0f} s: {said}")
        try:
            bootstrap, extra = bootstrap_of(settings), kafka_extra(settings)
            if not ensure_topics(bootstrap, extra, replication_factor=1, create=False).missing:
                return
        except BrokerUnavailable:
            pass  # not yet
        time.sleep(0.3)


def _summary(console: Console, judged: Sequence[Judged]) -> None:
    """Say how the decisions compare with the truth, counted from this run."""
    table = Table("what it is", *(verdict.value for verdict in Verdict), title="Decisions against the truth")
    for truth, row in counts(judged).items():
        table.add_row(truth.value, *(str(row[verdict]) for verdict in Verdict))
    console.print()
    console.print(table)
    found = pairs(judged)
    console.print(
        f"Pairs of the same recording: {found['found']} found, {found['missed']} missed; "
        f"{found['wrong']} joined wrongly."
    )
    for one in judged:
        if one.verdict is not Verdict.right:
            said = decision_line(one.decision) if one.decision is not None else "no decision"
            what = f"{one.expectation.item_id} ({one.expectation.what})"
            console.print(f"  {one.verdict.value}: {what}: {said}", markup=False, highlight=False)


def _explain_one(console: Console, judged: Sequence[Judged], folder: Path) -> None:
    """Show the evidence of one match, and where the rest is to be found."""
    matches = [
        one.decision
        for one in judged
        if one.decision is not None
        and one.decision.outcome is Outcome.match
        and one.expectation.truth is Truth.same
    ]
    if matches:
        shown = matches[0]
        console.print(f"\n$ samesong explain {shown.source} {shown.item_id}")
        console.print(explanation(shown), markup=False, highlight=False)
    console.print(f"\nAsk for more: samesong up --data-dir {folder}, then explain, entity, deadletters list.")
    traced = next((d.trace_id for d in reversed(matches) if d.trace_id), None)
    if traced is not None:
        console.print(f"Traces lie in {folder / 'traces'}: samesong trace {traced} --data-dir {folder}")


def _say_drift(console: Console, shift: Shift) -> None:
    """Say what the drift stage made of the stream, counted from this run."""
    console.print(
        f"\nDrift: {shift.calm} English-like titles: {len(shift.calm_judged)} windows judged, "
        f"false alerts: {len(shift.false)}. Then {shift.foreign} foreign ones, alerts: {len(shift.found)}."
    )
    for alert in shift.false:
        console.print(f"  false: {alert.code}: {alert.message}", style="red", markup=False, highlight=False)
    for alert in shift.found:
        after = f" {shift.alert_s:.1f} s after the first foreign title" if shift.alert_s is not None else ""
        console.print(
            f"  {drift.ALERTS}: {alert.code} of {alert.model}{after}: distance {alert.distance:.3f}, "
            f"threshold {alert.threshold:.3f}, p {alert.p_value:.4f}",
            markup=False,
            highlight=False,
        )
    if not shift.right:
        console.print("  This is not what was expected: see logs/drift.log in the data folder.", style="red")


def _say_audit(console: Console, report: AuditReport) -> None:
    """Say whether anything was lost, doubled or torn between the hops."""
    records = sum(report.checked.values())
    console.print(f"\nAudit: {records} records in {len(report.checked)} hops, ", end="")
    console.print(
        "nothing lost, doubled or torn." if report.clean else f"{len(report.mismatches)} mismatches."
    )
    for one in report.mismatches:
        console.print(f"  {one.hop}: {one.what} {one.subject}: {one.detail}", style="red", markup=False)
