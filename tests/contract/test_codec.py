"""Both codecs keep the contract; Confluent's here over a registry in memory."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.records import Upload
from streams.edges.avro import AvroCodec
from streams.edges.registry import ConfluentCodec, MemoryRegistry
from streams.errors import DecodeError
from streams.ports import Codec
from tests.contract.codec_contract import CodecContract
from tests.contract.sample_records import full

CODECS: dict[str, Callable[[], Codec]] = {
    "single_object": AvroCodec,
    "confluent": lambda: ConfluentCodec(MemoryRegistry()),
}


class TestSingleObject(CodecContract):
    @pytest.fixture
    def codec(self) -> Codec:
        return AvroCodec()


class TestConfluent(CodecContract):
    @pytest.fixture
    def codec(self) -> Codec:
        return ConfluentCodec(MemoryRegistry())


@pytest.mark.parametrize("name", CODECS)
@given(noise=st.binary(max_size=200), place=st.integers(min_value=0, max_value=1000))
def test_damaged_bytes_are_refused_or_read(name: str, noise: bytes, place: int) -> None:
    codec = CODECS[name]()
    data = codec.encode("catalog.upload.v1", full(Upload))
    damaged = data[:10] + data[10 : 10 + place] + noise + data[10 + place + len(noise) :]
    with contextlib.suppress(DecodeError):
        codec.decode("catalog.upload.v1", damaged)
