"""Compiled Avro writes and reads what fastavro does, and refuses what is cut, torn or of another type."""

import contextlib
import dataclasses
import json
import types
import typing
from enum import StrEnum
from functools import cache
from io import BytesIO
from typing import Any

import msgspec
import pytest
from fastavro import schemaless_reader, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.records import Decision, EntityState, Upload, Verdict
from streams.edges.avro import current_schema, read_body, schema_text, write_body
from streams.edges.avro_compiled import CompiledSchema, rest_of_varint, varint
from streams.errors import DecodeError, SchemaError
from streams.records_by_topic import TOPIC_RECORDS
from tests.contract.sample_records import full

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=90)
LONG = st.integers(-(2**63), 2**63 - 1)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: LONG | st.integers(-70, 70),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=200),
}


@cache
def any_value(hint: Any) -> st.SearchStrategy[Any]:
    """Make values of an annotation, records whole."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.none() | any_value(next(a for a in arguments if a is not type(None)))
    if origin is tuple:
        return st.lists(any_value(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXT, any_value(arguments[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        record: Any = hint
        return st.builds(record, **{f.name: any_value(hints[f.name]) for f in dataclasses.fields(hint)})
    return PLAIN[hint]


def plain(value: Any) -> Any:
    """Give a record as fastavro takes it, the branch of each union named."""
    if dataclasses.is_dataclass(value):
        found = {}
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name)
            optional = typing.get_origin(typing.get_type_hints(type(value))[field.name]) in (
                types.UnionType,
                typing.Union,
            )
            named = optional and dataclasses.is_dataclass(inner)
            found[field.name] = (f"samesong.{type(inner).__name__}", plain(inner)) if named else plain(inner)
        return found
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value.value if isinstance(value, StrEnum) else value


@pytest.mark.parametrize("topic", TOPIC_RECORDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_bytes_and_records_are_those_of_fastavro(topic: str, data: st.DataObject) -> None:
    record = data.draw(any_value(TOPIC_RECORDS[topic]))
    theirs = BytesIO()
    schemaless_writer(theirs, current_schema(topic), plain(record))
    ours = write_body(topic, record, head=b"")
    assert ours == theirs.getvalue()
    read = read_body(topic, ours, start=0, writer=current_schema(topic))
    assert read == record
    resolved = schemaless_reader(BytesIO(ours), current_schema(topic))
    assert msgspec.convert(resolved, TOPIC_RECORDS[topic], builtin_types=(bytes,)) == record


@pytest.mark.parametrize("topic", TOPIC_RECORDS)
def test_a_body_that_is_cut_anywhere_is_refused(topic: str) -> None:
    body = write_body(topic, full(TOPIC_RECORDS[topic]), head=b"head")
    schema = current_schema(topic)
    for end in range(4, len(body), max(1, len(body) // 150)):
        with pytest.raises(DecodeError):
            read_body(topic, body[:end], start=4, writer=schema)
    with pytest.raises(DecodeError, match="after the end"):
        read_body(topic, body + b"\x00", start=4, writer=schema)


@given(place=st.integers(0, 2_000), noise=st.binary(min_size=1, max_size=12))
@settings(deadline=None)
def test_torn_bytes_are_refused_or_read(place: int, noise: bytes) -> None:
    topic = "resolution.decided.v1"
    body = write_body(topic, full(Decision), head=b"")
    torn = body[:place] + noise + body[place + len(noise) :]
    with contextlib.suppress(DecodeError):
        read_body(topic, torn, start=0, writer=current_schema(topic))


@given(st.integers(0, 2**64 - 1))
def test_a_number_reads_as_it_was_written(value: int) -> None:
    written = varint(value)
    assert len(written) <= 10
    if value > 127:
        assert rest_of_varint(written[0], written, 1) == (value, len(written))


def test_a_number_of_more_than_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        varint(2**64)
    for data in (b"\xff" * 9 + b"\x02", b"\x80" * 11 + b"\x01"):
        with pytest.raises(ValueError, match=r"64 bits|ten bytes"):
            rest_of_varint(data[0], data, 1)
    with pytest.raises(IndexError):
        rest_of_varint(0x80, b"\x80", 1)


def test_blocks_with_their_size_are_read() -> None:
    # The specification lets a writer say minus the count, then the block's bytes, then its entries.
    schema = CompiledSchema(json.loads(schema_text("entity.state.v1")))
    record = full(EntityState)
    out = bytearray()
    schema.write(record, out)
    entries = b"".join(bytes([2 * len(each.encode())]) + each.encode() for each in record.members)
    assert len(entries) < 64
    usual = b"\x04" + entries + b"\x00"
    assert usual in bytes(out)
    sized = b"\x03" + bytes([2 * len(entries)]) + entries + b"\x00"
    data = bytes(out).replace(usual, sized)
    assert schema.read(data, 0) == (record, len(data))


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict_id": None},
        {"verdict_id": 3},
        {"note": 3},
        {"by": b"bytes"},
        {"by": "\ud800"},
    ],
)
def test_a_value_of_another_type_is_refused(changed: dict[str, Any]) -> None:
    record = msgspec.structs.replace(full(Verdict), **changed)
    with pytest.raises(SchemaError, match=r"review\.verdict\.v1"):
        write_body("review.verdict.v1", record, head=b"")


@pytest.mark.parametrize("revision", [2**63, -(2**63) - 1, 1.5, "1"])
def test_a_number_that_is_no_long_is_refused(revision: Any) -> None:
    record = msgspec.structs.replace(full(Upload), revision=revision)
    with pytest.raises(SchemaError):
        write_body("catalog.upload.v1", record, head=b"")
