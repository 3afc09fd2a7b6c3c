import uuid
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.edges import topics
from streams.edges.topics import ensure_topics
from streams.errors import BrokerUnavailable
from streams.topics import TOPICS, TopicSpec

pytestmark = pytest.mark.broker


@pytest.fixture
def fresh() -> tuple[TopicSpec, ...]:
    prefix = uuid.uuid4().hex
    return tuple(replace(spec, name=f"{prefix}.{spec.name}") for spec in TOPICS)


def test_second_run_creates_nothing_and_finds_all_good(broker: str, fresh: tuple[TopicSpec, ...]) -> None:
    first = ensure_topics(broker, replication_factor=1, topics=fresh)
    assert set(first.created) == {spec.name for spec in fresh}
    second = ensure_topics(broker, replication_factor=1, topics=fresh)
    assert second.good
    assert second.created == ()
    assert set(second.existing) == {spec.name for spec in fresh}


@pytest.fixture
def wrong(broker: str, fresh: tuple[TopicSpec, ...]) -> TopicSpec:
    """Create a topic otherwise than declared; give its declaration."""
    spec = next(s for s in fresh if s.name.endswith("arbiter.input.v1"))
    made = NewTopic(
        spec.name,
        num_partitions=3,
        replication_factor=1,
        config={"cleanup.policy": "compact", "retention.ms": "1000"},
    )
    admin = AdminClient({"bootstrap.servers": broker})
    admin.create_topics([made])[spec.name].result(30)
    return spec


def test_wrong_settings_are_reported_and_left_alone(broker: str, wrong: TopicSpec) -> None:
    for _ in range(2):
        report = ensure_topics(broker, replication_factor=1, topics=(wrong,))
        assert not report.good
        assert {(m.setting, m.expected, m.found) for m in report.mismatches} == {
            ("partitions", "1", "3"),
            ("cleanup.policy", "delete", "compact"),
            ("retention.ms", "-1", "1000"),
        }


def test_a_topic_that_brokers_tell_of_late_is_compared_too(
    broker: str, wrong: TopicSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, asked = topics._existing, []

    def late(admin: AdminClient) -> dict[str, tuple[int, int]]:
        asked.append(1)
        return known(admin) if len(asked) > 3 else {}

    monkeypatch.setattr(topics, "_existing", late)
    report = ensure_topics(broker, replication_factor=1, topics=(wrong,))
    assert report.existing == (wrong.name,)
    assert len(report.mismatches) == 3


def test_report_alone_creates_nothing(broker: str, fresh: tuple[TopicSpec, ...]) -> None:
    report = ensure_topics(broker, replication_factor=1, topics=fresh[:2], create=False)
    assert report.missing == tuple(spec.name for spec in fresh[:2])
    assert not report.good


def test_too_few_copies_are_reported(broker: str, fresh: tuple[TopicSpec, ...]) -> None:
    ensure_topics(broker, replication_factor=1, topics=fresh[:1])
    report = ensure_topics(broker, replication_factor=3, topics=fresh[:1])
    assert {m.setting for m in report.mismatches} == {"replication.factor", "min.insync.replicas"}


def test_absent_cluster_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.edges.topics.TIMEOUT_SECONDS", 1.0)
    with pytest.raises(BrokerUnavailable):
        ensure_topics("127.0.0.1:1", {"log_level": 0}, replication_factor=1)
