"""Calibration of a head by strata: a slope and a shift each, fitted and measured on folds not seen.

A stratum may also weigh some comparisons on its own, on top: in sets of covers nearly every title that two
artists share is one work, in a catalogue one of two is not.

What is measured held out is held out twice: the fold that is told was seen neither by the weights nor by the
calibration, and the calibration saw scores of weights that had not seen what they scored.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks.additive import Column, Fitted, FloatArray, Table, fit, steps_of
from benchmarks.labelled_pairs import CATALOGUES
from encoders.evaluation.calibration import calibration_scores
from streams.core.bundle import Calibration

FEWEST = 500
"""Pairs below which a stratum is not calibrated; of either kind, true and not, a fifth of that."""
_DRAWS = 20_000


class Compared(NamedTuple):
    """Patterns of one head as a table.

    Attributes
    ----------
    data, counts : array [shape=(n,)]
        the set of each, and how many pairs it stands for
    strata : tuple of str
        by the numbers in the table
    judged : bool array [shape=(n,)]
        its set has pairs of both kinds, so that shares of them mean something
    usual : int
        number of the stratum that is the head itself, and weighs nothing on its own
    own : tuple of (str, str)
        comparisons and levels that the other strata weigh on their own
    """

    table: Table
    data: np.ndarray
    counts: FloatArray
    strata: tuple[str, ...]
    judged: np.ndarray
    usual: int = 0
    own: tuple[Column, ...] = ()

    def weights_in(self, stratum: np.ndarray) -> FloatArray:
        """Give what each pattern of a stratum counts.

        Sets are mixed as the recipe says, and count together as many pairs as there are: a stratum of one
        large set that counts little would else be pulled to a slope of 1.
        """
        weights = self.table.weights[stratum]
        return np.asarray(weights * (self.counts[stratum].sum() / weights.sum()))

    def enough(self, stratum: np.ndarray) -> bool:
        """Say whether there are pairs enough of both kinds."""
        true = self.counts[stratum & (self.table.labels == 1)].sum()
        count = self.counts[stratum].sum()
        return bool(min(true, count - true) >= FEWEST / 5 and count >= FEWEST)

    def platt(self, scores: FloatArray, stratum: int, rows: np.ndarray) -> "Platt":
        """Calibrate some rows of a stratum."""
        own = () if stratum == self.usual else self.own
        return platt(
            scores[rows], self.table.labels[rows], self.weights_in(rows), reached(self.table, rows, own), own
        )


def held_out(
    compared: Compared, fields: Collection[str], *, ridge: float, folds: int, without: int | None = None
) -> FloatArray:
    """Score every pattern by a model that has seen nothing of its fold, nor of ``without``."""
    table = compared.table
    scores = np.zeros(len(table.labels))
    for number in range(folds):
        if number != without:
            inside = table.folds == number
            seen = ~inside & (table.folds != without if without is not None else True)
            scores[inside] = fit(table, seen, fields, ridge=ridge).scores(table)[inside]
    return scores


def calibrations(compared: Compared, fitted: Fitted, scores: FloatArray) -> dict[str, Calibration]:
    """Calibrate each stratum with enough pairs of both kinds, on folds that the model had not seen."""
    table, found = compared.table, {}
    prior = float(fitted.intercepts[compared.usual])
    for number, name in enumerate(compared.strata):
        inside = (table.strata == number) & compared.judged
        if not compared.enough(inside):
            continue
        told = compared.platt(scores, number, inside)
        weights: dict[str, dict[str, float]] = defaultdict(dict)
        for (comparison, level), weight in zip(told.columns, told.own.tolist(), strict=True):
            weights[comparison][level] = round(weight, 3)
        # The shift of the intercept, which the shared prior lacks, stands in the same line.
        own = float(fitted.intercepts[number])
        found[name] = Calibration(
            slope=round(told.slope, 3),
            shift=round(told.shift + told.slope * (own - prior), 3),
            weights=dict(weights),
            measured_at=measured_at(compared, table.strata == number),
        )
    return found


def measured_at(compared: Compared, stratum: np.ndarray) -> int:
    """Give how many recordings a catalogue held of which the pairs of a stratum are.

    The logarithms of several are averaged as their pairs weigh. 0 where most pairs are of no catalogue.
    """
    weights = compared.table.weights[stratum]
    sizes = np.array([float(CATALOGUES.get(name, 0)) for name in compared.data[stratum]])
    known = sizes > 0
    if 2 * weights[known].sum() <= weights.sum():
        return 0
    return round(float(np.exp(np.average(np.log(sizes[known]), weights=weights[known]))))


def calibrated_held_out(
    compared: Compared, fields: Collection[str], *, ridge: float, folds: int
) -> FloatArray:
    """Give the calibrated log-odds of every pattern by what was fitted on the other folds alone."""
    table = compared.table
    told = np.full(len(table.labels), np.nan)
    for number in range(folds):
        inside = table.folds == number
        scores = fit(table, ~inside, fields, ridge=ridge).scores(table)
        inner = held_out(compared, fields, ridge=ridge, folds=folds, without=number)
        for stratum in range(len(compared.strata)):
            own = (table.strata == stratum) & compared.judged
            if compared.enough(own) and (own & inside).any():
                seen = own & ~inside
                fitted = compared.platt(inner, stratum, seen)
                told[own & inside] = fitted(
                    scores[own & inside], reached(table, own & inside, fitted.columns)
                )
    return told


class Platt(NamedTuple):
    """A slope, a shift, and what each of some levels weighs on top."""

    slope: float
    shift: float
    columns: tuple[Column, ...]
    own: FloatArray

    def __call__(self, scores: FloatArray, levels: FloatArray) -> FloatArray:
        """Turn scores into log-odds, given which of the levels each pair reached."""
        return np.asarray(self.slope * scores + self.shift + levels @ self.own)


def reached(table: Table, rows: np.ndarray, columns: Sequence[Column]) -> FloatArray:
    """Say of some rows which of some levels they reach: 1 or 0 [shape=(rows, columns)]."""
    chosen = [table.levels[int(row)] for row in np.flatnonzero(rows)]
    return np.array([[float(levels.get(name) == level) for name, level in columns] for levels in chosen])


def platt(
    scores: FloatArray, labels: FloatArray, weights: FloatArray, levels: FloatArray, columns: Sequence[Column]
) -> Platt:
    """Fit slope, shift and own weights by likelihood, with a few pairs' worth of pull to 1, 0 and 0.

    What agrees more never weighs less: own weights are sums of steps as those of the head are.
    """
    steps, bounds = steps_of(columns)
    to_weights = np.eye(2 + len(columns))
    to_weights[2:, 2:] = steps
    design = np.column_stack([scores, np.ones(len(scores)), levels])
    start = np.array([1.0, 0.0] + [0.0] * len(columns))

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        beta = to_weights @ values
        told, pull = design @ beta, beta - start
        value = weights @ (np.logaddexp(0.0, told) - labels * told) + pull @ pull / 2
        return float(value), to_weights.T @ (design.T @ (weights * (expit(told) - labels)) + pull)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), (None, None), *bounds])
    slope, shift, *own = (to_weights @ found.x).tolist()
    return Platt(slope, shift, tuple(columns), np.array(own))


def report_strata(name: str, compared: Compared, told: FloatArray) -> None:
    """Print how well calibrated probabilities hold in each stratum, and how many pairs they had wrong.

    Where next to none is wrong any steeper slope would do as well, and the slope says nothing.
    """
    table = compared.table
    for stratum, title in enumerate(compared.strata):
        inside = (table.strata == stratum) & compared.judged & np.isfinite(told)
        if not inside.any():
            continue
        weights = compared.weights_in(inside)
        wrong = compared.counts[inside][(told[inside] > 0) != (table.labels[inside] == 1)].sum()
        scores = calibration_scores(*drawn(told[inside], table.labels[inside] == 1, weights))
        slope = "none" if scores.slope is None else f"{scores.slope:.2f}"
        print(
            f"{name:9} stratum  {title:32} {compared.counts[inside].sum():7.0f} pairs,"
            f" {wrong:5.0f} wrong at even odds, slope {slope}, ECE {scores.error:.3f}"
        )


def drawn(
    scores: FloatArray, labels: Sequence[bool] | np.ndarray, weights: FloatArray
) -> tuple[FloatArray, np.ndarray]:
    """Turn weights into repeats, in an order that tells nothing: bins cut through equal scores."""
    order = np.argsort(scores, kind="stable")
    ends = np.cumsum(weights[order])
    places = (np.arange(_DRAWS) + 0.5) * ends[-1] / _DRAWS
    at = np.random.default_rng(0).permutation(order[np.searchsorted(ends, places)])
    return scores[at], np.asarray(labels, dtype=bool)[at]
