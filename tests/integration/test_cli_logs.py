"""The commands that talk to Kafka, on a real broker without any stage running."""

import json
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.cli import app
from streams.cli.decisions import DECISIONS
from streams.core.records import Decision, EntityChanged, EntitySide, Origin, Outcome
from streams.edges.avro import AvroCodec
from streams.edges.committed_log import read_topic
from streams.edges.kafka_producer import Publisher

pytestmark = pytest.mark.broker

UPLOADS = "catalog.upload.v1"
DEADLINE_SECONDS = 60.0


@pytest.fixture(scope="module")
def broker(own_broker: str) -> str:
    """Whatever is in the topics was put there by these tests."""
    return own_broker


@pytest.fixture(scope="module", autouse=True)
def _topics(broker: str) -> None:
    assert CliRunner().invoke(app, ["topics", "--bootstrap", broker]).exit_code == 0


@pytest.fixture
def run(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setenv("SAMESONG_KAFKA__BOOTSTRAP", broker)
    return Run(tmp_path)


class Run:
    """Commands on one installation."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--data-dir", str(self.data_dir)])


def _decide(broker: str, item: str, *, origin: Origin, sequence: int) -> None:
    """Write a decision as the arbiter would."""
    decision = Decision(
        decision_id=f"d-{item}",
        sequence=sequence,
        origin=origin,
        source="cli",
        item_id=item,
        revision=1,
        outcome=Outcome.new,
        entity_id=f"entity-{item}",
    )
    with Publisher(broker) as publisher:
        publisher.publish(DECISIONS, key=item.encode(), value=AvroCodec().encode(DECISIONS, decision))


def _origins(broker: str, item: str) -> list[Origin]:
    """Find the published uploads of an item."""
    return [
        m.origin
        for m in read_topic(broker, None, UPLOADS)
        if AvroCodec().decode(UPLOADS, m.value or b"").item_id == item
    ]


def test_publish_sends_the_good_lines_and_ends_with_1_for_the_bad(
    run: Run, broker: str, tmp_path: Path
) -> None:
    lines = tmp_path / "in.jsonl"
    good = {"source": "cli", "item_id": "good-1", "kind": "recording", "title": "Clear Water"}
    lines.write_text(f"{json.dumps(good)}\n{{broken\n{json.dumps({**good, 'item_id': 'good-2'})}\n")
    ended = run("publish", str(lines))
    assert ended.exit_code == 1
    assert f"{lines}:2" in ended.stderr
    assert "2 published, 1 refused." in ended.stderr
    assert len(_origins(broker, "good-1")) == len(_origins(broker, "good-2")) == 1
    found = next(m for m in read_topic(broker, None, UPLOADS) if m.key == b"3:cligood-1")
    assert found.header("traceparent") is not None


def test_wait_ends_when_each_upload_is_decided(run: Run, broker: str, tmp_path: Path) -> None:
    lines = tmp_path / "in.jsonl"
    lines.write_text('{"source": "cli", "item_id": "waited", "kind": "recording", "title": "T"}\n')
    ended: list[Result] = []
    command = threading.Thread(target=lambda: ended.append(run("publish", "--wait", "--json", str(lines))))
    command.start()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (origins := _origins(broker, "waited")):
        assert time.monotonic() < deadline
    # One of somebody else first: it is not ours to wait for.
    _decide(broker, "of-another", origin=Origin(topic=UPLOADS, partition=0, offset=10**9), sequence=1)
    _decide(broker, "waited", origin=origins[0], sequence=2)
    command.join(DEADLINE_SECONDS)
    assert ended[0].exit_code == 0
    assert [json.loads(line)["item_id"] for line in ended[0].stdout.splitlines()] == ["waited"]
    assert "new" in run("explain", "cli", "waited").stdout
    assert run("explain", "cli", "never-sent").exit_code == 1
    watched = run("watch", "--beginning", "--count", "2", "--json")
    assert len(watched.stdout.splitlines()) == 2


def test_entity_and_verdict(run: Run, broker: str) -> None:
    side = EntitySide(entity_id="ent-1", kind="recording", status="live", members=("3:clix",), title="T")
    event = EntityChanged(event_id="e", sequence=1, part=1, parts=1, change="minted", sides=(side,))
    with Publisher(broker) as publisher:
        topic = "entity.changed.v1"
        publisher.publish(topic, key=b"ent-1", value=AvroCodec().encode(topic, event))
    assert "cli/x" in run("entity", "ent-1").stdout
    assert run("entity", "nothing").exit_code == 1
    assert run("review", "verdict", "b", "1", "a", "2", "match", "--by", "me").exit_code == 0
    topic = "review.verdict.v1"
    verdicts = [AvroCodec().decode(topic, m.value or b"") for m in read_topic(broker, None, topic)]
    assert [(v.left_source, v.right_source, v.judgement) for v in verdicts] == [("a", "b", "match")]
    assert run("deadletters", "list").exit_code == 0
