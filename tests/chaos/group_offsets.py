"""Where topics end and how far groups have come, asked often: over one connection that stays."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is exported

from streams.edges.kafka_config import admin_config
from streams.topics import topic

Partition = tuple[str, int]
ANSWER_SECONDS = 15.0
T = TypeVar("T")


class GroupOffsets:
    """Asks a broker about the topics of this project."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient(admin_config(bootstrap))

    def ends(self, topics: Iterable[str]) -> Mapping[Partition, int]:
        """Return the read-committed end of each partition."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(
            dict.fromkeys(_partitions(topics), latest),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=ANSWER_SECONDS,
        )
        return {(at.topic, at.partition): _answer(found).offset for at, found in asked.items()}

    def committed(self, group: str, topics: Iterable[str]) -> Mapping[Partition, int]:
        """Return what a group has committed; a partition without a commit is left out."""
        asked = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, _partitions(topics))], request_timeout=ANSWER_SECONDS
        )
        found = _answer(asked[group]).topic_partitions
        return {(at.topic, at.partition): at.offset for at in found if at.offset >= 0}


def _partitions(topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(name, number) for name in topics for number in range(topic(name).partitions)]


def _answer(asked: "Future[T]") -> T:
    return asked.result(ANSWER_SECONDS)
