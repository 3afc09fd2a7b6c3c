"""Targets and floors: every one names a figure that is measured, and both ways of comparing hold."""

from dataclasses import replace

import pytest

from streams.evaluation.figures import Figure, SetReport, Stratum
from streams.evaluation.sets import SETS
from streams.evaluation.targets import Target, checks, sample_size, targets

AT_LEAST = Target(set="x", name="F1", reach=0.9, floor=0.8)


@pytest.mark.parametrize(
    ("value", "reached", "kept"), [(0.95, True, True), (0.85, False, True), (0.7, False, False)]
)
def test_a_value_is_held_against_both(value: float, reached: bool, kept: bool) -> None:
    figure = Figure(name="F1", value=value)
    assert AT_LEAST.holds(figure, AT_LEAST.reach, of="value") is reached
    assert AT_LEAST.holds(figure, AT_LEAST.floor, of="value") is kept


def test_fewer_may_be_better_and_the_lower_end_may_be_asked() -> None:
    few = Target(set="x", name="false joins", reach=0, at_most=True)
    assert few.holds(Figure(name="false joins", value=0.0), few.reach, of="value")
    assert not few.holds(Figure(name="false joins", value=1.0), few.reach, of="value")
    figure = Figure(name="precision", value=0.99, low=0.97, high=1.0)
    assert not AT_LEAST.holds(figure, 0.98, of="low")
    assert AT_LEAST.holds(figure, 0.98, of="value")


def test_what_was_not_measured_neither_holds_nor_breaks() -> None:
    assert AT_LEAST.holds(Figure(name="F1", value=None), 0.9, of="value") is None
    assert AT_LEAST.holds(Figure(name="F1", value=0.5), None, of="value") is None


def test_targets_name_sets_that_exist() -> None:
    names = {source.name for source in SETS}
    assert {target.set for target in targets()} <= names
    assert all(target.of in {"value", "low"} for target in targets())
    assert sample_size("golden") is None
    assert sample_size("musicbrainz-20k") is not None


def test_a_figure_of_a_stratum_is_found() -> None:
    wanted = next(target for target in targets() if target.stratum is not None)
    figure = Figure(name=wanted.name, value=1.0)
    part = Stratum(name=wanted.stratum or "", count=3, figures=(figure,))
    report = SetReport(name=wanted.set, how="", size=3, figures=(), strata=(part,))
    assert [check.target for check in checks([report])] == [wanted]
    assert list(checks([replace(report, strata=())])) == []
