"""Ranking and pair metrics as pure functions.

A number from here means nothing without its candidate set: say with it what
each query was ranked against (which tracks, how many, the query itself left
out or not).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=Hashable)


def recall_at_k(ranking: Sequence[T], relevant: Set[T], *, k: int) -> float:
    """Return the share of relevant items among the first ``k``.

    Parameters
    ----------
    ranking : sequence
        the whole candidate set or its head, best first, without the query
    relevant : set
        non-empty; an item outside the candidate set counts as missed
    k : int > 0

    Raises
    ------
    ValueError
        nothing is relevant, or ``k`` is not positive
    """
    if k <= 0:
        raise ValueError("k must be positive")
    _need(relevant)
    return len(relevant & set(ranking[:k])) / len(relevant)


def reciprocal_rank(ranking: Sequence[T], relevant: Set[T]) -> float:
    """Return one over the rank of the first relevant item, 0 if there is none."""
    _need(relevant)
    return next((1.0 / rank for rank, item in enumerate(ranking, start=1) if item in relevant), 0.0)


def average_precision(ranking: Sequence[T], relevant: Set[T]) -> float:
    """Return the mean precision at each relevant item; a missing one counts as 0."""
    _need(relevant)
    found, total = 0, 0.0
    for rank, item in enumerate(ranking, start=1):
        if item in relevant:
            found += 1
            total += found / rank
    return total / len(relevant)


def mean_average_precision(close: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]) -> float:
    """Rank every item against all others: how early those of its own label come.

    Parameters
    ----------
    close : float [shape=(n, n)]
        the greater the nearer; the diagonal is not looked at
    labels : int [shape=(n,)]
        each at least twice
    """
    return float(average_precisions(close, labels).mean())


def average_precisions(
    close: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Give what `mean_average_precision` is the mean of: float64 [shape=(n,)]."""
    near = np.array(close, dtype=np.float64)
    np.fill_diagonal(near, -np.inf)
    order = np.argsort(-near, axis=1, kind="stable")[:, :-1]
    right = labels[order] == labels[:, None]
    precision = np.cumsum(right, axis=1) / np.arange(1, len(labels))
    return np.asarray((precision * right).sum(axis=1) / right.sum(axis=1), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingScores:
    """Means over queries.

    Attributes
    ----------
    queries : int
        how many had anything relevant; the others are left out
    recall_at_1, recall_at_10, mrr, map : float in [0, 1]
    """

    queries: int
    recall_at_1: float
    recall_at_10: float
    mrr: float
    map: float


class Run(NamedTuple):
    """What one query gave.

    Attributes
    ----------
    query : item
        it may be in the collection that is searched, and must not be among its own results
    ranking : sequence
        best first
    relevant : set
        everything that should be found, whether it was ranked or not
    """

    query: Hashable
    ranking: Sequence[Hashable]
    relevant: Set[Hashable]


def ranking_scores(runs: Iterable[Run]) -> RankingScores:
    """Average the ranking metrics over queries.

    Parameters
    ----------
    runs : iterable of Run
        all over the same candidate set

    Raises
    ------
    ValueError
        no query has anything relevant, a query is among its own results or relevant to itself, or a ranking
        names an item twice
    """
    kept = [run for run in runs if run.relevant]
    if not kept:
        raise ValueError("no query has a relevant item")
    for run in kept:
        if run.query in run.relevant or run.query in run.ranking:
            raise ValueError(f"query {run.query!r} is among its own results: it would be found for nothing")
        if len(set(run.ranking)) < len(run.ranking):
            raise ValueError(f"the ranking of query {run.query!r} names an item twice")
    count = len(kept)
    return RankingScores(
        queries=count,
        recall_at_1=sum(recall_at_k(run.ranking, run.relevant, k=1) for run in kept) / count,
        recall_at_10=sum(recall_at_k(run.ranking, run.relevant, k=10) for run in kept) / count,
        mrr=sum(reciprocal_rank(run.ranking, run.relevant) for run in kept) / count,
        map=sum(average_precision(run.ranking, run.relevant) for run in kept) / count,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScores:
    """Pairwise precision and recall of a clustering or a set of matches.

    Attributes
    ----------
    true_pairs, found_pairs, right_pairs : int
    """

    true_pairs: int
    found_pairs: int
    right_pairs: int

    @property
    def precision(self) -> float:
        """Share of found pairs that are true; 1 when nothing was found."""
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found; 1 when there was nothing to find."""
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        total = self.precision + self.recall
        return 2.0 * self.precision * self.recall / total if total else 0.0


def pair_scores(true: Iterable[tuple[T, T]], found: Iterable[tuple[T, T]]) -> PairScores:
    """Compare two sets of pairs; the order inside a pair does not matter.

    Parameters
    ----------
    true, found : iterable of pairs
        over the same records; a pair of a record with itself is left out
    """
    wanted = {frozenset(pair) for pair in true if pair[0] != pair[1]}
    given = {frozenset(pair) for pair in found if pair[0] != pair[1]}
    return PairScores(true_pairs=len(wanted), found_pairs=len(given), right_pairs=len(wanted & given))


def clustering_scores(true: Iterable[Set[T]], found: Iterable[Set[T]]) -> PairScores:
    """Compare two clusterings of the same records, by pairs, without listing the pairs.

    Parameters
    ----------
    true, found : iterable of disjoint sets
        a record in one only counts as alone in the other
    """
    label = {item: index for index, cluster in enumerate(true) for item in cluster}
    sizes: dict[int, int] = {}
    for index in label.values():
        sizes[index] = sizes.get(index, 0) + 1
    found_pairs = right_pairs = 0
    for cluster in found:
        found_pairs += _pairs(len(cluster))
        shared: dict[int, int] = {}
        for item in cluster:
            if item in label:
                shared[label[item]] = shared.get(label[item], 0) + 1
        right_pairs += sum(_pairs(count) for count in shared.values())
    true_pairs = sum(_pairs(count) for count in sizes.values())
    return PairScores(true_pairs=true_pairs, found_pairs=found_pairs, right_pairs=right_pairs)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _need(relevant: Set[T]) -> None:
    if not relevant:
        raise ValueError("nothing is relevant for this query; leave it out of the mean")
