"""The audit over a real broker: transactions, aborted records and group offsets as Kafka keeps them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.core.records import (
    ArbiterHead,
    ArbiterInput,
    Decision,
    EncodedUpload,
    Found,
    Operation,
    Origin,
    Outcome,
)
from streams.edges.avro import AvroCodec
from streams.edges.broker import EmbeddedKafka
from streams.edges.committed_log import CommittedLog, committed_offsets, end_offsets, read_topic
from streams.edges.kafka_config import (
    idempotent_producer_config,
    stateless_consumer_config,
    transactional_producer_config,
)
from streams.edges.topics import ensure_topics
from streams.errors import BrokerUnavailable
from streams.stages.audit import run_audit

pytestmark = pytest.mark.broker
CODEC = AvroCodec()


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a broker of its own: the audit looks at every topic there is."""
    folder: Path = tmp_path_factory.mktemp("audit")
    with EmbeddedKafka(folder) as kafka:
        ensure_topics(kafka.bootstrap, replication_factor=1)
        yield kafka.bootstrap


def _encoded(origin: Origin) -> EncodedUpload:
    return EncodedUpload(
        origin=origin,
        source="s",
        item_id="i",
        revision=1,
        operation=Operation.upsert,
        digest="d",
        received_ms=1,
    )


def _commit(bootstrap: str, group: str, topic: str, partition: int, offset: int) -> None:
    consumer = Consumer(stateless_consumer_config(bootstrap, group_id=group))
    consumer.commit(offsets=[TopicPartition(topic, partition, offset)], asynchronous=False)
    consumer.close()


def _decision(origin: Origin, sequence: int) -> bytes:
    return CODEC.encode(
        "resolution.decided.v1",
        Decision(
            decision_id=str(sequence),
            sequence=sequence,
            origin=origin,
            source="s",
            item_id="i",
            revision=1,
            outcome=Outcome.new,
        ),
    )


def test_a_run_is_clean_until_a_stage_skips_a_record(bootstrap: str) -> None:
    view = CommittedLog(bootstrap)
    assert run_audit(view, CODEC, wait=lambda seconds: None).clean

    plain = Producer(idempotent_producer_config(bootstrap))
    first, second = (Origin(topic="catalog.upload.v1", partition=2, offset=offset) for offset in (0, 1))
    for origin in (first, second):
        plain.produce("catalog.upload.v1", b"{}", b"k", partition=2)
        encoded = _encoded(origin)
        plain.produce("upload.encoded.v1", CODEC.encode("upload.encoded.v1", encoded), b"k", partition=1)
        found = ArbiterInput(found=Found(encoded=encoded))
        plain.produce("arbiter.input.v1", CODEC.encode("arbiter.input.v1", found), b"k")
    assert plain.flush(15) == 0
    _commit(bootstrap, "samesong.encode", "catalog.upload.v1", 2, 2)
    _commit(bootstrap, "samesong.find", "upload.encoded.v1", 1, 2)

    arbiter = Producer(transactional_producer_config(bootstrap, transactional_id="audit-test"))
    arbiter.init_transactions(30)
    arbiter.begin_transaction()  # given up: nobody may count these
    arbiter.produce("resolution.decided.v1", _decision(first, 1))
    arbiter.produce("resolution.decided.v1", _decision(first, 2))
    arbiter.flush(15)
    arbiter.abort_transaction(30)
    arbiter.begin_transaction()
    arbiter.produce("resolution.decided.v1", _decision(first, 1))
    arbiter.produce("arbiter.head.v1", CODEC.encode("arbiter.head.v1", ArbiterHead(sequence=1)), b"0")
    group = Consumer(stateless_consumer_config(bootstrap, group_id="samesong.arbitrate"))
    arbiter.send_offsets_to_transaction(
        [TopicPartition("arbiter.input.v1", 0, 1)], group.consumer_group_metadata(), 30
    )
    arbiter.commit_transaction(30)
    report = run_audit(view, CODEC, wait=lambda seconds: None)
    assert report.mismatches == ()
    assert report.checked["sequence"] == 1
    assert report.checked["encode"] == 2

    _commit(bootstrap, "samesong.arbitrate", "arbiter.input.v1", 0, 2)
    group.close()
    (mismatch,) = run_audit(view, CODEC, wait=lambda seconds: None).mismatches
    assert (mismatch.hop, mismatch.what) == ("arbitrate", "lost")
    assert mismatch.subject == "catalog.upload.v1[2]@1"


def test_topics_are_read_to_the_ends_that_are_asked_for(bootstrap: str) -> None:
    plain = Producer(idempotent_producer_config(bootstrap))
    for number in range(5):
        plain.produce("drift.alert.v1", str(number).encode(), b"k")
    assert plain.flush(15) == 0
    assert end_offsets(bootstrap, None, ["drift.alert.v1"]) == {"drift.alert.v1": {0: 5}}
    assert [m.value for m in read_topic(bootstrap, None, "drift.alert.v1", ends={0: 3})] == [b"0", b"1", b"2"]
    assert len(list(read_topic(bootstrap, None, "drift.alert.v1"))) == 5


def test_a_group_that_never_committed_has_no_offsets(bootstrap: str) -> None:
    assert committed_offsets(bootstrap, None, "samesong.nobody", ["catalog.upload.v1"]) == {}


def test_a_topic_that_is_not_there_is_named(bootstrap: str) -> None:
    with pytest.raises(BrokerUnavailable, match=r"no topic missing\.v1"):
        list(read_topic(bootstrap, None, "missing.v1"))
