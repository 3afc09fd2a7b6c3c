"""One record at a time: outcomes, ids, revisions and withdrawals; the partition whatever the order."""

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.arbiter import decide_found
from streams.core.catalogue import MemoryCatalogue, Workspace
from streams.core.origins import Origins
from streams.core.records import (
    DeadLetter,
    Decision,
    EncodedUpload,
    EntityChanged,
    Found,
    IdentifierProblem,
    ItemKey,
    Kind,
    LinkageRecord,
    Operation,
    Origin,
    Outcome,
    PairScore,
    Refusal,
    RelationChanged,
    ReviewRequested,
    SoundEvidence,
    TitleReading,
    VectorRow,
    Verdict,
)
from streams.core.records.decided import Carrier
from streams.core.rules import Rules
from streams.core.saying import Decided
from streams.core.verdicts import decide_verdict
from streams.errors import InvariantError
from tests.unit.title_scorer import RULES, TitleScorer, head


class Arbiter:
    """The fold with its state in memory, one commit per record."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.catalogue = MemoryCatalogue()
        self.origins = Origins()
        self.sequence = 0
        self.offset = 0

    def take(self, encoded: EncodedUpload) -> Decided:
        workspace = Workspace(self.catalogue)
        decided = decide_found(
            workspace,
            Found(encoded=encoded),
            origins=self.origins,
            sequence=self.sequence + 1,
            rules=self.rules,
        )
        if decided.events:
            self.sequence += 1
        self.catalogue.apply(workspace.changes)
        return decided

    def upload(
        self,
        item: str,
        title: str,
        *,
        revision: int = 1,
        digest: str | None = None,
        offset: int | None = None,
        blocking_keys: tuple[str, ...] | None = None,
    ) -> Decided:
        made = upload(item, title, self._next(offset), revision=revision, digest=digest)
        return self.take(made if blocking_keys is None else replace(made, blocking_keys=blocking_keys))

    def withdraw(self, item: str, revision: int | None = None) -> Decided:
        return self.take(
            EncodedUpload(
                origin=self._next(None),
                source="s",
                item_id=item,
                revision=revision,
                operation=Operation.withdraw,
                digest="",
                received_ms=0,
            )
        )

    def entity_of(self, item: str) -> str | None:
        state = self.catalogue.upload(key(item))
        return state.entity_id if state else None

    def partition(self, items: str) -> set[frozenset[str]]:
        groups: dict[str, set[str]] = {}
        for item in items:
            entity = self.entity_of(item)
            if entity is not None:
                groups.setdefault(entity, set()).add(item)
        return {frozenset(group) for group in groups.values()}

    def _next(self, offset: int | None) -> Origin:
        self.offset += 1
        return Origin(topic="catalog.upload.v1", partition=0, offset=offset or self.offset)


def key(item: str) -> str:
    return ItemKey("s", item).text()


def upload(
    item: str, title: str, origin: Origin, *, revision: int = 1, digest: str | None = None
) -> EncodedUpload:
    work = title.split("/")[0]
    return EncodedUpload(
        origin=origin,
        source="s",
        item_id=item,
        revision=revision,
        operation=Operation.upsert,
        digest=digest or f"{title}{revision}",
        received_ms=0,
        record=LinkageRecord(kind=Kind.recording, source_kind=None, readings=(TitleReading(base=title),)),
        blocking_keys=(f"title:{work}",),
        vectors=(VectorRow(modality="text", model="m-1", window=0, start_ms=0, values=b"\x00\x3c"),),
    )


def decision(decided: Decided) -> Decision:
    first = decided.events[0]
    assert isinstance(first, Decision)
    return first


def changes(decided: Decided) -> list[EntityChanged]:
    return [event for event in decided.events if isinstance(event, EntityChanged)]


def test_a_first_upload_is_new_and_its_copy_matches_it() -> None:
    arbiter = Arbiter()
    first = decision(arbiter.upload("a", "w/studio"))
    second = decision(arbiter.upload("b", "w/studio"))
    assert (first.outcome, second.outcome) == (Outcome.new, Outcome.match)
    assert first.entity_id == second.entity_id
    assert second.deciding_item_id == "a"
    assert (first.sequence, second.sequence) == (1, 2)
    assert second.candidates[0].proposed_by == ("title",)


def test_another_version_is_a_new_recording_of_the_same_work() -> None:
    arbiter = Arbiter()
    studio = decision(arbiter.upload("a", "w/studio"))
    live = decision(arbiter.upload("b", "w/live"))
    assert live.outcome is Outcome.new
    assert live.entity_id != studio.entity_id
    assert live.work_id == studio.work_id is not None
    assert live.candidates[0].relation == "live_version_of"
    assert live.relation is not None
    assert (live.relation.relation, live.relation.to_entity) == ("live_version_of", studio.entity_id)


def test_a_doubtful_pair_is_for_a_person() -> None:
    arbiter = Arbiter()
    arbiter.upload("a", "w/studio")
    doubtful = arbiter.upload("b", "w/studio?")
    assert decision(doubtful).outcome is Outcome.review
    assert [event.right_item_id for event in doubtful.events if isinstance(event, ReviewRequested)] == ["a"]
    assert arbiter.entity_of("a") != arbiter.entity_of("b")


class SilentScorer(TitleScorer):
    """One titled ``w/silent`` says no version: as likely the studio take, and as possibly the live one."""

    def score(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        titles = {left.readings[0].base, right.readings[0].base}
        if "w/silent" not in titles or titles == {"w/silent"}:
            return super().score(left, right, sound)
        return PairScore(recording=head(6.0 if "w/studio" in titles else 1.0), work=head(6.0))

    explain = score


def test_what_one_member_rules_out_no_silent_member_leaves_open() -> None:
    arbiter = Arbiter(replace(RULES, scorer=SilentScorer()))
    arbiter.upload("a", "w/silent")
    assert decision(arbiter.upload("b", "w/live")).outcome is Outcome.review
    arbiter = Arbiter(replace(RULES, scorer=SilentScorer()))
    arbiter.upload("a", "w/silent")
    arbiter.upload("b", "w/studio")
    live = decision(arbiter.upload("c", "w/live"))
    assert live.outcome is Outcome.new
    assert live.relation is not None
    assert live.relation.relation == "live_version_of"


def test_the_same_origin_again_says_nothing_and_another_origin_is_a_duplicate() -> None:
    arbiter = Arbiter()
    first = decision(arbiter.upload("a", "w/studio", offset=100))
    assert arbiter.upload("a", "w/studio", offset=100).events == ()
    repeat = decision(arbiter.upload("a", "w/studio"))
    assert (repeat.outcome, repeat.first_decision_id) == (Outcome.duplicate, first.decision_id)
    assert repeat.decision_id != first.decision_id


def test_a_late_lower_revision_is_superseded_and_other_content_a_conflict() -> None:
    arbiter = Arbiter()
    arbiter.upload("a", "w/studio", revision=2)
    late = decision(arbiter.upload("a", "v/studio", revision=1))
    assert (late.outcome, late.code) == (Outcome.duplicate, "superseded")
    conflict = arbiter.upload("a", "v/studio", revision=2)
    assert (decision(conflict).outcome, decision(conflict).code) == (Outcome.rejected, "revision_conflict")
    assert any(isinstance(event, DeadLetter) for event in conflict.events)


def test_a_refusal_becomes_one_rejection_and_one_dead_letter() -> None:
    arbiter = Arbiter()
    refused = EncodedUpload(
        origin=Origin(topic="catalog.upload.v1", partition=1, offset=5),
        source="",
        item_id="",
        revision=None,
        operation=Operation.upsert,
        digest="",
        received_ms=0,
        refusal=Refusal(code="decode_error", reason="wrong magic", body=b"??", body_bytes=2),
    )
    said = arbiter.take(refused)
    assert decision(said).outcome is Outcome.rejected
    letters = [event for event in said.events if isinstance(event, DeadLetter)]
    assert [(letter.code, letter.body, letter.origin) for letter in letters] == [
        ("decode_error", b"??", refused.origin)
    ]
    assert arbiter.take(refused).events == ()


def test_a_revision_alone_in_its_entity_keeps_the_id() -> None:
    arbiter = Arbiter()
    first = decision(arbiter.upload("a", "w/studio"))
    second = arbiter.upload("a", "v/studio", revision=2)
    assert decision(second).entity_id == first.entity_id
    assert [(row.state, row.revision) for row in second.rows] == [("deleted", 1), ("live", 2)]


def test_a_revision_that_moves_leaves_the_id_to_those_who_stay() -> None:
    arbiter = Arbiter()
    stays = decision(arbiter.upload("a", "w/studio")).entity_id
    arbiter.upload("b", "w/studio")
    moved = arbiter.upload("a", "v/studio", revision=2)
    assert arbiter.entity_of("b") == stays
    assert decision(moved).entity_id != stays


def test_withdrawing_the_last_member_retires_the_entity_for_good() -> None:
    arbiter = Arbiter()
    entity = decision(arbiter.upload("a", "w/studio")).entity_id
    gone = arbiter.withdraw("a")
    assert decision(gone).outcome is Outcome.withdrawn
    assert [event.change for event in changes(gone)] == ["retired"]
    assert [row.state for row in gone.rows] == ["deleted"]
    back = decision(arbiter.upload("a", "w/studio", revision=2))
    assert back.entity_id != entity
    again = arbiter.catalogue.entity(entity or "")
    assert again is not None
    assert again.status == "retired"


def test_a_withdrawal_beats_an_upsert_that_arrives_later() -> None:
    arbiter = Arbiter()
    arbiter.withdraw("a")
    assert decision(arbiter.upload("a", "w/studio")).outcome is Outcome.withdrawn
    assert decision(arbiter.upload("a", "w/studio", revision=2)).outcome is Outcome.new


def test_an_entity_outlives_its_founder() -> None:
    arbiter = Arbiter()
    entity = decision(arbiter.upload("a", "w/studio")).entity_id
    arbiter.upload("b", "w/studio")
    arbiter.withdraw("a")
    assert arbiter.entity_of("b") == entity


def test_a_wrong_identifier_never_refuses_but_is_reported() -> None:
    arbiter = Arbiter()
    problem = IdentifierProblem(scheme="iswc", value="T-1", problem="check digit")
    encoded = upload("a", "w/studio", Origin(topic="t", partition=0, offset=1))

    said = arbiter.take(replace(encoded, identifier_problems=(problem,)))
    assert decision(said).outcome is Outcome.new
    assert [type(event).__name__ for event in said.events] == ["Decision", "EntityChanged", "Contradiction"]


def test_replaying_the_log_gives_the_same_ids() -> None:
    def run() -> list[object]:
        arbiter = Arbiter()
        said: list[object] = []
        for item, title in [("a", "w/studio"), ("b", "w/live"), ("c", "w/studio"), ("d", "w/live")]:
            said += arbiter.upload(item, title).events
        said += arbiter.withdraw("a").events
        return said

    assert run() == run()


ITEMS = "abcdefgh"
TITLES = ["w/studio", "w/live", "v/studio", "w/studio?"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(TITLES), min_size=len(ITEMS), max_size=len(ITEMS)),
    st.sets(st.sampled_from(ITEMS)),
    st.randoms(use_true_random=False),
)
def test_the_partition_does_not_depend_on_the_order(
    titles: list[str], withdrawn: set[str], order: random.Random
) -> None:
    def run(steps: list[tuple[str, str]]) -> Arbiter:
        arbiter = Arbiter()
        for verb, item in steps:
            if verb == "upload":
                arbiter.upload(item, titles[ITEMS.index(item)])
            else:
                arbiter.withdraw(item, 1)
        return arbiter

    steps = [("upload", item) for item in ITEMS] + [("withdraw", item) for item in sorted(withdrawn)]
    shuffled = [*steps, *steps]
    order.shuffle(shuffled)
    calm, wild = run(steps), run(shuffled)
    assert calm.partition(ITEMS) == wild.partition(ITEMS)
    for arbiter in (calm, wild):
        check_fold(arbiter)


def check_fold(arbiter: Arbiter) -> None:
    """Every live upload is a member of exactly one live entity, which is part of one live work."""
    for item in ITEMS:
        state = arbiter.catalogue.upload(key(item))
        if state is None or not state.live:
            continue
        assert state.entity_id is not None
        entity = arbiter.catalogue.entity(state.entity_id)
        assert entity is not None
        assert entity.status == "live"
        assert key(item) in entity.members
        work = arbiter.catalogue.entity(entity.work_id or "")
        assert work is not None
        assert work.status == "live"
        assert entity.entity_id in work.members


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_twins_and_their_bridge_become_one_whatever_comes_first(order: tuple[str, ...]) -> None:
    arbiter = Arbiter()
    for item in order:
        arbiter.upload(item, "w/studio")
    assert arbiter.partition("abc") == {frozenset("abc")}


def test_a_withdrawal_that_names_no_revision_takes_back_the_highest_decided() -> None:
    arbiter = Arbiter()
    arbiter.upload("a", "w/studio", revision=3)
    assert decision(arbiter.withdraw("a")).revision == 3
    assert decision(arbiter.upload("a", "w/studio", revision=3)).outcome is Outcome.withdrawn


def verdict(arbiter: Arbiter, left: str, right: str, judgement: str, name: str = "v1") -> Decided:
    workspace = Workspace(arbiter.catalogue)
    decided = decide_verdict(
        workspace,
        Verdict(
            verdict_id=name,
            left_source="s",
            left_item_id=left,
            right_source="s",
            right_item_id=right,
            judgement=judgement,
        ),
        sequence=arbiter.sequence + 1,
        rules=arbiter.rules,
    )
    arbiter.sequence += bool(decided.events)
    arbiter.catalogue.apply(workspace.changes)
    return decided


def test_a_verdict_joins_and_taking_it_back_restores_both_ids() -> None:
    arbiter = Arbiter()
    elder = decision(arbiter.upload("a", "w/studio")).entity_id
    younger = decision(arbiter.upload("b", "w/studio?")).entity_id
    joined = verdict(arbiter, "b", "a", "match")
    assert [event.change for event in changes(joined)] == ["merged"]
    assert arbiter.entity_of("b") == elder
    gone = arbiter.catalogue.entity(younger or "")
    assert gone is not None
    assert (gone.status, gone.redirect_to) == ("redirected", elder)
    back = verdict(arbiter, "a", "b", "withdrawn", "v2")
    assert [event.change for event in changes(back)] == ["restored"]
    assert (arbiter.entity_of("a"), arbiter.entity_of("b")) == (elder, younger)


def test_a_non_match_splits_what_the_score_had_joined() -> None:
    arbiter = Arbiter()
    arbiter.upload("a", "w/studio")
    arbiter.upload("b", "w/studio")
    split = verdict(arbiter, "a", "b", "non_match")
    assert [event.change for event in changes(split)] == ["split"]
    assert arbiter.entity_of("a") != arbiter.entity_of("b")


def test_a_verdict_on_a_pair_that_was_never_compared_keeps_what_the_evidence_says() -> None:
    arbiter = Arbiter()
    arbiter.upload("a", "w/studio")
    arbiter.upload("b", "other/studio")
    left, right = sorted((key("a"), key("b")))
    assert arbiter.catalogue.pairs_of(left) == ()
    verdict(arbiter, "a", "b", "match")
    (pair,) = arbiter.catalogue.pairs_of(left)
    assert (pair.right, pair.verdict) == (right, "match")
    assert (pair.recording_log_odds, pair.bundle_version) == (-6.0, "test")


def test_the_same_verdict_again_says_nothing_and_one_on_nothing_is_refused() -> None:
    arbiter = Arbiter()
    arbiter.upload("a", "w/studio")
    arbiter.upload("b", "w/studio")
    verdict(arbiter, "a", "b", "non_match")
    assert verdict(arbiter, "a", "b", "non_match").events == ()
    with pytest.raises(InvariantError, match="no live upload s/nobody"):
        verdict(arbiter, "a", "nobody", "match", "v3")
    with pytest.raises(InvariantError, match="one upload twice"):
        verdict(arbiter, "a", "a", "match", "v4")


def relations(decided: Decided) -> list[tuple[str, str, str, str]]:
    return [
        (event.status, event.relation, event.from_entity, event.to_entity)
        for event in decided.events
        if isinstance(event, RelationChanged)
    ]


@pytest.mark.parametrize("first", ["studio", "live"])
def test_a_relation_runs_one_way_whichever_side_comes_first(first: str) -> None:
    arbiter = Arbiter()
    second = "live" if first == "studio" else "studio"
    arbiter.upload(first, f"w/{first}")
    said = arbiter.upload(second, f"w/{second}")
    studio, live = arbiter.entity_of("studio"), arbiter.entity_of("live")
    assert studio is not None
    assert live is not None
    assert relations(said) == [("asserted", "live_version_of", live, studio)]
    parts = [(e.part, e.parts) for e in said.events if isinstance(e, Carrier)]
    assert parts == [(1, 3), (2, 3), (3, 3)]
    assert relations(arbiter.withdraw("live")) == [("retracted", "live_version_of", live, studio)]
    assert arbiter.catalogue.relations_of(key("studio")) == ()


def test_a_revision_that_changes_nothing_of_a_relation_does_not_repeat_it() -> None:
    arbiter = Arbiter()
    arbiter.upload("a", "w/studio")
    arbiter.upload("b", "w/live")
    assert relations(arbiter.upload("b", "w/live", revision=2)) == []


def test_a_pair_is_kept_in_one_order() -> None:
    arbiter = Arbiter()
    arbiter.upload("b", "w/studio")
    arbiter.upload("a", "w/live")
    (pair,) = arbiter.catalogue.pairs_of(key("a"))
    assert (pair.left, pair.right, pair.relation) == (key("a"), key("b"), "live_version_of")
    other = Arbiter()
    other.upload("a", "w/live")
    other.upload("b", "w/studio")
    assert other.catalogue.pairs_of(key("a"))[0].relation == "live_version_of"


class Table(TitleScorer):
    """Pairs of titles score as the table says, unknown ones far apart."""

    def __init__(self, scores: dict[str, float]) -> None:
        self._scores = scores

    def score(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        log_odds = self._scores.get("".join(sorted(left.readings[0].base + right.readings[0].base)), -9.0)
        return PairScore(recording=head(log_odds), work=head(log_odds))

    explain = score


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_two_that_contradict_are_not_joined_by_a_third_though_never_compared(order: tuple[str, ...]) -> None:
    arbiter = Arbiter(replace(RULES, scorer=Table({"ac": 6.0, "bc": 5.0, "ab": -6.0})))
    keys = {"a": ("1",), "b": ("2",), "c": ("1", "2")}
    for item in order:
        arbiter.upload(item, item, blocking_keys=keys[item])
    assert arbiter.partition("abc") == {frozenset("ac"), frozenset("b")}
