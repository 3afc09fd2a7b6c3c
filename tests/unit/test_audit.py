"""Each kind of loss, doubling and tearing is found, and a sound log is clean."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from streams.core.audit import AuditLog, AuditReport, Carried, DecidedAt, Mismatch, RunningAudit
from streams.core.index_rows import checksum, row_hash
from streams.core.records import (
    ArbiterHead,
    ArbiterInput,
    DeadLetter,
    Decision,
    EncodedUpload,
    EntityChanged,
    EntitySide,
    EntityState,
    Found,
    IndexRow,
    IndexWatermark,
    MemberPlace,
    Operation,
    Origin,
    Outcome,
    RelationChanged,
    RelationState,
    Verdict,
)
from streams.edges.avro import AvroCodec
from streams.errors import BrokerUnavailable, OffsetRegression
from streams.ports import Message
from streams.records_by_topic import TOPIC_RECORDS
from streams.stages.audit import Audit, run_audit

CODEC = AvroCodec()


class Logs:
    """Topics of one partition in memory, and what the groups have committed."""

    def __init__(self) -> None:
        self.topics: dict[str, list[bytes | None]] = {topic: [] for topic in TOPIC_RECORDS}
        self.committed_by: dict[str, dict[tuple[str, int], int]] = {}
        self.given = 0  # records that were read

    def put(self, topic: str, record: object) -> int:
        self.topics[topic].append(CODEC.encode(topic, record))
        return len(self.topics[topic]) - 1

    def commit(self, group: str, topic: str, offset: int) -> None:
        self.committed_by.setdefault(group, {})[topic, 0] = offset

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Mapping[int, int]]:
        return {topic: {0: len(self.topics[topic])} for topic in topics}

    def read(
        self, topic: str, ends: Mapping[int, int] | None, since: Mapping[int, int] | None = None
    ) -> Iterator[Message]:
        values = self.topics[topic]
        end = len(values) if ends is None else ends[0]
        first = since.get(0, 0) if since else 0
        if first > end:
            raise OffsetRegression(f"{topic} ends before {first}")
        for offset in range(first, end):
            self.given += 1
            yield Message(topic=topic, partition=0, offset=offset, key=b"k", value=values[offset])

    def committed(self, group: str, topics: tuple[str, ...]) -> Mapping[tuple[str, int], int]:
        return self.committed_by.get(group, {})


def origin(offset: int) -> Origin:
    return Origin(topic="catalog.upload.v1", partition=0, offset=offset)


def encoded(offset: int) -> EncodedUpload:
    return EncodedUpload(
        origin=origin(offset),
        source="s",
        item_id=str(offset),
        revision=1,
        operation=Operation.upsert,
        digest="d",
        received_ms=1,
    )


def decision(offset: int, sequence: int, outcome: Outcome = Outcome.new) -> Decision:
    return Decision(
        decision_id=f"d{sequence}",
        sequence=sequence,
        origin=origin(offset),
        source="s",
        item_id=str(offset),
        revision=1,
        outcome=outcome,
    )


def letter(at: Origin, sequence: int) -> DeadLetter:
    return DeadLetter(event_id=f"l{sequence}", sequence=sequence, origin=at, code="c", reason="r")


def changed(
    sequence: int, entity_id: str, members: tuple[str, ...], part: int = 1, of: int = 1
) -> EntityChanged:
    side = EntitySide(entity_id=entity_id, kind="recording", status="live", members=members)
    return EntityChanged(
        event_id=f"e{sequence}", sequence=sequence, part=part, parts=of, change="minted", sides=(side,)
    )


def state(entity_id: str, members: tuple[str, ...]) -> EntityState:
    return EntityState(
        entity_id=entity_id, kind="recording", status="live", founder="f", minted_sequence=1, members=members
    )


PLACE = MemberPlace(member="1", master_id="M", audio_id="A")


def row(name: str, state: str = "live") -> IndexRow:
    return IndexRow(
        row_id=name,
        source="s",
        item_id=name,
        revision=1,
        modality="text",
        model="m",
        window=0,
        start_ms=0,
        values=b"\x00\x3c" * 4 if state == "live" else b"",
        state=state,
    )


@pytest.fixture
def logs() -> Logs:
    """Make a sound pipeline: three uploads decided, the third refused, a fourth still on its way."""
    logs = Logs()
    for _ in range(4):
        logs.topics["catalog.upload.v1"].append(b"{}")
    for offset in range(3):
        logs.put("upload.encoded.v1", encoded(offset))
        logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(offset))))
    logs.put("resolution.decided.v1", decision(0, 1))
    logs.put("resolution.decided.v1", decision(1, 2))
    logs.put("resolution.decided.v1", decision(2, 3, Outcome.rejected))
    logs.put("deadletter.v1", letter(origin(2), 3))
    logs.put("entity.changed.v1", changed(1, "E1", ("0",)))
    logs.put("entity.changed.v1", changed(2, "E2", ("1",)))
    logs.put("entity.state.v1", state("E1", ()))
    logs.put("entity.state.v1", state("E1", ("0",)))
    logs.put("entity.state.v1", state("E2", ("1",)))
    logs.put("arbiter.head.v1", ArbiterHead(sequence=3, input_offset=3))
    for name in ("r0", "r1", "r2"):
        logs.put("index.row.v1", row(name))
    logs.put("index.row.v1", row("r1", "deleted"))
    logs.put("index.watermark.v1", watermark(4, 2, ("r0", "r2")))
    logs.commit("samesong.encode", "catalog.upload.v1", 3)
    logs.commit("samesong.find", "upload.encoded.v1", 3)
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 3)
    return logs


def watermark(at: int, rows: int, ids: tuple[str, ...], active: bool = True) -> IndexWatermark:
    total = checksum(row_hash(name) for name in ids)
    return IndexWatermark(build="b1", watermark=at, rows=rows, checksum=total, active=active)


class Growing(Logs):
    """Logs of which a part is seen at first, however that tears what belongs together."""

    def __init__(self, logs: Logs, share: float) -> None:
        super().__init__()
        self.topics, self.committed_by, self.share = logs.topics, logs.committed_by, share

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Mapping[int, int]]:
        return {topic: {0: int(len(self.topics[topic]) * self.share)} for topic in topics}


def named(report: AuditReport) -> set[tuple[str, str, str]]:
    return {(each.hop, each.what, each.subject) for each in report.mismatches}


def found(logs: Logs) -> list[tuple[str, str, str]]:
    report = run_audit(logs, CODEC, wait=lambda seconds: None)
    assert report.clean == (not report.mismatches)
    for share in (0.0, 0.4, 0.7, 1.0):
        growing = Growing(logs, share)
        running = Audit(growing, CODEC)
        running.look(attempts=1)
        growing.share, growing.given = 1.0, 0
        later = running.look(wait=lambda seconds: None)
        assert named(later) == named(report), share
        assert later.checked == report.checked
        assert share < 1.0 or not growing.given
    return [(each.hop, each.what, each.subject) for each in report.mismatches]


def test_a_sound_pipeline_is_clean(logs: Logs) -> None:
    report = run_audit(logs, CODEC, wait=lambda seconds: None)
    assert report.mismatches == ()
    assert report.checked["arbitrate"] == 3
    assert report.checked["encode"] == 4


def test_an_empty_installation_is_clean() -> None:
    assert found(Logs()) == []


def test_what_no_stage_has_promised_is_not_missed(logs: Logs) -> None:
    logs.commit("samesong.encode", "catalog.upload.v1", 0)
    logs.put("upload.encoded.v1", encoded(3))
    assert found(logs) == []


def test_an_upload_that_encode_lost(logs: Logs) -> None:
    logs.commit("samesong.encode", "catalog.upload.v1", 4)
    assert found(logs) == [("encode", "lost", "catalog.upload.v1[0]@3")]


def test_an_encoded_record_that_aged_out_is_not_lost(logs: Logs) -> None:
    logs.topics["upload.encoded.v1"].clear()
    assert found(logs) == []


def test_an_encoded_upload_that_find_lost(logs: Logs) -> None:
    logs.put("upload.encoded.v1", encoded(3))
    logs.commit("samesong.find", "upload.encoded.v1", 4)
    assert found(logs) == [("find", "lost", "upload.encoded.v1[0]@3")]


def test_an_upload_that_the_arbiter_lost(logs: Logs) -> None:
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 4)
    assert found(logs) == [("arbitrate", "lost", "catalog.upload.v1[0]@3")]


def test_a_verdict_needs_no_decision(logs: Logs) -> None:
    verdict = Verdict(
        verdict_id="v",
        left_source="s",
        left_item_id="0",
        right_source="s",
        right_item_id="1",
        judgement="match",
    )
    logs.put("arbiter.input.v1", ArbiterInput(verdict=verdict))
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 4)
    assert found(logs) == []


def test_a_redelivery_of_the_same_origin_needs_no_second_decision(logs: Logs) -> None:
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(1))))
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 4)
    assert found(logs) == []


def test_a_record_sent_back_may_still_be_on_its_way(logs: Logs) -> None:
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 4)
    logs.put("lookup.again.v1", encoded(3))
    assert found(logs) == []


def test_a_record_sent_back_that_find_lost(logs: Logs) -> None:
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 4)
    logs.put("lookup.again.v1", encoded(3))
    logs.commit("samesong.find", "lookup.again.v1", 1)
    assert found(logs) == [("find", "lost", "lookup.again.v1[0]@0")]


def test_a_record_sent_back_that_came_back_and_was_lost(logs: Logs) -> None:
    for _ in range(2):
        logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 5)
    logs.put("lookup.again.v1", encoded(3))
    logs.commit("samesong.find", "lookup.again.v1", 1)
    assert found(logs) == [("arbitrate", "lost", "catalog.upload.v1[0]@3")]


def test_two_decisions_of_one_upload(logs: Logs) -> None:
    logs.put("resolution.decided.v1", decision(1, 4))
    assert found(logs) == [("arbitrate", "doubled", "catalog.upload.v1[0]@1")]


def test_two_dead_letters_of_one_upload(logs: Logs) -> None:
    logs.put("deadletter.v1", letter(origin(2), 3))
    assert found(logs) == [("arbitrate", "doubled", "catalog.upload.v1[0]@2")]


def test_a_decision_from_nowhere(logs: Logs) -> None:
    logs.put("resolution.decided.v1", decision(9, 4))
    assert found(logs) == [("arbitrate", "from_nowhere", "catalog.upload.v1[0]@9")]


def test_an_unreadable_input_needs_a_dead_letter(logs: Logs) -> None:
    logs.topics["arbiter.input.v1"].append(b"rubbish")
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 4)
    assert found(logs) == [("arbitrate", "lost", "arbiter.input.v1[0]@3")]
    logs.put("deadletter.v1", letter(Origin(topic="arbiter.input.v1", partition=0, offset=3), 3))
    assert found(logs) == []


def test_a_gap_in_the_sequence(logs: Logs) -> None:
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.put("resolution.decided.v1", decision(3, 7))
    assert found(logs) == [("sequence", "gap", "4-6")]


def test_a_sequence_that_a_command_used_is_no_gap(logs: Logs) -> None:
    logs.put("entity.changed.v1", changed(4, "E1", ("0",)))
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.put("resolution.decided.v1", decision(3, 5))
    assert found(logs) == []


def test_a_sequence_used_twice(logs: Logs) -> None:
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.put("resolution.decided.v1", decision(3, 3))
    assert found(logs) == [("sequence", "doubled", "3")]


def test_a_change_with_a_part_missing(logs: Logs) -> None:
    logs.put("entity.changed.v1", changed(3, "E2", ("1",), part=2, of=2))
    assert found(logs) == [("sequence", "torn", "3")]


def test_a_change_with_a_part_twice(logs: Logs) -> None:
    logs.put("entity.changed.v1", changed(2, "E2", ("1",)))
    assert found(logs) == [("sequence", "doubled", "2")]


@pytest.mark.parametrize(
    ("damage", "subject"),
    [
        (lambda logs: logs.put("entity.state.v1", state("E1", ("0", "x"))), "E1"),
        (lambda logs: logs.put("entity.state.v1", state("E9", ("x",))), "E9"),
        (lambda logs: logs.put("entity.changed.v1", changed(3, "E7", ("7",))), "E7"),
        (lambda logs: logs.put("entity.state.v1", replace(state("E2", ("1",)), status="retired")), "E2"),
        (lambda logs: logs.put("entity.state.v1", replace(state("E2", ("1",)), places=(PLACE,))), "E2"),
    ],
)
def test_events_and_state_of_an_entity_that_differ(
    logs: Logs, damage: Callable[[Logs], object], subject: str
) -> None:
    damage(logs)
    assert found(logs) == [("entity", "differs", subject)]


def test_a_member_of_two_entities(logs: Logs) -> None:
    logs.put("entity.changed.v1", changed(3, "E2", ("0", "1")))
    logs.put("entity.state.v1", state("E2", ("0", "1")))
    assert found(logs) == [("entity", "doubled", "E2")]


def relation(sequence: int, part: int = 1, of: int = 1) -> RelationChanged:
    return RelationChanged(
        event_id=f"r{sequence}",
        sequence=sequence,
        part=part,
        parts=of,
        relation_id="R1",
        relation="remix_of",
        from_entity="E1",
        to_entity="E2",
        status="asserted",
        probability=0.9,
    )


RELATION_STATE = RelationState(
    relation_id="R1",
    relation="remix_of",
    from_entity="E1",
    to_entity="E2",
    status="asserted",
    probability=0.9,
    left="0",
    right="1",
)


def test_one_sequence_counts_its_parts_over_entities_and_relations(logs: Logs) -> None:
    logs.put("entity.changed.v1", changed(3, "E2", ("1",), part=1, of=2))
    logs.put("relation.changed.v1", relation(3, part=2, of=2))
    logs.put("relation.state.v1", RELATION_STATE)
    assert found(logs) == []


def test_a_decision_whose_changes_are_missing(logs: Logs) -> None:
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.put("resolution.decided.v1", replace(decision(3, 4), part=1, parts=2))
    assert found(logs) == [("sequence", "torn", "4")]
    logs.put("entity.changed.v1", changed(4, "E2", ("1",), part=2, of=2))
    assert found(logs) == []


def test_events_and_state_of_a_relation_that_differ(logs: Logs) -> None:
    logs.put("relation.changed.v1", relation(3))
    logs.put("relation.state.v1", RELATION_STATE)
    assert found(logs) == []
    logs.put("relation.state.v1", replace(RELATION_STATE, status="retracted"))
    assert found(logs) == [("relation", "differs", "R1")]


def test_an_index_with_another_number_of_rows(logs: Logs) -> None:
    logs.put("index.watermark.v1", watermark(4, 3, ("r0", "r2")))
    assert found(logs) == [("index", "differs", "b1")]


def test_an_index_with_other_rows(logs: Logs) -> None:
    logs.put("index.watermark.v1", watermark(4, 2, ("r0", "r1")))
    assert found(logs) == [("index", "differs", "b1")]


def test_an_index_that_has_not_caught_up_is_not_judged(logs: Logs) -> None:
    logs.put("index.watermark.v1", watermark(3, 3, ("r0", "r1", "r2")))
    assert found(logs) == []


def test_a_build_that_is_not_active_is_not_judged(logs: Logs) -> None:
    logs.put("index.watermark.v1", watermark(4, 0, (), active=False))
    assert found(logs) == []


def test_bytes_that_are_no_record(logs: Logs) -> None:
    logs.topics["entity.state.v1"].append(b"rubbish")
    assert found(logs) == [("read", "unreadable", "entity.state.v1[0]@3")]


def test_what_only_one_look_finds_does_not_count(logs: Logs) -> None:
    # The decision of an upload becomes visible a moment after the arbiter's offset.
    logs.put("arbiter.input.v1", ArbiterInput(found=Found(encoded=encoded(3))))
    logs.commit("samesong.arbitrate", "arbiter.input.v1", 4)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        logs.put("resolution.decided.v1", decision(3, 4))

    assert run_audit(logs, CODEC, wait=wait).clean
    assert len(waits) == 1


def test_a_cut_is_taken_again_when_the_arbiter_commits_in_between(logs: Logs) -> None:
    class Busy(Logs):
        asked = 0

        def ends(self, topics: tuple[str, ...]) -> Mapping[str, Mapping[int, int]]:
            ends = super().ends(topics)
            self.asked += 1
            if self.asked == 3:  # a transaction is committed while the ends are asked for
                self.put("arbiter.head.v1", ArbiterHead(sequence=4))
                self.put("entity.changed.v1", changed(4, "E2", ("1", "x")))
                self.put("entity.state.v1", state("E2", ("1", "x")))
            return ends

    busy = Busy()
    busy.topics, busy.committed_by = logs.topics, logs.committed_by
    assert found(busy) == []
    assert busy.asked == 7


def test_a_mismatch_says_what_and_where(logs: Logs) -> None:
    logs.put("resolution.decided.v1", decision(1, 4))
    report = run_audit(logs, CODEC, attempts=1)
    assert report.mismatches == (
        Mismatch(
            hop="arbitrate",
            what="doubled",
            subject="catalog.upload.v1[0]@1",
            detail="2 decisions of one upload",
        ),
    )


def test_a_log_that_is_another_one_is_read_from_its_beginning(logs: Logs) -> None:
    running = Audit(logs, CODEC)
    assert running.look(attempts=1).clean
    logs.topics = Logs().topics
    logs.committed_by.clear()
    logs.put("resolution.decided.v1", decision(0, 1))
    report = running.look(attempts=1)
    assert [each.what for each in report.mismatches] == ["from_nowhere"]
    assert report.checked["encode"] == 0


def test_a_look_that_was_cut_short_is_made_again_from_the_beginning(logs: Logs) -> None:
    class Failing(Logs):
        fails = True

        def read(
            self, topic: str, ends: Mapping[int, int] | None, since: Mapping[int, int] | None = None
        ) -> Iterator[Message]:
            for message in super().read(topic, ends, since):
                yield message
                if self.fails and topic == "index.row.v1":
                    raise BrokerUnavailable("it went away")

    failing = Failing()
    failing.topics, failing.committed_by = logs.topics, logs.committed_by
    running = Audit(failing, CODEC)
    with pytest.raises(BrokerUnavailable):
        running.look()
    failing.fails = False
    report = running.look()
    assert report.clean
    assert report.checked == run_audit(logs, CODEC).checked


def test_an_audit_that_goes_on_needs_no_more_memory_for_a_longer_log() -> None:
    running, step = RunningAudit(), 2_000

    def took(cut: int) -> int:
        span = range(cut * step, (cut + 1) * step)
        at = {name: [Origin(topic=name, partition=0, offset=each) for each in span] for name in "eid"}
        from_uploads = [origin(each) for each in span]
        states = [replace(state(f"E{each}", (str(each),)), minted_sequence=cut) for each in range(50)]
        report = running.take(
            AuditLog(
                uploads=from_uploads,
                encoded=map(Carried, at["e"], from_uploads),
                inputs=map(Carried, at["i"], from_uploads),
                decisions=[
                    DecidedAt(place, each, each.offset + 1, Outcome.new)
                    for place, each in zip(at["d"], from_uploads, strict=True)
                ],
                entity_changes=[
                    changed(span[0] + 1, f"E{each}", (str(each),), each + 1, 50) for each in range(50)
                ],
                entities=states,
                encode_committed={("catalog.upload.v1", 0): span[-1] + 1},
                find_committed={("e", 0): span[-1] + 1},
                arbiter_committed={("i", 0): span[-1] + 1},
            )
        )
        assert report.mismatches == ()
        assert report.checked["arbitrate"] == span[-1] + 1
        del at, from_uploads, states, report
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = [took(cut) for cut in range(3)][-1]
        last = [took(cut) for cut in range(3, 8)][-1]
    finally:
        tracemalloc.stop()
    assert last - first < step  # not a byte for each upload of one cut, of five
