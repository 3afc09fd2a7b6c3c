"""Pitch classes from a constant-Q spectrogram, without a network."""

from __future__ import annotations

from typing import Final

import numpy as np

from encoders.features.audio import FloatArray
from encoders.features.cqt import BINS_PER_OCTAVE, HOP, N_BINS, SAMPLE_RATE

# Steps of the published quantisation: a pitch class gains a quarter for each
# share of the frame's energy it passes.
_STEPS: Final = (0.05, 0.1, 0.2, 0.4)
_SMOOTH_S: Final = 4.0


def fold_octaves(magnitude: FloatArray) -> FloatArray:
    """Add up all octaves of a constant-Q spectrogram.

    Parameters
    ----------
    magnitude : float32 [shape=(t, 252)]
        36 bins per octave from C1

    Returns
    -------
    chroma : float32 [shape=(12, t)]
        C first; not normalised
    """
    # Three bins per semitone, the middle one in tune: rolled by one, each
    # group of three belongs to one pitch class.
    classes = (np.arange(N_BINS) + 1) // 3 % 12
    fold = np.zeros((N_BINS, 12), dtype=np.float32)
    fold[np.arange(N_BINS), classes] = 12.0 / BINS_PER_OCTAVE
    return np.ascontiguousarray((magnitude @ fold).T)


def pool_time(sequence: FloatArray, *, rate: float) -> FloatArray:
    """Average frames of a constant-Q grid down to ``rate`` frames per second.

    Parameters
    ----------
    sequence : float32 [shape=(d, t)]
        one column every 92.9 ms, the first at time 0
    rate : float > 0 [frames/s]

    Returns
    -------
    pooled : float32 [shape=(d, u)]
        column k covers the times k / rate to (k + 1) / rate
    """
    frames = sequence.shape[1]
    where = (np.arange(frames) * (HOP / SAMPLE_RATE) * rate).astype(int)
    starts = np.flatnonzero(np.diff(where, prepend=-1))
    sums = np.add.reduceat(sequence, starts, axis=1)
    return np.asarray(sums / np.diff(starts, append=frames), dtype=np.float32)


def cens(magnitude: FloatArray, *, rate: float = 2.0) -> FloatArray:
    """Compute chroma energy normalised statistics.

    Parameters
    ----------
    magnitude : float32 [shape=(t, 252)]
    rate : float > 0 [frames/s]

    Returns
    -------
    chroma : float32 [shape=(12, u)]
        columns of unit length; a silent one stays 0

    References
    ----------
    Mueller, Kurth, Clausen, "Audio matching via chroma-based statistical
    features", ISMIR 2005.
    """
    return cens_of(fold_octaves(magnitude), rate=rate)


def cens_of(chroma: FloatArray, *, rate: float = 2.0) -> FloatArray:
    """Compute the same from a chroma that is already folded: float32 [shape=(12, t)]."""
    total = chroma.sum(axis=0, keepdims=True)
    share = chroma / np.where(total > 1e-6, total, 1.0)
    steps = np.zeros_like(share)
    for step in _STEPS:
        steps += 0.25 * (share > step)
    width = max(3, round(_SMOOTH_S * SAMPLE_RATE / HOP) | 1)
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(steps, ((0, 0), (width // 2, width // 2)))
    smooth = np.stack([np.convolve(row, window / window.sum(), mode="valid") for row in padded])
    pooled = pool_time(smooth.astype(np.float32), rate=rate)
    length = np.linalg.norm(pooled, axis=0, keepdims=True)
    return np.asarray(pooled / np.where(length > 1e-6, length, 1.0), dtype=np.float32)
