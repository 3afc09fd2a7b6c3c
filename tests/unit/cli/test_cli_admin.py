"""`samesong admin`: what is published for the arbiter."""

import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.core.records import AdminCommand, ItemKey, Promotion
from streams.core.scoring import Bundle
from streams.errors import SchemaError

run = CliRunner().invoke


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Collect what would go to Kafka."""
    said: list[object] = []
    for name in ("publish_command", "publish_promotion"):
        monkeypatch.setattr(f"streams.cli.publishing.{name}", lambda _settings, record: said.append(record))
    return said


def test_commands_name_entities_and_members(published: list[object], tmp_path: Path) -> None:
    there = ["--data-dir", str(tmp_path), "--by", "ana"]
    assert run(app, ["admin", "merge", "e1", "e2", *there]).exit_code == 0
    assert run(app, ["admin", "split", "e1", "--member", "s/a/1", *there]).exit_code == 0
    assert run(app, ["admin", "unmerge", "e2", *there]).exit_code == 0
    commands = [each for each in published if isinstance(each, AdminCommand)]
    assert [(each.command, each.entity_ids, each.members, each.by) for each in commands] == [
        ("merge", ("e1", "e2"), (), "ana"),
        ("split", ("e1",), (ItemKey("s", "a/1").text(),), "ana"),
        ("unmerge", ("e2",), (), "ana"),
    ]
    assert len({each.command_id for each in commands}) == 3


def test_a_bundle_is_promoted_with_its_digest(published: list[object], tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(Bundle.packaged().to_json())
    assert run(app, ["admin", "promote", str(file), "--data-dir", str(tmp_path)]).exit_code == 0
    (promotion,) = published
    assert isinstance(promotion, Promotion)
    assert promotion.sha256 == hashlib.sha256(promotion.payload).hexdigest()
    assert (promotion.subject, promotion.version) == ("bundle", Bundle.packaged().version)


def test_what_makes_no_sense_is_not_published(published: list[object], tmp_path: Path) -> None:
    there = ["--data-dir", str(tmp_path)]
    assert run(app, ["admin", "merge", "e1", "e1", *there]).exit_code == 2
    assert run(app, ["admin", "split", "e1", "--member", "no-slash", *there]).exit_code == 2
    file = tmp_path / "bundle.json"
    file.write_bytes(b"{}")
    with pytest.raises(SchemaError, match="not a bundle"):
        run(app, ["admin", "promote", str(file), *there], catch_exceptions=False)
    assert published == []
