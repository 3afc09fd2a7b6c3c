"""Calibration by strata is fitted and measured on what it has not seen."""

import numpy as np
import pytest

from benchmarks.additive import Table
from benchmarks.calibrating import Compared, calibrated_held_out, drawn, report_strata
from encoders.evaluation.calibration import calibration_scores

FOLDS = 5
SHARES = {"exact": 0.9, "near": 0.7, "similar": 0.3, "different": 0.1}
"""How many of the pairs of a level are true."""


def _compared(*, apart: int | None = None) -> Compared:
    """Two strata of pairs by the level of the title; in fold ``apart`` every label is turned round."""
    rows = [
        (level, label, stratum, fold, 100.0 * (share if label else 1.0 - share))
        for level, share in SHARES.items()
        for label in (1.0, 0.0)
        for stratum in (0, 1)
        for fold in range(FOLDS)
    ]
    labels = np.array([1.0 - label if fold == apart else label for _, label, _, fold, _ in rows])
    counts = np.array([count for *_, count in rows])
    table = Table(
        levels=[{"title": level} for level, *_ in rows],
        labels=labels,
        weights=counts / 4,
        offsets=np.zeros(len(rows)),
        strata=np.array([stratum for _, _, stratum, _, _ in rows]),
        folds=np.array([fold for _, _, _, fold, _ in rows]),
    )
    return Compared(
        table, np.full(len(rows), "made here"), counts, ("a|a", "b|b"), np.ones(len(rows), dtype=bool)
    )


def _held_out(compared: Compared) -> np.ndarray:
    return calibrated_held_out(compared, ("title",), ridge=2.0, folds=FOLDS)


def test_shares_that_hold_in_every_fold_are_told_as_they_are() -> None:
    compared = _compared()
    told = _held_out(compared)
    for level, share in SHARES.items():
        inside = [at for at, row in enumerate(compared.table.levels) if row["title"] == level]
        assert 1 / (1 + np.exp(-told[inside])) == pytest.approx(share, abs=0.03)
    first = compared.table.strata == 0
    scores = calibration_scores(*drawn(told[first], compared.table.labels[first], compared.counts[first]))
    assert scores.slope == pytest.approx(1.0, abs=0.1)
    assert scores.error < 0.03


def test_a_fold_is_told_by_the_others_alone() -> None:
    plain, turned = _held_out(_compared()), _held_out(_compared(apart=2))
    inside = _compared().table.folds == 2
    assert turned[inside] == pytest.approx(plain[inside])
    assert turned[~inside] != pytest.approx(plain[~inside])


def test_a_stratum_of_few_pairs_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    compared = _compared()
    few = compared._replace(counts=np.where(compared.table.strata == 1, 1.0, compared.counts))
    told = _held_out(few)
    assert np.isnan(told[few.table.strata == 1]).all()
    report_strata("recording", few, told)
    said = capsys.readouterr().out
    assert "a|a" in said
    assert "b|b" not in said


def test_weights_become_repeats() -> None:
    scores, labels = drawn(np.array([2.0, -1.0]), np.array([True, False]), np.array([3.0, 1.0]))
    assert labels.mean() == pytest.approx(0.75, abs=0.001)
    assert set(scores.tolist()) == {2.0, -1.0}
