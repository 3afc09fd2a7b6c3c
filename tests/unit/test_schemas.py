"""Schemas say what the records say, are listed, documented, and held to what was released."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from avro.schema import parse
from fastavro import parse_schema, schemaless_writer

from schemas import compatibility, generate
from streams.core.records import DriftAlert, Verdict
from streams.edges import avro
from streams.edges.registry import ConfluentCodec, MemoryRegistry, subjects
from streams.errors import ConfigError, DecodeError
from streams.records_by_topic import TOPIC_RECORDS
from streams.topics import TOPICS
from tests.contract.sample_records import full

VERDICT = "review.verdict.v1"


def test_committed_schemas_are_what_the_records_say() -> None:
    assert generate.main(["--check"]) == 0


def test_every_topic_has_a_record_a_schema_and_a_subject() -> None:
    names = {spec.name for spec in TOPICS}
    assert TOPIC_RECORDS.keys() == names
    assert subjects().keys() == names
    for topic, subject in subjects().items():
        assert subject.name == f"{topic}-value"
        assert subject.record == TOPIC_RECORDS[topic].__name__
        assert subject.compatibility in ("FULL", "FULL_TRANSITIVE")
        assert not subject.public or subject.compatibility == "FULL_TRANSITIVE"


@pytest.mark.parametrize("topic", TOPIC_RECORDS)
def test_every_field_is_documented(topic: str) -> None:
    for schema in _records(json.loads(avro.schema_text(topic))):
        assert schema["doc"]
        for field in schema["fields"]:
            assert len(field["doc"]) > 3, f"{schema['name']}.{field['name']}"


def _records(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _records(branch)
    elif isinstance(schema, dict):
        if schema.get("type") == "record":
            yield schema
            for field in schema["fields"]:
                yield from _records(field["type"])
        for inner in ("items", "values", "type"):
            if isinstance(schema.get(inner), dict | list):
                yield from _records(schema[inner])


@pytest.mark.parametrize("topic", TOPIC_RECORDS)
def test_fingerprints_are_those_of_apache_avro(topic: str) -> None:
    theirs = parse(avro.schema_text(topic)).fingerprint("CRC-64-AVRO")
    assert avro.fingerprint_of(avro.current_schema(topic)) == theirs


def test_the_fingerprint_of_a_known_schema() -> None:
    # The Avro specification's own example: the fingerprint of "null" is 63dd24e7cc258f8a.
    assert avro.fingerprint_of("null").hex() == "8a8f25cce724dd63"


def test_a_field_that_nobody_described_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no text"):
        generate.describe("Upload", "no_such_field")


def test_a_type_that_avro_cannot_carry_is_an_error() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: complex

    with pytest.raises(ConfigError, match="no Avro type"):
        generate.schema_of(Odd)


def test_a_stale_schema_is_named_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path)
    (tmp_path / "docs.toml").write_bytes((Path(avro.__file__).parents[2] / "schemas/docs.toml").read_bytes())
    assert generate.main(["--check"]) == 1
    assert "stale: catalog.upload.v1.avsc" in capsys.readouterr().err
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "gone.v1.avsc").write_text("{}")
    assert generate.main(["--check"]) == 1


# --- compatibility with what was released -------------------------------------------------------------


def test_committed_schemas_fit_what_was_released() -> None:
    assert compatibility.main([]) == 0


def _with_fields(topic: str, change: Any) -> str:
    schema = json.loads(avro.schema_text(topic))
    change(schema["fields"])
    return json.dumps(schema)


def _set_type(fields: list[dict[str, Any]], name: str, to: Any) -> None:
    for field in fields:
        if field["name"] == name:
            field.pop("default", None)
            field["type"] = to


def _problems(tmp_path: Path, text: str, mode: str = "FULL_TRANSITIVE") -> list[str]:
    current = tmp_path / "current"
    current.mkdir()
    (current / f"{VERDICT}.avsc").write_text(avro.schema_text(VERDICT))
    compatibility.release("0.1.0", current=current, baseline=tmp_path / "baseline")
    (current / f"{VERDICT}.avsc").write_text(text)
    found = compatibility.problems(current=current, baseline=tmp_path / "baseline", modes={VERDICT: mode})
    return list(found)


def test_a_field_added_with_a_default_fits(tmp_path: Path) -> None:
    added = {"name": "added", "type": ["null", "string"], "default": None}
    assert _problems(tmp_path, _with_fields(VERDICT, lambda fields: fields.append(added))) == []


def test_a_field_added_without_a_default_cannot_read_what_was_written(tmp_path: Path) -> None:
    added = {"name": "added", "type": "string"}
    (problem,) = _problems(tmp_path, _with_fields(VERDICT, lambda fields: fields.append(added)))
    assert "cannot read what 0.1.0 wrote" in problem
    assert "added" in problem


def test_a_field_that_is_gone_cannot_be_read_by_the_old(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, _with_fields(VERDICT, lambda fields: fields.pop(0)))
    assert "0.1.0 cannot read what it writes" in problem


def test_a_changed_type_fits_neither_way(tmp_path: Path) -> None:
    text = _with_fields(VERDICT, lambda fields: _set_type(fields, "judgement", "long"))
    assert len(_problems(tmp_path, text)) == 2


def test_a_symbol_added_to_an_enum_cannot_be_read_by_the_old() -> None:
    old = '{"type": "enum", "name": "samesong.E", "symbols": ["a"]}'
    new = '{"type": "enum", "name": "samesong.E", "symbols": ["a", "b"]}'
    assert compatibility.incompatibility(reader=new, writer=old) is None
    assert "b" in (compatibility.incompatibility(reader=old, writer=new) or "")


def test_a_topic_that_is_gone_or_not_listed_is_a_problem(tmp_path: Path) -> None:
    current = tmp_path / "current"
    current.mkdir()
    file = current / f"{VERDICT}.avsc"
    file.write_text(avro.schema_text(VERDICT))
    baseline = tmp_path / "baseline"
    compatibility.release("0.1.0", current=current, baseline=baseline)
    assert [
        "subjects.toml" in p for p in compatibility.problems(current=current, baseline=baseline, modes={})
    ] == [True]
    file.unlink()
    (problem,) = compatibility.problems(current=current, baseline=baseline, modes={VERDICT: "FULL"})
    assert "is gone" in problem


@pytest.mark.parametrize(("mode", "count"), [("FULL", 0), ("FULL_TRANSITIVE", 2)])
def test_transitive_modes_look_at_every_release(tmp_path: Path, mode: str, count: int) -> None:
    current = tmp_path / "current"
    current.mkdir()
    file = current / f"{VERDICT}.avsc"
    file.write_text(_with_fields(VERDICT, lambda fields: _set_type(fields, "judgement", "long")))
    compatibility.release("0.9.0", current=current, baseline=tmp_path / "baseline")
    file.write_text(avro.schema_text(VERDICT))
    compatibility.release("0.10.0", current=current, baseline=tmp_path / "baseline")
    found = compatibility.problems(current=current, baseline=tmp_path / "baseline", modes={VERDICT: mode})
    assert len(list(found)) == count


# --- reading what another version wrote ---------------------------------------------------------------


def _older() -> tuple[str, bytes]:
    """Return an older schema of a verdict, without `note` but with `mood`, and a record it wrote."""

    def change(fields: list[dict[str, Any]]) -> None:
        fields[:] = [field for field in fields if field["name"] != "note"]
        fields.append({"name": "mood", "type": "string", "default": ""})

    text = _with_fields(VERDICT, change)
    record = full(Verdict)
    plain = {name: getattr(record, name) for name in Verdict.__dataclass_fields__}
    buffer = BytesIO()
    schemaless_writer(buffer, parse_schema(json.loads(text)), {**plain, "mood": "glad"})
    return text, buffer.getvalue()


def test_what_a_released_schema_wrote_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text, body = _older()
    old = parse_schema(json.loads(text))
    known = {avro.fingerprint_of(old): old}
    monkeypatch.setattr(avro, "writers_of", lambda topic: known)
    record = avro.AvroCodec().decode(VERDICT, avro.MAGIC + avro.fingerprint_of(old) + body)
    assert record.note is None
    assert record.verdict_id == full(Verdict).verdict_id


def test_released_schemas_are_known_writers() -> None:
    current = avro.fingerprint_of(avro.current_schema(VERDICT))
    assert current in avro.writers_of(VERDICT)
    for version in compatibility.releases(compatibility.HERE / "baseline"):
        released = parse_schema(json.loads((version / f"{VERDICT}.avsc").read_text()))
        assert avro.fingerprint_of(released) in avro.writers_of(VERDICT)


def test_what_another_version_in_the_registry_wrote_is_read() -> None:
    text, body = _older()
    registry = MemoryRegistry()
    schema_id = registry.register(f"{VERDICT}-value", text)
    record = ConfluentCodec(registry).decode(VERDICT, b"\0" + schema_id.to_bytes(4, "big") + body)
    assert record.note is None


def test_the_schema_of_something_else_in_the_registry_is_refused() -> None:
    registry = MemoryRegistry()
    schema_id = registry.register("drift.alert.v1-value", avro.schema_text("drift.alert.v1"))
    data = ConfluentCodec(registry).encode("drift.alert.v1", full(DriftAlert))
    assert data[1:5] == schema_id.to_bytes(4, "big")
    with pytest.raises(DecodeError):
        ConfluentCodec(registry).decode(VERDICT, data)


def test_a_registry_entry_that_is_not_avro_is_refused() -> None:
    registry = MemoryRegistry()
    schema_id = registry.register("x", "message Foo {}")
    with pytest.raises(DecodeError, match="not Avro"):
        ConfluentCodec(registry).decode(VERDICT, b"\0" + schema_id.to_bytes(4, "big") + b"body")
