"""The bill of materials and the audit of dependencies: what cannot be asked is said, what is found fails."""

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ADDED = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}]}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
NO_ROUTE = "requests.exceptions.ConnectionError: HTTPSConnectionPool: Max retries exceeded"


@pytest.fixture(scope="module")
def dependencies() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dependencies", ROOT / "deploy" / "dependencies.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["dependencies"] = module
    spec.loader.exec_module(module)
    return module


def said(*found: dict[str, Any], error: str = "") -> "subprocess.CompletedProcess[str]":
    """Give what the tool says; nothing but an error when it found nothing at all."""
    out = json.dumps({"dependencies": found, "fixes": []}) if found else ""
    return subprocess.CompletedProcess(args=[], returncode=int(bool(error)), stdout=out, stderr=error)


def run(module: ModuleType, *, required: bool = False, **answers: "subprocess.CompletedProcess[str]") -> int:
    status: int = module.audit(required=required, ask=lambda service: answers[service])
    return status


def test_a_finding_fails_and_is_named(dependencies: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(dependencies, osv=said(ADDED, BAD)) == 1
    assert "bad 2: PYSEC-1, mended in 3" in capsys.readouterr().err


def test_no_finding_passes_and_says_how_many_were_asked_about(
    dependencies: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(dependencies, osv=said(ADDED, UNKNOWN)) == 0
    assert "1 packages audited by osv, 0 findings, 1 packages unknown" in capsys.readouterr().out


def test_the_next_service_is_asked_where_one_cannot_be_reached(dependencies: ModuleType) -> None:
    assert run(dependencies, osv=said(error=NO_ROUTE), pypi=said(BAD)) == 1


@pytest.mark.parametrize("pypi", [said(UNKNOWN), said(error=NO_ROUTE)], ids=["knows nothing", "no route"])
def test_nothing_audited_is_said_and_fails_only_where_it_is_required(
    dependencies: ModuleType,
    capsys: pytest.CaptureFixture[str],
    pypi: "subprocess.CompletedProcess[str]",
) -> None:
    assert run(dependencies, osv=said(error=NO_ROUTE), pypi=pypi) == 0
    assert "NOT AUDITED" in capsys.readouterr().out
    assert run(dependencies, required=True, osv=said(error=NO_ROUTE), pypi=pypi) == 1


def test_a_tool_that_breaks_is_no_pass(dependencies: ModuleType) -> None:
    with pytest.raises(dependencies.ToolFailed):
        run(dependencies, osv=said(error="usage: pip-audit [-h]"))


def test_the_bill_names_each_jar_with_its_digest(dependencies: ModuleType) -> None:
    lock = (ROOT / "streams" / "edges" / "kafka_jars.lock").read_text(encoding="utf-8")
    found = dependencies.jars(lock)
    assert len(found) > 40
    kafka = next(each for each in found if each["name"] == "kafka_2.13")
    assert kafka["purl"].startswith("pkg:maven/org.apache.kafka/kafka_2.13@4.")
    assert all(len(each["hashes"][0]["content"]) == 64 for each in found)
    package = {"name": "a", "version": "1", "purl": "pkg:pypi/a@1", "description": "x" * 10_000}
    bom = dependencies.with_jars({"components": [package], "specVersion": "1.6"}, found)
    assert len(bom["components"]) == len(found) + 1
    assert "description" not in bom["components"][-1]
