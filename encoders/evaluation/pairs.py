"""How good scores of labelled pairs are: at a threshold, and as an order.

A pair that was not scored (refused, not proposed) has minus infinity: it is never found, and where it is true
it is missed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.evaluation.intervals import ROUNDS, Interval, draws, percentiles
from encoders.evaluation.partitions import Scores

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def at_threshold(scores: FloatArray, labels: BoolArray, threshold: float) -> Scores:
    """Score what lies at or above a threshold."""
    found = scores >= threshold
    return scores_of(pair_counts(found, labels).sum(axis=0))


def pair_counts(found: BoolArray, labels: BoolArray) -> FloatArray:
    """Give for each pair whether it is true, found, and both [shape=(n, 3)]."""
    return np.stack([labels, found, found & labels], axis=1).astype(np.float64)


def scores_of(sums: FloatArray) -> Scores:
    """Turn summed counts into precision and recall; 1 where there was nothing to be wrong about."""
    true, found, right = sums.tolist()
    return Scores(precision=right / found if found else 1.0, recall=right / true if true else 1.0)


def average_precision(scores: FloatArray, labels: BoolArray, weights: FloatArray | None = None) -> float:
    """Give the mean of precision over the recall that each score adds; ties count as one step.

    Parameters
    ----------
    scores : float64 [shape=(n,)]
    labels : bool [shape=(n,)]
    weights : float64 [shape=(n,)], optional
        how often each pair counts

    Raises
    ------
    ValueError
        no pair is true
    """
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    scores, labels, weights = scores[order], labels[order], weights[order]
    right, seen = np.cumsum(weights * labels), np.cumsum(weights)
    if not len(right) or right[-1] <= 0:
        raise ValueError("no pair is true")
    last = np.append(np.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1)
    last = last[np.isfinite(scores[last])]  # what was not scored was not found
    last = last[seen[last] > 0]
    right, seen, total = right[last], seen[last], right[-1]
    return float(np.sum(np.diff(right, prepend=0.0) / total * (right / seen)))


def average_precision_interval(
    scores: FloatArray, labels: BoolArray, groups: Sequence[int], *, rounds: int = ROUNDS // 4, seed: int = 0
) -> Interval:
    """Give the 95 % interval of the average precision, drawing whole groups of pairs."""
    rng = np.random.default_rng(seed)
    place = np.asarray(groups)
    drawn = []
    for times in draws(rng, int(place.max()) + 1, rounds):
        weights = times[place]
        if np.any(weights * labels > 0):
            drawn.append(average_precision(scores, labels, weights))
    return percentiles(drawn)


def best_threshold(scores: FloatArray, labels: BoolArray) -> float:
    """Give the threshold with the highest F1, the middle between two scores; for scoring *other* pairs.

    Infinity where no pair was scored.

    Raises
    ------
    ValueError
        no pair is true
    """
    if not labels.any():
        raise ValueError("no pair is true")
    values = np.unique(scores[np.isfinite(scores)])[::-1]
    if not len(values):
        return float("inf")
    f1 = [at_threshold(scores, labels, value).f1 for value in values]
    best = int(np.argmax(f1))
    return float(values[best] if best + 1 == len(values) else (values[best] + values[best + 1]) / 2)
