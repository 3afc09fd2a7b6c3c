"""What every codec keeps: records come back equal, and bytes that are not a record are a DecodeError."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.records import DriftAlert, EntityState, Operation, Upload
from streams.edges.avro import AvroCodec
from streams.edges.registry import ConfluentCodec, MemoryRegistry
from streams.errors import DecodeError, SchemaError
from streams.ports import Codec
from streams.records_by_topic import TOPIC_RECORDS
from tests.contract.sample_records import full, least

CODECS: dict[str, Callable[[], Codec]] = {
    "single_object": AvroCodec,
    "confluent": lambda: ConfluentCodec(MemoryRegistry()),
}


@pytest.fixture(params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return CODECS[request.param]()


@pytest.mark.parametrize("topic", TOPIC_RECORDS)
@pytest.mark.parametrize("make", [full, least])
def test_a_record_comes_back_equal(codec: Codec, topic: str, make: Callable[[type], Any]) -> None:
    record = make(TOPIC_RECORDS[topic])
    assert codec.decode(topic, codec.encode(topic, record)) == record


def test_the_same_record_has_the_same_bytes(codec: Codec) -> None:
    assert codec.encode("catalog.upload.v1", full(Upload)) == codec.encode("catalog.upload.v1", full(Upload))


def test_enums_and_tuples_come_back_as_such(codec: Codec) -> None:
    upload = Upload(source="s", item_id="i", operation=Operation.withdraw, languages=("en", "pt"))
    back = codec.decode("catalog.upload.v1", codec.encode("catalog.upload.v1", upload))
    assert back.operation is Operation.withdraw
    assert back.languages == ("en", "pt")


def test_a_wrong_magic_is_refused(codec: Codec) -> None:
    data = codec.encode("catalog.upload.v1", full(Upload))
    with pytest.raises(DecodeError, match="begins with"):
        codec.decode("catalog.upload.v1", b"{" + data[1:])


@pytest.mark.parametrize("size", [0, 1, 2, 4, 9])
def test_a_cut_header_is_refused(codec: Codec, size: int) -> None:
    data = codec.encode("catalog.upload.v1", full(Upload))
    with pytest.raises(DecodeError):
        codec.decode("catalog.upload.v1", data[:size])


def test_an_unknown_schema_is_refused(codec: Codec) -> None:
    data = codec.encode("catalog.upload.v1", full(Upload))
    with pytest.raises(DecodeError, match="no schema"):
        codec.decode("catalog.upload.v1", data[:2] + b"\xee\xee\xee\xee\xee\xee\xee\xee" + data[10:])


def test_the_record_of_another_topic_is_refused(codec: Codec) -> None:
    data = codec.encode("drift.alert.v1", full(DriftAlert))
    with pytest.raises(DecodeError):
        codec.decode("catalog.upload.v1", data)


def test_bytes_after_the_record_are_refused(codec: Codec) -> None:
    data = codec.encode("catalog.upload.v1", full(Upload))
    with pytest.raises(DecodeError, match="after the end"):
        codec.decode("catalog.upload.v1", data + b"\0")


def test_every_cut_is_refused(codec: Codec) -> None:
    data = codec.encode("entity.state.v1", full(EntityState))
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            codec.decode("entity.state.v1", data[:size])


def test_a_record_of_another_class_is_not_written(codec: Codec) -> None:
    with pytest.raises(SchemaError, match="carries Upload"):
        codec.encode("catalog.upload.v1", full(EntityState))


@pytest.mark.parametrize("revision", [2**63, "one", None])
def test_a_value_that_does_not_fit_is_not_written(codec: Codec, revision: Any) -> None:
    with pytest.raises(SchemaError):
        codec.encode("catalog.upload.v1", dataclasses.replace(full(Upload), revision=revision))


@pytest.mark.parametrize("name", CODECS)
@given(noise=st.binary(max_size=200), place=st.integers(min_value=0, max_value=1000))
def test_damaged_bytes_are_refused_or_read(name: str, noise: bytes, place: int) -> None:
    codec = CODECS[name]()
    data = codec.encode("catalog.upload.v1", full(Upload))
    damaged = data[:10] + data[10 : 10 + place] + noise + data[10 + place + len(noise) :]
    with contextlib.suppress(DecodeError):
        codec.decode("catalog.upload.v1", damaged)
