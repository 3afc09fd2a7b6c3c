"""The arbiter's local store beside a real broker: a warm start, and a topic that was made anew."""

import uuid

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.edges.log_identity import read_identity
from tests.waiting import wait_until

pytestmark = pytest.mark.broker


def make(admin: AdminClient, topic: str) -> None:
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    wait_until(lambda: topic in admin.list_topics(timeout=10).topics, seconds=60)


def test_a_topic_made_anew_has_another_identity(broker: str) -> None:
    topic, other = f"a-{uuid.uuid4()}", f"b-{uuid.uuid4()}"
    admin = AdminClient({"bootstrap.servers": broker})
    make(admin, topic)
    make(admin, other)
    first = read_identity(broker, None, [topic, other])
    assert first == read_identity(broker, None, [topic, other])
    assert first.cluster_id
    admin.delete_topics([topic])[topic].result(30)
    wait_until(lambda: topic not in admin.list_topics(timeout=10).topics, seconds=60)
    make(admin, topic)
    second = read_identity(broker, None, [topic, other])
    assert second.cluster_id == first.cluster_id
    assert second.topic_ids[topic] != first.topic_ids[topic]
    assert second.topic_ids[other] == first.topic_ids[other]
