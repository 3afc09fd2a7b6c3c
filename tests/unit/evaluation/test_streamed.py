"""A small golden catalogue, resolved without models: figures, orders, refusals, and another bundle."""

import dataclasses
from collections.abc import Iterator

import pytest

from streams.core.bundle import Bundle
from streams.core.records import Outcome
from streams.evaluation.diff import diff_stream
from streams.evaluation.figures import SetReport
from streams.evaluation.golden.catalogue import golden_catalogue
from streams.evaluation.streamed import evaluate_stream
from streams.evaluation.streaming import Encoded, partitions
from tests.unit.evaluation.parts import parts_without_models

BUNDLE = Bundle.packaged()
SONGS = 22


@pytest.fixture(scope="module")
def encoded() -> Iterator[Encoded]:
    with parts_without_models() as parts:
        yield Encoded(golden_catalogue(songs=SONGS), parts)


@pytest.fixture(scope="module")
def report(encoded: Encoded) -> SetReport:
    return evaluate_stream(encoded, BUNDLE)


def test_both_levels_are_scored_apart(report: SetReport) -> None:
    names = [figure.name for figure in report.figures]
    for level in ("recording", "work"):
        for measure in ("pair F1", "B-cubed recall", "cluster precision", "false joins"):
            assert f"{level} {measure}" in names
    for figure in report.figures:
        if figure.low is not None and figure.high is not None and figure.value is not None:
            assert figure.low <= figure.value <= figure.high, figure


def test_what_is_decided_automatically_is_scored_when_it_is_decided(report: SetReport) -> None:
    precision, coverage = report.figure("automatic-match precision"), report.figure("coverage")
    assert precision is not None
    assert coverage is not None
    assert precision.low is not None
    assert precision.low < 1.0  # exact bounds: never certain
    assert coverage.count is not None
    assert precision.count is not None
    assert precision.count > 20


def test_strata_are_rows_languages_and_noises(report: SetReport) -> None:
    kinds = {each.name.partition(":")[0] for each in report.strata}
    assert kinds == {"row", "language", "noise"}


def test_review_is_no_match(encoded: Encoded) -> None:
    resolved = encoded.resolve(BUNDLE)
    both = partitions(encoded, resolved, "recording")
    assert both is not None
    _, found = both
    for key, decision in resolved.decisions.items():
        if decision.outcome is Outcome.review and decision.deciding_source is not None:
            other = f"{len(decision.deciding_source)}:{decision.deciding_source}{decision.deciding_item_id}"
            if resolved.decisions[other].outcome is not Outcome.match:
                assert found[key] == resolved.recording[key]


def test_the_partition_hangs_on_no_order(encoded: Encoded) -> None:
    """With candidates by keys alone nothing is left to the order but which pairs were compared."""
    runs = [encoded.resolve(BUNDLE, order=order) for order in (1, 2)]
    assert runs[0].order != runs[1].order
    groups = []
    for run in runs:
        members: dict[str | None, set[str]] = {}
        for key, entity in run.recording.items():
            members.setdefault(entity, set()).add(key)
        groups.append({frozenset(keys) for keys in members.values()})
    assert groups[0] == groups[1]


def test_the_worst_order_is_told(encoded: Encoded) -> None:
    report = evaluate_stream(encoded, BUNDLE, orders=2)
    assert report.how == "streamed, the worst of 2 random orders"
    best, told = report.figure("best order, pair F1"), report.figure("recording pair F1")
    assert best is not None
    assert told is not None
    assert told.value is not None
    assert best.value is not None
    assert told.value <= best.value


def test_a_row_that_could_not_be_read_is_alone_and_charged(encoded: Encoded) -> None:
    some = encoded.stream.uploads[0].recording
    with parts_without_models() as parts:
        stream = dataclasses.replace(encoded.stream, refused={"row 1": (some, None)})
        report = evaluate_stream(Encoded(stream, parts), BUNDLE)
    assert report.size == len(stream.uploads) + 1
    assert report.notes == ("1 rows that could not be read as an upload: each counts as alone",)


def test_the_same_bundle_changes_nothing(encoded: Encoded) -> None:
    diff = diff_stream(encoded, BUNDLE, BUNDLE)
    assert diff.flips == {}
    assert (diff.merges, diff.splits, diff.rearranged, diff.touched) == (0, 0, 0, 0)
    assert (diff.right, diff.wrong) == (0, 0)


def test_a_stricter_bundle_splits_and_is_told(encoded: Encoded) -> None:
    strict = dataclasses.replace(BUNDLE, recording_match=12.0, version="strict")
    diff = diff_stream(encoded, BUNDLE, strict)
    assert sum(diff.flips.values()) > 10
    assert diff.splits > 0
    assert diff.merges == 0
    assert diff.touched > diff.splits
    back = diff_stream(encoded, strict, BUNDLE)
    assert (back.merges, back.splits) == (diff.splits, 0)
    assert (back.right, back.wrong) == (diff.wrong, diff.right)
    flip = diff.examples[0]
    assert flip.before != flip.after
