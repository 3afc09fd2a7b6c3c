"""What the runners rely on of reading and seeking, shown of the simulated brokers and of real ones."""

import time

from confluent_kafka import KafkaError, TopicPartition

from streams.edges.kafka_config import (
    stateful_consumer_config,
)
from streams.edges.log_reader import LogReader
from tests.contract.either_kafka import (
    CALL,
    DEADLINE,
    Kafka,
    name,
    read,
    until,
    write,
    writer,
)


def test_a_consumer_goes_where_it_is_sent_and_knows_where_it_is(kafka: Kafka) -> None:
    topic = kafka.topic()
    write(writer(kafka), topic, b"0", b"1", b"2", b"3")
    consumer = kafka.platform.consumer(stateful_consumer_config(kafka.bootstrap, group_id=name()))
    consumer.assign([TopicPartition(topic, 0, 1)])
    assert read(kafka, consumer, 2) == [b"1", b"2"]
    assert consumer.position([TopicPartition(topic, 0)])[0].offset == 3
    consumer.seek(TopicPartition(topic, 0, 0))
    assert read(kafka, consumer, 4) == [b"0", b"1", b"2", b"3"]
    assert consumer.position([TopicPartition(topic, 0)])[0].offset == 4
    consumer.close()


def test_a_paused_partition_gives_nothing_until_it_is_resumed(kafka: Kafka) -> None:
    one, other = kafka.topic(), kafka.topic()
    write(writer(kafka), one, b"1")
    write(writer(kafka), other, b"2", b"3")
    consumer = kafka.platform.consumer(stateful_consumer_config(kafka.bootstrap, group_id=name()))
    consumer.assign([TopicPartition(one, 0, 0), TopicPartition(other, 0, 0)])
    consumer.pause([TopicPartition(one, 0)])
    assert read(kafka, consumer, 2) == [b"2", b"3"]
    assert consumer.poll(1.0) is None
    consumer.resume([TopicPartition(one, 0)])
    assert read(kafka, consumer, 1) == [b"1"]
    consumer.close()


def test_the_end_of_a_partition_is_said_where_that_is_asked_for(kafka: Kafka) -> None:
    topic, producer = kafka.topic(), writer(kafka, name())
    producer.begin_transaction()
    write(producer, topic, b"1")
    producer.commit_transaction(CALL)
    settings = stateful_consumer_config(kafka.bootstrap, group_id=name())
    consumer = kafka.platform.consumer({**settings, "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    ends: list[tuple[int | None, int | None]] = []
    deadline = time.monotonic() + DEADLINE
    while not ends:
        assert time.monotonic() < deadline
        message = consumer.poll(0.5)
        error = message.error() if message is not None else None
        if message is not None and error is not None:
            ends.append((error.code(), message.offset()))
    assert ends == [(KafkaError._PARTITION_EOF, 2)]
    consumer.close()


def test_an_offset_that_is_not_there_is_an_error_where_state_depends_on_it(kafka: Kafka) -> None:
    topic = kafka.topic()
    write(writer(kafka), topic, b"1")
    consumer = kafka.platform.consumer(stateful_consumer_config(kafka.bootstrap, group_id=name()))
    consumer.assign([TopicPartition(topic, 0, 7)])
    deadline = time.monotonic() + DEADLINE
    error = None
    while error is None:
        assert time.monotonic() < deadline
        message = consumer.poll(0.5)
        error = message.error() if message is not None else None
    assert error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
    consumer.close()


def test_compaction_keeps_the_latest_of_each_key_at_its_offset(kafka: Kafka) -> None:
    topic, producer = kafka.topic(compacted=True), writer(kafka)
    for value in (b"1", b"2", b"3"):
        write(producer, topic, value, key=b"a")
        write(producer, topic, value, key=b"b")

    def kept() -> dict[int, bytes | None]:
        with LogReader(kafka.bootstrap, platform=kafka.platform) as reader:
            return {
                message.offset: message.value
                for message in reader.read_committed_to_end(topic, 0)
                if message.key != b"filler"
            }

    def compacted() -> bool:
        # The newest segment is never compacted: something has to follow.
        write(producer, topic, b"", key=b"filler")
        kafka.compact()
        return len(kept()) == 2

    until(kafka, compacted)
    assert kept() == {4: b"3", 5: b"3"}
