"""What the demo knows of its uploads, and how the decisions compare: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from streams.core.records import Decision, ItemKey, Outcome


class Truth(StrEnum):
    """What an upload is, in relation to another one."""

    original = "an original: a new entity"
    same = "the same recording"
    sped_up = "the recording, sped up"
    part = "a part of the recording"
    video = "a music video of the recording"
    repeat = "an exact repeat"
    withdrawal = "a withdrawal"
    broken = "broken media: to be refused"


# An excerpt, a video and a sped-up copy are recordings of their own, and the decision says whose.
RELATIONS: Final = {
    Truth.sped_up: frozenset({"sped_up_of"}),
    Truth.part: frozenset({"excerpt_of", "contains"}),
    Truth.video: frozenset({"music_video_of"}),
}


class Verdict(StrEnum):
    """How a decision compares with the truth."""

    right = "right"
    wrong = "wrong"
    review = "review"
    missing = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One upload of the demo, in the order of publication.

    Attributes
    ----------
    source, item_id : str
    truth : Truth
    what : str
        how it was made, for the person
    of : ItemKey, optional
        the upload that the truth relates it to
    codes : frozenset of str
        what the refusal of a broken file may say
    """

    source: str
    item_id: str
    truth: Truth
    what: str
    of: ItemKey | None = None
    codes: frozenset[str] = frozenset()

    @property
    def key(self) -> ItemKey:
        """The item."""
        return ItemKey(self.source, self.item_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One expectation with what became of it."""

    expectation: Expectation
    decision: Decision | None
    verdict: Verdict


def judge(expectations: Sequence[Expectation], decisions: Iterable[Decision]) -> tuple[Judged, ...]:
    """Compare each expectation with the decision on it.

    The n-th decision on an item answers the n-th expectation of it, since an item's events keep their order.
    """
    answers: dict[ItemKey, list[Decision]] = {}
    for made in sorted(decisions, key=lambda d: d.sequence):
        answers.setdefault(ItemKey(made.source, made.item_id), []).append(made)
    first = {key: found[0] for key, found in answers.items()}
    asked: dict[ItemKey, int] = {}
    judged = []
    for expectation in expectations:
        number = asked.get(expectation.key, 0)
        asked[expectation.key] = number + 1
        found = answers.get(expectation.key, [])
        decision: Decision | None = found[number] if number < len(found) else None
        verdict = Verdict.missing if decision is None else _compare(expectation, decision, first)
        judged.append(Judged(expectation=expectation, decision=decision, verdict=verdict))
    return tuple(judged)


def _compare(expectation: Expectation, decision: Decision, first: Mapping[ItemKey, Decision]) -> Verdict:
    """Compare one decision with what is known."""
    truth = expectation.truth
    if truth is Truth.withdrawal:
        return _right(decision.outcome is Outcome.withdrawn)
    if truth is Truth.repeat:
        return _right(decision.outcome is Outcome.duplicate)
    if truth is Truth.broken:
        return _right(decision.outcome is Outcome.rejected and decision.code in expectation.codes)
    if decision.outcome is Outcome.review:
        return Verdict.review
    if truth is Truth.original:
        return _right(decision.outcome is Outcome.new)
    other = first.get(expectation.of) if expectation.of is not None else None
    if other is None or other.entity_id is None:
        return Verdict.wrong
    if truth is Truth.same:
        return _right(decision.outcome is Outcome.match and decision.entity_id == other.entity_id)
    # Never a match, not of another one either: an entity of its own with a relation to the original.
    apart = decision.outcome is Outcome.new and decision.entity_id != other.entity_id
    claim = decision.relation
    related = (
        claim is not None
        and claim.relation in RELATIONS[truth]
        and ItemKey(claim.to_source, claim.to_item_id) == expectation.of
    )
    heard = truth is Truth.video and decision.sound_recording_id == other.entity_id
    return _right(apart and (related or heard))


def _right(holds: bool) -> Verdict:
    return Verdict.right if holds else Verdict.wrong


def counts(judged: Iterable[Judged]) -> dict[Truth, dict[Verdict, int]]:
    """Count verdicts for each kind of upload, in the order of the kinds."""
    table = {truth: dict.fromkeys(Verdict, 0) for truth in Truth}
    for one in judged:
        table[one.expectation.truth][one.verdict] += 1
    return {truth: row for truth, row in table.items() if any(row.values())}


def pairs(judged: Sequence[Judged]) -> dict[str, int]:
    """Count pairs of uploads at recording level: found, missed, and wrongly made.

    Repeats, withdrawals and broken files take no part; an upload in review is in nobody's entity.
    """
    truth_of: dict[ItemKey, ItemKey] = {}
    entity_of: dict[ItemKey, str] = {}
    for one in judged:
        expected = one.expectation
        if expected.truth in {Truth.original, Truth.same, *RELATIONS}:
            same = expected.truth is Truth.same and expected.of is not None
            truth_of[expected.key] = expected.of if same and expected.of is not None else expected.key
            if one.decision is not None and one.decision.entity_id and one.verdict is not Verdict.review:
                entity_of[expected.key] = one.decision.entity_id
    keys = list(truth_of)
    result = {"found": 0, "missed": 0, "wrong": 0}
    for at, left in enumerate(keys):
        for right in keys[at + 1 :]:
            alike = truth_of[left] == truth_of[right]
            joined = left in entity_of and entity_of[left] == entity_of.get(right)
            if alike:
                result["found" if joined else "missed"] += 1
            elif joined:
                result["wrong"] += 1
    return result
