"""Partitions, pairs, intervals and calibration: by hand, by other definitions, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, pair_confusion_matrix

from encoders.evaluation.calibration import calibration_scores
from encoders.evaluation.intervals import bootstrap, share_interval
from encoders.evaluation.metrics import clustering_scores
from encoders.evaluation.pairs import (
    at_threshold,
    average_precision,
    average_precision_interval,
    best_threshold,
    pair_counts,
    scores_of,
)
from encoders.evaluation.partitions import measure, partition_counts

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20)


def test_three_measures_by_hand() -> None:
    counts = partition_counts(
        dict(zip("abcde", "11122", strict=True)), dict(zip("abcde", "xxyyz", strict=True))
    )
    assert (counts.true_pairs, counts.found_pairs, counts.right_pairs) == (4, 2, 1)
    assert counts.b_cubed.precision == pytest.approx((1 + 1 + 1 / 2 + 1 / 2 + 1) / 5)
    assert counts.b_cubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2) / 5)
    assert (counts.clusters.precision, counts.clusters.recall) == (0.0, 0.0)


def test_a_record_without_an_answer_is_no_way_out() -> None:
    with pytest.raises(ValueError, match="different records"):
        partition_counts({"a": 1, "b": 1}, {"a": 1})
    with pytest.raises(ValueError, match="nothing"):
        partition_counts({}, {})


@given(LABELS)
def test_partitions_agree_with_other_definitions(labels: list[tuple[int, int]]) -> None:
    true = {f"r{i}": pair[0] for i, pair in enumerate(labels)}
    found = {f"r{i}": pair[1] for i, pair in enumerate(labels)}
    counts = partition_counts(true, found)

    def sets(labelling: dict[str, int]) -> list[set[str]]:
        return [{item for item, label in labelling.items() if label == k} for k in range(5)]

    pairs = clustering_scores(sets(true), sets(found))
    assert (counts.true_pairs, counts.found_pairs, counts.right_pairs) == (
        pairs.true_pairs,
        pairs.found_pairs,
        pairs.right_pairs,
    )
    matrix = pair_confusion_matrix(list(true.values()), list(found.values()))
    assert counts.right_pairs == matrix[1, 1] // 2
    of_true = {item: members for members in sets(true) for item in members}
    of_found = {item: members for members in sets(found) for item in members}
    shared = {item: len(of_true[item] & of_found[item]) for item in true}
    assert counts.b_cubed.precision == pytest.approx(
        sum(shared[item] / len(of_found[item]) for item in true) / len(true)
    )
    assert counts.b_cubed.recall == pytest.approx(
        sum(shared[item] / len(of_true[item]) for item in true) / len(true)
    )
    same = {frozenset(s) for s in sets(true) if s} & {frozenset(s) for s in sets(found) if s}
    assert counts.clusters.recall == pytest.approx(len(same) / len(set(true.values())))
    assert counts.records == len(labels)


def test_a_bootstrap_draws_whole_parts_and_holds_the_figure() -> None:
    rng = np.random.default_rng(3)
    true = {i: i // 3 for i in range(600)}
    found = {i: (i // 3 if rng.random() < 0.9 else 1_000 + i) for i in true}
    counts = partition_counts(true, found)
    low, high = bootstrap(counts.rows, lambda sums: measure(sums, "pairs").recall, rounds=300)
    assert low < counts.pairs.recall < high
    assert high - low < 0.15
    assert bootstrap(counts.rows, lambda sums: measure(sums, "pairs").precision, rounds=50) == (1.0, 1.0)


def test_a_share_of_all_is_not_certain() -> None:
    low, high = share_interval(300, 300)
    assert (round(low, 4), high) == (0.9878, 1.0)
    assert share_interval(0, 10).low == 0.0
    # Tables of Clopper and Pearson: 8 of 10.
    assert share_interval(8, 10) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    with pytest.raises(ValueError, match="share"):
        share_interval(3, 2)


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40).filter(
        lambda rows: any(label for _, label in rows)
    )
)
def test_average_precision_with_ties_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in rows], dtype=np.float64)
    labels = np.array([label for _, label in rows])
    assert average_precision(scores, labels) == pytest.approx(average_precision_score(labels, scores))


def test_a_true_pair_that_was_not_scored_is_missed() -> None:
    scores = np.array([3.0, 1.0, -np.inf])
    labels = np.array([True, False, True])
    assert average_precision(scores, labels) == pytest.approx(0.5)
    assert at_threshold(scores, labels, 0.0).recall == 0.5
    assert best_threshold(scores, labels) == 2.0


def test_no_true_pair_has_no_order() -> None:
    for ask in (average_precision, best_threshold):
        with pytest.raises(ValueError, match="no pair is true"):
            ask(np.array([1.0]), np.array([False]))


def test_pairs_at_a_threshold() -> None:
    scores, labels = np.array([2.0, 1.0, 0.0, -1.0]), np.array([True, False, True, False])
    said = at_threshold(scores, labels, 1.0)
    assert (said.precision, said.recall) == (0.5, 0.5)
    assert scores_of(pair_counts(scores >= 5, labels).sum(axis=0)).precision == 1.0


def test_intervals_of_average_precision_hold_it() -> None:
    rng = np.random.default_rng(1)
    labels = rng.random(400) < 0.3
    scores = labels * 1.5 + rng.normal(size=400)
    low, high = average_precision_interval(scores, labels, list(range(400)), rounds=60)
    assert low < average_precision(scores, labels) < high


def test_calibration_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    log_odds = rng.normal(scale=2.0, size=3_000)
    labels = rng.random(3_000) < 1 / (1 + np.exp(-(0.5 * log_odds + 1.0)))
    said = calibration_scores(log_odds, labels)
    model = LogisticRegression(C=1e9).fit(log_odds[:, None], labels)
    assert said.slope == pytest.approx(model.coef_[0, 0], abs=1e-3)
    assert said.shift == pytest.approx(model.intercept_[0], abs=1e-3)
    true, said_so = calibration_curve(labels, 1 / (1 + np.exp(-log_odds)), n_bins=15, strategy="quantile")
    assert said.error == pytest.approx(np.abs(true - said_so).mean(), abs=2e-3)
    assert calibration_scores(0.5 * log_odds + 1.0, labels).error < 0.03


def test_scores_that_part_true_from_false_have_no_slope() -> None:
    said = calibration_scores(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True]))
    assert said.slope is None
    assert calibration_scores(np.array([1.0, 2.0]), np.array([True, True])).slope is None
