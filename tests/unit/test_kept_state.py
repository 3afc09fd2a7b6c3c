"""A warm start reads the local store and the tail of the log, and knows what a cold start knows."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.core.catalogue import CatalogueState
from streams.core.records import ArbiterHead, Decision
from streams.core.store_mark import LogIdentity
from streams.edges import sqlite_store
from streams.edges.memory_store import MemoryStateFile, MemoryStateStore
from streams.edges.sqlite_store import SqliteStateStore
from streams.ports import Message, StateStore
from streams.stages.arbiter_records import FOLDED, HEAD, STATE_TOPICS, UPLOADS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.kept_state import KeptState
from tests.unit.test_find_and_arbitrate import Pipeline, upload
from tests.unit.title_scorer import RULES

LOG = LogIdentity(cluster_id="one", topic_ids=dict.fromkeys(FOLDED, "first"))
TITLES = ("w/studio", "w/live", "w/studio", "v/studio", "w/studio?", "w/live")


class KeptPipeline(Pipeline):
    """The pipeline whose arbiter has a local store."""

    def __init__(self, store: Callable[[], StateStore]) -> None:
        self.store = store
        self.identity = LOG
        self.form = "form"
        self.reads: Counter[str] = Counter()
        super().__init__()
        self.stage.restore(self.read, ends=self.ends(), committed=None)

    def new_stage(self) -> ArbitrateStage:
        kept = KeptState(
            self.store(), identity=lambda: self.identity, form=self.form, codec=self.codec, head=HEAD
        )
        return ArbitrateStage(self.codec, RULES, watermark=lambda: self.folded, overlay_rows=100, kept=kept)

    def decide(self, batch: list[Message]) -> list[Decision]:
        made = super().decide(batch)
        self.mark()
        return made

    def mark(self) -> None:
        """Write what ends a transaction in a real log: an offset that nobody can read."""
        for topic in STATE_TOPICS:
            self.log.setdefault(topic, []).append(
                Message(topic=topic, partition=0, offset=len(self.log[topic]), key=None, value=None)
            )

    def readable(self, topic: str, from_offset: int = 0) -> Iterator[Message]:
        """Read what is no mark."""
        return (each for each in super().read(topic, from_offset) if each.value is not None)

    def read(self, topic: str, from_offset: int) -> Iterator[Message]:
        for message in self.readable(topic, from_offset):
            self.reads[topic] += 1
            yield message

    def send(self, *items: str, first: int = 0) -> None:
        """Decide on one upload after the other, each in a batch of its own."""
        for number, item in enumerate(items, start=first):
            self.decide(self.look_up([upload(item, TITLES[number % len(TITLES)], number)]))

    def restarted(self) -> ArbitrateStage:
        """Start another arbiter; the old one is gone without a word."""
        self.reads.clear()
        stage = self.new_stage()
        stage.restore(self.read, ends=self.ends(), committed=self.stage.head.input_offset or None)
        self.stage = stage
        return stage

    def cold(self) -> ArbitrateStage:
        """Start one that has no local store."""
        stage = Pipeline.new_stage(self)
        stage.restore(self.readable, ends=self.ends(), committed=self.stage.head.input_offset or None)
        return stage


@pytest.fixture(params=["memory", "sqlite"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeptPipeline:
    monkeypatch.setattr(sqlite_store, "GATHERED_KEYS", 1)
    file = MemoryStateFile()
    if request.param == "memory":
        return KeptPipeline(lambda: MemoryStateStore(file))
    return KeptPipeline(lambda: SqliteStateStore(tmp_path / "arbiter.db"))


def known(catalogue: CatalogueState) -> object:
    """Everything that a catalogue answers about its live uploads."""
    uploads = [catalogue.upload(key) for key in catalogue.live_keys()]
    entities = [catalogue.entity(each.entity_id or "") for each in uploads if each]
    return (
        uploads,
        entities,
        [catalogue.entity(each.work_id or "") for each in entities if each],
        [catalogue.pairs_of(key) for key in catalogue.live_keys()],
        [catalogue.relations_of(key) for key in catalogue.live_keys()],
    )


def assert_knows_what_a_cold_start_knows(pipeline: KeptPipeline) -> None:
    warm, cold = pipeline.stage, pipeline.cold()
    assert known(warm.catalogue) == known(cold.catalogue)
    assert warm.head == cold.head
    batch = pipeline.look_up([upload("next", "w/studio", 99)])
    assert warm.decide(batch) == cold.decide(batch)
    warm.rolled_back()


def test_a_warm_start_reads_the_tail_alone(pipeline: KeptPipeline) -> None:
    pipeline.send(*"abcdef")
    pipeline.restarted()
    assert pipeline.reads[UPLOADS] == 0
    assert_knows_what_a_cold_start_knows(pipeline)


def test_what_was_committed_and_never_applied_is_in_the_tail(pipeline: KeptPipeline) -> None:
    pipeline.send(*"abc")
    batch = pipeline.look_up([upload("d", "w/studio", 3), upload("e", "v/studio", 4)])
    for produced in pipeline.stage.decide(batch):
        pipeline.append(produced)
    pipeline.mark()  # committed; the arbiter dies here
    stage = pipeline.new_stage()
    pipeline.reads.clear()
    assert stage.restore(pipeline.read, ends=pipeline.ends(), committed=None) == batch[-1].offset + 1
    pipeline.stage = stage
    assert pipeline.reads[UPLOADS] >= 2
    assert_knows_what_a_cold_start_knows(pipeline)


def test_what_was_decided_and_never_committed_is_nowhere(pipeline: KeptPipeline) -> None:
    pipeline.send(*"abc")
    pipeline.stage.decide(pipeline.look_up([upload("d", "w/studio", 3)]))
    pipeline.restarted()
    assert_knows_what_a_cold_start_knows(pipeline)


def test_restarts_between_all_batches_change_nothing(pipeline: KeptPipeline) -> None:
    for number, item in enumerate("abcdef"):
        pipeline.send(item, first=number)
        pipeline.restarted()
    assert_knows_what_a_cold_start_knows(pipeline)


@pytest.mark.parametrize(
    "change",
    [
        lambda each: setattr(each, "identity", replace(LOG, cluster_id="two")),
        lambda each: setattr(each, "identity", replace(LOG, topic_ids={**LOG.topic_ids, UPLOADS: "second"})),
        lambda each: setattr(each, "form", "another"),
    ],
    ids=["cluster", "topic", "form"],
)
def test_the_store_of_another_log_is_made_anew(
    pipeline: KeptPipeline, change: Callable[[KeptPipeline], None]
) -> None:
    pipeline.send(*"abcdef")
    change(pipeline)
    pipeline.restarted()
    assert pipeline.reads[UPLOADS] == len(list(pipeline.readable(UPLOADS)))
    assert_knows_what_a_cold_start_knows(pipeline)
    pipeline.restarted()
    assert pipeline.reads[UPLOADS] == 0


def cut(pipeline: KeptPipeline) -> None:
    """Lose the last transaction from the log."""
    ends = pipeline.ends()
    pipeline.send("f", first=5)
    for topic in pipeline.log:
        if topic in ends:
            del pipeline.log[topic][ends[topic] :]


def test_a_store_that_is_ahead_of_the_log_is_made_anew(pipeline: KeptPipeline) -> None:
    pipeline.send(*"abcde")
    cut(pipeline)
    stage = pipeline.new_stage()
    stage.restore(pipeline.read, ends=pipeline.ends(), committed=None)
    pipeline.stage = stage
    assert_knows_what_a_cold_start_knows(pipeline)


def test_a_store_whose_log_was_cut_and_went_another_way_is_made_anew(pipeline: KeptPipeline) -> None:
    pipeline.send(*"abcde")
    pipeline.stage.rolled_back()
    ends = pipeline.ends()
    # Elsewhere the last offset of the head holds another head.
    *_, last = pipeline.readable(HEAD)
    head: ArbiterHead = pipeline.codec.decode(HEAD, last.value or b"")
    other = pipeline.codec.encode(HEAD, replace(head, sequence=head.sequence + 7))
    pipeline.log[HEAD][last.offset] = replace(last, value=other)
    stage = pipeline.new_stage()
    pipeline.reads.clear()
    stage.restore(pipeline.read, ends=ends, committed=None)
    assert pipeline.reads[UPLOADS] == len(list(pipeline.readable(UPLOADS)))
    assert stage.head.sequence == head.sequence + 7
