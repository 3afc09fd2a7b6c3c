"""Calibration of a head by strata: a slope and a shift each, fitted and measured on folds not seen.

What is measured held out is held out twice: the fold that is told was seen neither by the weights nor by the
calibration, and the calibration saw scores of weights that had not seen what they scored.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from benchmarks.additive import Fitted, FloatArray, Table, fit
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
    """

    table: Table
    data: np.ndarray
    counts: FloatArray
    strata: tuple[str, ...]
    judged: np.ndarray

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


def calibrations(
    compared: Compared, fitted: Fitted, scores: FloatArray, usual: str
) -> dict[str, Calibration]:
    """Calibrate each stratum with enough pairs of both kinds, on folds that the model had not seen."""
    table, found = compared.table, {}
    prior = float(fitted.intercepts[compared.strata.index(usual)])
    for number, name in enumerate(compared.strata):
        inside = (table.strata == number) & compared.judged
        if not compared.enough(inside):
            continue
        slope, shift = platt(scores[inside], table.labels[inside], compared.weights_in(inside))
        # The shift of the intercept, which the shared prior lacks, stands in the same line.
        own = float(fitted.intercepts[number])
        found[name] = Calibration(
            slope=round(slope, 3),
            shift=round(shift + slope * (own - prior), 3),
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
                slope, shift = platt(inner[seen], table.labels[seen], compared.weights_in(seen))
                told[own & inside] = slope * scores[own & inside] + shift
    return told


def platt(scores: FloatArray, labels: FloatArray, weights: FloatArray) -> tuple[float, float]:
    """Fit slope and shift by likelihood, with a few pairs' worth of pull to 1 and 0."""
    design, start = np.column_stack([scores, np.ones(len(scores))]), np.array([1.0, 0.0])

    def loss(beta: FloatArray) -> tuple[float, FloatArray]:
        told, pull = design @ beta, beta - start
        value = weights @ (np.logaddexp(0.0, told) - labels * told) + pull @ pull / 2
        return float(value), design.T @ (weights * (expit(told) - labels)) + pull

    slope, shift = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return float(slope), float(shift)


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
