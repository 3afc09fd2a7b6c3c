"""The Confluent codec over a real registry, which also holds the schemas to their modes."""

import json
from collections.abc import Iterator

import pytest

from streams.core.records import Verdict
from streams.edges.avro import schema_text
from streams.edges.registry import ConfluentCodec, ConfluentRegistry, register_all, subjects
from streams.errors import ConfigError
from streams.ports import Codec
from streams.records_by_topic import TOPIC_RECORDS
from tests.contract.codec_contract import CodecContract
from tests.contract.sample_records import full
from tests.integration.registry_server import apicurio

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with apicurio(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture
def registry(url: str) -> Iterator[ConfluentRegistry]:
    connected = ConfluentRegistry(url)
    yield connected
    connected.close()


class TestRealRegistry(CodecContract):
    @pytest.fixture
    def codec(self, registry: ConfluentRegistry) -> Codec:
        return ConfluentCodec(registry)


def test_another_process_reads_what_one_wrote(url: str) -> None:
    record = full(Verdict)
    writer, reader = ConfluentRegistry(url), ConfluentRegistry(url)
    data = ConfluentCodec(writer).encode("review.verdict.v1", record)
    assert ConfluentCodec(reader).decode("review.verdict.v1", data) == record
    writer.close()
    reader.close()


def test_every_schema_is_registered_and_protected(registry: ConfluentRegistry) -> None:
    ids = register_all(registry)
    assert ids.keys() == TOPIC_RECORDS.keys()
    assert register_all(registry) == ids
    name = subjects()["review.verdict.v1"].name
    broken = json.loads(schema_text("review.verdict.v1"))
    broken["fields"] = [{"name": "other", "type": "long"}]
    with pytest.raises(ConfigError, match="refuses"):
        registry.register(name, json.dumps(broken))
    added = json.loads(schema_text("review.verdict.v1"))
    added["fields"].append({"name": "added", "type": ["null", "string"], "default": None})
    assert registry.register(name, json.dumps(added)) != ids["review.verdict.v1"]
