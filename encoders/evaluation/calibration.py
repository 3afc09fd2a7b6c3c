"""Whether probabilities mean what they say: slope and shift in log-odds, and the calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
_STEPS = 50
_STEEPEST = 50.0

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
    fitted = _affine(log_odds, labels.astype(np.float64)) if 0 < labels.sum() < len(labels) else None
    return CalibrationScores(
        count=len(labels),
        true=int(labels.sum()),
        slope=fitted[0] if fitted else None,
        shift=fitted[1] if fitted else None,
        error=_error(log_odds, labels),
    )


def _affine(log_odds: FloatArray, y: FloatArray) -> tuple[float, float] | None:
    """Fit by Newton's method; none where it runs away."""
    x = np.stack([log_odds, np.ones(len(log_odds))], axis=1)
    beta = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        p = _sigmoid(x @ beta)
        curve = x.T @ (x * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, x.T @ (y - p))
        beta = beta + step
        if abs(beta[0]) > _STEEPEST:
            return None
        if np.abs(step).max() < 1e-8:
            return float(beta[0]), float(beta[1])
    return None


def _error(log_odds: FloatArray, labels: NDArray[np.bool_]) -> float:
    order = np.argsort(log_odds, kind="stable")
    p, y = _sigmoid(log_odds[order]), labels[order].astype(np.float64)
    parts = np.array_split(np.arange(len(p)), min(BINS, len(p)))
    return float(sum(abs(p[part].mean() - y[part].mean()) * len(part) for part in parts) / max(1, len(p)))


def _sigmoid(z: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-np.clip(z, -40, 40)))
