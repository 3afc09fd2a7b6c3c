"""`samesong entity` and `samesong models promote`: what is published, and what as-of means."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.cli.as_of import AsOf, parse_as_of
from streams.cli.entities import Change, entity_view, fold
from streams.core.bundle import Bundle
from streams.core.records import (
    AdminCommand,
    EntityChanged,
    EntitySide,
    ItemKey,
    Promotion,
    RelationChanged,
)
from streams.errors import SchemaError

run = CliRunner().invoke


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Collect what would go to Kafka."""
    said: list[object] = []
    known = fold([change(1, entity_id="e1"), change(2, entity_id="e2")], None, last=2)
    monkeypatch.setattr("streams.cli.entities.as_it_stood", lambda _settings, _wanted: known)
    for name in ("publish_command", "publish_promotion"):
        monkeypatch.setattr(f"streams.cli.publishing.{name}", lambda _settings, record: said.append(record))
    return said


def test_commands_name_entities_and_members(published: list[object], tmp_path: Path) -> None:
    there = ["--data-dir", str(tmp_path), "--by", "ana"]
    assert run(app, ["entity", "merge", "e1", "e2", *there]).exit_code == 0
    assert run(app, ["entity", "split", "e1", "--member", "s/a/1", *there]).exit_code == 0
    assert run(app, ["entity", "unmerge", "e2", *there]).exit_code == 0
    commands = [each for each in published if isinstance(each, AdminCommand)]
    assert [(each.command, each.entity_ids, each.members, each.by) for each in commands] == [
        ("merge", ("e1", "e2"), (), "ana"),
        ("split", ("e1",), (ItemKey("s", "a/1").text(),), "ana"),
        ("unmerge", ("e2",), (), "ana"),
    ]
    assert len({each.command_id for each in commands}) == 3


def test_first_letters_become_whole_ids_before_anything_is_published(
    published: list[object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = fold([change(1, entity_id="aa-1"), change(2, entity_id="ab-2")], None, last=2)
    monkeypatch.setattr("streams.cli.entities.as_it_stood", lambda _settings, _wanted: known)
    there = ["--data-dir", str(tmp_path)]
    for ids, says in ((["a", "ab"], "may be any of: aa-1, ab-2"), (["aa", "x"], "No entity x")):
        said = run(app, ["entity", "merge", *ids, *there])
        assert (said.exit_code, published) == (1, [])
        assert says in said.output
    assert run(app, ["entity", "merge", "aa", "ab", *there]).exit_code == 0
    (command,) = published
    assert isinstance(command, AdminCommand)
    assert command.entity_ids == ("aa-1", "ab-2")


def test_a_bundle_is_promoted_with_its_digest(published: list[object], tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(Bundle.packaged().to_json())
    assert run(app, ["models", "promote", str(file), "--data-dir", str(tmp_path)]).exit_code == 0
    (promotion,) = published
    assert isinstance(promotion, Promotion)
    assert promotion.sha256 == hashlib.sha256(promotion.payload).hexdigest()
    assert (promotion.subject, promotion.version) == ("bundle", Bundle.packaged().version)


def test_what_makes_no_sense_is_not_published(published: list[object], tmp_path: Path) -> None:
    there = ["--data-dir", str(tmp_path)]
    assert run(app, ["entity", "merge", "e1", "e1", *there]).exit_code == 2
    assert run(app, ["entity", "split", "e1", "--member", "no-slash", *there]).exit_code == 2
    file = tmp_path / "bundle.json"
    file.write_bytes(b"{}")
    with pytest.raises(SchemaError, match="not a bundle"):
        run(app, ["models", "promote", str(file), *there], catch_exceptions=False)
    assert published == []


# --- as of ---

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", AsOf(sequence=0)),
        ("1204", AsOf(sequence=1204)),
        ("2026-01-31T12:00:00Z", AsOf(at_ms=1_769_860_800_000)),
        ("2026-01-31t14:00:00.25+02:00", AsOf(at_ms=1_769_860_800_250)),
        ("2026-01-31T12:00:00.0019Z", AsOf(at_ms=1_769_860_800_001)),
        ("2026-01-31T12:00:00.009+00:00", AsOf(at_ms=1_769_860_800_009)),
    ],
)
def test_a_sequence_or_an_instant_is_understood(text: str, expected: AsOf) -> None:
    assert parse_as_of(text, now=NOON + timedelta(seconds=1)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-01-31T12:00:00", "zone"),
        ("2026-01-31", "zone"),
        ("2026-01-31 12:00", "zone"),
        ("2026-01-31T12:00:01Z", "has not come yet"),
        ("2026-02-30T12:00:00Z", "no instant"),
        ("-3", "neither"),
        ("+3", "neither"),
        ("yesterday", "neither"),
        ("", "neither"),
        ("\u0663", "neither"),
    ],
)
def test_what_could_be_read_two_ways_or_not_at_all_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_as_of(text, now=NOON)


def test_the_command_says_so_before_it_asks_any_broker(tmp_path: Path) -> None:
    said = run(app, ["entity", "e1", "--as-of", "2026-01-31", "--data-dir", str(tmp_path)])
    assert said.exit_code == 2
    assert "--as-of" in said.output


def change(
    sequence: int, *members: str, entity_id: str = "E1", at_ms: int | None = None
) -> tuple[Change, int]:
    side = EntitySide(entity_id=entity_id, kind="recording", status="live", members=members)
    changed = EntityChanged(
        event_id=f"e{sequence}", sequence=sequence, part=1, parts=1, change="joined", sides=(side,)
    )
    return changed, 10 * sequence


# Sequences 1 and 3 are decisions that changed no entity.
LOG = [change(2, "a"), change(4, "a", "b"), change(5, "c", entity_id="E2"), change(6, "a")]


def members(wanted: AsOf | None, name: str = "E1") -> tuple[str, ...] | None:
    side = fold(LOG, wanted, last=9).catalogue.entities.get(name)
    return side.members if side is not None else None


def test_an_entity_is_shown_as_it_stood_after_a_sequence() -> None:
    stood = {sequence: members(AsOf(sequence=sequence)) for sequence in range(10)}
    both, one = ("a", "b"), ("a",)
    assert [stood[n] for n in range(10)] == [None, None, one, one, both, both, one, one, one, one]
    assert members(AsOf(sequence=4), "E2") is None
    assert members(None) == one
    view = entity_view(fold(LOG, AsOf(sequence=5), last=9), "E1")
    assert [event.sequence for event in view.history] == [2, 4]


def test_a_sequence_that_has_not_been_used_is_refused() -> None:
    with pytest.raises(ValueError, match="come to sequence 9, not yet to 10"):
        members(AsOf(sequence=10))


def test_an_entity_is_shown_as_it_stood_at_an_instant() -> None:
    assert [members(AsOf(at_ms=at_ms)) for at_ms in (19, 20, 39, 40, 59, 60, 999)] == [
        None, ("a",), ("a",), ("a", "b"), ("a", "b"), ("a",), ("a",),
    ]  # fmt: skip


def test_a_sequence_of_which_a_part_was_written_later_does_not_count_yet() -> None:
    relation = RelationChanged(
        event_id="r",
        sequence=4,
        part=2,
        parts=2,
        relation_id="R",
        relation="remix_of",
        from_entity="E1",
        to_entity="E2",
        status="asserted",
        probability=0.9,
    )
    changes: list[tuple[Change, int]] = [*LOG, (relation, 55)]
    assert fold(changes, AsOf(at_ms=54), last=9).catalogue.entities["E1"].members == ("a",)
    assert fold(changes, AsOf(at_ms=55), last=9).catalogue.entities["E1"].members == ("a", "b")
