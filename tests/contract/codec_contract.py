"""What every codec keeps: records come back equal, and bytes that are not a record are a DecodeError."""

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from streams.core.audit.parts import DecisionPart, InputPart, OriginPart
from streams.core.records import DriftAlert, EntityState, Operation, Upload
from streams.errors import DecodeError, SchemaError
from streams.ports import Codec
from streams.records_by_topic import TOPIC_RECORDS
from tests.contract.sample_records import full, least


class CodecContract:
    """The suite; a subclass has a fixture ``codec``."""

    @pytest.mark.parametrize("topic", TOPIC_RECORDS)
    @pytest.mark.parametrize("make", [full, least])
    def test_a_record_comes_back_equal(self, codec: Codec, topic: str, make: Callable[[type], Any]) -> None:
        record = make(TOPIC_RECORDS[topic])
        assert codec.decode(topic, codec.encode(topic, record)) == record

    @pytest.mark.parametrize("make", [full, least])
    @pytest.mark.parametrize(
        ("topic", "part"),
        [
            ("resolution.decided.v1", DecisionPart),
            ("arbiter.input.v1", InputPart),
            ("upload.encoded.v1", OriginPart),
            ("lookup.again.v1", OriginPart),
            ("deadletter.v1", OriginPart),
        ],
    )
    def test_a_part_is_what_the_whole_has(
        self, codec: Codec, topic: str, part: type, make: Callable[[type], Any]
    ) -> None:
        record = make(TOPIC_RECORDS[topic])
        found = codec.decode(topic, codec.encode(topic, record), part=part)
        assert found == msgspec.convert(msgspec.to_builtins(record), part)

    def test_a_part_of_what_is_cut_short_is_refused(self, codec: Codec) -> None:
        data = codec.encode("upload.encoded.v1", full(TOPIC_RECORDS["upload.encoded.v1"]))
        for end in range(10, len(data)):
            with pytest.raises(DecodeError):
                codec.decode("upload.encoded.v1", data[:end], part=OriginPart)

    def test_the_same_record_has_the_same_bytes(self, codec: Codec) -> None:
        assert codec.encode("catalog.upload.v1", full(Upload)) == codec.encode(
            "catalog.upload.v1", full(Upload)
        )

    def test_enums_and_tuples_come_back_as_such(self, codec: Codec) -> None:
        upload = Upload(source="s", item_id="i", operation=Operation.withdraw, languages=("en", "pt"))
        back = codec.decode("catalog.upload.v1", codec.encode("catalog.upload.v1", upload))
        assert back.operation is Operation.withdraw
        assert back.languages == ("en", "pt")

    def test_a_wrong_magic_is_refused(self, codec: Codec) -> None:
        data = codec.encode("catalog.upload.v1", full(Upload))
        with pytest.raises(DecodeError, match="begins with"):
            codec.decode("catalog.upload.v1", b"{" + data[1:])

    @pytest.mark.parametrize("size", [0, 1, 2, 4, 9])
    def test_a_cut_header_is_refused(self, codec: Codec, size: int) -> None:
        data = codec.encode("catalog.upload.v1", full(Upload))
        with pytest.raises(DecodeError):
            codec.decode("catalog.upload.v1", data[:size])

    def test_an_unknown_schema_is_refused(self, codec: Codec) -> None:
        data = codec.encode("catalog.upload.v1", full(Upload))
        with pytest.raises(DecodeError, match="no schema"):
            codec.decode("catalog.upload.v1", data[:2] + b"\xee\xee\xee\xee\xee\xee\xee\xee" + data[10:])

    def test_the_record_of_another_topic_is_refused(self, codec: Codec) -> None:
        data = codec.encode("drift.alert.v1", full(DriftAlert))
        with pytest.raises(DecodeError):
            codec.decode("catalog.upload.v1", data)

    def test_bytes_after_the_record_are_refused(self, codec: Codec) -> None:
        data = codec.encode("catalog.upload.v1", full(Upload))
        with pytest.raises(DecodeError, match="after the end"):
            codec.decode("catalog.upload.v1", data + b"\0")

    def test_every_cut_is_refused(self, codec: Codec) -> None:
        data = codec.encode("entity.state.v1", full(EntityState))
        for size in range(len(data)):
            with pytest.raises(DecodeError):
                codec.decode("entity.state.v1", data[:size])

    def test_a_record_of_another_class_is_not_written(self, codec: Codec) -> None:
        with pytest.raises(SchemaError, match="carries Upload"):
            codec.encode("catalog.upload.v1", full(EntityState))

    @pytest.mark.parametrize("revision", [2**63, "one", 1.5])
    def test_a_value_that_does_not_fit_is_not_written(self, codec: Codec, revision: Any) -> None:
        with pytest.raises(SchemaError):
            codec.encode("catalog.upload.v1", dataclasses.replace(full(Upload), revision=revision))
