"""`samesong audit`, once and as it goes on."""

import importlib
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from streams.cli import app
from streams.core.audit import AuditReport, Mismatch
from streams.errors import BrokerUnavailable

LOST = Mismatch(hop="encode", what="lost", subject="catalog.upload.v1[0]@7", detail="\x1b[2Jnever encoded")
CLEAN = AuditReport(mismatches=(), checked={"encode": 3, "find": 2})
WRONG = AuditReport(mismatches=(LOST,), checked={"encode": 4, "find": 2})


def looking(
    monkeypatch: pytest.MonkeyPatch, *looks: AuditReport | BaseException, arguments: tuple[str, ...] = ()
) -> Result:
    """Run the command over these looks; after the last one comes Ctrl-C."""
    coming: Iterator[AuditReport | BaseException] = iter(looks)

    def look() -> AuditReport:
        look = next(coming, KeyboardInterrupt())
        if isinstance(look, BaseException):
            raise look
        return look

    module = importlib.import_module("streams.cli.audit")
    monkeypatch.setattr(
        module, "wiring", lambda: SimpleNamespace(auditor=lambda _settings: SimpleNamespace(look=look))
    )
    monkeypatch.setattr("streams.cli.reaching.reached", lambda _settings: "k:1")
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)
    return CliRunner().invoke(app, ["audit", *arguments])


@pytest.mark.parametrize(("report", "status"), [(CLEAN, 0), (WRONG, 1)])
def test_one_look_tells_hop_by_hop(report: AuditReport, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    done = looking(monkeypatch, report, arguments=("--once",))
    assert done.exit_code == status
    assert f"{report.checked['encode']:>8}  encode" in done.output
    assert ("Everything adds up." in done.output) is report.clean


def test_it_goes_on_and_says_what_came_and_went(monkeypatch: pytest.MonkeyPatch) -> None:
    done = looking(monkeypatch, CLEAN, WRONG, WRONG, BrokerUnavailable("no Kafka"), CLEAN)
    assert done.exit_code == 1
    assert done.output.count("lost catalog.upload.v1[0]@7") == 2
    assert done.output.count("no more: encode: lost") == 1
    assert done.output.count("everything adds up") == 2
    assert "no look this time: no Kafka [broker_unavailable]" in done.output
    assert "\x1b" not in done.output


def test_nothing_wrong_until_ctrl_c_is_status_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looking(monkeypatch, CLEAN, CLEAN).exit_code == 0


def test_each_look_is_one_line_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    done = looking(monkeypatch, CLEAN, WRONG, arguments=("--json",))
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["clean"], second["clean"]) == (True, False)
    assert first["checked"] == {"encode": 3, "find": 2}
    assert second["mismatches"][0]["subject"] == LOST.subject
    assert {"at", "clean", "mismatches", "checked"} == set(first)
