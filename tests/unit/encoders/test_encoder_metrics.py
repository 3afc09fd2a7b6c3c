"""Ranking and pair metrics, on cases small enough to work out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.evaluation.metrics import (
    Run,
    average_precision,
    clustering_scores,
    pair_scores,
    ranking_scores,
    recall_at_k,
    reciprocal_rank,
)

RANKING = ("a", "b", "c", "d")


def test_ranking_metrics_by_hand() -> None:
    relevant = {"b", "d", "missing"}
    assert recall_at_k(RANKING, relevant, k=2) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKING, relevant) == 0.5
    assert average_precision(RANKING, relevant) == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_nothing_relevant_is_an_error_alone_and_left_out_of_a_mean() -> None:
    with pytest.raises(ValueError, match="nothing is relevant"):
        reciprocal_rank(RANKING, set())
    runs = [Run("q", RANKING, {"a"}), Run("q", RANKING, set()), Run("q", RANKING, {"b"})]
    scores = ranking_scores(runs)
    assert (scores.queries, scores.mrr, scores.recall_at_1, scores.recall_at_10) == (2, 0.75, 0.5, 1.0)


def test_k_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        recall_at_k(RANKING, {"a"}, k=0)


def test_mean_over_no_query_is_refused() -> None:
    with pytest.raises(ValueError, match="no query"):
        ranking_scores([Run("q", RANKING, set())])


def test_a_query_among_its_own_results_is_refused() -> None:
    with pytest.raises(ValueError, match="own results"):
        ranking_scores([Run("a", RANKING, {"b"})])
    with pytest.raises(ValueError, match="own results"):
        ranking_scores([Run("q", RANKING, {"q"})])


def test_an_item_that_is_ranked_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        ranking_scores([Run("q", ("a", "b", "a"), {"a"})])


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_ranking_cut_short_is_charged_for_what_it_lost(kept: int) -> None:
    relevant = {"a", "c", "d"}
    assert average_precision(RANKING[:kept], relevant) < average_precision(RANKING, relevant)
    assert recall_at_k(RANKING[:kept], relevant, k=4) < recall_at_k(RANKING, relevant, k=4)


def test_pairs_ignore_order_and_self_pairs() -> None:
    scores = pair_scores([("a", "b"), ("b", "c"), ("a", "a")], [("b", "a"), ("a", "d")])
    assert (scores.true_pairs, scores.found_pairs, scores.right_pairs) == (2, 2, 1)
    assert scores.precision == scores.recall == scores.f1 == 0.5


def test_nothing_found_is_precise() -> None:
    scores = pair_scores([("a", "b")], [])
    assert (scores.precision, scores.recall, scores.f1) == (1.0, 0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=20))
def test_clusterings_are_compared_as_their_pairs(labels: list[tuple[int, int]]) -> None:
    true = [{i for i, pair in enumerate(labels) if pair[0] == k} for k in range(5)]
    found = [{i for i, pair in enumerate(labels) if pair[1] == k} for k in range(5)]

    def pairs(clusters: list[set[int]]) -> list[tuple[int, int]]:
        return [(i, j) for members in clusters for i in members for j in members if i < j]

    assert clustering_scores(true, found) == pair_scores(pairs(true), pairs(found))
