"""Labelled pairs, compared: figures that charge what is missed, in review, or unread."""

import dataclasses

import pytest

from streams.core.bundle import Bundle
from streams.core.records import Artist, Upload
from streams.evaluation.cases import FALSE, MISSED
from streams.evaluation.figures import SetReport
from streams.evaluation.labelled import LabelledPair, LabelledPairs
from streams.evaluation.paired import evaluate_folds, evaluate_pairs

BUNDLE = Bundle.packaged()


def _upload(title: str, artist: str, seconds: int | None = 200) -> Upload:
    return Upload(
        source="s",
        item_id="1",
        title=title,
        artists=(Artist(name=artist),),
        duration_ms=seconds * 1000 if seconds else None,
    )


def _report(
    *pairs: tuple[Upload | None, Upload | None, bool], level: str = "recording", bundle: Bundle = BUNDLE
) -> SetReport:
    return evaluate_pairs(
        LabelledPairs(
            name="made here",
            level=level,
            pairs=tuple(
                LabelledPair(
                    left=left,
                    right=right,
                    label=label,
                    left_group=f"l{number}",
                    right_group=f"r{number}",
                    tags=("part:odd",) if number % 2 else (),
                )
                for number, (left, right, label) in enumerate(pairs)
            ),
        ),
        bundle,
    )


def _value(report: SetReport, name: str) -> float | None:
    figure = report.figure(name)
    assert figure is not None, name
    return figure.value


SONG = _upload("Clear Water Rising", "The Example Band")
COPY = _upload("Clear Water Rising", "Example Band", 201)
OTHER = _upload("Iron Lantern", "Somebody Else", 300)
LIVE = _upload("Clear Water Rising (Live)", "The Example Band")


def test_right_pairs_are_right() -> None:
    report = _report((SONG, COPY, True), (SONG, OTHER, False))
    assert (_value(report, "precision"), _value(report, "recall"), _value(report, "F1")) == (1.0, 1.0, 1.0)
    assert report.cases == ()


def test_as_likely_as_not_is_not_the_same() -> None:
    report = _report((SONG, LIVE, True), (SONG, COPY, True))
    assert _value(report, "recall") == 0.5
    assert _value(report, "review share online") == 0.5
    assert [case.kind for case in report.cases] == [MISSED]


def test_what_is_reviewed_online_may_be_the_same_where_it_is_compared_alone() -> None:
    strict = dataclasses.replace(BUNDLE, recording_match=20.0)
    report = _report((SONG, COPY, True), (SONG, OTHER, False), bundle=strict)
    assert _value(report, "F1") == 1.0
    assert _value(report, "F1 as decided online") == 0.0
    assert _value(report, "review share online") == 0.5


def test_a_side_that_could_not_be_read_is_charged() -> None:
    report = _report((SONG, None, True), (SONG, COPY, True), (None, None, False))
    assert _value(report, "recall") == 0.5
    assert _value(report, "AP") == pytest.approx(0.5)
    assert report.notes[0] == "2 pairs with a side that could not be read: never found"


def test_wrong_pairs_are_told_with_their_ledgers_and_counted_alike() -> None:
    report = _report((SONG, COPY, False), (SONG, COPY, False), (SONG, OTHER, True))
    assert [case.kind for case in report.cases] == [MISSED, FALSE, FALSE]
    missed, false, _ = report.cases
    assert missed.score is not None
    assert false.score is not None
    assert missed.score.log_odds < 0 < false.score.log_odds
    assert any(line.left for line in false.score.lines)
    assert [(group.kind, group.count) for group in report.groups] == [(FALSE, 2), (MISSED, 1)]


def test_parts_of_a_set_are_told_apart() -> None:
    report = _report((SONG, COPY, True), (SONG, OTHER, True))
    (odd,) = report.strata
    assert (odd.name, odd.count) == ("part:odd", 1)
    assert next(figure.value for figure in odd.figures if figure.name == "recall") == 0.0


def test_each_fold_is_scored_by_the_bundle_that_has_not_seen_it() -> None:
    pairs = LabelledPairs(
        name="made here",
        level="recording",
        pairs=tuple(
            LabelledPair(left=SONG, right=COPY, label=True, left_group=f"l{n}", right_group=f"r{n}")
            for n in range(20)
        ),
    )
    never = dataclasses.replace(BUNDLE, compare_above=99.0)
    figures = {
        figure.name: figure for figure in evaluate_folds(pairs, [BUNDLE, never, BUNDLE, never, BUNDLE])
    }
    assert figures["recall, fitted on the other folds"].value == 0.6
    assert figures["F1, fitted on the other folds"].low is not None


def test_the_level_decides_what_is_judged() -> None:
    cover = _upload("Clear Water Rising", "Jane Doe", 240)
    assert _value(_report((SONG, cover, True), level="work"), "recall") == 1.0
    assert _value(_report((SONG, cover, True), level="recording"), "recall") == 0.0
