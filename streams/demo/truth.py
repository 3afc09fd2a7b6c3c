"""What the demo knows of its uploads, and how the decisions compare: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from streams.core.records import Decision, ItemKey, Outcome


class Truth(StrEnum):
    """What an upload is, in relation to another one."""

    original = "an original: a new entity"
    same = "the same recording"
    version = "another recording of the same work"
    part = "a part of the recording"
    video = "a music video of the recording"
    repeat = "an exact repeat"
    withdrawal = "a withdrawal"
    broken = "broken media: to be refused"


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
        what a refusal may say; empty accepts any code
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
    refusals = {Truth.broken: Outcome.rejected, Truth.repeat: Outcome.duplicate}
    if truth is Truth.withdrawal:
        return _right(decision.outcome is Outcome.withdrawn)
    if truth in refusals:
        named = not expectation.codes or decision.code in expectation.codes
        return _right(decision.outcome is refusals[truth] and named)
    if decision.outcome is Outcome.review:
        return Verdict.review
    if truth is Truth.original:
        return _right(decision.outcome is Outcome.new)
    other = first.get(expectation.of) if expectation.of is not None else None
    if other is None or other.entity_id is None:
        return Verdict.wrong
    together = decision.outcome is Outcome.match and decision.entity_id == other.entity_id
    related = decision.relation is not None and decision.relation.to_entity == other.entity_id
    if truth is Truth.same:
        return _right(together)
    if truth is Truth.video:
        return _right(decision.sound_recording_id == other.entity_id or (related and not together))
    if truth is Truth.part:
        return _right(together or related)
    return _right(decision.outcome in {Outcome.new, Outcome.match} and decision.entity_id != other.entity_id)


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

    Only uploads that are an original or the same recording as one take part; one in review is in nobody's
    entity.
    """
    truth_of: dict[ItemKey, ItemKey] = {}
    entity_of: dict[ItemKey, str] = {}
    for one in judged:
        expected = one.expectation
        if expected.truth in {Truth.original, Truth.same, Truth.version}:
            apart = expected.of is None or expected.truth is Truth.version
            truth_of[expected.key] = expected.key if apart or expected.of is None else expected.of
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
