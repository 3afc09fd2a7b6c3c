"""A partition of bad records is held where it is; the others go on; nothing is lost or decided twice."""

from dataclasses import replace

import orjson
import pytest

from streams.core.policy import RefusalLimits
from streams.core.records import EncodedUpload, Refusal, StageControl
from streams.edges.avro import AvroCodec
from streams.ports import Message, Produced
from streams.stages import encode as encode_stage
from streams.stages.encode import CONTROLS, ENCODED, EncodeProcessor
from streams.stages.refusal_guard import RefusalGuard
from tests.unit.test_stage_metrics import Recorded

UPLOADS = "catalog.upload.v1"
CODEC = AvroCodec()
LIMITS = RefusalLimits(run=3, share=0.5, window=100, failures=2)


def message(offset: int, *, partition: int = 0, good: bool = False) -> Message:
    body = b"no upload"
    if good:
        body = orjson.dumps(
            {"source": "s", "item_id": f"{partition}.{offset}", "kind": "recording", "title": "Clear Water"}
        )
    return Message(topic=UPLOADS, partition=partition, offset=offset, key=b"k", value=body)


class Stage:
    def __init__(self, limits: RefusalLimits = LIMITS) -> None:
        self.metrics = Recorded()
        self.guard = RefusalGuard("encode", limits, metrics=self.metrics)
        self.processor = EncodeProcessor(CODEC, refusals=self.guard)

    def process(self, *batch: Message) -> list[tuple[int, int]]:
        """Give which records were written on, as (partition, offset)."""
        self.produced = list(self.processor.process(batch))
        encoded: list[EncodedUpload] = [
            CODEC.decode(ENCODED, each.value or b"") for each in self.produced if each.topic == ENCODED
        ]
        for each in self.produced:
            if each.topic == ENCODED:
                assert each.cause is not None
                assert batch[each.cause].offset == CODEC.decode(ENCODED, each.value or b"").origin.offset
        return [(each.origin.partition, each.origin.offset) for each in encoded]

    def said(self) -> list[StageControl]:
        return [controls(each) for each in self.produced if each.topic == CONTROLS]


def controls(produced: Produced) -> StageControl:
    said: StageControl = CODEC.decode(CONTROLS, produced.value or b"")
    assert produced.key == said.key().encode()
    return said


def resumed(said: StageControl, *, exempt_before: int = 0) -> StageControl:
    return replace(said, paused=False, code=None, note=None, offset=None, exempt_before=exempt_before)


def test_a_batch_ends_at_the_last_refusal_and_other_partitions_go_on() -> None:
    stage = Stage()
    batch = [message(n, partition=p, good=p == 1) for n in range(5) for p in (0, 1)]
    written = stage.process(*batch)
    assert [at for at in written if at[0] == 0] == [(0, 0), (0, 1), (0, 2)]
    assert [at for at in written if at[0] == 1] == [(1, n) for n in range(5)]
    assert stage.guard.held() == {(UPLOADS, 0)}
    assert stage.guard.cut() == {(UPLOADS, 0): 3}
    (said,) = stage.said()
    assert (said.paused, said.partition, said.code, said.offset) == (True, 0, "deadletter_run", 3)
    assert said.note == "3 records in a row were refused, the last with decode_error"


def test_a_hold_is_said_until_it_is_read_back() -> None:
    stage = Stage()
    stage.process(*(message(n) for n in range(3)))
    (said,) = stage.said()
    stage.process(message(9, partition=1, good=True))
    assert stage.said() == [said]
    assert [controls(each) for each in stage.processor.idle([])] == [said]
    stage.guard.told(said)
    stage.process(message(10, partition=1, good=True))
    assert stage.said() == []
    assert stage.metrics.of("samesong.partition.held") == [(1.0, {"topic": UPLOADS, "partition": "0"})]


def test_a_batch_that_comes_again_counts_once_and_ends_at_the_same_record() -> None:
    stage = Stage()
    twice = [message(n) for n in range(2)]
    for _ in range(3):
        assert len(stage.process(*twice)) == 2
    assert stage.guard.held() == set()
    batch = [message(n) for n in range(5)]
    assert stage.process(*batch) == stage.process(*batch) == [(0, 0), (0, 1), (0, 2)]
    assert stage.guard.cut() == {(UPLOADS, 0): 3}


def test_an_older_resume_does_not_lift_a_hold_that_is_not_in_the_log_yet() -> None:
    stage = Stage()
    stage.process(*(message(n) for n in range(3)))
    (said,) = stage.said()
    stage.guard.told(resumed(said))
    assert stage.guard.held() == {(UPLOADS, 0)}
    stage.guard.told(said)
    stage.guard.told(resumed(said))
    assert stage.guard.held() == set()


def test_a_resume_in_the_middle_of_a_batch_leaves_what_lies_behind_the_cut() -> None:
    stage = Stage()
    stage.process(*(message(n) for n in range(3)))
    (said,) = stage.said()
    stage.guard.told(said)
    stage.guard.begin()
    assert not stage.guard.admits(message(3))
    stage.guard.told(resumed(said))
    assert not stage.guard.admits(message(4))
    assert stage.guard.cut() == {(UPLOADS, 0): 3}


def test_a_resumed_partition_starts_with_a_clean_count() -> None:
    stage = Stage()
    stage.process(*(message(n) for n in range(3)))
    (said,) = stage.said()
    stage.guard.told(said)
    stage.guard.told(resumed(said))
    assert stage.process(message(3), message(4), message(5, good=True)) == [(0, 3), (0, 4), (0, 5)]
    assert stage.guard.held() == set()
    assert stage.process(*(message(n) for n in range(6, 12))) == [(0, 6), (0, 7), (0, 8)]


def test_what_waits_may_be_exempted() -> None:
    stage = Stage()
    stage.process(*(message(n) for n in range(3)))
    (said,) = stage.said()
    stage.guard.told(said)
    stage.guard.told(resumed(said, exempt_before=50))
    assert len(stage.process(*(message(n) for n in range(3, 60)))) == 47 + 3


def test_another_process_knows_of_a_hold_from_the_log() -> None:
    first, second = Stage(), Stage()
    first.process(*(message(n) for n in range(3)))
    (said,) = first.said()
    second.guard.told(said)
    assert second.guard.held() == {(UPLOADS, 0)}
    assert second.process(message(3, good=True), message(7, partition=1, good=True)) == [(1, 7)]
    assert second.guard.cut() == {(UPLOADS, 0): 3}
    second.guard.told(resumed(said))
    assert second.process(message(3, good=True)) == [(0, 3)]


def test_an_operators_word_on_a_partition_finishes_what_is_at_hand() -> None:
    stage = Stage()
    stage.guard.told(StageControl(stage="encode", paused=True, topic=UPLOADS, partition=0))
    assert stage.guard.held() == {(UPLOADS, 0)}
    assert stage.process(message(0, good=True)) == [(0, 0)]


def test_records_that_break_our_code_hold_their_partition_and_end_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(encode_stage, "parse_upload", broken)
    stage = Stage()
    written = stage.process(*(message(n, good=True) for n in range(40)))
    assert written == [(0, 0), (0, 1)]
    assert [said.code for said in stage.said()] == ["encode_failing"]


def test_a_word_on_a_whole_stage_is_none_on_a_partition() -> None:
    stage = Stage()
    stage.guard.told(StageControl(stage="encode", paused=True))
    assert stage.guard.held() == set()
    stage.guard.count(message(0), Refusal(code="c", reason="r"))
    assert stage.guard.unsaid() == ()
