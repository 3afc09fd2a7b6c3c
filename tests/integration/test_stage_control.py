"""Pausing and resuming on the real broker: at once, through restarts, keeping the place in the group."""

import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Message as RawMessage
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from streams.cli.app import app
from streams.cli.checks import State, check_kafka
from streams.config import load_settings
from streams.core.policy import RefusalLimits
from streams.edges.avro import AvroCodec
from streams.edges.committed_log import committed_offsets, read_topic
from streams.edges.control_log import ControlLog
from streams.edges.disk import DiskRoom
from streams.edges.kafka_producer import Publisher
from streams.edges.stateless_runner import StatelessRunner
from streams.edges.topics import ensure_topics
from streams.edges.transactional_runner import TransactionalRunner
from streams.ports import RunnerMetrics
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.refusal_guard import RefusalGuard
from streams.wiring.intake import Intake
from tests.integration.ledger import Ledger
from tests.integration.running import Copy, Running, ends, fill, numbers, topics
from tests.unit.test_stage_metrics import Recorded
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def broker(own_broker: str) -> str:
    """What these tests put into the topics is in nobody's way."""
    return own_broker


@pytest.fixture
def installed(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a data folder that talks to the session's broker, with every topic made and nothing paused."""
    assert ensure_topics(broker, replication_factor=1).good
    monkeypatch.setenv("SAMESONG_KAFKA__BOOTSTRAP", broker)
    yield tmp_path
    for name in ("find", "arbitrate"):
        samesong(tmp_path, "stage", "resume", name)


def samesong(data_dir: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--data-dir", str(data_dir)])
    assert done.exit_code == 0, done.output
    return done.output


def intake(broker: str, stage: str) -> Intake:
    return Intake(stage, ControlLog(broker, {}, AvroCodec()), Recorded())


class Lag(RunnerMetrics):
    """What a runner says of its lag; the rest is not looked at."""

    def __init__(self) -> None:
        self.records: dict[int, int] = {}

    def processed(self, topic: str, *, items: int, seconds: float) -> None: ...

    def retried(self, topic: str, *, code: str) -> None: ...

    def transaction(self, outcome: str) -> None: ...

    def lag(self, topic: str, partition: int, *, records: int, seconds: float) -> None:
        self.records[partition] = records


def stateless(broker: str, processor: Copy, topic: str, gate: Intake, metrics: Lag | None = None) -> Running:
    runner = StatelessRunner(
        processor,
        bootstrap=broker,
        group_id=topic,
        topics=[topic],
        batch_items=10,
        batch_ms=20,
        gate=gate,
        metrics=metrics,
    )
    return Running(runner)


def test_a_paused_stage_stops_stays_stopped_and_goes_on_where_it_was(broker: str, installed: Path) -> None:
    names = topics(broker, source=2, output=1)
    source = names["source"]
    fill(broker, source, 400)
    first = Copy(names["output"], seconds=0.05)
    gate = intake(broker, "find")
    running = stateless(broker, first, source, gate)
    wait_until(lambda: first.batches >= 2, DEADLINE_S)
    samesong(installed, "stage", "pause", "find", "--by", "ann", "--note", "a new disk")
    wait_until(lambda: not gate(), DEADLINE_S)
    # The batch at work is finished, what was read ahead is not begun.
    wait_until(lambda: _settled(first), DEADLINE_S)
    held = len(first.seen)
    assert held < 400
    admin = AdminClient({"bootstrap.servers": broker})
    members = admin.describe_consumer_groups([source])[source].result(15).members
    assert len(members) == 1
    assert "paused" in samesong(installed, "stage", "status", "find")
    notes = [each for each in check_kafka(load_settings(data_dir=installed)) if each.what == "stages"]
    assert [(each.state, each.found) for each in notes] == [(State.note, "find is paused by ann: a new disk")]
    running.end()
    # A restart changes nothing.
    second = Copy(names["output"])
    gate = intake(broker, "find")
    lag = Lag()
    running = stateless(broker, second, source, gate, lag)
    wait_until(
        lambda: admin.describe_consumer_groups([source])[source].result(15).members, DEADLINE_S, "a member"
    )
    wait_until(lambda: _settled(second), DEADLINE_S)
    assert second.seen == []
    # What waits is told although nothing was ever read.
    wait_until(lambda: sum(lag.records.values()) == 400 - held, DEADLINE_S)
    fill(broker, source, 100, first=400)
    wait_until(lambda: sum(lag.records.values()) == 500 - held, DEADLINE_S)
    samesong(installed, "stage", "resume", "find")
    wait_until(lambda: len(first.seen) + len(second.seen) >= 500, DEADLINE_S)
    wait_until(lambda: sum(lag.records.values()) == 0, DEADLINE_S)
    running.end()
    assert running.error is None
    assert Counter(first.seen + second.seen) == Counter(numbers(500))


def test_a_paused_arbiter_decides_nothing_until_it_is_resumed(broker: str, installed: Path) -> None:
    samesong(installed, "stage", "pause", "arbitrate")
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 100)
    stage = Ledger(names["source"], names["output"])
    asked = 0
    gate = intake(broker, "arbitrate")

    def counted() -> bool:
        nonlocal asked
        asked += stage.restored
        return gate()

    running = Running(
        TransactionalRunner(
            stage,
            bootstrap=broker,
            group_id=names["source"],
            topic=names["source"],
            state_topics=[names["output"]],
            transactional_prefix=names["source"],
            batch_ms=50,
            gate=counted,
        )
    )
    wait_until(lambda: asked >= 20, DEADLINE_S)
    assert stage.state == []
    samesong(installed, "stage", "resume", "arbitrate")
    wait_until(lambda: len(stage.state) == 100, DEADLINE_S)
    running.end()
    assert running.error is None
    assert ends(broker, names["output"], 1) >= 100


def test_a_disk_that_fills_up_pauses_intake_until_there_is_room(broker: str) -> None:
    names = topics(broker, source=2, output=1)
    fill(broker, names["source"], 300)
    free = 100
    processor = Copy(names["output"], seconds=0.05)
    room = DiskRoom((Path("anywhere"),), min_free=50, probe=lambda _folder: free)
    gate = Intake("find", ControlLog(broker, {}, AvroCodec()), Recorded(), causes={"disk": room})
    running = stateless(broker, processor, names["source"], gate)
    wait_until(lambda: processor.batches >= 2, DEADLINE_S)
    free = 49
    wait_until(lambda: room() is not None, DEADLINE_S)
    wait_until(lambda: _settled(processor), DEADLINE_S)
    assert len(processor.seen) < 300
    free = 60
    wait_until(lambda: len(processor.seen) >= 300, DEADLINE_S)
    running.end()
    assert running.error is None
    assert Counter(processor.seen) == Counter(numbers(300))


UPLOADS, PARTITIONS = "catalog.upload.v1", 4
BAD, GOOD = 40, 25


def _published(broker: str) -> dict[int, list[int]]:
    """Fill one partition with what is no upload and the others with uploads; give the offsets."""
    producer = Producer({"bootstrap.servers": broker})
    offsets: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}

    def acknowledged(error: object, message: RawMessage) -> None:
        assert error is None
        offsets[message.partition() or 0].append(message.offset() or 0)

    for number in range(BAD):
        for partition in range(PARTITIONS):
            upload = {"source": f"p{partition}", "item_id": str(number), "kind": "recording", "title": "A"}
            body = b"no upload" if partition == 0 else orjson.dumps(upload)
            if partition == 0 or number < GOOD:
                producer.produce(UPLOADS, body, partition=partition, on_delivery=acknowledged)
    producer.flush(30)
    return offsets


class Encoding:
    """The encode stage without models, in a group of its own."""

    def __init__(self, broker: str, group: str) -> None:
        self._broker = broker
        self.guard = RefusalGuard("encode", RefusalLimits(run=10, share=1.0, window=500, failures=5))
        words = ControlLog(broker, {}, AvroCodec())
        self.running = Running(
            StatelessRunner(
                EncodeProcessor(AvroCodec(), refusals=self.guard),
                bootstrap=broker,
                group_id=group,
                topics=[UPLOADS],
                batch_items=16,
                batch_ms=20,
                gate=Intake("encode", words, Recorded(), told=self.guard.told),
                holds=self.guard,
            )
        )

    def counts(self, offsets: dict[int, list[int]]) -> dict[int, Counter[int]]:
        """Give how often each of these uploads was encoded."""
        seen: dict[int, Counter[int]] = {partition: Counter() for partition in offsets}
        for message in read_topic(self._broker, {}, ENCODED):
            origin = AvroCodec().decode(ENCODED, message.value or b"").origin
            if origin.offset in offsets[origin.partition]:
                seen[origin.partition][origin.offset] += 1
        return seen


def test_a_partition_of_bad_records_waits_while_the_others_go_on(broker: str, installed: Path) -> None:
    offsets = _published(broker)
    group = f"encode.{uuid.uuid4().hex}"
    encoding = Encoding(broker, group)
    good = {p: Counter(offsets[p]) for p in range(1, PARTITIONS)}

    def others_done(encoding: Encoding) -> bool:
        seen = encoding.counts(offsets)
        return all(seen[p] == good[p] for p in good)

    wait_until(lambda: others_done(encoding), DEADLINE_S)
    wait_until(lambda: encoding.guard.held() and not encoding.guard.unsaid(), DEADLINE_S)
    assert encoding.guard.held() == {(UPLOADS, 0)}
    left = offsets[0][10]
    assert encoding.counts(offsets)[0] == Counter(offsets[0][:10])
    wait_until(lambda: committed_offsets(broker, {}, group, [UPLOADS]).get((UPLOADS, 0)) == left, DEADLINE_S)
    shown = samesong(installed, "stage", "status", "encode", "--json")
    held = [row for row in map(orjson.loads, shown.splitlines()) if row["what"] == f"{UPLOADS} [0]"]
    assert [(row["intake"], row["by"]) for row in held] == [("paused", "encode")]
    assert "10 records in a row were refused" in held[0]["why"]
    wrong = [each for each in check_kafka(load_settings(data_dir=installed)) if each.state is State.wrong]
    assert "--partition 0" in (wrong[0].fix or "")
    encoding.running.end()
    # A restart changes nothing: the next owner of the partition knows of the hold.
    encoding = Encoding(broker, group)
    more = Publisher(broker)
    later = [more.publish(UPLOADS, key=b"%d" % n, value=b'{"source": "later"}') for n in range(9)]
    more.flush()
    others: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    for each in later:
        others[each.partition or 0].append(each.offset or 0)
    others[0].clear()
    wait_until(lambda: sum(map(Counter.total, encoding.counts(others).values())) > 0, DEADLINE_S)
    assert encoding.counts(offsets)[0] == Counter(offsets[0][:10])
    samesong(installed, "stage", "resume", "encode", "--partition", "0")
    # A clean count: ten more, then it waits again.
    wait_until(lambda: encoding.counts(offsets)[0] == Counter(offsets[0][:20]), DEADLINE_S)
    wait_until(lambda: encoding.guard.held() and not encoding.guard.unsaid(), DEADLINE_S)
    samesong(installed, "stage", "resume", "encode", "--partition", "0", "--exempt-waiting")
    wait_until(lambda: encoding.counts(offsets)[0].total() >= BAD, DEADLINE_S)
    encoding.running.end()
    assert encoding.running.error is None
    assert encoding.counts(offsets) == {p: Counter(at) for p, at in offsets.items()}


def test_an_older_word_that_was_compacted_late_is_not_said_again(broker: str, installed: Path) -> None:
    for name in ("pause", "resume", "pause", "resume"):
        samesong(installed, "stage", name, "drift")
    log = ControlLog(broker, {}, AvroCodec())
    first = [said.paused for said in log.news() if said.stage == "drift"]
    assert first[-4:] == [True, False, True, False]
    samesong(installed, "stage", "pause", "drift", "--note", "last")
    later: list[str | None] = []

    def look() -> bool:
        later.extend(said.note for said in log.news() if said.stage == "drift")
        return "last" in later

    wait_until(look, DEADLINE_S)
    assert later == ["last"]
    log.close()
    samesong(installed, "stage", "resume", "drift")


def _settled(processor: Copy) -> bool:
    """Say whether a processor was given nothing for a while."""
    import threading

    before = processor.batches
    threading.Event().wait(1.5)
    return processor.batches == before
