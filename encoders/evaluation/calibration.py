"""Whether probabilities mean what they say: slope and shift in log-odds, and the calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

BINS = 15
_STEEPEST = 20.0
_PRECISE = {"ftol": 1e-12, "gtol": 1e-9}
_BOUNDS = ((0.0, _STEEPEST), (-50.0, 50.0))

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationScores:
    """How scores relate to what came true.

    Attributes
    ----------
    count, true : int
    slope : float, optional
        1 is right; below 1 scores are too sure, above 1 too timid; none where all pairs are alike, or where
        a threshold parts true from false without one mistake
    shift : float, optional [log-odds]
        what every score lacks
    error : float in [0, 1]
        mean gap between probability and frequency, over bins of equally many pairs (ECE)
    """

    count: int
    true: int
    slope: float | None
    shift: float | None
    error: float


def calibration_scores(log_odds: FloatArray, labels: NDArray[np.bool_]) -> CalibrationScores:
    """Fit ``logit P(true) = slope * log_odds + shift`` and bin the probabilities.

    References
    ----------
    Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958.
    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015.
    """
    fitted = None if _parted(log_odds, labels) else _affine(log_odds, labels.astype(np.float64))
    return CalibrationScores(
        count=len(labels),
        true=int(labels.sum()),
        slope=fitted[0] if fitted else None,
        shift=fitted[1] if fitted else None,
        error=_error(log_odds, labels),
    )


def _parted(log_odds: FloatArray, labels: NDArray[np.bool_]) -> bool:
    """Say whether a threshold parts true from false: then any slope is as good as a steeper one."""
    if labels.all() or not labels.any():
        return True
    return float(log_odds[labels].min()) >= float(log_odds[~labels].max())


def _affine(log_odds: FloatArray, y: FloatArray) -> tuple[float, float] | None:
    """Fit by maximum likelihood; none where the slope runs away."""
    x = np.stack([log_odds, np.ones(len(log_odds))], axis=1)

    def loss(beta: FloatArray) -> tuple[float, FloatArray]:
        z = x @ beta
        gradient = x.T @ (_sigmoid(z) - y) / len(y)
        return float(np.mean(np.logaddexp(0.0, z) - y * z)), gradient

    fitted = minimize(
        loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=_BOUNDS, options=_PRECISE
    )
    slope, shift = fitted.x.tolist()
    return None if slope >= _STEEPEST else (slope, shift)


def _error(log_odds: FloatArray, labels: NDArray[np.bool_]) -> float:
    order = np.argsort(log_odds, kind="stable")
    p, y = _sigmoid(log_odds[order]), labels[order].astype(np.float64)
    parts = np.array_split(np.arange(len(p)), min(BINS, len(p)))
    return float(sum(abs(p[part].mean() - y[part].mean()) * len(part) for part in parts) / max(1, len(p)))


def _sigmoid(z: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-np.clip(z, -40, 40)))
