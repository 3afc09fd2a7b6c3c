"""A subscriber applies whole sequences in order, stops where one lacks, and ends where the arbiter is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.records import ArbiterHead, EntityChanged, EntityState, Outcome, UploadState
from streams.core.records.decided import Carrier
from streams.core.subscribed import FollowedCatalogue
from streams.core.subscribing import SUBSCRIBED, SequenceAssembler, WholeSequence
from streams.errors import SequenceGap
from streams.ports import Message, Produced
from tests.unit.test_commands_and_promotions import Operated, bundle, key
from tests.unit.test_find_and_arbitrate import upload


def history() -> Operated:
    """Let uploads, a merge and its inverse, a split, a refusal and a promotion happen."""
    service = Operated("w/studio", "w/live", "w/studio", "v/studio", "v/studio?")
    service.command("merge", service.home("a"), service.home("d"))
    service.command("unmerge", service.home("a"))
    service.command("split", service.home("a"), members="c")
    service.command("merge", service.home("a"), "nobody")
    service.promote(bundle("strict", -10.0), "p")
    return service


HISTORY = history()
TOPICS = [
    [HISTORY.codec.decode(topic, each.value or b"") for each in HISTORY.log[topic]] for topic in SUBSCRIBED
]


def take_all(parts: Iterable[Carrier]) -> tuple[SequenceAssembler, list[WholeSequence]]:
    assembler = SequenceAssembler()
    return assembler, [whole for part in parts for whole in assembler.take(part)]


def interleaved(order: Sequence[int]) -> list[Carrier]:
    """Take the next record of one topic after the other, in some order; then what is left."""
    waiting = [list(reversed(records)) for records in TOPICS]
    taken = [waiting[at].pop() for at in order if waiting[at]]
    return [*taken, *(part for left in waiting for part in reversed(left))]


IN_ORDER = sorted(
    (part for records in TOPICS for part in records), key=lambda part: (part.sequence, part.part)
)


@given(st.lists(st.integers(0, 2), max_size=40))
def test_however_the_topics_are_read_the_same_whole_sequences_are_given(order: list[int]) -> None:
    assembler, given_ = take_all(interleaved(order))
    assert given_ == take_all(IN_ORDER)[1]
    assert [whole.sequence for whole in given_] == list(range(1, HISTORY.stage.head.sequence + 1))
    assert assembler.lacks() is None


def test_nothing_of_a_sequence_is_given_before_all_of_it_is_there() -> None:
    first = [part for part in IN_ORDER if part.sequence == 1]
    assert len(first) == 2
    assembler = SequenceAssembler()
    assert list(assembler.take(first[1])) == []
    assert "1 of 2 parts" in (assembler.lacks() or "")
    (whole,) = assembler.take(first[0])
    assert whole.decision == first[0]
    assert whole.entities == (first[1],)


@pytest.mark.parametrize("lost", range(len(IN_ORDER)))
def test_whichever_record_is_lost_nothing_after_it_is_given(lost: int) -> None:
    assembler, given_ = take_all(IN_ORDER[:lost] + IN_ORDER[lost + 1 :])
    assert len(given_) == IN_ORDER[lost].sequence - 1
    only_last = IN_ORDER[lost].sequence == IN_ORDER[-1].sequence and IN_ORDER[lost].parts == 1
    assert (assembler.lacks() is None) == only_last


def test_it_goes_on_after_the_sequence_that_was_stored() -> None:
    assembler = SequenceAssembler(after=3)
    resumed = [whole for part in IN_ORDER for whole in assembler.take(part)]
    assert resumed == take_all(IN_ORDER)[1][3:]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda parts: [*parts, parts[0]], "comes after"),
        (lambda parts: [parts[0], parts[0]], "comes after"),
        (lambda parts: [parts[1], parts[1]], "does not belong"),
        (lambda parts: [parts[0], replace(parts[1], parts=3)], "does not belong"),
        (lambda parts: [replace(parts[0], part=3)], "does not belong"),
        (lambda parts: [replace(parts[0], part=0, parts=0)], "before decisions were counted"),
    ],
)
def test_records_that_contradict_each_other_stop_it(
    damage: Callable[[list[Carrier]], list[Carrier]], says: str
) -> None:
    with pytest.raises(SequenceGap, match=says):
        take_all(damage(IN_ORDER))


def followed(parts: Iterable[Carrier] = IN_ORDER) -> FollowedCatalogue:
    catalogue = FollowedCatalogue()
    for whole in take_all(parts)[1]:
        catalogue.apply(whole)
    return catalogue


def test_a_sequence_left_out_is_not_applied() -> None:
    with pytest.raises(SequenceGap, match="sequence 2 comes after 0"):
        FollowedCatalogue().apply(take_all(IN_ORDER)[1][1])


def test_an_id_that_changes_its_kind_or_a_member_of_two_entities_is_refused() -> None:
    (change,) = take_all(IN_ORDER)[1][0].entities
    (recording,) = [side for side in change.sides if side.kind == "recording"]
    for wrong in (replace(recording, kind="music_video"), replace(recording, entity_id="another")):
        with pytest.raises(SequenceGap, match=recording.entity_id):
            next_changed(replace(change, sequence=2, part=1, parts=1, sides=(wrong,)))


def next_changed(change: EntityChanged) -> None:
    catalogue = followed(part for part in IN_ORDER if part.sequence == 1)
    catalogue.apply(WholeSequence(sequence=2, entities=(change,)))


def test_what_was_built_is_what_the_arbiter_keeps() -> None:
    assert HISTORY.subscriber_lacks() == []
    catalogue = followed()
    assert catalogue.homes == {key(item): HISTORY.home(item) for item in "abcde"}


def test_redirects_lead_to_the_entity_that_stands_now_over_any_chain() -> None:
    service = Operated("w/studio", "v/studio", "u/studio")
    first, second, third = (service.home(item) for item in "abc")
    service.command("merge", second, third)
    service.command("merge", first, second)
    catalogue = followed(service.carriers())
    assert catalogue.entities[third].redirect_to == second
    assert [catalogue.resolve(name) for name in (first, second, third)] == [first, first, first]
    service.command("unmerge", second)
    catalogue = followed(service.carriers())
    assert [catalogue.resolve(name) for name in (first, second, third)] == [first, second, second]
    with pytest.raises(KeyError):
        catalogue.resolve("nobody")


def test_relations_are_told_between_the_entities_of_now() -> None:
    service = Operated("w/studio", "w/live", "v/studio")
    studio, live, other = (service.home(item) for item in "abc")

    def told(name: str) -> list[tuple[str, str]]:
        found = followed(service.carriers()).relations_of(name)
        return [(each.from_entity, each.to_entity) for each in found]

    assert told(studio) == told(live) == [(live, studio)]
    service.command("merge", other, live)
    assert told(live) == [(live, studio)]
    assert told(other) == []
    service.command("merge", studio, live)
    assert told(studio) == []
    service.command("unmerge", live)
    assert told(studio) == told(live) == [(live, studio)]


Damage = Callable[[Operated], object]


def put(service: Operated, topic: str, name: str, record: object) -> None:
    service.append(Produced(topic=topic, key=name.encode(), value=service.codec.encode(topic, record)))


def drop(service: Operated, topic: str, at: int) -> Message:
    return service.log[topic].pop(at)


def _upload_of(service: Operated) -> UploadState:
    state = service.stage.catalogue.upload(key("a"))
    assert state is not None
    return state


def _entity_of(service: Operated) -> EntityState:
    state = service.stage.catalogue.entity(service.home("a"))
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda s: drop(s, "resolution.decided.v1", 0), "sequence 1"),
        (lambda s: drop(s, "resolution.decided.v1", -1), "of sequence"),
        (lambda s: [drop(s, "entity.changed.v1", -1) for _ in range(2)], "head"),
        (lambda s: drop(s, "relation.changed.v1", 0), "parts"),
        (lambda s: put(s, "arbiter.head.v1", "head", ArbiterHead(sequence=99)), "head says 99"),
        (lambda s: put(s, "upload.state.v1", key("a"), replace(_upload_of(s), live=False)), "upload 1:sa"),
        (lambda s: put(s, "upload.state.v1", key("a"), replace(_upload_of(s), entity_id="x")), "home 1:sa"),
        (lambda s: put(s, "entity.state.v1", s.home("a"), replace(_entity_of(s), members=())), "entity "),
        (lambda s: put(s, "entity.state.v1", s.home("a"), replace(_entity_of(s), work_id="x")), "entity "),
        (lambda s: s.log["relation.state.v1"].clear(), "relation "),
    ],
)
def test_every_difference_from_the_arbiter_is_told(damage: Damage, says: str) -> None:
    service = history()
    damage(service)
    told = [f"{each.what} {each.subject}: {each.detail}" for each in service.subscriber_lacks()]
    assert any(says in each for each in told), told


def test_a_decision_alone_is_a_whole_sequence() -> None:
    service = Operated("w/studio")
    service.decide(service.look_up([upload("a", "w/studio", 9)]))
    *_, last = take_all(service.carriers())[1]
    assert last.decision is not None
    assert (last.decision.outcome, last.entities, last.relations) == (Outcome.duplicate, (), ())
