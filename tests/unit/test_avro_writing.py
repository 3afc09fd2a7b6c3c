"""What our writer writes is what fastavro writes, whatever the record; what does not fit is refused."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import msgspec
import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st

from streams.core.records import DriftAlert, EntityState, IndexRow, Kind, Origin, Upload, UploadState
from streams.edges.avro import current_schema, write_body
from streams.edges.avro_writing import long, writer
from streams.errors import SchemaError
from streams.records_by_topic import TOPIC_RECORDS
from tests.contract.sample_records import full, least

LONGS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("topic", TOPIC_RECORDS)
def test_a_full_record_is_written_as_fastavro_writes_it(topic: str, seed: int) -> None:
    record = full(TOPIC_RECORDS[topic], seed=seed)
    assert write_body(topic, record, head=b"") == _by_fastavro(topic, record)


@pytest.mark.parametrize("topic", TOPIC_RECORDS)
def test_a_bare_record_is_written_as_fastavro_writes_it(topic: str) -> None:
    record = least(TOPIC_RECORDS[topic])
    assert write_body(topic, record, head=b"") == _by_fastavro(topic, record)


@given(number=LONGS)
def test_a_whole_number_is_written_as_fastavro_writes_it(number: int) -> None:
    buffer = BytesIO()
    schemaless_writer(buffer, parse_schema("long"), number)
    assert long(number) == buffer.getvalue()


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
    offsets=LONGS,
    live=st.booleans(),
    title=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5_000),
    kind=st.sampled_from(Kind),
)
def test_values_of_any_length_are_written_as_fastavro_writes_them(
    names: list[str], offsets: int, live: bool, title: str | None, kind: Kind
) -> None:
    record = UploadState(
        source="s",
        item_id="i",
        revision=offsets,
        digest="",
        withdrawn_up_to=0,
        live=live,
        decision_id="d",
        origin=Origin(topic="t", partition=0, offset=offsets),
        kind=kind,
        blocking_keys=tuple(names),
        title=title,
    )
    topic = "upload.state.v1"
    assert write_body(topic, record, head=b"") == _by_fastavro(topic, record)


@pytest.mark.parametrize(
    ("topic", "spoil"),
    [
        ("entity.state.v1", lambda: _with(EntityState, minted_sequence=2**63)),
        ("entity.state.v1", lambda: _with(EntityState, minted_sequence="1")),
        ("entity.state.v1", lambda: _with(EntityState, members=("a", 1))),
        ("entity.state.v1", lambda: _with(EntityState, founder=None)),
        ("entity.state.v1", lambda: _with(EntityState, founder="\ud800")),
        ("index.row.v1", lambda: _with(IndexRow, values="text")),
        ("index.row.v1", lambda: _with(IndexRow, sound="text")),
        ("drift.alert.v1", lambda: _with(DriftAlert, distance="text")),
        ("catalog.upload.v1", lambda: _with(Upload, operation="upsert")),
    ],
)
def test_what_does_not_fit_is_refused(topic: str, spoil: Callable[[], Any]) -> None:
    record = spoil()
    with pytest.raises(SchemaError, match=topic):
        write_body(topic, record, head=b"")


@pytest.mark.parametrize(
    "wrong", ["float", ["string", "null"], ["null", "string", "long"], {"type": "fixed"}]
)
def test_a_type_that_no_schema_of_ours_has_is_refused(wrong: Any) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": wrong}]}
    with pytest.raises(ValueError, match="no schema of ours"):
        writer(schema)


def _by_fastavro(topic: str, record: object) -> bytes:
    buffer = BytesIO()
    schemaless_writer(
        buffer, current_schema(topic), msgspec.to_builtins(record, builtin_types=(bytes,)), strict=True
    )
    return buffer.getvalue()


def _with(cls: type, **wrong: object) -> Any:
    return msgspec.structs.replace(full(cls), **wrong)
