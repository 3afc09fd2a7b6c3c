"""Make the declared topics exist, and report those that exist otherwise than declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from streams.edges.kafka_config import ClientConfig, admin_config
from streams.errors import BrokerUnavailable
from streams.topics import TOPICS, TopicSpec

TIMEOUT_SECONDS = 30.0
ASK_AGAIN_SECONDS = 0.1
_REFUSED = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL})


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMismatch:
    """One setting of one topic that is not as declared."""

    topic: str
    setting: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicReport:
    """What :func:`ensure_topics` found and did."""

    created: tuple[str, ...]
    existing: tuple[str, ...]
    missing: tuple[str, ...]
    mismatches: tuple[TopicMismatch, ...]

    @property
    def good(self) -> bool:
        """Say whether every topic is there, as declared."""
        return not self.mismatches and not self.missing


def _existing(admin: AdminClient) -> dict[str, tuple[int, int]]:
    """Return partitions and replication factor of each topic on the cluster."""
    try:
        metadata = admin.list_topics(timeout=TIMEOUT_SECONDS)
    except KafkaException as exc:
        raise BrokerUnavailable(f"Kafka does not answer: {exc}") from exc
    return {
        name: (len(found.partitions), min((len(p.replicas) for p in found.partitions.values()), default=0))
        for name, found in metadata.topics.items()
    }


def _existing_soon(admin: AdminClient, names: set[str]) -> dict[str, tuple[int, int]]:
    """Return what ``_existing`` does once it has these topics, or at the end of the time.

    The controller knows a topic a moment before the brokers tell of it.
    """
    asking = Retrying(
        retry=retry_if_result(lambda here: not names <= here.keys()),
        stop=stop_after_delay(TIMEOUT_SECONDS),
        wait=wait_fixed(ASK_AGAIN_SECONDS),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else {},
    )
    return asking(_existing, admin)


def _create(admin: AdminClient, specs: list[TopicSpec], *, replication_factor: int) -> tuple[str, ...]:
    """Create topics; one that another command has just created is not counted."""
    if not specs:
        return ()
    wanted = [
        NewTopic(
            s.name,
            num_partitions=s.partitions,
            replication_factor=replication_factor,
            config={**s.settings(), "min.insync.replicas": str(max(1, replication_factor - 1))},
        )
        for s in specs
    ]
    created = []
    for name, future in admin.create_topics(wanted, operation_timeout=TIMEOUT_SECONDS).items():
        try:
            future.result(TIMEOUT_SECONDS)
        except KafkaException as exc:
            if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise BrokerUnavailable(f"Kafka did not create {name}: {exc}") from exc
        else:
            created.append(name)
    return tuple(created)


def _settings(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Return the settings in force of each topic."""
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found = {}
    try:
        for resource, future in admin.describe_configs(resources).items():
            entries = future.result(TIMEOUT_SECONDS)
            found[str(resource.name)] = {key: str(entry.value) for key, entry in entries.items()}
    except KafkaException as exc:
        raise BrokerUnavailable(f"Kafka does not tell the settings of its topics: {exc}") from exc
    return found


def _compare(
    spec: TopicSpec, *, partitions: int, replicas: int, settings: Mapping[str, str], replication_factor: int
) -> list[TopicMismatch]:
    """Return what differs between one topic and its declaration."""
    expected = {
        **spec.settings(),
        "partitions": str(spec.partitions),
        "min.insync.replicas": str(max(1, replication_factor - 1)),
    }
    found = {**settings, "partitions": str(partitions)}
    different = [
        TopicMismatch(topic=spec.name, setting=key, expected=value, found=found.get(key, "unset"))
        for key, value in expected.items()
        if found.get(key) != value
    ]
    if replicas < replication_factor:
        different.append(
            TopicMismatch(
                topic=spec.name,
                setting="replication.factor",
                expected=str(replication_factor),
                found=str(replicas),
            )
        )
    return different


def ensure_topics(
    bootstrap: str,
    client_config: ClientConfig | None = None,
    *,
    replication_factor: int,
    topics: tuple[TopicSpec, ...] = TOPICS,
    create: bool = True,
) -> TopicReport:
    """Create the topics that are missing; report, and never alter, those that differ.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    client_config : mapping, optional
        security and other settings for the admin client
    replication_factor : int >= 1
        copies of each partition; all but one of them must be in sync for a write
    topics : tuple of TopicSpec
        by default all that Samesong has
    create : bool
        false only reports

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer or refuses to create a topic
    """
    said: list[KafkaError] = []
    talkative: dict[str, Any] = {**admin_config(bootstrap, client_config), "error_cb": said.append}
    admin = AdminClient(talkative)
    try:
        before = _existing(admin)
    except BrokerUnavailable as exc:
        # Why a log-in is refused, or a certificate not believed, is told beside the call that fails of it.
        admin.poll(0.1)
        causes = dict.fromkeys(error.str() for error in said if error.code() in _REFUSED)
        raise BrokerUnavailable(f"{exc}; {'; '.join(causes)}" if causes else str(exc)) from exc
    absent = [spec for spec in topics if spec.name not in before]
    created = _create(admin, absent, replication_factor=replication_factor) if create else ()
    # One that appeared meanwhile was made by someone else: it is compared like any other.
    others = {spec.name for spec in absent} - set(created) if create else set()
    here = _existing_soon(admin, others) if others else before
    present = [spec for spec in topics if spec.name in here and spec.name not in created]
    settings = _settings(admin, [spec.name for spec in present])
    mismatches = [
        mismatch
        for spec in present
        for mismatch in _compare(
            spec,
            partitions=here[spec.name][0],
            replicas=here[spec.name][1],
            settings=settings[spec.name],
            replication_factor=replication_factor,
        )
    ]
    names = {spec.name for spec in present}
    return TopicReport(
        created=created,
        existing=tuple(spec.name for spec in present),
        missing=tuple(s.name for s in topics if s.name not in names and s.name not in created),
        mismatches=tuple(mismatches),
    )
