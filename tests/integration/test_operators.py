"""Operators' commands and a promotion in the running service, across a killed arbiter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from streams.cli.app import app
from streams.cli.decisions import read_dated, read_records
from streams.cli.publishing import publish_command
from streams.config import load_settings
from streams.connection import bootstrap_of, codec_for
from streams.core.bundle import Bundle, Head
from streams.core.growing import CATALOGUE_SIZE
from streams.core.records import AdminCommand, DeadLetter, EntityChanged
from streams.edges.committed_log import CommittedLog
from streams.subscriber import compare_with_arbiter
from tests.integration.installation import DEADLINE_S, Installation
from tests.integration.test_pipeline import song
from tests.waiting import wait_until

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Run the service without models: records are found by their blocking keys."""
    environment = {"SAMESONG_MODELS_DIR": str(tmp_path_factory.mktemp("no_models"))}
    installation = Installation(tmp_path_factory.mktemp("operators"), environment)
    with installation.running():
        yield installation


def operate(service: Installation, *arguments: str) -> Result:
    said = CliRunner().invoke(app, [*arguments, "--data-dir", str(service.data_dir)])
    assert said.exit_code == 0, said.output
    return said


def records(service: Installation, topic: str) -> list[Any]:
    return list(read_records(load_settings(data_dir=service.data_dir), topic))


def dated(service: Installation) -> list[tuple[EntityChanged, int]]:
    return list(read_dated(load_settings(data_dir=service.data_dir), "entity.changed.v1"))


def changes(service: Installation) -> list[str]:
    """Name what changed, in order."""
    found = records(service, "entity.changed.v1")
    return [each.change for each in found if isinstance(each, EntityChanged)]


def letters(service: Installation) -> list[str]:
    found = records(service, "deadletter.v1")
    return [each.code for each in found if isinstance(each, DeadLetter)]


def test_merges_promotions_and_refusals_survive_a_kill_and_the_audit_is_clean(
    service: Installation, tmp_path: Path
) -> None:
    first, second = service.publish(song("ops", 1), song("ops", 2))
    elder, younger = first["entity_id"], second["entity_id"]
    operate(service, "entity", "merge", elder, younger)
    wait_until(lambda: changes(service)[-1:] == ["merged"], DEADLINE_S, "the merge")

    file = tmp_path / "bundle.json"
    file.write_bytes(replace(Bundle.packaged(), version="promoted").to_json())
    operate(service, "models", "promote", str(file))
    # The command line looks before it publishes; what another tool publishes is judged in the log.
    publish_command(
        load_settings(data_dir=service.data_dir),
        AdminCommand(command_id="c-1", command="merge", entity_ids=(elder, "nobody")),
    )
    wait_until(lambda: letters(service) == ["command_impossible"], DEADLINE_S, "the dead letter")
    service.kill("arbitrate")

    (other,) = service.publish(song("ops", 3))
    assert (other["outcome"], other["bundle_version"]) == ("new", "promoted")
    operate(service, "entity", "unmerge", younger)
    wait_until(lambda: changes(service)[-1:] == ["restored"], DEADLINE_S, "the inverse")
    merged = next(each for each in dated(service) if each[0].change == "merged")
    instant = datetime.fromtimestamp(merged[1] / 1000, UTC).isoformat(timespec="milliseconds")
    for as_of in (str(merged[0].sequence), instant):
        shown = orjson.loads(operate(service, "entity", younger, "--as-of", as_of, "--json").stdout)
        assert (shown["entity"]["status"], shown["stands_for"]) == ("redirected", elder), as_of
    shown = orjson.loads(operate(service, "entity", younger[:13], "--json").stdout)
    assert (shown["entity"]["status"], shown["stands_for"]) == ("live", younger)
    (copy,) = service.publish(song("copy", 2))
    assert (copy["outcome"], copy["entity_id"]) == ("match", younger)
    audit = CliRunner().invoke(app, ["audit", "--once", "--data-dir", str(service.data_dir)])
    assert audit.exit_code == 0, audit.output
    settings = load_settings(data_dir=service.data_dir)
    assert compare_with_arbiter(CommittedLog(bootstrap_of(settings)), codec_for(settings)) == ()


def test_the_size_in_force_follows_the_catalogue_across_a_kill(service: Installation, tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    head = Head(prior=-6.0, weights={})
    small = replace(Bundle.packaged(), recording=head, work=head, catalogue_size=4, measured_at=4)
    file.write_bytes(replace(small, version="small").to_json())
    operate(service, "models", "promote", str(file))
    service.publish(*(song("grow", number) for number in range(10, 16)))
    service.kill("arbitrate")
    wait_until(lambda: in_force(service).startswith("small@"), DEADLINE_S, "a larger size")
    (last,) = service.publish(song("grow", 20))
    assert last["bundle_version"] == in_force(service)
    assert int(in_force(service).removeprefix("small@")) >= 8
    said = orjson.loads(operate(service, "verify", "--json").stdout)
    assert (said["unknown_bundle"], said["wrong"]) == (0, [])
    operate(service, "audit", "--once")
    asked = [each for each in records(service, "model.promoted.v1") if each.subject == CATALOGUE_SIZE]
    assert len({each.promotion_id for each in asked}) == len(asked) > 0


def in_force(service: Installation) -> str:
    return str(records(service, "arbiter.head.v1")[-1].bundle_version)
