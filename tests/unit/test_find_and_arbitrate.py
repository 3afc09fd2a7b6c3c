"""Find, arbitrate and the index over a log in memory: the overlay covers what the index has not seen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from streams.core.audit import Mismatch
from streams.core.records import (
    ArbiterInput,
    Decision,
    EncodedUpload,
    Kind,
    LinkageRecord,
    Operation,
    Origin,
    Outcome,
    Refusal,
    TitleReading,
    VectorRow,
)
from streams.edges.avro import AvroCodec
from streams.edges.memory_index import MemoryCandidateIndex
from streams.errors import OffsetRegression
from streams.ports import Delivered, FloatArray, Hit, Message, Produced
from streams.stages.arbiter_records import HEAD, ROWS, STATE_TOPICS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.find import AGAIN, INPUT, FindProcessor
from streams.subscriber import compare_with_arbiter
from tests.unit.title_scorer import RULES


class LogInMemory:
    """Topics of one partition, as a subscriber looks at them."""

    def __init__(self, log: Mapping[str, Sequence[Message]]) -> None:
        self._log = log

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Mapping[int, int]]:
        return {topic: {0: len(self._log.get(topic, ()))} for topic in topics}

    def read(
        self, topic: str, ends: Mapping[int, int] | None, since: Mapping[int, int] | None = None
    ) -> Iterator[Message]:
        messages = self._log.get(topic, ())
        yield from messages if ends is None else messages[: ends[0]]


class Pipeline:
    """Find, arbitrate and index, one topic each, carried by hand."""

    def __init__(self, *, kept_behind: int = 8_192) -> None:
        self.codec = AvroCodec()
        self.kept_behind = kept_behind
        self.index = MemoryCandidateIndex()
        self.find = FindProcessor(self.index, self.codec, limit=10)
        self.folded = 0
        self.stage = self.new_stage()
        self.log: dict[str, list[Message]] = {}

    def new_stage(self) -> ArbitrateStage:
        return ArbitrateStage(
            self.codec, RULES, watermark=lambda: self.folded, overlay_rows=100, kept_behind=self.kept_behind
        )

    def append(self, produced: Produced) -> Message:
        topic = self.log.setdefault(produced.topic, [])
        message = Message(
            topic=produced.topic,
            partition=0,
            offset=len(topic),
            key=produced.key,
            value=produced.value,
            timestamp_ms=0,
        )
        topic.append(message)
        return message

    def look_up(self, uploads: list[EncodedUpload], topic: str = "upload.encoded.v1") -> list[Message]:
        batch = [
            self.append(
                Produced(topic=topic, key=upload.key.text().encode(), value=self.codec.encode(topic, upload))
            )
            for upload in uploads
        ]
        return [self.append(produced) for produced in self.find.process(batch)]

    def decide(self, batch: list[Message]) -> list[Decision]:
        produced = self.stage.decide(batch)
        delivered = [Delivered(each, self.append(each).offset) for each in produced]
        self.stage.committed(delivered, next_offset=batch[-1].offset + 1)
        return [
            self.codec.decode(each.topic, each.value or b"")
            for each in produced
            if each.topic == "resolution.decided.v1"
        ]

    def index_all(self) -> None:
        rows = self.log.get(ROWS, [])
        build = self.index.active()
        decoded = [self.codec.decode(ROWS, message.value or b"") for message in rows[build.watermark :]]
        self.index.apply(build.name, decoded, watermark=len(rows))
        self.folded = len(rows)

    def read(self, topic: str, from_offset: int) -> Iterator[Message]:
        yield from self.log.get(topic, [])[from_offset:]

    def subscriber_lacks(self) -> list[Mismatch]:
        """Compare what a subscriber makes of the topics with what the arbiter keeps."""
        return list(compare_with_arbiter(LogInMemory(self.log), self.codec, attempts=1))

    def ends(self) -> dict[str, int]:
        return {topic: len(self.log.get(topic, [])) for topic in STATE_TOPICS}


def upload(item: str, title: str, offset: int) -> EncodedUpload:
    direction = np.zeros(8, dtype="<f2")
    direction[len(title) % 8] = 1
    return EncodedUpload(
        origin=Origin(topic="catalog.upload.v1", partition=0, offset=offset),
        source="s",
        item_id=item,
        revision=1,
        operation=Operation.upsert,
        digest=title,
        received_ms=0,
        record=LinkageRecord(kind=Kind.recording, source_kind=None, readings=(TitleReading(base=title),)),
        vectors=(VectorRow(modality="text", model="m-1", window=0, start_ms=0, values=direction.tobytes()),),
    )


def test_twins_of_one_batch_meet_in_the_overlay() -> None:
    pipeline = Pipeline()
    first, second = pipeline.decide(pipeline.look_up([upload("a", "one", 0), upload("b", "one", 1)]))
    assert (first.outcome, second.outcome) == (Outcome.new, Outcome.match)
    assert first.entity_id == second.entity_id
    assert second.candidates[0].looked_up == "overlay"
    assert second.candidates[0].proposed_by == ("vector:text",)


def test_twins_of_adjacent_batches_meet_before_the_index_has_run() -> None:
    pipeline = Pipeline()
    looked_up = pipeline.look_up([upload("a", "one", 0)]) + pipeline.look_up([upload("b", "one", 1)])
    (first,) = pipeline.decide(looked_up[:1])
    (second,) = pipeline.decide(looked_up[1:])
    assert second.entity_id == first.entity_id


def test_what_the_index_holds_is_found_there() -> None:
    pipeline = Pipeline()
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    pipeline.index_all()
    (second,) = pipeline.decide(pipeline.look_up([upload("b", "one", 1)]))
    assert second.outcome is Outcome.match
    assert second.candidates[0].looked_up == "index"
    assert second.lookup is not None
    assert second.lookup.watermark == 1


def test_a_look_up_a_moment_old_is_still_good() -> None:
    pipeline = Pipeline()
    early = pipeline.look_up([upload("b", "one", 1)])
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    pipeline.index_all()
    (decided,) = pipeline.decide(early)
    assert decided.outcome is Outcome.match
    assert decided.candidates[0].looked_up == "overlay"


class FoldingIndex(MemoryCandidateIndex):
    """Folds what is new just after a search, as another thread may."""

    def __init__(self) -> None:
        super().__init__()
        self.then: list[Callable[[], None]] = []

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        hits = super().search(build, modality=modality, model=model, vectors=vectors, limit=limit)
        while self.then:
            self.then.pop()()
        return hits


def test_what_is_folded_during_a_search_is_found_in_the_overlay() -> None:
    pipeline = Pipeline()
    pipeline.index = index = FoldingIndex()
    pipeline.find = FindProcessor(index, pipeline.codec, limit=10)
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    index.then.append(pipeline.index_all)
    (decided,) = pipeline.decide(pipeline.look_up([upload("b", "one", 1)]))
    assert decided.outcome is Outcome.match
    assert decided.candidates[0].looked_up == "overlay"


def test_a_look_up_older_than_the_floor_is_made_again_before_it_is_decided() -> None:
    pipeline = Pipeline(kept_behind=0)
    early = pipeline.look_up([upload("b", "one", 1)])
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    pipeline.index_all()
    pipeline.stage.ready()
    assert pipeline.decide(early) == []
    (again,) = pipeline.log[AGAIN]
    (produced,) = pipeline.find.process([again])
    (decided,) = pipeline.decide([pipeline.append(produced)])
    assert decided.outcome is Outcome.match
    assert decided.lookup is not None
    assert decided.lookup.attempt == 1


def test_a_record_that_was_looked_up_twice_is_searched_from_its_own_watermark() -> None:
    pipeline = Pipeline()
    early = pipeline.look_up([upload("b", "one", 1)])
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    pipeline.index_all()
    # find died before it committed: the same record comes again, and saw more of the index this time
    late = pipeline.look_up([upload("b", "one", 1)])
    (decided,) = pipeline.decide(early + late)
    assert decided.outcome is Outcome.match
    assert decided.candidates[0].looked_up == "overlay"


def test_a_withdrawal_is_not_overtaken_while_others_are_looked_up_again() -> None:
    pipeline = Pipeline(kept_behind=0)
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    withdrawal = replace(upload("a", "", 1), operation=Operation.withdraw, record=None, vectors=())
    early = pipeline.look_up([withdrawal])
    pipeline.decide(pipeline.look_up([upload("b", "two", 2)]))
    pipeline.index_all()
    (withdrawn,) = pipeline.decide(early)
    (revised,) = pipeline.decide(pipeline.look_up([replace(upload("a", "one", 3), revision=2)]))
    assert (withdrawn.outcome, withdrawn.overlay_rows) == (Outcome.withdrawn, 0)
    assert revised.outcome is Outcome.new


def test_a_batch_that_is_rolled_back_is_decided_the_same_way_again() -> None:
    pipeline = Pipeline()
    batch = pipeline.look_up([upload("a", "one", 0), upload("b", "one", 1), upload("c", "two", 2)])
    first = pipeline.stage.decide(batch)
    pipeline.stage.rolled_back()
    assert pipeline.stage.decide(batch) == first


def test_a_restart_restores_the_state_and_goes_on_with_the_same_ids() -> None:
    calm, restarted = Pipeline(), Pipeline()
    for step, (item, title) in enumerate([("a", "one"), ("b", "two"), ("c", "one"), ("d", "two")]):
        for pipeline in (calm, restarted):
            pipeline.decide(pipeline.look_up([upload(item, title, step)]))
        fresh = restarted.new_stage()
        offset = fresh.restore(restarted.read, ends=restarted.ends(), committed=step + 1)
        assert offset == step + 1
        assert fresh.head == restarted.stage.head
        restarted.stage = fresh
    assert calm.log["resolution.decided.v1"] == restarted.log["resolution.decided.v1"]
    assert calm.log["entity.changed.v1"] == restarted.log["entity.changed.v1"]


def test_the_same_records_again_say_nothing() -> None:
    pipeline = Pipeline()
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    assert pipeline.decide(pipeline.look_up([upload("a", "one", 0)])) == []


def test_uploads_sent_in_transactions_take_one_range_of_the_head() -> None:
    pipeline = Pipeline()
    # The end of each transaction takes an offset; before the first it is not known what stands.
    sent = [upload(str(at), f"song {at}", 3 * at) for at in range(6)]
    sent = [each if at == 0 else replace(each, gap=2) for at, each in enumerate(sent)]
    decided = pipeline.decide(pipeline.look_up([sent[at] for at in (0, 2, 1, 4, 5, 3)]))
    assert len(decided) == 6
    assert [(held.first, held.end) for held in pipeline.stage.head.origins] == [(0, 16)]
    assert pipeline.decide(pipeline.look_up(sent)) == []


def test_a_refusal_needs_no_look_up() -> None:
    pipeline = Pipeline()
    refused = EncodedUpload(
        origin=Origin(topic="catalog.upload.v1", partition=0, offset=0),
        source="",
        item_id="",
        revision=None,
        operation=Operation.upsert,
        digest="",
        received_ms=0,
        refusal=Refusal(code="decode_error", reason="wrong magic", body=b"?", body_bytes=1),
    )
    (decided,) = pipeline.decide(pipeline.look_up([refused]))
    assert (decided.outcome, decided.code) == (Outcome.rejected, "decode_error")
    assert len(pipeline.log["deadletter.v1"]) == 1


def test_state_of_another_installation_is_refused() -> None:
    pipeline = Pipeline()
    pipeline.decide(pipeline.look_up([upload("a", "one", 0)]))
    fresh = pipeline.new_stage()
    with pytest.raises(OffsetRegression, match="one installation"):
        fresh.restore(pipeline.read, ends=pipeline.ends(), committed=7)
    pipeline.folded = 99
    with pytest.raises(OffsetRegression, match="beyond the end"):
        pipeline.new_stage().restore(pipeline.read, ends=pipeline.ends(), committed=1)


def test_intake_pauses_while_the_overlay_is_full() -> None:
    pipeline = Pipeline()
    pipeline.decide(pipeline.look_up([upload(f"i{n}", f"t{n}", n) for n in range(100)]))
    assert not pipeline.stage.ready()
    pipeline.index_all()
    assert pipeline.stage.ready()


def test_every_transaction_carries_one_head() -> None:
    pipeline = Pipeline()
    pipeline.decide(pipeline.look_up([upload("a", "one", 0), upload("b", "two", 1)]))
    (head,) = [pipeline.codec.decode(HEAD, message.value or b"") for message in pipeline.log[HEAD]]
    assert (head.sequence, head.input_offset, head.live_uploads) == (2, 2, 2)
    inputs = [pipeline.codec.decode(INPUT, message.value or b"") for message in pipeline.log[INPUT]]
    assert all(isinstance(each, ArbiterInput) for each in inputs)
