"""Whose log it is: ids that Kafka gives to a cluster and to each topic when they are made."""

from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from streams.core.store_mark import LogIdentity
from streams.edges.kafka_config import ClientConfig, admin_config
from streams.edges.kafka_errors import kafka_error, translate

TIMEOUT_SECONDS = 15.0


def read_identity(bootstrap: str, extra: ClientConfig | None, topics: Sequence[str]) -> LogIdentity:
    """Ask the cluster.

    Raises
    ------
    BrokerUnavailable
        it does not answer
    """
    admin = AdminClient(admin_config(bootstrap, extra))
    try:
        cluster = admin.describe_cluster(request_timeout=TIMEOUT_SECONDS).result()
        described = admin.describe_topics(TopicCollection(list(topics)), request_timeout=TIMEOUT_SECONDS)
        ids = {name: _text(future.result().topic_id) for name, future in described.items()}
    except KafkaException as exc:
        raise translate(kafka_error(exc), "the identity of the log") from exc
    return LogIdentity(cluster_id=cluster.cluster_id, topic_ids=ids)


def _text(topic_id: Any) -> str:  # a Uuid, whose stub has no methods
    most, least = topic_id.get_most_significant_bits(), topic_id.get_least_significant_bits()
    return f"{most % 2**64:016x}{least % 2**64:016x}"


def count_brokers(bootstrap: str, extra: ClientConfig | None = None) -> int:
    """Ask a cluster how many brokers it has now.

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer
    """
    try:
        return len(AdminClient(admin_config(bootstrap, extra)).list_topics(timeout=TIMEOUT_SECONDS).brokers)
    except KafkaException as exc:
        raise translate(kafka_error(exc), f"the brokers at {bootstrap}") from exc
