"""What the identity network hears: mel bands, with what does not move taken out of each window."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.features.audio import FloatArray, frames_of
from encoders.features.spectrum import powers_of

# Above 5 kHz a telephone, a small codec and a worn tape have nothing left.
SAMPLE_RATE: Final = 11_025
N_FFT: Final = 1_024
HOP: Final = 512
# Root mean square that every track is brought to first.
LEVEL: Final = 0.1
N_MELS: Final = 64
_LOW_HZ: Final = 100.0
_HIGH_HZ: Final = 5_000.0
# 46 dB under the power of white noise at the level tracks are brought to: pauses do not hiss.
FLOOR: Final = 1e-7
# A window's decibels spread by about ten around their mean.
SPREAD: Final = 0.25


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    mel: NDArray[np.float64] = 2595.0 * np.log10(1.0 + hz / 700.0)
    return mel


@lru_cache(maxsize=1)
def mel_weights() -> FloatArray:
    """Give triangles over the spectrum: float32 [shape=(513, 64)], each summing to one."""
    edges = np.linspace(_mel(np.array(_LOW_HZ)), _mel(np.array(_HIGH_HZ)), N_MELS + 2)
    hz = 700.0 * (10.0 ** (edges / 2595.0) - 1.0)
    bins = np.arange(N_FFT // 2 + 1) * (SAMPLE_RATE / N_FFT)
    up = (bins[:, None] - hz[:-2]) / (hz[1:-1] - hz[:-2])
    down = (hz[2:] - bins[:, None]) / (hz[2:] - hz[1:-1])
    weights = np.maximum(0.0, np.minimum(up, down))
    # The lowest triangles are narrower than a bin: each takes at least the nearest one.
    nearest = np.argmin(np.abs(bins[:, None] - hz[1:-1]), axis=0)
    for band in np.flatnonzero(weights.sum(axis=0) <= 0):
        weights[nearest[band], band] = 1.0
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


@lru_cache(maxsize=1)
def taper() -> FloatArray:
    """Give the window of the transform: float32 [shape=(1024,)]."""
    return np.hanning(N_FFT + 1)[:-1].astype(np.float32)


def log_mel(y: FloatArray) -> FloatArray:
    """Compute the logarithm of mel band power.

    Parameters
    ----------
    y : float32 [shape=(n,)]
        mono at 11.025 kHz, at the level of the whole track

    Returns
    -------
    bands : float32 [shape=(t, 64)]
        natural logarithm; a frame every 46 ms, none where less than 93 ms is left
    """
    frames = frames_of(y, length=N_FFT, hop=HOP)
    if not len(frames):
        return np.empty((0, N_MELS), dtype=np.float32)
    bands = np.concatenate([powers @ mel_weights() for powers in powers_of(frames, taper())])
    bands += np.float32(FLOOR * N_FFT)
    logarithms: FloatArray = np.log(bands, out=bands)
    return logarithms


def window_input(bands: FloatArray) -> FloatArray:
    """Take each band's mean out of a window: a filter, a room's colour and a gain are gone.

    Parameters
    ----------
    bands : float32 [shape=(t, 64)]
        t > 0

    Returns
    -------
    scaled : float32 [shape=(64, t)]
    """
    centred: FloatArray = (bands - bands.mean(axis=0, keepdims=True)) * np.float32(SPREAD)
    return np.ascontiguousarray(centred.T)
