"""A cluster, simulated or real, and what is asked of either in the same words."""

import time
import uuid
from collections.abc import Callable
from typing import Protocol

from confluent_kafka import Message as RawMessage
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.edges.kafka_config import (
    GroupProtocol,
    idempotent_producer_config,
    stateless_consumer_config,
    transactional_producer_config,
)
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
        """Leave it to the cleaner, which comes by every 15 s."""


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
