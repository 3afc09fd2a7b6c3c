"""The subscriber of docs/subscribing.md on a real broker: transactions, an aborted one, a stop in between."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.core.records import Decision, EntityChanged
from streams.core.records.decided import Carrier
from streams.core.subscribed import FollowedCatalogue
from streams.core.subscribing import DECIDED, ENTITY_CHANGED, RELATION_CHANGED, WholeSequence
from streams.edges.avro import AvroCodec
from streams.edges.broker import EmbeddedKafka
from streams.edges.kafka_config import transactional_producer_config
from streams.edges.topics import ensure_topics
from streams.errors import CorruptState, OffsetRegression, SequenceGap
from streams.subscriber import Position, Subscriber
from tests.unit.story import Story

pytestmark = pytest.mark.broker
CODEC = AvroCodec()
PAGE = Path(__file__).parents[2] / "docs" / "subscribing.md"
DEADLINE_S = 120.0


def past() -> Story:
    """Let entities be minted, merged, restored, split, moved and retired, with relations between them."""
    story = Story()
    for item, title in zip("abcde", ("w/studio", "w/live", "w/studio", "v/studio", "v/studio"), strict=True):
        story.say(item, title)
    story.command("merge", story.home("a"), story.home("d"))
    story.command("unmerge", story.home("a"))
    story.command("split", story.home("a"), members="c")
    story.say("e", "w/live", revision=2)
    story.say("e", "w/live", revision=2)
    story.judge("a", "c", "withdrawn")
    story.withdraw("d")
    return story


STORY = past()
LAST = STORY.stage.head.sequence


class Arbiter:
    """Writes sequences as the arbiter does, one transaction each."""

    def __init__(self, bootstrap: str) -> None:
        settings = transactional_producer_config(bootstrap, transactional_id="subscribing-test")
        self._producer = Producer(settings)
        self._producer.init_transactions(30)

    def write(self, *parts: Carrier, commit: bool = True) -> None:
        self._producer.begin_transaction()
        for part in parts:
            topic = (
                DECIDED
                if isinstance(part, Decision)
                else ENTITY_CHANGED
                if isinstance(part, EntityChanged)
                else RELATION_CHANGED
            )
            self._producer.produce(topic, CODEC.encode(topic, part), b"k")
        self._producer.flush(30)
        if commit:
            self._producer.commit_transaction(30)
        else:
            self._producer.abort_transaction(30)


def parts(sequence: int) -> list[Carrier]:
    return [each for each in STORY.carriers() if each.sequence == sequence]


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a broker whose log holds the story, and transactions that were given up in between."""
    with EmbeddedKafka(tmp_path_factory.mktemp("subscribing")) as kafka:
        ensure_topics(kafka.bootstrap, replication_factor=1)
        arbiter = Arbiter(kafka.bootstrap)
        for sequence in range(1, LAST + 1):
            arbiter.write(*parts(sequence)[:1], commit=False)
            arbiter.write(*parts(sequence))
        yield kafka.bootstrap


def follow(subscriber: Subscriber, until: int) -> list[WholeSequence]:
    found: list[WholeSequence] = []
    while subscriber.position.sequence < until:
        found += subscriber.poll(1.0)
    return found


def test_the_page_s_subscriber_keeps_the_catalogue_across_a_stop(bootstrap: str, tmp_path: Path) -> None:
    (code,) = [
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
        if "sqlite3" in block
    ]
    script, copy = tmp_path / "subscriber.py", tmp_path / "catalogue.db"
    script.write_text(code)
    for until in (LAST // 2, LAST):
        subprocess.run(  # noqa: S603 - our own interpreter and page
            [sys.executable, str(script), bootstrap, str(copy), str(until)], check=True, timeout=DEADLINE_S
        )
    db = sqlite3.connect(copy)
    entities = {(e.entity_id, e.kind, e.status, e.redirect_to, e.work_id) for e in STORY.entities().values()}
    assert set(db.execute("select * from entity")) == entities
    members = {(m, e.entity_id) for e in STORY.entities().values() if e.kind != "work" for m in e.members}
    assert set(db.execute("select * from member")) == members
    asserted = {(r.relation_id, r.from_entity, r.to_entity) for r in STORY.relations()}
    told = db.execute("select id, from_entity, to_entity from relation where status = 'asserted'")
    assert set(told) == asserted
    db.close()


@pytest.mark.parametrize("stop", range(LAST + 1))
def test_wherever_it_stops_it_goes_on_with_the_next_sequence(bootstrap: str, stop: int) -> None:
    with Subscriber(bootstrap, CODEC) as subscriber:
        whole = follow(subscriber, LAST)
    assert [each.sequence for each in whole] == list(range(1, LAST + 1))
    taken: list[WholeSequence] = []
    position = Position()
    while position.sequence < stop:
        with Subscriber(bootstrap, CODEC, position=position) as subscriber:
            taken += subscriber.poll(1.0)
            position = Position.from_json(subscriber.position.to_json())
    with Subscriber(bootstrap, CODEC, position=position) as subscriber:
        taken += follow(subscriber, LAST)
    assert taken == whole


def test_what_it_builds_is_what_the_arbiter_keeps(bootstrap: str) -> None:
    catalogue = FollowedCatalogue()
    with Subscriber(bootstrap, CODEC) as subscriber:
        for whole in follow(subscriber, LAST):
            catalogue.apply(whole)
    assert set(catalogue.homes.values()) == set(STORY.homes().values())
    assert STORY.subscriber_lacks() == []


def test_a_position_of_other_topics_is_refused(bootstrap: str) -> None:
    beyond = Position(sequence=LAST, offsets={DECIDED: 10_000})
    with pytest.raises(OffsetRegression, match="asked for 10000"):
        Subscriber(bootstrap, CODEC, position=beyond)
    with pytest.raises(CorruptState, match="no position"):
        Position.from_json("{")


def test_it_stops_at_a_gap_after_giving_all_that_is_whole(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        ensure_topics(kafka.bootstrap, replication_factor=1)
        arbiter = Arbiter(kafka.bootstrap)
        lost = next(n for n in range(2, LAST) if len(parts(n)) > 1)
        for sequence in range(1, LAST + 1):
            arbiter.write(*(parts(sequence)[1:] if sequence == lost else parts(sequence)))
        with Subscriber(kafka.bootstrap, CODEC, patience_seconds=1.0) as subscriber:
            assert follow(subscriber, lost - 1)[-1].sequence == lost - 1

            def go_on() -> None:
                while True:
                    assert subscriber.poll(0.5) == ()

            with pytest.raises(SequenceGap, match=f"of sequence {lost} there are"):
                go_on()
            assert subscriber.position.sequence == lost - 1
