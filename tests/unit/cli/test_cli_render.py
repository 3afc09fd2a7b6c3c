from dataclasses import replace

import pytest

from streams.cli.entities import Change, entity_view, fold, the_one
from streams.cli.render import decision_line, entity_text, explanation, fitted
from streams.core.records import (
    ConsideredCandidate,
    Decision,
    EntityChanged,
    EntitySide,
    Flip,
    HeadScore,
    LedgerLine,
    Level,
    Lookup,
    Origin,
    Outcome,
    RelationChanged,
    RelationClaim,
)

LINES = (
    LedgerLine(name="title", level="exact", contribution=4.5, left="clear water", right="clear water"),
    LedgerLine(name="duration", level="differs", contribution=-1.25),
)
MATCH = Decision(
    decision_id="d-1",
    sequence=7,
    origin=Origin(topic="catalog.upload.v1", partition=2, offset=40),
    source="fans",
    item_id="x/1",
    revision=2,
    outcome=Outcome.match,
    entity_id="0123456789abcdef",
    recording=Level(id="0123456789abcdef", probability=0.9726, threshold=2.95),
    deciding_source="label",
    deciding_item_id="A-1",
    recording_ledger=HeadScore(prior=0.32, lines=LINES, log_odds=3.57, probability=0.9726),
    counter_evidence=LINES[1],
    flip=Flip(to="review", change="without title (exact)", log_odds=-1.0),
    candidates=(
        ConsideredCandidate(
            source="label",
            item_id="B-2",
            entity_id="e2",
            proposed_by=("isrc", "vector:text"),
            recording_log_odds=-3.0,
            work_log_odds=1.0,
            cannot_link="version:live|studio",
        ),
    ),
    relation=RelationClaim(
        relation="live_version_of",
        to_entity="e2",
        to_source="label",
        to_item_id="B-2",
        probability=0.8,
        offset_ms=1500,
        overlap_ms=20_000,
    ),
    models=("text@1",),
    rule_version="r1",
    bundle_version="b1",
    lookup=Lookup(build="build-1", watermark=12, rows=30),
    trace_id="f" * 32,
)


def test_a_decision_is_said_on_one_line() -> None:
    said = decision_line(MATCH)
    assert said.startswith("match ")
    for part in ("fans/x/1", "r2", "01234567", "p=0.973", "with label/A-1", "[live_version_of label/B-2]"):
        assert part in said


def test_what_is_new_is_said_to_be_with_nobody() -> None:
    said = decision_line(replace(MATCH, outcome=Outcome.new))
    assert said.startswith("new ")
    assert "with label/A-1" not in said


def test_a_refusal_says_its_code_and_reason() -> None:
    refused = Decision(
        decision_id="d",
        sequence=1,
        origin=MATCH.origin,
        source="s",
        item_id="i",
        revision=1,
        outcome=Outcome.rejected,
        code="media_empty",
        reason="0 bytes",
    )
    assert decision_line(refused) == "rejected  s/i media_empty (0 bytes)"
    assert "Candidates: none considered" in explanation(refused)


def test_an_explanation_tells_everything_that_decided() -> None:
    said = explanation(MATCH)
    for part in (
        "catalog.upload.v1 [2] @ 40",
        "+0.320  prior",
        "+4.500  title                    exact  clear water | clear water",
        "-1.250  duration                 differs",
        "+3.570  sum, probability 0.9726",
        "threshold +2.95",
        "Strongest evidence against this outcome",
        "Would become review without title (exact) (-1.000)",
        "by isrc, vector:text (index)  cannot link: version:live|studio",
        "offset +1.50 s, 20.0 s compared",
        "text@1, rules r1, bundle b1",
        "build-1 up to 12, 30 rows",
        "f" * 32,
    ):
        assert part in said


def test_an_explanation_begins_with_why_in_words() -> None:
    lines = explanation(MATCH).splitlines()
    assert lines[2].endswith(
        "the closest upload is label/A-1: +3.57 for one recording; a match takes +2.95 or more"
    )
    assert lines[3:6] == [
        "For it     title exact (+4.50)",
        "Against    duration differs (-1.25)",
        "           So it joins the recording of that upload.",
    ]
    alone = replace(MATCH, outcome=Outcome.new, recording_ledger=None)
    assert "nothing in the catalogue was near enough" in explanation(alone)
    doubted = explanation(replace(MATCH, outcome=Outcome.review))
    assert "a person must say" in doubted
    guard = LedgerLine(name="guard", level="another_member", contribution=-4.0)
    guarded = HeadScore(prior=0.32, lines=(*LINES, guard), log_odds=-0.43, probability=0.39)
    said = explanation(replace(MATCH, outcome=Outcome.review, recording_ledger=guarded))
    assert "Against    guard another member (-4.00), duration differs (-1.25)" in said
    assert "another member of that upload's entity" in said
    refused = replace(MATCH, outcome=Outcome.rejected, code="media_empty", reason="0 bytes")
    assert "Why        0 bytes" in explanation(refused)


def _changed(sequence: int, change: str, *sides: EntitySide) -> EntityChanged:
    return EntityChanged(
        event_id=f"e{sequence}", sequence=sequence, part=1, parts=1, change=change, sides=sides, cause="d-1"
    )


def _side(entity_id: str, *members: str, status: str = "live", leads_to: str | None = None) -> EntitySide:
    return EntitySide(
        entity_id=entity_id,
        kind="recording",
        status=status,
        members=members,
        redirect_to=leads_to,
        title="Clear Water",
    )


def test_an_entity_is_folded_from_the_logs() -> None:
    events = [
        _changed(1, "minted", _side("aa-1", "1:sx")),
        _changed(2, "minted", _side("ab-2", "1:sy")),
        _changed(
            3, "merged", _side("aa-1", "1:sx", "1:sy"), _side("ab-2", status="redirected", leads_to="aa-1")
        ),
    ]
    relation = RelationChanged(
        event_id="r1",
        sequence=4,
        part=1,
        parts=1,
        relation_id="rel-1",
        relation="remix_of",
        from_entity="aa-1",
        to_entity="cc-3",
        status="asserted",
        probability=0.9,
    )
    gone = RelationChanged(
        event_id="r2",
        sequence=5,
        part=1,
        parts=1,
        relation_id="rel-1",
        relation="remix_of",
        from_entity="aa-1",
        to_entity="cc-3",
        status="retracted",
        probability=0.1,
    )
    other = replace(_changed(4, "minted", _side("cc-3", "1:sz")), part=1, parts=2)
    changes: list[Change] = [*events, other, relation]
    dated = [(each, each.sequence * 10) for each in changes]
    stood = fold(dated, None, last=0)
    assert the_one(stood.catalogue.entities, "ab") == "ab-2"
    assert the_one([*stood.catalogue.entities, "aa-11"], "aa-1") == "aa-1"
    with pytest.raises(LookupError, match="any of: aa-1, ab-2"):
        the_one(stood.catalogue.entities, "a")
    with pytest.raises(LookupError, match="No entity b"):
        the_one(stood.catalogue.entities, "b")
    said = entity_text(entity_view(stood, "aa-1"))
    for part in ("Clear Water", "Members    2", "s/x", "s/y", "remix_of -> cc-3", "merged", "with ab-2"):
        assert part in said
    assert entity_view(fold([*dated, (gone, 50)], None, last=0), "aa-1").relations == ()
    redirected = entity_view(stood, "ab-2")
    assert (redirected.side.status, redirected.stands_for) == ("redirected", "aa-1")
    assert [each.to_entity for each in redirected.relations] == ["cc-3"]


def test_a_long_line_goes_on_below_its_own_column() -> None:
    said = "Of         one\n    +1.500  sound        same master  a long detail of it\n"
    assert fitted(said, 40) == (
        "Of         one\n    +1.500  sound        same master  a\n            long detail of it\n"
    )
    assert fitted(said, 80) == said
    told = explanation(MATCH)
    assert fitted(told, 60).split() == told.split()
    assert max(map(len, fitted(told, 60).splitlines())) <= 60
