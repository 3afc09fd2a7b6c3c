"""The arbiter's local store beside a real broker: a warm start, and a topic that was made anew."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.invented_uploads import invented_uploads
from streams.core.bundle import Bundle
from streams.core.records import ArbiterInput, Found, Lookup, Upload
from streams.edges.avro import AvroCodec
from streams.edges.broker import EmbeddedKafka
from streams.edges.kafka_producer import Publisher
from streams.edges.log_identity import read_identity
from streams.edges.memory_encoder import MemoryEncoder
from streams.edges.sqlite_store import SqliteStateStore
from streams.edges.topics import ensure_topics
from streams.edges.transactional_runner import TransactionalRunner
from streams.ports import Message, StateReader
from streams.stages.arbiter_records import FOLDED, HEAD, STATE_TOPICS, UPLOADS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import INPUT
from streams.stages.kept_state import KeptState
from streams.wiring.parts import rules
from tests.unit.test_kept_state import known
from tests.unit.title_scorer import no_sound
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


def test_a_warm_start_on_a_real_log_knows_what_a_cold_one_knows(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "kafka") as kafka:
        broker = kafka.bootstrap
        ensure_topics(broker, replication_factor=1)
        sent = list(invented_uploads(120, copies=0.4))
        publish(broker, sent[:100], first=0)
        first = run_until(broker, tmp_path, decided=100)
        warm = run_until(broker, tmp_path, decided=100)
        assert warm.read[UPLOADS] == 0
        assert known(warm.catalogue) == known(first.catalogue)
        publish(broker, sent[100:], first=100)
        again = run_until(broker, tmp_path, decided=120)
        assert again.read[UPLOADS] == 0
        cold = run_until(broker, tmp_path / "elsewhere", decided=120)
        assert cold.read[UPLOADS] >= 120
        assert known(cold.catalogue) == known(again.catalogue)
        assert cold.head == again.head


class CountingStage(ArbitrateStage):
    """The arbiter, which counts what it reads to restore."""

    restored = False

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        self.read: Counter[str] = Counter()

        def counted(topic: str, from_offset: int) -> Iterator[Message]:
            for message in read(topic, from_offset):
                self.read[topic] += 1
                yield message

        next_offset = super().restore(counted, ends=ends, committed=committed)
        self.restored = True
        return next_offset


def publish(broker: str, uploads: Sequence[Upload], *, first: int) -> None:
    """Put uploads into the arbiter's log, as encode and find would."""
    codec = AvroCodec()
    encode = EncodeProcessor(codec, MemoryEncoder())
    with Publisher(broker) as publisher:
        arrived = [
            Message(
                topic="catalog.upload.v1",
                partition=0,
                offset=offset,
                key=upload.key.text().encode(),
                value=codec.encode("catalog.upload.v1", upload),
            )
            for offset, upload in enumerate(uploads, start=first)
        ]
        for each in encode.process(arrived):
            if each.topic == ENCODED:
                encoded = codec.decode(ENCODED, each.value or b"")
                found = Found(encoded=encoded, lookup=Lookup(build="b", watermark=0, rows=0))
                value = codec.encode(INPUT, ArbiterInput(found=found))
                publisher.publish(INPUT, key=each.key, value=value)


def run_until(broker: str, folder: Path, *, decided: int) -> CountingStage:
    """Run an arbiter until so many uploads are decided, and stop it as a signal would."""
    codec = AvroCodec()
    kept = KeptState(
        SqliteStateStore(folder / "arbiter.db"),
        identity=lambda: read_identity(broker, None, FOLDED),
        form="test",
        codec=codec,
        head=HEAD,
    )
    stage = CountingStage(
        codec, rules(Bundle.packaged(), no_sound), watermark=lambda: 0, overlay_rows=10_000, kept=kept
    )
    stop = threading.Event()
    runner = TransactionalRunner(stage, bootstrap=broker, state_topics=STATE_TOPICS, batch_items=16)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(runner.run, stop)
        try:
            wait_until(
                lambda: running.done() or (stage.restored and stage.head.sequence >= decided), seconds=120
            )
        finally:
            stop.set()
        running.result(60)
    kept.close()
    return stage
