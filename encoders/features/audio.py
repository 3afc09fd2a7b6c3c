"""Samples as the encoders want them: checked, mono, at their rate."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from encoders.errors import InvalidSignal

FloatArray = NDArray[np.float32]


def mono(y: NDArray[np.floating], *, min_samples: int = 1) -> FloatArray:
    """Check a signal and fold its channels into one.

    Parameters
    ----------
    y : float [shape=(n,) or (channels, n)]
        samples, nominally in [-1, 1]
    min_samples : int > 0
        shortest length accepted

    Returns
    -------
    y : float32 [shape=(n,)]

    Raises
    ------
    InvalidSignal
        not floating point, of another rank, too short, or not finite
    """
    if not isinstance(y, np.ndarray) or not np.issubdtype(y.dtype, np.floating):
        raise InvalidSignal("samples must be a floating-point array")
    if y.ndim == 2 and 1 <= y.shape[0] <= 8:
        y = y.mean(axis=0)
    if y.ndim != 1:
        raise InvalidSignal(f"samples must have shape (n,) or (channels, n), got {y.shape}")
    if y.shape[0] < max(1, min_samples):
        raise InvalidSignal(f"{y.shape[0]} samples are too few, at least {max(1, min_samples)} are needed")
    checked = np.ascontiguousarray(y, dtype=np.float32)
    # A sum is not finite as soon as one sample is not, and needs no mask.
    if not np.isfinite(checked.sum(dtype=np.float64)):
        raise InvalidSignal("samples are not finite")
    return checked


def resample(y: FloatArray, sr: int, to: int) -> FloatArray:
    """Change the sampling rate.

    Parameters
    ----------
    y : float32 [shape=(n,)]
    sr, to : int > 0 [Hz]
        present and wanted rate

    Returns
    -------
    y : float32 [shape=(about n * to / sr,)]

    Raises
    ------
    InvalidSignal
        a rate is not positive
    """
    if sr <= 0 or to <= 0:
        raise InvalidSignal(f"sampling rates must be positive, got {sr} and {to}")
    if sr == to:
        return y
    # "HQ" keeps 20 bits; the pass band ends at 0.91 of Nyquist.
    return np.asarray(soxr.resample(y, sr, to, quality="HQ"), dtype=np.float32)


def duration_ms(y: FloatArray, sr: int) -> int:
    """Return how long a signal lasts, rounded to a millisecond."""
    return round(len(y) * 1000 / sr)


def rms(y: FloatArray) -> float:
    """Return the root mean square level, 0 for an empty signal."""
    return float(np.sqrt(np.vdot(y, y) / y.size)) if y.size else 0.0


def frames_of(y: FloatArray, *, length: int, hop: int) -> FloatArray:
    """View a signal as overlapping frames; the last partial frame is dropped.

    Parameters
    ----------
    y : float32 [shape=(n,)]
    length, hop : int > 0 [samples]

    Returns
    -------
    frames : float32 [shape=(t, length)], read-only view
        t = 0 when ``y`` is shorter than one frame
    """
    if y.shape[0] < length:
        return np.empty((0, length), dtype=np.float32)
    view: FloatArray = np.lib.stride_tricks.sliding_window_view(y, length)[::hop]
    return view
