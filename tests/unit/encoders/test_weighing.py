"""How the views of a recording are weighed: what is learned, and that the graph says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.cards import EncoderCard
from encoders.evaluation.metrics import average_precisions, mean_average_precision
from encoders.export import export_weighing
from encoders.runtime import OnnxModel, unit_rows
from encoders.training.weighing import Weighing, WeighingConfig

WORKS, TAKES, SPLIT, DIMENSION = 30, 4, 24, 80
CONFIG = WeighingConfig(directions=16, second=1.4, both=True)


def performances(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Make works whose performances differ along four directions as far as works do."""
    rng = np.random.default_rng(seed)
    nuisance = np.random.default_rng(0).standard_normal((4, DIMENSION))
    labels = np.repeat(np.arange(WORKS), TAKES)
    rows = rng.standard_normal((WORKS, DIMENSION))[labels]
    rows = rows + rng.standard_normal((len(labels), 4)) @ nuisance + 4.0
    views = [unit_rows(rows[:, :SPLIT]), unit_rows(rows[:, SPLIT:])]
    return np.concatenate(views, axis=1), labels


@pytest.fixture(scope="module")
def weighing() -> Weighing:
    parts, labels = performances(1)
    return Weighing.fitted(parts, labels, split=SPLIT, config=CONFIG)


def ranked(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    unit = unit_rows(vectors)
    return mean_average_precision(unit @ unit.T, labels)


def test_works_that_it_was_not_fitted_on_come_together(weighing: Weighing) -> None:
    parts, labels = performances(2)
    before, after = ranked(parts, labels), ranked(weighing.apply(parts), labels)
    assert before < 0.5 < 0.8 < after


def test_strangers_stand_at_right_angles(weighing: Weighing) -> None:
    parts, labels = performances(3)
    unit = unit_rows(weighing.apply(parts))
    strangers = (unit @ unit.T)[labels[:, None] != labels]
    assert abs(float(np.median(strangers))) < 0.1


def test_only_the_second_view_is_shortened_unless_both_are_asked_for() -> None:
    parts, labels = performances(1)
    second = Weighing.fitted(parts, labels, split=SPLIT, config=WeighingConfig(directions=16))
    np.testing.assert_allclose(second.apply(parts)[:, :SPLIT], unit_rows(parts[:, :SPLIT]), atol=1e-6)
    assert ranked(second.apply(parts)[:, SPLIT:], labels) > ranked(parts[:, SPLIT:], labels)


def test_the_graph_weighs_alike_and_puts_strangers_at_a_half(weighing: Weighing, tmp_path: Path) -> None:
    card = export_weighing(weighing.arrays(), tmp_path, version="0")
    model = OnnxModel(tmp_path, EncoderCard.load(tmp_path / f"{card.name}.json"))
    parts, _ = performances(4)
    vectors = unit_rows(model.run(parts))
    assert vectors.shape == (len(parts), DIMENSION + 1)
    assert card.dimension == DIMENSION + 1
    wanted = unit_rows(weighing.apply(parts))
    np.testing.assert_allclose(vectors @ vectors.T, (1.0 + wanted @ wanted.T) / 2.0, atol=1e-5)


def test_average_precision_of_each_is_that_of_its_ranking() -> None:
    close = np.array([[9, 3, 2, 1], [3, 9, 1, 2], [2, 1, 9, 3], [1, 2, 3, 9]], dtype=np.float64)
    assert average_precisions(close, np.array([0, 0, 1, 1])).tolist() == [1.0] * 4
    assert average_precisions(close, np.array([0, 1, 0, 1])).tolist() == [0.5] * 4
    assert mean_average_precision(close, np.array([0, 1, 1, 0])) == pytest.approx(1 / 3)
