"""Operators' commands and promotions through find and the arbiter in memory: restarts, replays, refusals."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from streams.core.audit import AuditLog, Carried, DecidedAt, RunningAudit
from streams.core.bundle import Bundle, Head
from streams.core.promoting import MAX_BUNDLE_BYTES
from streams.core.records import (
    AdminCommand,
    ArbiterInput,
    DeadLetter,
    EntityChanged,
    EntityState,
    ItemKey,
    Kind,
    Origin,
    Promotion,
    Verdict,
)
from streams.core.records.decided import Carrier
from streams.core.subscribing import SUBSCRIBED
from streams.errors import CorruptState
from streams.ports import Delivered, Message, Produced
from streams.stages.arbiter_records import HEAD, HEAD_KEY
from streams.stages.find import COMMANDS, INPUT, PROMOTIONS, VERDICTS
from tests.unit.test_find_and_arbitrate import Pipeline, upload


class Operated(Pipeline):
    """The pipeline with operators, who speak through the topics that find forwards."""

    def __init__(self, *titles: str) -> None:
        super().__init__()
        self.said = 0
        self.offset = 0
        for title in titles:
            self.upload(title)

    def upload(self, title: str) -> None:
        """Publish an upload named after its place: a, b, c and so on."""
        self.decide(self.look_up([upload("abcdefgh"[self.offset], title, self.offset)]))
        self.offset += 1

    def tell(self, topic: str, *records: object) -> list[Produced]:
        values = [each if isinstance(each, bytes) else self.codec.encode(topic, each) for each in records]
        batch = [self.append(Produced(topic=topic, key=b"k", value=value)) for value in values]
        return self.settle([self.append(produced) for produced in self.find.process(batch)])

    def settle(self, batch: Sequence[Message]) -> list[Produced]:
        produced = self.stage.decide(batch)
        delivered = [Delivered(each, self.append(each).offset) for each in produced]
        self.stage.committed(delivered, next_offset=batch[-1].offset + 1)
        return list(produced)

    def command(self, command: str, *entity_ids: str, members: str = "", name: str = "") -> list[Produced]:
        self.said += 1
        asked = AdminCommand(
            command_id=name or f"c{self.said}",
            command=command,
            entity_ids=entity_ids,
            members=tuple(key(item) for item in members),
        )
        return self.tell(COMMANDS, asked)

    def promote(self, bundle: Bundle, name: str) -> list[Produced]:
        return self.tell(PROMOTIONS, promotion(bundle, name))

    def restart(self) -> None:
        stage = self.new_stage()
        stage.restore(self.read, ends=self.ends(), committed=len(self.log[INPUT]))
        assert stage.head == self.stage.head
        self.stage = stage

    def home(self, item: str) -> str:
        state = self.stage.catalogue.upload(key(item))
        assert state is not None
        assert state.entity_id is not None
        return state.entity_id

    def partition(self) -> set[str]:
        groups: dict[str, str] = {}
        for item in "abcdefgh"[: self.offset]:
            groups[self.home(item)] = groups.get(self.home(item), "") + item
        return set(groups.values())

    def records(self, topic: str) -> list[object]:
        return [self.codec.decode(topic, message.value or b"") for message in self.log.get(topic, [])]

    def carriers(self) -> list[Carrier]:
        """Give what a subscriber reads, in the order of the sequences."""
        found = [each for topic in SUBSCRIBED for each in self.records(topic) if isinstance(each, Carrier)]
        return sorted(found, key=lambda each: (each.sequence, each.part))

    def changes(self) -> list[EntityChanged]:
        return [each for each in self.records("entity.changed.v1") if isinstance(each, EntityChanged)]

    def letters(self) -> list[DeadLetter]:
        return [each for each in self.records("deadletter.v1") if isinstance(each, DeadLetter)]

    def audited(self) -> list[object]:
        """Audit the arbiter's hop, its sequences and its folds, and what a subscriber makes of them."""
        inputs = list(self._inputs())
        log = AuditLog(
            inputs=inputs,
            decisions=[
                DecidedAt(
                    message.origin, record.origin, record.sequence, record.outcome, record.part, record.parts
                )
                for message in self.log["resolution.decided.v1"]
                for record in [self.codec.decode(message.topic, message.value or b"")]
            ],
            letters=[Carried(letter.origin, letter.origin) for letter in self.letters()],
            entity_changes=self.changes(),
            entities=self._states("entity.state.v1"),
            encode_committed={},
            find_committed={},
            arbiter_committed={(INPUT, 0): len(self.log[INPUT])},
        )
        return [*RunningAudit().take(log).mismatches, *self.subscriber_lacks()]

    def _inputs(self) -> Iterator[Carried]:
        for message in self.log[INPUT]:
            record: ArbiterInput = self.codec.decode(INPUT, message.value or b"")
            yield Carried(message.origin, record.found.encoded.origin if record.found else None)

    def _states(self, topic: str) -> list[EntityState]:
        latest = {message.key: message for message in self.log.get(topic, [])}
        return [self.codec.decode(topic, message.value or b"") for message in latest.values()]


def key(item: str) -> str:
    return ItemKey("s", item).text()


def bundle(version: str, prior: float) -> Bundle:
    """Make a bundle that scores every pair the same."""
    head = Head(prior=prior, weights={})
    return replace(Bundle.packaged(), version=version, recording=head, work=head)


def promotion(of: Bundle, name: str) -> Promotion:
    payload = of.to_json()
    return Promotion(
        promotion_id=name,
        subject="bundle",
        version=of.version,
        payload=payload,
        sha256=hashlib.sha256(payload).hexdigest(),
    )


# --- commands ---


def test_a_merge_makes_one_entity_and_its_inverse_restores_both_ids() -> None:
    service = Operated("w/studio", "v/studio", "v/studio")
    elder, younger = service.home("a"), service.home("b")
    assert elder != younger
    service.command("merge", younger, elder, name="m")
    assert service.partition() == {"abc"}
    assert service.home("c") == elder
    assert (service.changes()[-1].change, service.changes()[-1].cause) == ("merged", "m")
    service.restart()
    service.command("unmerge", younger, name="u")
    assert (service.home("a"), service.home("b"), service.home("c")) == (elder, younger, younger)
    assert (service.changes()[-1].change, service.changes()[-1].cause) == ("restored", "u")
    assert service.audited() == []
    assert service.letters() == []


def test_a_split_parts_what_the_score_had_joined_and_a_merge_takes_it_back() -> None:
    service = Operated("w/studio", "w/studio", "w/studio")
    whole = service.home("a")
    service.command("split", whole, members="b", name="s")
    assert service.partition() == {"ac", "b"}
    assert service.home("a") == whole
    apart = service.home("b")
    assert (service.changes()[-1].change, service.changes()[-1].cause) == ("split", "s")
    service.command("merge", whole, apart)
    assert service.partition() == {"abc"}
    assert service.home("b") == whole
    service.command("unmerge", whole)
    assert service.partition() == {"abc"}, "the evidence joins them without any command"
    assert service.audited() == []


def test_a_split_holds_against_later_arrivals() -> None:
    service = Operated("w/studio", "w/studio")
    service.command("split", service.home("a"), members="b")
    service.upload("w/studio")
    assert service.home("a") != service.home("b")
    assert service.home("c") in {service.home("a"), service.home("b")}
    assert service.audited() == []


def test_one_of_two_merged_entities_comes_out_alone() -> None:
    service = Operated("w/studio", "v/studio", "u/studio")
    first, second, third = (service.home(item) for item in "abc")
    service.command("merge", first, second)
    service.command("merge", first, third)
    assert service.partition() == {"abc"}
    service.command("unmerge", second)
    assert service.partition() == {"ac", "b"}
    assert (service.home("b"), service.home("c")) == (second, first)
    service.command("unmerge", first)
    assert service.partition() == {"a", "b", "c"}
    assert service.home("c") == third
    assert service.audited() == []


def test_a_command_that_comes_again_says_nothing_even_after_its_inverse() -> None:
    service = Operated("w/studio", "v/studio")
    elder, younger = service.home("a"), service.home("b")
    merge = AdminCommand(command_id="m", command="merge", entity_ids=(elder, younger))
    unmerge = AdminCommand(command_id="u", command="unmerge", entity_ids=(younger,))
    service.tell(COMMANDS, merge, unmerge)
    before = service.changes()
    service.restart()
    service.tell(COMMANDS, merge, unmerge)
    assert service.changes() == before
    assert service.partition() == {"a", "b"}
    assert service.letters() == []


@pytest.mark.parametrize(
    ("command", "entities", "members", "code", "reason"),
    [
        ("merge", ("a", "nobody"), "", "command_impossible", "no live entity nobody"),
        ("merge", ("a", "a"), "", "command_impossible", "two entities"),
        ("merge", (), "", "command_invalid", "names no entity"),
        ("merge", ("a", "work"), "", "command_impossible", "is a work"),
        ("split", ("a",), "c", "command_impossible", "not a member"),
        ("split", ("a",), "ab", "command_impossible", "not all"),
        ("split", ("a",), "", "command_impossible", "not none"),
        ("split", ("a", "c"), "a", "command_invalid", "one entity"),
        ("unmerge", ("a",), "", "command_impossible", "no command holds"),
        ("unmerge", ("a", "c"), "", "command_impossible", "one entity now"),
        ("explode", ("a",), "", "command_invalid", "no such command"),
    ],
)
def test_what_cannot_be_done_gets_one_dead_letter_and_changes_nothing(
    command: str, entities: tuple[str, ...], members: str, code: str, reason: str
) -> None:
    service = Operated("w/studio", "w/studio", "v/studio")
    home = service.stage.catalogue.entity(service.home("a"))
    assert home is not None
    names = {"a": service.home("a"), "c": service.home("c"), "work": home.work_id or ""}
    before, sequence = service.partition(), service.stage.head.sequence
    service.command(command, *(names.get(each, each) for each in entities), members=members, name="x")
    (letter,) = service.letters()
    assert letter.code == code
    assert reason in letter.reason
    assert letter.origin == Origin(topic=INPUT, partition=0, offset=len(service.log[INPUT]) - 1)
    assert (service.partition(), service.stage.head.sequence) == (before, sequence)
    service.command(command, *(names.get(each, each) for each in entities), members=members, name="x")
    assert len(service.letters()) == 1
    service.upload("t/studio")
    assert service.audited() == []


def test_a_persons_verdict_is_not_overruled_by_a_command() -> None:
    service = Operated("w/studio", "w/studio")
    verdict = Verdict(
        verdict_id="v",
        left_source="s",
        left_item_id="a",
        right_source="s",
        right_item_id="b",
        judgement="non_match",
    )
    service.tell(VERDICTS, verdict)
    assert service.partition() == {"a", "b"}
    service.command("merge", service.home("a"), service.home("b"))
    assert service.partition() == {"a", "b"}
    assert "verdict v" in service.letters()[0].reason
    service.tell(VERDICTS, replace(verdict, verdict_id="w", judgement="withdrawn"))
    assert service.partition() == {"ab"}


def test_a_recording_and_a_music_video_are_not_merged() -> None:
    service = Operated("w/studio")
    video = upload("b", "v/studio", 1)
    assert video.record is not None
    record = replace(video.record, kind=Kind.music_video)
    service.decide(service.look_up([replace(video, kind=Kind.music_video, record=record)]))
    service.offset = 2
    service.command("merge", service.home("a"), service.home("b"))
    assert "music video" in service.letters()[0].reason


@pytest.mark.parametrize("topic", [COMMANDS, PROMOTIONS, VERDICTS])
def test_what_cannot_be_read_gets_a_dead_letter_with_its_bytes(topic: str) -> None:
    service = Operated("w/studio")
    service.tell(topic, b"nonsense")
    (letter,) = service.letters()
    assert (letter.body, letter.code) == (b"nonsense", "decode_error")
    assert letter.origin == Origin(topic=topic, partition=0, offset=0)
    service.upload("v/studio")
    assert service.audited() == []


def test_an_unknown_judgement_is_refused() -> None:
    service = Operated("w/studio", "w/studio")
    service.tell(
        VERDICTS,
        Verdict(
            verdict_id="v",
            left_source="s",
            left_item_id="a",
            right_source="s",
            right_item_id="b",
            judgement="maybe",
        ),
    )
    assert [letter.code for letter in service.letters()] == ["verdict_invalid"]
    assert service.partition() == {"ab"}


# --- promotions ---


def test_a_promotion_decides_anew_and_survives_a_restart() -> None:
    service = Operated("w/studio", "w/studio", "v/studio")
    assert service.partition() == {"ab", "c"}
    service.promote(bundle("strict", -10.0), "p1")
    assert service.partition() == {"a", "b", "c"}
    assert service.stage.head.bundle_version == "strict"
    assert {change.cause for change in service.changes()[-1:]} == {"p1"}
    service.restart()
    service.upload("w/studio")
    assert service.partition() == {"a", "b", "c", "d"}
    (decision,) = service.records("resolution.decided.v1")[-1:]
    assert getattr(decision, "bundle_version", None) == "strict"
    assert service.audited() == []


def test_rolling_back_restores_the_same_ids() -> None:
    service = Operated("w/studio", "w/studio", "w/studio")
    service.promote(bundle("lax", 10.0), "p0")
    before = {item: service.home(item) for item in "abc"}
    service.promote(bundle("strict", -10.0), "p1")
    assert service.partition() == {"a", "b", "c"}
    service.promote(bundle("lax", 10.0), "p2")
    assert {item: service.home(item) for item in "abc"} == before
    assert service.audited() == []


def test_several_changes_of_one_promotion_are_parts_of_one_sequence() -> None:
    service = Operated("w/studio", "w/studio", "v/studio", "v/studio")
    sequence = service.stage.head.sequence
    service.promote(bundle("strict", -10.0), "p1")
    last = service.changes()[-2:]
    assert [(each.sequence, each.part, each.parts) for each in last] == [
        (sequence + 1, 1, 2),
        (sequence + 1, 2, 2),
    ]
    assert service.stage.head.sequence == sequence + 1
    assert service.audited() == []


def test_a_promotion_that_changes_no_entity_takes_no_sequence() -> None:
    service = Operated("w/studio", "v/studio")
    sequence = service.stage.head.sequence
    service.promote(bundle("strict", -10.0), "p1")
    assert service.stage.head.sequence == sequence
    assert service.stage.head.bundle_version == "strict"
    service.upload("u/studio")
    assert service.audited() == []


def test_verdicts_stand_whatever_the_bundle() -> None:
    service = Operated("w/studio", "v/studio")
    service.command("merge", service.home("a"), service.home("b"))
    service.promote(bundle("strict", -10.0), "p1")
    assert service.partition() == {"ab"}


def test_promotions_that_come_again_do_not_bring_an_older_bundle_back() -> None:
    service = Operated("w/studio", "w/studio")
    first, second = promotion(bundle("lax", 10.0), "p1"), promotion(bundle("strict", -10.0), "p2")
    service.tell(PROMOTIONS, first, second)
    service.restart()
    said = service.changes()
    service.tell(PROMOTIONS, first)
    assert (service.stage.head.bundle_version, service.changes()) == ("strict", said)


def test_a_bundle_holds_from_its_input_on_within_one_batch() -> None:
    service = Operated("w/studio")
    promoted = service.append(
        Produced(
            topic=PROMOTIONS,
            key=b"bundle",
            value=service.codec.encode(PROMOTIONS, promotion(bundle("strict", -10.0), "p")),
        )
    )
    (first,) = service.look_up([upload("b", "w/studio", 1)])
    passed = [service.append(each) for each in service.find.process([promoted])]
    (second,) = service.look_up([upload("c", "w/studio", 2)])
    versions = [each.bundle_version for each in service.decide([first, *passed, second])]
    assert versions == ["test", "strict"]


def test_a_batch_with_a_promotion_that_is_rolled_back_leaves_the_old_bundle() -> None:
    service = Operated("w/studio", "w/studio")
    value = service.codec.encode(PROMOTIONS, promotion(bundle("strict", -10.0), "p"))
    told = service.append(Produced(topic=PROMOTIONS, key=b"bundle", value=value))
    batch = [service.append(each) for each in service.find.process([told])]
    first = service.stage.decide(batch)
    service.stage.rolled_back()
    assert service.stage.head.bundle_version == "test"
    assert service.stage.decide(batch) == first


def test_replaying_the_log_says_the_same_again() -> None:
    service = Operated("w/studio", "w/studio", "v/studio", "u/studio")
    service.command("split", service.home("a"), members="b")
    service.command("merge", service.home("a"), service.home("c"))
    service.command("merge", service.home("a"), "nobody")
    service.promote(bundle("lax", 10.0), "p1")
    service.upload("t/studio")
    service.command("unmerge", service.home("a"))
    service.promote(bundle("strict", -10.0), "p2")
    replayed = Operated()
    replayed.offset = service.offset
    for message in service.log[INPUT]:
        replayed.log.setdefault(INPUT, []).append(message)
        replayed.settle([message])
    for topic in ("entity.changed.v1", "deadletter.v1", "pair.state.v1", "arbiter.head.v1"):
        assert replayed.records(topic) == service.records(topic), topic
    assert replayed.audited() == []


def test_a_kept_bundle_that_cannot_be_read_stops_the_arbiter() -> None:
    service = Operated("w/studio")
    broken = replace(service.stage.head, bundle=b"{}")
    service.append(Produced(topic=HEAD, key=HEAD_KEY, value=service.codec.encode(HEAD, broken)))
    with pytest.raises(CorruptState, match="bundle"):
        service.restart()


GOOD = promotion(bundle("next", 1.0), "bad")


def other(payload: bytes, version: str = "next") -> Promotion:
    return replace(GOOD, payload=payload, sha256=hashlib.sha256(payload).hexdigest(), version=version)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (replace(GOOD, sha256="00"), "sha256"),
        (replace(GOOD, version="last"), "payload is version 'next'"),
        (replace(GOOD, subject="model:text"), "only 'bundle'"),
        (other(b"{}"), "not a bundle"),
        (other(b"\xff"), "not a bundle"),
        (other(b" " * (MAX_BUNDLE_BYTES + 1)), "at most"),
        (other(replace(bundle("next", 1.0), guard_tau=0.0).to_json()), "guard_tau"),
        (other(replace(bundle("next", 1.0), recording_review=99.0).to_json()), "review threshold"),
        (other(replace(bundle("next", 1.0), version="test").to_json(), "test"), "version of its own"),
    ],
)
def test_a_bad_promotion_is_refused_and_nothing_is_lost(bad: Promotion, reason: str) -> None:
    service = Operated("w/studio", "w/studio")
    service.tell(PROMOTIONS, bad)
    (letter,) = service.letters()
    assert letter.code == "promotion_refused"
    assert reason in letter.reason
    assert service.stage.head.bundle_version == "test"
    service.restart()
    service.upload("w/studio")
    assert service.partition() == {"abc"}
    assert service.audited() == []
