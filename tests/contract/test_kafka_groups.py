"""What the runners rely on of groups and their offsets, shown of the simulated brokers and of real ones."""

from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.edges.kafka_config import (
    GroupProtocol,
    stateless_consumer_config,
)
from streams.edges.kafka_errors import ErrorClass, classify, is_fenced, kafka_error
from streams.edges.kafka_platform import KafkaConsumer
from tests.contract.either_kafka import CALL, Kafka, member, name, read, until, write, writer

PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", "consumer"])


@PROTOCOLS
def test_offsets_of_a_transaction_count_once_it_is_committed(kafka: Kafka, protocol: GroupProtocol) -> None:
    source, group, producer = kafka.topic(), name(), writer(kafka, name())
    write(writer(kafka), source, b"1", b"2", b"3")
    consumer = member(kafka, group, protocol)
    consumer.subscribe([source])
    assert read(kafka, consumer, 2) == [b"1", b"2"]
    where = [TopicPartition(source, 0, 2)]  # last + 1
    producer.begin_transaction()
    producer.send_offsets_to_transaction(where, consumer.consumer_group_metadata(), CALL)
    # While it is open nobody can be told the offset.
    with pytest.raises(KafkaException):
        consumer.committed([TopicPartition(source, 0)], timeout=2.0)
    producer.abort_transaction(CALL)
    assert consumer.committed([TopicPartition(source, 0)], timeout=CALL)[0].offset < 0
    producer.begin_transaction()
    producer.send_offsets_to_transaction(where, consumer.consumer_group_metadata(), CALL)
    producer.commit_transaction(CALL)
    assert consumer.committed([TopicPartition(source, 0)], timeout=CALL)[0].offset == 2
    consumer.close()
    successor = member(kafka, group, protocol)
    successor.subscribe([source])
    assert read(kafka, successor, 1) == [b"3"]
    successor.close()


@PROTOCOLS
def test_whoever_missed_a_generation_cannot_commit(kafka: Kafka, protocol: GroupProtocol) -> None:
    source, group, producer = kafka.topic(2), name(), writer(kafka, name())
    consumer, other = member(kafka, group, protocol), member(kafka, group, protocol)
    owned: set[int] = set()
    consumer.subscribe(
        [source],
        on_assign=lambda _, partitions: owned.update(each.partition for each in partitions),
        on_revoke=lambda _, partitions: owned.difference_update(each.partition for each in partitions),
    )
    until(kafka, lambda: len(owned) == 2, consumer)
    earlier = consumer.consumer_group_metadata()
    given: list[TopicPartition] = []
    other.subscribe([source], on_assign=lambda _, partitions: given.extend(partitions))
    until(kafka, lambda: bool(given) and len(owned) == 1, consumer, other)
    (kept,) = owned
    # What went to another never; what stayed counts in the newer protocol, where nothing was missed of it.
    refused = [1 - kept] if protocol == "consumer" else [kept, 1 - kept]
    for partition in refused:
        producer.begin_transaction()
        with pytest.raises(KafkaException) as caught:
            producer.send_offsets_to_transaction([TopicPartition(source, partition, 1)], earlier, CALL)
        assert classify(kafka_error(caught.value)) is ErrorClass.abortable
        producer.abort_transaction(CALL)
    if protocol == "consumer":
        producer.begin_transaction()
        producer.send_offsets_to_transaction([TopicPartition(source, kept, 1)], earlier, CALL)
        producer.commit_transaction(CALL)
        assert consumer.committed([TopicPartition(source, kept)], timeout=CALL)[0].offset == 1
    other.close()
    consumer.close()


@PROTOCOLS
def test_whoever_has_left_cannot_commit(kafka: Kafka, protocol: GroupProtocol) -> None:
    source, group, producer = kafka.topic(), name(), writer(kafka, name())
    write(writer(kafka), source, b"1")
    consumer = member(kafka, group, protocol)
    consumer.subscribe([source])
    read(kafka, consumer, 1)
    earlier = consumer.consumer_group_metadata()
    consumer.close()
    producer.begin_transaction()
    with pytest.raises(KafkaException) as caught:
        producer.send_offsets_to_transaction([TopicPartition(source, 0, 1)], earlier, CALL)
    assert classify(kafka_error(caught.value)) is ErrorClass.abortable
    producer.abort_transaction(CALL)


@PROTOCOLS
def test_a_rebalance_gives_up_before_it_gives_out(kafka: Kafka, protocol: GroupProtocol) -> None:
    source, group = kafka.topic(4), name()
    owned: dict[str, set[int]] = {"one": set(), "two": set()}
    told: list[str] = []

    def join(who: str) -> KafkaConsumer:
        def on_assign(_: object, partitions: Sequence[TopicPartition]) -> None:
            given = {each.partition for each in partitions}
            assert all(given.isdisjoint(held) for held in owned.values())
            owned[who] |= given

        def on_revoke(_: object, partitions: Sequence[TopicPartition]) -> None:
            owned[who] -= {each.partition for each in partitions}
            told.append(who)

        consumer = member(kafka, group, protocol)
        consumer.subscribe([source], on_assign=on_assign, on_revoke=on_revoke)
        return consumer

    one = join("one")
    until(kafka, lambda: len(owned["one"]) == 4, one)
    two = join("two")
    until(kafka, lambda: (len(owned["one"]), len(owned["two"])) == (2, 2), one, two)
    assert told == ["one"]
    one.close()
    assert owned["one"] == set()
    until(kafka, lambda: len(owned["two"]) == 4, two)
    two.close()


def test_only_who_gives_something_up_is_asked_to_in_the_newer_protocol(kafka: Kafka) -> None:
    source, group, producer = kafka.topic(4), name(), writer(kafka, name())
    write(writer(kafka), source, b"1")
    owned: dict[str, set[int]] = {}
    told: list[tuple[str, str]] = []

    def join(who: str) -> KafkaConsumer:
        def on_assign(_: object, partitions: Sequence[TopicPartition]) -> None:
            owned.setdefault(who, set()).update(each.partition for each in partitions)
            told.append((who, "given"))

        def on_revoke(_: object, partitions: Sequence[TopicPartition]) -> None:
            owned[who] -= {each.partition for each in partitions}
            told.append((who, "gave up"))

        consumer = member(kafka, group, "consumer")
        consumer.subscribe([source], on_assign=on_assign, on_revoke=on_revoke)
        return consumer

    one = join("one")
    until(kafka, lambda: len(owned.get("one", ())) == 4, one)
    two = join("two")
    until(kafka, lambda: [len(owned.get(who, ())) for who in ("one", "two")] == [2, 2], one, two)
    two.close()
    told.clear()
    # What comes back comes without anything being given up, and whoever has it goes on committing meanwhile.
    where = min(owned["one"])
    while len(owned["one"]) < 4:
        one.poll(0.1)
        producer.begin_transaction()
        offsets = [TopicPartition(source, where, 1)]
        producer.send_offsets_to_transaction(offsets, one.consumer_group_metadata(), CALL)
        producer.commit_transaction(CALL)
    assert {what for _, what in told} == {"given"}
    assert one.committed([TopicPartition(source, where)], timeout=CALL)[0].offset == 1
    one.close()


def test_settings_of_the_classic_protocol_are_refused_in_the_newer_one(kafka: Kafka) -> None:
    settings = stateless_consumer_config(kafka.bootstrap, group_id=name(), protocol="consumer")
    with pytest.raises(KafkaException):
        kafka.platform.consumer({**settings, "session.timeout.ms": 6_000})


def test_a_named_member_takes_its_place_again_and_its_earlier_self_is_fenced(kafka: Kafka) -> None:
    source, group, producer = kafka.topic(4), name(), writer(kafka, name())
    owned: dict[str, set[int]] = {}
    told: list[tuple[str, str]] = []

    def join(who: str, named: str) -> KafkaConsumer:
        def on_assign(_: object, partitions: Sequence[TopicPartition]) -> None:
            owned.setdefault(who, set()).update(each.partition for each in partitions)
            told.append((who, "given"))

        def on_revoke(_: object, partitions: Sequence[TopicPartition]) -> None:
            owned[who] -= {each.partition for each in partitions}
            told.append((who, "gave up"))

        consumer = member(kafka, group, named=named)
        consumer.subscribe([source], on_assign=on_assign, on_revoke=on_revoke)
        return consumer

    one, other = join("one", "a"), join("other", "b")
    until(kafka, lambda: [len(owned.get(who, ())) for who in ("one", "other")] == [2, 2], one, other)
    earlier = one.consumer_group_metadata()
    told.clear()
    again = join("again", "a")
    until(kafka, lambda: len(owned.get("again", ())) == 2, again, other)
    assert owned["again"] == owned["one"]
    assert [each for each in told if each[0] == "other"] == []
    producer.begin_transaction()
    with pytest.raises(KafkaException) as caught:
        producer.send_offsets_to_transaction([TopicPartition(source, min(owned["one"]), 0)], earlier, CALL)
    assert is_fenced(kafka_error(caught.value))
    fenced: list[KafkaError] = []

    def is_told() -> bool:
        message = one.poll(0.2)
        error = message.error() if message is not None else None
        if error is not None and classify(error) is ErrorClass.fatal:
            fenced.append(error)
        return bool(fenced)

    until(kafka, is_told, other, again)
    for each in (again, other, one):
        each.close()


def test_a_commit_that_is_not_waited_for_is_told_while_polling(kafka: Kafka) -> None:
    source, group = kafka.topic(), name()
    write(writer(kafka), source, b"1", b"2")
    told: list[tuple[KafkaError | None, list[TopicPartition]]] = []
    consumer = kafka.platform.consumer(
        stateless_consumer_config(kafka.bootstrap, group_id=group),
        on_commit=lambda error, offsets: told.append((error, offsets)),
    )
    consumer.subscribe([source])
    read(kafka, consumer, 2)
    consumer.commit(offsets=[TopicPartition(source, 0, 2)], asynchronous=True)
    until(kafka, lambda: bool(told), consumer)
    error, offsets = told[0]
    assert error is None
    assert [(each.topic, each.partition, each.offset) for each in offsets] == [(source, 0, 2)]
    assert consumer.committed([TopicPartition(source, 0)], timeout=CALL)[0].offset == 2
    consumer.close()
