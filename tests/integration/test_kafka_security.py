"""Kafka behind TLS, SCRAM and permissions: each part does its job as its own user and nothing else."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.cimpl import NewTopic

from streams.acls import ARBITRATE, FIND, INDEX, ROLES, TRANSACTIONS, Role
from streams.edges.acls import ensure_acls
from streams.edges.avro import AvroCodec
from streams.edges.clock import SystemClock
from streams.edges.committed_log import committed_offsets
from streams.edges.kafka_config import (
    Setting,
    admin_config,
    idempotent_producer_config,
    stateless_consumer_config,
    transactional_producer_config,
)
from streams.edges.kafka_errors import kafka_error
from streams.edges.kafka_lag import GroupLagGate
from streams.edges.kafka_producer import Publisher
from streams.edges.log_reader import LogReader
from streams.edges.memory_index import MemoryCandidateIndex
from streams.edges.stateless_runner import StatelessRunner
from streams.edges.topics import ensure_topics
from streams.errors import BrokerUnavailable
from streams.ports import Processor
from streams.stages.encode import ENCODED
from streams.stages.find import AGAIN, INPUT, PASSED_ON, FindProcessor
from streams.stages.index import IndexProcessor
from streams.topics import TOPICS
from tests.integration.secured_kafka import ADMIN, SecuredKafka, password_of, secured_kafka
from tests.unit.test_drift import DIM, sketch_of
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

DEADLINE_S = 180.0
PREFIX = "samesong-"
BY_NAME = {role.name: role for role in ROLES}
NAMES = [spec.name for spec in TOPICS]
CODEC = AvroCodec()
_SOON = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}


def quiet(settings: Mapping[str, Setting], on_error: Callable[[KafkaError], None]) -> dict[str, Any]:
    """Let a client tell its errors instead of printing them."""
    return {**settings, "log_level": 0, "error_cb": on_error}


def user(role: str) -> str:
    return f"{PREFIX}{role}"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as running:
        running.add_users(*(user(role.name) for role in ROLES), "stranger-with-log-in")
        report = ensure_acls(running.bootstrap, running.security(ADMIN), user_prefix=PREFIX)
        assert report.good
        # Topics are made by an operator, who may do that and does not own the cluster.
        made = ensure_topics(running.bootstrap, running.security(user("operator")), replication_factor=1)
        assert len(made.created) == len(TOPICS)
        yield running


# --- nobody else gets in ---


def strangers(kafka: SecuredKafka) -> dict[str, dict[str, Setting]]:
    good = kafka.security(user("encode"))
    return {
        "plain text": {},
        "plain text with a password": good | {"security.protocol": "SASL_PLAINTEXT"},
        "encrypted, no log-in": {"security.protocol": "SSL", "ssl.ca.location": str(kafka.ca)},
        "wrong password": kafka.security(user("encode"), "wrong"),
        "another's password": kafka.security(user("encode"), password_of(user("find"))),
        "unknown user": kafka.security("nobody"),
        "a mechanism that is not offered": good | {"sasl.mechanism": "SCRAM-SHA-256"},
        "the password itself": good | {"sasl.mechanism": "PLAIN"},
    }


def test_a_stranger_gets_in_nowhere(kafka: SecuredKafka) -> None:
    let_in = []
    for who, security in strangers(kafka).items():
        admin = AdminClient(quiet(admin_config(kafka.bootstrap, security), lambda _: None))
        try:
            admin.list_topics(timeout=2)
        except KafkaException:
            continue
        let_in.append(who)
    assert let_in == []
    assert AdminClient(admin_config(kafka.bootstrap, kafka.security(user("encode")))).list_topics(timeout=20)


def test_a_broker_that_nobody_we_trust_vouches_for_gets_no_password(kafka: SecuredKafka) -> None:
    said: list[KafkaError] = []
    settings = {**kafka.security(user("encode")), "ssl.ca.location": ""}
    admin = AdminClient(quiet(admin_config(kafka.bootstrap, settings), said.append))
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=4)
    admin.poll(0.1)
    assert KafkaError._SSL in {error.code() for error in said}


def test_who_is_refused_is_told_why_without_the_password(
    kafka: SecuredKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.edges.topics.TIMEOUT_SECONDS", 5.0)
    for security, cause in (
        (kafka.security(user("encode"), "wrong-pa55word"), "uthentication failed"),
        ({**kafka.security(user("encode")), "ssl.ca.location": ""}, "certificate verify failed"),
    ):
        with pytest.raises(BrokerUnavailable, match=cause) as caught:
            ensure_topics(kafka.bootstrap, security, replication_factor=1, create=False)
        assert "pa55" not in str(caught.value)


def test_a_log_in_alone_gives_nothing(kafka: SecuredKafka) -> None:
    admin = AdminClient(admin_config(kafka.bootstrap, kafka.security("stranger-with-log-in")))
    assert admin.list_topics(timeout=20).topics == {}


# --- what each may do is what is declared ---


def allowed(role: Role, resource: str) -> dict[str, set[AclOperation]]:
    """Give what a role is granted, by name; reading or writing includes describing."""
    found: dict[str, set[AclOperation]] = {}
    for grant in role.grants:
        if grant.resource == resource and not grant.prefix:
            operations = found.setdefault(grant.name, set())
            operations.add(AclOperation[grant.operation.upper()])
            if grant.operation in {"read", "write"}:
                operations.add(AclOperation.DESCRIBE)
    return found


def _operations(admin: AdminClient, group: str) -> set[AclOperation]:
    """Ask what we may do to a group; its coordinator may still be on its way."""
    operations: set[AclOperation] = set()

    def told() -> bool:
        found = admin.describe_consumer_groups([group], include_authorized_operations=True)[group]
        try:
            operations.update(found.result(20).authorized_operations or ())
        except KafkaException as exc:
            if kafka_error(exc).code() not in _SOON:
                raise
            return False
        return True

    wait_until(told, DEADLINE_S, f"the coordinator of {group}")
    return operations


@pytest.mark.parametrize("name", BY_NAME)
def test_the_broker_grants_what_is_declared_and_nothing_else(kafka: SecuredKafka, name: str) -> None:
    role = BY_NAME[name]
    admin = AdminClient(admin_config(kafka.bootstrap, kafka.security(user(name))))
    declared = allowed(role, "topic")
    seen = set(admin.list_topics(timeout=20).topics)
    assert {topic for topic in seen if topic in NAMES} == {
        topic for topic, operations in declared.items() if AclOperation.DESCRIBE in operations
    }
    futures = admin.describe_topics(TopicCollection(sorted(seen)), include_authorized_operations=True)
    for topic, future in futures.items():
        assert set(future.result(20).authorized_operations) == declared[topic], topic
    groups = allowed(role, "group")
    for group in (FIND, ARBITRATE, INDEX, "samesong.encode", "samesong-drift"):
        if group in groups:
            assert _operations(admin, group) == groups[group], group
        else:
            with pytest.raises(KafkaException) as caught:
                _operations(admin, group)
            assert kafka_error(caught.value).code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    cluster = admin.describe_cluster(include_authorized_operations=True).result(20)
    assert not cluster.authorized_operations


@pytest.mark.parametrize("name", BY_NAME)
def test_a_record_for_anothers_topic_is_refused(kafka: SecuredKafka, name: str) -> None:
    own = {g.name for g in BY_NAME[name].grants if g.operation == "write"}
    foreign = [topic for topic in NAMES if topic not in own]
    settings = idempotent_producer_config(kafka.bootstrap, kafka.security(user(name)))
    # Who may write nothing gets no producer's number from the brokers either.
    producer = Producer({**settings, "enable.idempotence": bool(own), "log_level": 0})
    refused: dict[str, int] = {}
    for topic in foreign:

        def done(error: KafkaError | None, _message: object, topic: str = topic) -> None:
            refused[topic] = error.code() if error is not None else 0

        producer.produce(topic, b"forged", on_delivery=done)
    assert producer.flush(60) == 0
    assert refused == dict.fromkeys(foreign, KafkaError.TOPIC_AUTHORIZATION_FAILED)


@pytest.mark.parametrize("name", BY_NAME)
def test_anothers_topic_cannot_be_read(kafka: SecuredKafka, name: str) -> None:
    own = {g.name for g in BY_NAME[name].grants if g.operation == "read"}
    settings = stateless_consumer_config(
        kafka.bootstrap, kafka.security(user(name)), group_id="samesong-reader-x"
    )
    consumer = Consumer({**settings, "log_level": 0})
    refused: set[str] = set()

    def all_refused() -> bool:
        raw = consumer.poll(0.2)
        error = raw.error() if raw is not None else None
        if raw is not None:
            assert error is not None, "a record was read"
            if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                refused.add(raw.topic() or "")
        return refused >= seen

    try:
        # Who writes a topic may see that it is there; of any other it is not even told.
        seen = set()
        for topic in sorted(set(NAMES) - own):
            found = consumer.list_topics(topic, timeout=20).topics[topic]
            if found.error is None:
                seen.add(topic)
            else:
                assert found.error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, (topic, found.error)
        assert seen == {g.name for g in BY_NAME[name].grants if g.operation == "write"} & set(NAMES) - own
        consumer.assign([TopicPartition(topic, 0, 0) for topic in sorted(seen)])
        wait_until(all_refused, DEADLINE_S, f"{sorted(seen - refused)} refused to {name}")
    finally:
        consumer.close()


def _refused_to_join(settings: dict[str, Setting], what: str) -> None:
    """Subscribe until it is refused: who may describe a group finds its broker, and still may not join."""
    consumer = Consumer(settings)

    def refused() -> bool:
        raw = consumer.poll(0.2)
        error = raw.error() if raw is not None else None
        assert raw is None or error is not None, "a record was read"
        assert not consumer.assignment()
        return error is not None and error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED

    try:
        consumer.subscribe(["upload.encoded.v1"])
        wait_until(refused, DEADLINE_S, what)
    finally:
        consumer.close()


@pytest.mark.parametrize("name", BY_NAME)
def test_anothers_group_and_transactions_are_refused(kafka: SecuredKafka, name: str) -> None:
    granted = BY_NAME[name].grants
    security = kafka.security(user(name))
    joins = {g.name for g in granted if g.resource == "group" and g.operation == "read"}
    for group in {FIND, ARBITRATE, INDEX, "samesong.encode", "samesong-drift", "another"} - joins:
        settings = stateless_consumer_config(kafka.bootstrap, security, group_id=group)
        _refused_to_join({**settings, "log_level": 0}, f"{group} refused to {name}")
    writes_whole = any(g.resource == "transactional_id" for g in granted)
    for transactional_id in ["another-0"] if writes_whole else [f"{TRANSACTIONS}-0", "another-0"]:
        settings = transactional_producer_config(kafka.bootstrap, security, transactional_id=transactional_id)
        producer = Producer({**settings, "log_level": 0})
        with pytest.raises(KafkaException) as caught:
            producer.init_transactions(20)
        assert kafka_error(caught.value).code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


@pytest.mark.parametrize("name", BY_NAME)
def test_nobody_makes_topics_of_other_names_or_changes_permissions(kafka: SecuredKafka, name: str) -> None:
    admin = AdminClient(admin_config(kafka.bootstrap, kafka.security(user(name))))
    with pytest.raises(KafkaException) as caught:
        admin.create_topics([NewTopic("another", 1, 1)])["another"].result(20)
    assert kafka_error(caught.value).code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(KafkaException) as caught:
        admin.delete_topics(["arbiter.input.v1"])["arbiter.input.v1"].result(20)
    assert kafka_error(caught.value).code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(Exception, match="AUTHORIZATION"):
        ensure_acls(kafka.bootstrap, kafka.security(user(name)), user_prefix=PREFIX)


def test_a_second_run_creates_nothing_and_what_goes_beyond_is_reported(kafka: SecuredKafka) -> None:
    again = ensure_acls(kafka.bootstrap, kafka.security(ADMIN), user_prefix=PREFIX)
    assert again.created == ()
    assert again.good
    roles = [role if role.name != "find" else replace(role, grants=role.grants[1:]) for role in ROLES]
    wider = ensure_acls(kafka.bootstrap, kafka.security(ADMIN), user_prefix=PREFIX, roles=roles, create=False)
    assert wider.surplus == ("User:samesong-find may read topic upload.encoded.v1",)
    assert not wider.good
    others = ensure_acls(kafka.bootstrap, kafka.security(ADMIN), user_prefix="other-", create=False)
    assert len(others.missing) == sum(len(set(role.grants)) for role in ROLES)
    assert others.created == ()


# --- each does its job ---


class Program:
    """Commands of the program, each as the user of its part, in production mode."""

    def __init__(self, kafka: SecuredKafka, folder: Path) -> None:
        self.kafka, self.folder = kafka, folder
        (folder / "models").mkdir()
        (folder / "logs").mkdir()

    def environment(self, role: str) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMESONG_")}
        return {
            **kept,
            **self.kafka.environment(user(role)),
            "SAMESONG_PRODUCTION": "true",
            "SAMESONG_DATA_DIR": str(self.folder / "data"),
            "SAMESONG_MODELS_DIR": str(self.folder / "models"),
            "SAMESONG_DRIFT__WINDOW_S": "2",
            "SAMESONG_DRIFT__GRACE_S": "0.2",
            "SAMESONG_DRIFT__MIN_COUNT": "50",
        }

    def do(self, role: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "streams.cli", *arguments],
            env=self.environment(role),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        (self.folder / "logs" / f"{role}-{arguments[0]}.log").write_text(done.stdout + done.stderr)
        return done

    @contextmanager
    def running(self, role: str, stage: str) -> Iterator[None]:
        path = self.folder / "logs" / f"{role}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "streams.cli", "run", stage],
                env=self.environment(role),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield
            assert process.poll() is None, path.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, path.read_text()

    def written(self) -> str:
        """Give all that was written anywhere but into the log of the cluster."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode("latin-1") for path in files)


def test_every_part_does_its_job_as_its_own_user(kafka: SecuredKafka, tmp_path: Path) -> None:
    program = Program(kafka, tmp_path)
    songs = (
        ("Clear Water", "The Example Band", "GBEMI0300013"),
        ("Stone Garden", "Someone Else", "FRZ039800212"),
    )
    uploads = [
        {"source": f"label-{n}", "item_id": "A-1", "kind": "recording", "title": songs[n // 2][0],
         "artists": [{"name": songs[n // 2][1]}], "identifiers": {"isrc": [songs[n // 2][2]]}}
        for n in range(4)
    ]  # fmt: skip
    lines = tmp_path / "uploads.jsonl"
    lines.write_bytes(b"".join(orjson.dumps(upload) + b"\n" for upload in uploads) + b"no upload\n")
    with ExitStack() as stages:
        for role in ("encode", "index-lite", "arbitrate", "drift"):
            stages.enter_context(program.running(role, "index" if role == "index-lite" else role))
        assert program.do("upstream", "publish", str(lines)).returncode == 1
        watched = program.do("subscriber", "watch", "--beginning", "-n", "4", "--json")
        decisions = [orjson.loads(line) for line in watched.stdout.splitlines()]
        assert len(decisions) == 4, watched.stderr
        assert len({each["entity_id"] for each in decisions}) == 2
        verdict = ("label-0", "A-1", "label-2", "A-1", "non_match")
        assert program.do("reviewer", "review", "verdict", *verdict).returncode == 0
        _drifts(kafka)
        wait_until(lambda: _end(kafka, "index.watermark.v1") > 0, DEADLINE_S, "a watermark")
        wait_until(lambda: _end(kafka, INPUT) >= 5, DEADLINE_S, "the verdict in the log")
        wait_until(
            lambda: _decided(kafka) == _end(kafka, INPUT), DEADLINE_S, "the arbiter at the end of its log"
        )
        audited = program.do("audit", "audit", "--once")
        assert audited.returncode == 0, audited.stdout + audited.stderr
        assert program.do("operator", "topics", "--check").returncode == 0
        assert program.do("operator", "deadletters", "list").returncode == 0
    written = program.written()
    assert "AUTHORIZATION_FAILED" not in written
    assert "Traceback" not in written
    assert "pa55-" not in written


def _end(kafka: SecuredKafka, topic: str) -> int:
    with LogReader(kafka.bootstrap, kafka.security(ADMIN)) as reader:
        return reader.bounds(topic)[1]


def _decided(kafka: SecuredKafka) -> int:
    """Give how far the arbiter has come."""
    committed = committed_offsets(kafka.bootstrap, kafka.security(ADMIN), ARBITRATE, [INPUT])
    return committed.get((INPUT, 0), 0)


def _drifts(kafka: SecuredKafka) -> None:
    """Send sketches as the encode stage does until the monitor says what a window looked like."""
    rng, number = np.random.default_rng(1), 0

    def told() -> bool:
        nonlocal number
        with Publisher(kafka.bootstrap, kafka.security(user("encode"))) as publisher:
            for _ in range(4):
                sketch = sketch_of(rng.standard_normal((32, DIM)), number)
                number += 1
                value = CODEC.encode("embedding.sketch.v1", sketch)
                publisher.publish("embedding.sketch.v1", key=b"text/m-1", value=value)
        return _end(kafka, "drift.window.v1") > 0

    wait_until(told, DEADLINE_S, "a window of the drift monitor")


def test_find_and_index_do_their_jobs_as_users_of_their_own(kafka: SecuredKafka) -> None:
    """Where a Milvus server holds the vectors the two are processes apart."""
    index = MemoryCandidateIndex()
    stop = threading.Event()
    failed: list[BaseException] = []

    def run(role: str, processor: Processor, **how: Any) -> threading.Thread:
        runner = StatelessRunner(
            processor, bootstrap=kafka.bootstrap, extra=kafka.security(user(role)), **how
        )

        def work() -> None:
            try:
                runner.run(stop)
            except BaseException as exc:
                failed.append(exc)

        thread = threading.Thread(target=work, name=role)
        thread.start()
        return thread

    before = _end(kafka, INPUT)
    with GroupLagGate(
        kafka.bootstrap, kafka.security(user("find")), group_id=ARBITRATE, topic=INPUT, limit=10**6
    ) as gate:
        threads = [
            run(
                "find",
                FindProcessor(index, CODEC, limit=5),
                group_id=FIND,
                topics=[ENCODED, AGAIN, *PASSED_ON],
                gate=gate,
            ),
            run(
                "index",
                IndexProcessor(index, CODEC, SystemClock(), batch_rows=10),
                group_id=INDEX,
                topics=["index.row.v1"],
            ),
        ]
        try:
            with Publisher(kafka.bootstrap, kafka.security(user("operator"))) as publisher:
                publisher.publish("admin.command.v1", key=b"x", value=b"no command")
            wait_until(lambda: failed or _end(kafka, INPUT) > before, DEADLINE_S, "what find passes on")
            assert failed == []
            assert gate.records >= 0
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
    assert failed == []
