"""An additive model over comparison levels: a ridge whose weights rise with agreement, fitted by L-BFGS-B.

Pairs with the same levels are one row with a count, so that a quarter of a million pairs fit in seconds. Each
stratum has an intercept of its own; the weights are shared.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

FloatArray = NDArray[np.float64]
Column = tuple[str, str]

BELOW: dict[str, dict[str, str]] = {
    "title": {
        "exact": "exact_short",
        "exact_short": "mistyped",
        "piece": "near",
        "mistyped": "near",
        "piece_part": "partly",
        "near": "similar",
        "similar": "partly",
        "beside_artist": "phrase",
        "main_title": "similar",  # a subtitle that is left out; what `both` adds it has as `near` has
        "subtitle": "phrase",
        "phrase": "short_phrase",
        "short_phrase": "contained",
        "contained": "mostly",
        "mostly": "partly",
        "partly": "some",
        "word": "some",
        "some": "different",
    },
    "artist": {
        "equal": "near",
        "near": "contained",
        "contained": "close",
        "close": "guest",
        "guest": "within",
        "within": "uploader_differs",
        "in_title": "uploader_differs",
        "uploader_differs": "different",
    },
    "title_artist": {
        "both": "both_close",
        "both_close": "title_only",
        "both_guest": "title_only",
        "part_both": "part_only",
    },
    "duration": {
        "second": "three_seconds",
        "three_seconds": "seven_seconds",
        "seven_seconds": "near",
        "near": "far",
    },
    "album": {"equal": "near", "near": "different", "one_place": "album_mates"},
    "year": {"equal": "near", "near": "different"},
    "track": {
        "moved": "other_place",
        "same_place": "number_equal",
        "number_equal": "number_different",
        "number_different": "other_place",
    },
    "language": {"equal": "different"},
    "numbers": {"equal": "conflict"},
}
"""Of each level the one that agrees less: it never weighs more, unless a rule bounds it after the fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Patterns of levels with what is known of them.

    Attributes
    ----------
    levels : sequence of dict of str to str
        comparison to level, absent and skipped ones left out
    labels, weights, offsets : array [shape=(n,)]
        1 is a match; how much a pattern counts; log-odds that are not fitted
    strata, folds : array of int [shape=(n,)]
    """

    levels: Sequence[dict[str, str]]
    labels: FloatArray
    weights: FloatArray
    offsets: FloatArray
    strata: NDArray[np.int64]
    folds: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Weights by comparison and level, and the intercept of each stratum."""

    weights: dict[Column, float]
    intercepts: FloatArray

    def scores(self, table: Table) -> FloatArray:
        """Give the log-odds of every pattern; an unknown stratum has no intercept."""
        sums = [sum(self.weights.get(each, 0.0) for each in levels.items()) for levels in table.levels]
        return np.asarray(sums) + self.intercepts[table.strata] + table.offsets


def fit(table: Table, rows: NDArray[np.bool_], fields: Collection[str], *, ridge: float) -> Fitted:
    """Fit the weights of some comparisons on some rows.

    Parameters
    ----------
    table : Table
    rows : bool array [shape=(n,)]
    fields : collection of str
        comparisons to fit
    ridge : float > 0
        in pairs: how many it takes to move a weight from 0
    """
    chosen = np.flatnonzero(rows & (table.weights > 0))
    levels = [table.levels[int(row)] for row in chosen]
    columns = sorted({each for reached in levels for each in reached.items() if each[0] in fields})
    place = {column: index for index, column in enumerate(columns)}
    cells = [
        (row, place[each]) for row, reached in enumerate(levels) for each in reached.items() if each in place
    ]
    at, index = np.array(cells).T
    design = csr_matrix((np.ones(len(at)), (at, index)), shape=(len(chosen), len(columns)))
    strata = int(table.strata.max()) + 1
    groups = csr_matrix(
        (np.ones(len(chosen)), (np.arange(len(chosen)), table.strata[chosen])), shape=(len(chosen), strata)
    )
    steps, bounds = steps_of(columns)
    y, weight, offset = table.labels[chosen], table.weights[chosen], table.offsets[chosen]

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        beta, intercepts = steps @ values[: len(columns)], values[len(columns) :]
        z = design @ beta + groups @ intercepts + offset
        residual = weight * (1.0 / (1.0 + np.exp(-np.clip(z, -35, 35))) - y)
        total = float(np.sum(weight * (np.logaddexp(0, z) - y * z)))
        total += 0.5 * ridge * float(beta @ beta) + 0.005 * float(intercepts @ intercepts)
        slope = np.concatenate(
            [steps.T @ (design.T @ residual + ridge * beta), groups.T @ residual + 0.01 * intercepts]
        )
        return total, slope

    found = minimize(
        loss,
        np.zeros(len(columns) + strata),
        jac=True,
        method="L-BFGS-B",
        bounds=[*bounds, *[(None, None)] * strata],
        options={"maxiter": 500, "maxfun": 1_000},
    )
    beta = steps @ found.x[: len(columns)]
    return Fitted(weights=dict(zip(columns, beta.tolist(), strict=True)), intercepts=found.x[len(columns) :])


def steps_of(columns: Sequence[Column]) -> tuple[FloatArray, list[tuple[float | None, None]]]:
    """Write each weight as a sum of steps up from the level that agrees least; steps are never negative.

    Returns
    -------
    steps : array [shape=(n, n)]
        which steps each weight is the sum of
    bounds : list of (float or None, None)
        of each step
    """
    place = {column: index for index, column in enumerate(columns)}
    steps = np.eye(len(columns))
    bounds: list[tuple[float | None, None]] = []
    for index, column in enumerate(columns):
        below = [place[each] for each in _below(column) if each in place]
        steps[index, below] = 1.0
        bounds.append((0.0 if below else None, None))
    return steps, bounds


def _below(column: Column) -> Iterator[Column]:
    name, level = column
    while (lower := BELOW.get(name, {}).get(level)) is not None:
        level = lower
        yield name, level
