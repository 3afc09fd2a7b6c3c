"""Records are frozen values that `dataclasses` takes as its own; in one process they pass as they are."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.core.records import Artist, EncodedUpload, Operation, Origin, Upload
from streams.edges.avro import AvroCodec
from streams.edges.passing import PassingCodec
from streams.errors import DecodeError
from streams.stages.encode import ENCODED


def test_a_record_is_a_frozen_value() -> None:
    origin = Origin(topic="t", partition=0, offset=3)
    assert origin == Origin(topic="t", partition=0, offset=3)
    assert len({origin, Origin(topic="t", partition=0, offset=3), replace(origin, offset=4)}) == 2
    with pytest.raises(AttributeError):
        origin.offset = 4  # type: ignore[misc]


def test_dataclasses_takes_a_record_as_its_own() -> None:
    upload = Upload(source="a", item_id="1", artists=(Artist(name="Ada"),))
    assert dataclasses.replace(upload, title="Sun") == replace(upload, title="Sun")
    assert dataclasses.asdict(upload)["artists"][0]["name"] == "Ada"
    fields = {each.name: each for each in dataclasses.fields(Upload)}
    assert fields["source"].default is dataclasses.MISSING
    assert fields["title"].default is None
    assert fields["identifiers"].default_factory is not dataclasses.MISSING


def _encoded(title: str) -> EncodedUpload:
    return EncodedUpload(
        origin=Origin(topic="catalog.upload.v1", partition=0, offset=0),
        source="a",
        item_id="1",
        revision=1,
        operation=Operation.upsert,
        digest="d",
        received_ms=0,
        upload=Upload(source="a", item_id="1", title=title),
    )


def test_a_passing_codec_gives_the_very_record_back() -> None:
    codec, record = PassingCodec(AvroCodec()), _encoded("Sun")
    assert codec.decode(ENCODED, codec.encode(ENCODED, record)) is record


def test_a_passing_codec_reads_what_was_written() -> None:
    codec, record = PassingCodec(AvroCodec()), _encoded("Sun")
    assert codec.decode(ENCODED, AvroCodec().encode(ENCODED, record)) == record
    with pytest.raises(DecodeError):
        codec.decode(ENCODED, b"ticket")


@given(st.integers(0, 4_000))
def test_what_exceeds_a_bound_is_written_at_its_size(length: int) -> None:
    codec, record = PassingCodec(AvroCodec(), bounded={ENCODED: 2_000}), _encoded("x" * length)
    real = AvroCodec().encode(ENCODED, record)
    assert (len(codec.encode(ENCODED, record)) > 2_000) == (len(real) > 2_000)
