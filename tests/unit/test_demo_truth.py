import pytest

from streams.core.records import Decision, ItemKey, Kind, Origin, Outcome, RelationClaim
from streams.demo.truth import Expectation, Truth, Verdict, counts, judge, pairs

A, B = ItemKey("label", "a"), ItemKey("label", "b")


def _expect(
    item: str, truth: Truth, of: ItemKey | None = None, codes: frozenset[str] = frozenset()
) -> Expectation:
    source = "label" if truth is Truth.original else "fans"
    return Expectation(source=source, item_id=item, truth=truth, what="", of=of, codes=codes)


def _decided(
    sequence: int,
    item: str,
    outcome: Outcome,
    entity: str | None = None,
    *,
    source: str = "fans",
    code: str | None = None,
    related: tuple[str, str] | None = None,
    sound: str | None = None,
) -> Decision:
    relation = None
    if related is not None:
        name, to = related
        relation = RelationClaim(
            relation=name, to_entity=to.upper(), to_source="label", to_item_id=to, probability=0.9
        )
    return Decision(
        decision_id=f"d{sequence}",
        sequence=sequence,
        origin=Origin(topic="t", partition=0, offset=sequence),
        source=source,
        item_id=item,
        revision=1,
        outcome=outcome,
        kind=Kind.recording,
        entity_id=entity,
        code=code,
        relation=relation,
        sound_recording_id=sound,
    )


ORIGINALS = [_expect("a", Truth.original), _expect("b", Truth.original)]
MINTED = [
    _decided(1, "a", Outcome.new, "A", source="label"),
    _decided(2, "b", Outcome.new, "B", source="label"),
]


def _verdict(expectation: Expectation, decision: Decision | None) -> Verdict:
    decisions = [*MINTED, decision] if decision is not None else MINTED
    return judge([*ORIGINALS, expectation], decisions)[-1].verdict


def test_the_same_recording_must_join_that_entity() -> None:
    same = _expect("x", Truth.same, A)
    assert _verdict(same, _decided(3, "x", Outcome.match, "A")) is Verdict.right
    assert _verdict(same, _decided(3, "x", Outcome.match, "B")) is Verdict.wrong
    assert _verdict(same, _decided(3, "x", Outcome.new, "C")) is Verdict.wrong
    assert _verdict(same, _decided(3, "x", Outcome.review, "C")) is Verdict.review
    assert _verdict(same, None) is Verdict.missing


@pytest.mark.parametrize(
    ("truth", "relation", "other"),
    [
        (Truth.part, "excerpt_of", "same_recording_as"),
        (Truth.part, "contains", "music_video_of"),
        (Truth.sped_up, "sped_up_of", "excerpt_of"),
        (Truth.video, "music_video_of", "excerpt_of"),
    ],
)
def test_what_is_made_of_a_recording_stays_apart_and_says_of_which(
    truth: Truth, relation: str, other: str
) -> None:
    made = _expect("x", truth, A)
    assert _verdict(made, _decided(3, "x", Outcome.new, "C", related=(relation, "a"))) is Verdict.right
    assert _verdict(made, _decided(3, "x", Outcome.new, "C", related=(other, "a"))) is Verdict.wrong
    assert _verdict(made, _decided(3, "x", Outcome.new, "C", related=(relation, "b"))) is Verdict.wrong
    assert _verdict(made, _decided(3, "x", Outcome.new, "C")) is Verdict.wrong
    assert _verdict(made, _decided(3, "x", Outcome.review, "C")) is Verdict.review
    for entity in ("A", "B"):
        joined = _decided(3, "x", Outcome.match, entity, related=(relation, "a"), sound="A")
        assert _verdict(made, joined) is Verdict.wrong


def test_a_video_may_point_at_the_sound_in_it_instead() -> None:
    video = _expect("x", Truth.video, A)
    assert _verdict(video, _decided(3, "x", Outcome.new, "V", sound="A")) is Verdict.right
    assert _verdict(video, _decided(3, "x", Outcome.new, "V", sound="B")) is Verdict.wrong
    assert (
        _verdict(_expect("x", Truth.part, A), _decided(3, "x", Outcome.new, "V", sound="A")) is Verdict.wrong
    )


def test_refusals_must_carry_the_code_of_that_file() -> None:
    broken = _expect("x", Truth.broken, codes=frozenset({"media_empty"}))
    assert _verdict(broken, _decided(3, "x", Outcome.rejected, code="media_empty")) is Verdict.right
    assert _verdict(broken, _decided(3, "x", Outcome.rejected, code="schema_error")) is Verdict.wrong
    assert _verdict(broken, _decided(3, "x", Outcome.new, "C")) is Verdict.wrong
    unnamed = _expect("x", Truth.broken)
    assert _verdict(unnamed, _decided(3, "x", Outcome.rejected, code="media_empty")) is Verdict.wrong


def test_later_events_on_an_item_answer_later_expectations() -> None:
    expected = [
        *ORIGINALS,
        _expect("x", Truth.same, A),
        _expect("x", Truth.repeat),
        _expect("x", Truth.withdrawal),
    ]
    decisions = [
        *MINTED,
        _decided(5, "x", Outcome.withdrawn),
        _decided(4, "x", Outcome.duplicate, code="repeated"),
        _decided(3, "x", Outcome.match, "A"),
    ]
    judged = judge(expected, decisions)
    assert [one.verdict for one in judged] == [Verdict.right] * 5
    assert counts(judged)[Truth.original][Verdict.right] == 2
    assert Truth.video not in counts(judged)


def test_pairs_count_found_missed_and_wrong() -> None:
    expected = [
        *ORIGINALS,
        _expect("x", Truth.same, A),
        _expect("y", Truth.same, B),
        _expect("z", Truth.part, A),
    ]
    decisions = [
        *MINTED,
        _decided(3, "x", Outcome.match, "A"),
        _decided(4, "y", Outcome.new, "C"),
        _decided(5, "z", Outcome.match, "B"),
    ]
    assert pairs(judge(expected, decisions)) == {"found": 1, "missed": 1, "wrong": 1}
