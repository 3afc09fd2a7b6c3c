"""What the runners rely on of transactions, shown of the simulated brokers and of real ones."""

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as RawMessage
from confluent_kafka.cimpl import murmur2

from streams.edges.kafka_errors import ErrorClass, classify, is_fenced, kafka_error
from tests.contract.either_kafka import (
    CALL,
    Kafka,
    end,
    name,
    until,
    values,
    write,
    writer,
)


def test_a_transaction_is_seen_once_it_is_committed(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), writer(kafka, name())
    producer.begin_transaction()
    write(producer, topic, b"1", b"2")
    assert values(kafka, topic) == []
    assert end(kafka, topic) == 0
    producer.commit_transaction(CALL)
    until(kafka, lambda: values(kafka, topic) == [b"1", b"2"])
    assert end(kafka, topic) == 3  # the marker has an offset too


def test_an_aborted_transaction_is_never_seen(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), writer(kafka, name())
    producer.begin_transaction()
    write(producer, topic, b"1", b"2")
    producer.abort_transaction(CALL)
    producer.begin_transaction()
    write(producer, topic, b"3")
    producer.commit_transaction(CALL)
    until(kafka, lambda: end(kafka, topic) == 5)
    assert values(kafka, topic) == [b"3"]


def test_an_open_transaction_holds_readers_at_its_first_record(kafka: Kafka) -> None:
    topic, producer, other = kafka.topic(), writer(kafka, name()), writer(kafka)
    write(other, topic, b"before")
    producer.begin_transaction()
    write(producer, topic, b"open")
    write(other, topic, b"after")
    assert end(kafka, topic) == 1
    assert values(kafka, topic) == [b"before"]
    producer.abort_transaction(CALL)
    until(kafka, lambda: values(kafka, topic) == [b"before", b"after"])


def test_a_newer_producer_ends_the_older_ones_transaction_and_its_right_to_write(kafka: Kafka) -> None:
    topic, shared = kafka.topic(), name()
    older = writer(kafka, shared)
    older.begin_transaction()
    write(older, topic, b"old")
    newer = writer(kafka, shared)
    newer.begin_transaction()
    write(newer, topic, b"new")
    newer.commit_transaction(CALL)
    with pytest.raises(KafkaException) as caught:
        older.commit_transaction(CALL)
    error = kafka_error(caught.value)
    assert is_fenced(error)
    assert classify(error) is ErrorClass.fatal
    until(kafka, lambda: values(kafka, topic) == [b"new"])


def test_a_transaction_that_outlives_its_time_is_aborted_and_its_producer_fenced(kafka: Kafka) -> None:
    topic = kafka.topic()
    producer = writer(kafka, name(), **{"transaction.timeout.ms": 2_000, "message.timeout.ms": 1_500})
    producer.begin_transaction()
    write(producer, topic, b"late")
    assert end(kafka, topic) == 0
    until(kafka, lambda: end(kafka, topic) == 2)
    with pytest.raises(KafkaException) as caught:
        producer.commit_transaction(CALL)
    assert classify(kafka_error(caught.value)) is ErrorClass.fatal
    assert values(kafka, topic) == []


def test_delivery_tells_the_offset_and_keys_choose_partitions_as_everywhere(kafka: Kafka) -> None:
    topic, producer = kafka.topic(4), writer(kafka)
    told: dict[bytes, tuple[int | None, int | None]] = {}
    keys = [b"%d" % number for number in range(20)]
    for key in keys:

        def on_delivery(error: KafkaError | None, message: RawMessage, key: bytes = key) -> None:
            assert error is None
            told[key] = message.partition(), message.offset()

        producer.produce(topic, b"", key, on_delivery=on_delivery)
    assert producer.flush(CALL) == 0
    assert {key: partition for key, (partition, _) in told.items()} == {key: murmur2(key, 4) for key in keys}
    for number in range(4):
        offsets = [offset for partition, offset in told.values() if partition == number]
        assert offsets == list(range(len(offsets)))
