"""Topics as they stand: read-committed ends, everything up to an end, and what a group has committed."""

import uuid
from collections.abc import Iterable, Iterator, Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.edges.kafka_config import ClientConfig, admin_config, stateless_consumer_config
from streams.edges.kafka_errors import kafka_error, translate
from streams.edges.log_reader import LogReader
from streams.errors import BrokerUnavailable
from streams.ports import Message

TIMEOUT_SECONDS = 15.0

Offsets = Mapping[int, int]


def partitions_of(
    bootstrap: str, extra: ClientConfig | None, topics: Iterable[str]
) -> dict[str, tuple[int, ...]]:
    """Return the partitions of topics.

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer, or has no such topic
    """
    admin = AdminClient(admin_config(bootstrap, extra))
    try:
        known = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    except KafkaException as exc:
        raise translate(kafka_error(exc), f"the topics at {bootstrap}") from exc
    found = {}
    for topic in topics:
        if topic not in known:
            raise BrokerUnavailable(f"no topic {topic} at {bootstrap}; `samesong topics` makes the topics")
        found[topic] = tuple(sorted(known[topic].partitions))
    return found


def end_offsets(bootstrap: str, extra: ClientConfig | None, topics: Iterable[str]) -> dict[str, Offsets]:
    """Return the read-committed end of each partition of some topics, by topic.

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer, or has no such topic
    """
    partitions = partitions_of(bootstrap, extra, topics)
    with LogReader(bootstrap, extra) as reader:
        return {
            topic: {partition: reader.bounds(topic, partition)[1] for partition in numbers}
            for topic, numbers in partitions.items()
        }


def read_topic(
    bootstrap: str,
    extra: ClientConfig | None,
    topic: str,
    *,
    ends: Offsets | None = None,
    since: Offsets | None = None,
) -> Iterator[Message]:
    """Read what is committed of a topic, partition by partition, without a group.

    Parameters
    ----------
    bootstrap : str
    extra : mapping, optional
        security settings
    topic : str
    ends : mapping of int to int, optional
        where to stop, by partition; by default the read-committed ends at the time of the call
    since : mapping of int to int, optional
        where to begin, by partition; by default with the earliest that is kept

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer, or has no such topic
    OffsetRegression
        the log no longer holds a place where reading was to begin
    """
    if ends is None:
        ends = end_offsets(bootstrap, extra, [topic])[topic]
    since = since or {}
    if all(since.get(partition) == end for partition, end in ends.items()):
        return
    with LogReader(bootstrap, extra) as reader:
        for partition, end in sorted(ends.items()):
            begin = since.get(partition, 0)
            if begin != end:
                yield from reader.read_committed_to_end(topic, begin, partition=partition, end=end)


def committed_offsets(
    bootstrap: str, extra: ClientConfig | None, group: str, topics: Iterable[str]
) -> dict[tuple[str, int], int]:
    """Return what a group has committed, by topic and partition; a partition without a commit is left out.

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer, or has no such topic
    """
    partitions = partitions_of(bootstrap, extra, topics)
    wanted = [TopicPartition(topic, number) for topic, numbers in partitions.items() for number in numbers]
    # Asking is not joining: a consumer that subscribes to nothing never becomes a member.
    consumer = Consumer(
        {
            **stateless_consumer_config(bootstrap, extra, group_id=group),
            "client.id": f"samesong-reader-{uuid.uuid4()}",
        }
    )
    try:
        found = consumer.committed(wanted, timeout=TIMEOUT_SECONDS)
    except KafkaException as exc:
        raise translate(kafka_error(exc), f"the offsets of {group}") from exc
    finally:
        consumer.close()
    return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}


class CommittedLog:
    """Every topic of one cluster as the audit looks at it."""

    def __init__(self, bootstrap: str, extra: ClientConfig | None = None) -> None:
        self._bootstrap = bootstrap
        self._extra = extra

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Offsets]:
        """Return the read-committed end of each partition, by topic."""
        return end_offsets(self._bootstrap, self._extra, topics)

    def read(self, topic: str, ends: Offsets | None, since: Offsets | None = None) -> Iterator[Message]:
        """Read a topic, from some offsets or all that is kept, up to some ends, by default those of now."""
        return read_topic(self._bootstrap, self._extra, topic, ends=ends, since=since)

    def committed(self, group: str, topics: tuple[str, ...]) -> Mapping[tuple[str, int], int]:
        """Return what a group has committed, by topic and partition."""
        return committed_offsets(self._bootstrap, self._extra, group, topics)
