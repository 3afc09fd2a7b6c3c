"""What the runners rely on, shown of the simulated brokers and of real ones by the same tests."""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Protocol

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as RawMessage
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic, murmur2

from streams.edges.kafka_config import (
    GroupProtocol,
    idempotent_producer_config,
    stateful_consumer_config,
    stateless_consumer_config,
    transactional_producer_config,
)
from streams.edges.kafka_errors import ErrorClass, classify, is_fenced, kafka_error
from streams.edges.kafka_platform import MACHINE, KafkaConsumer, KafkaProducer, Platform
from streams.edges.log_reader import LogReader
from streams.simulation.broker import SimulatedBroker
from streams.simulation.groups import Cluster
from streams.simulation.process import SimulatedProcess
from streams.simulation.weather import Weather
from streams.simulation.world import World

CALL = 15.0
DEADLINE = 120.0


class Kafka(Protocol):
    """A cluster, simulated or real."""

    bootstrap: str
    platform: Platform

    def topic(self, partitions: int = 1, *, compacted: bool = False) -> str:
        """Make a topic."""
        ...

    def compact(self) -> None:
        """Let compacted topics be compacted, now or some time soon."""
        ...


class SimulatedKafka:
    def __init__(self) -> None:
        world = World(int(time.time()))
        self._broker = SimulatedBroker(())
        self.bootstrap = "simulated"
        self.platform: Platform = SimulatedProcess("test", Cluster(world, self._broker), Weather(), {})

    def topic(self, partitions: int = 1, *, compacted: bool = False) -> str:
        name = f"t{len(self._broker.counts)}"
        self._broker.create(name, partitions, compacted=compacted)
        return name

    def compact(self) -> None:
        self._broker.compact(1.0)


class RealKafka:
    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.platform: Platform = MACHINE

    def topic(self, partitions: int = 1, *, compacted: bool = False) -> str:
        name = f"t.{uuid.uuid4().hex}"
        settings = {}
        if compacted:
            settings = {
                "cleanup.policy": "compact",
                "segment.ms": "200",
                "min.cleanable.dirty.ratio": "0.001",
                "max.compaction.lag.ms": "200",
            }
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in admin.create_topics([NewTopic(name, partitions, 1, config=settings)]).values():
            future.result(30)
        return name

    def compact(self) -> None:
        time.sleep(1.0)  # the cleaner runs every 15 s by itself


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.broker)])
def kafka(request: pytest.FixtureRequest) -> Kafka:
    if request.param == "simulated":
        return SimulatedKafka()
    return RealKafka(request.getfixturevalue("broker"))


def writer(kafka: Kafka, name: str | None = None, **extra: int) -> KafkaProducer:
    if name is None:
        return kafka.platform.producer(idempotent_producer_config(kafka.bootstrap))
    producer = kafka.platform.producer(
        transactional_producer_config(kafka.bootstrap, extra, transactional_id=name)
    )
    producer.init_transactions(CALL)
    return producer


def member(
    kafka: Kafka, group: str, protocol: GroupProtocol = "classic", *, named: str | None = None
) -> KafkaConsumer:
    settings = stateless_consumer_config(
        kafka.bootstrap, group_id=group, protocol=protocol, instance_id=named
    )
    return kafka.platform.consumer(settings)


PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", "consumer"])


def values(kafka: Kafka, topic: str) -> list[bytes | None]:
    with LogReader(kafka.bootstrap, platform=kafka.platform) as reader:
        return [message.value for message in reader.read_committed_to_end(topic, 0)]


def end(kafka: Kafka, topic: str) -> int:
    with LogReader(kafka.bootstrap, platform=kafka.platform) as reader:
        return reader.bounds(topic)[1]


def write(producer: KafkaProducer, topic: str, *written: bytes, key: bytes = b"k") -> None:
    for value in written:
        producer.produce(topic, value, key)
    assert producer.flush(CALL) == 0


def until(kafka: Kafka, holds: Callable[[], bool], *polled: KafkaConsumer) -> list[RawMessage]:
    """Poll some consumers in turn until something holds; give what they read."""
    deadline = time.monotonic() + DEADLINE
    read: list[RawMessage] = []
    while not holds():
        assert time.monotonic() < deadline
        for consumer in polled:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                read.append(message)
        if not polled:
            kafka.platform.sleep(0.2)
    return read


def read(kafka: Kafka, consumer: KafkaConsumer, count: int) -> list[bytes | None]:
    """Poll so many records."""
    found: list[bytes | None] = []
    deadline = time.monotonic() + DEADLINE
    while len(found) < count:
        assert time.monotonic() < deadline
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append(message.value())
    return found


def name() -> str:
    return f"name-{uuid.uuid4().hex}"


# --- transactions ----------------------------------------------------------------------------------------


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


# --- groups and offsets ----------------------------------------------------------------------------------


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


# --- positions -------------------------------------------------------------------------------------------


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
