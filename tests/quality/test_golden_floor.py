"""Floors for matching on a part of the golden catalogue, where candidates are found by keys alone.

A floor is a guard against going back, a little under what holds now, and binds on the mean. What is to be
reached on the whole catalogue, with text vectors, stands in `streams/evaluation/targets.toml`: precision 0.99
at its lower end, coverage 0.85, at most 0.05 in review.
"""

from collections.abc import Iterator

import pytest

from streams.core.bundle import Bundle
from streams.evaluation.figures import SetReport
from streams.evaluation.golden.catalogue import golden_catalogue
from streams.evaluation.streamed import evaluate_stream
from streams.evaluation.streaming import Encoded
from tests.unit.evaluation.parts import parts_without_models

SONGS = 66

AT_LEAST = {
    "automatic-match precision": 0.97,
    "coverage": 0.89,
    "recording pair precision": 0.81,
    "recording pair recall": 0.88,
    "recording B-cubed F1": 0.94,
    "work B-cubed F1": 0.865,
    "videos with their recording": 0.9,
}
AT_MOST = {"review share": 0.105}


@pytest.fixture(scope="module")
def report() -> Iterator[SetReport]:
    with parts_without_models() as parts:
        yield evaluate_stream(Encoded(golden_catalogue(songs=SONGS), parts), Bundle.packaged())


@pytest.mark.parametrize("name", AT_LEAST)
def test_a_figure_keeps_its_floor(report: SetReport, name: str) -> None:
    figure = report.figure(name)
    assert figure is not None
    assert figure.value is not None
    assert figure.value >= AT_LEAST[name]


@pytest.mark.parametrize("name", AT_MOST)
def test_a_figure_keeps_its_ceiling(report: SetReport, name: str) -> None:
    figure = report.figure(name)
    assert figure is not None
    assert figure.value is not None
    assert figure.value <= AT_MOST[name]
