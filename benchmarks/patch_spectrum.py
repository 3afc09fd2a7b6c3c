"""The version vector that served before: magnitudes of a two-dimensional Fourier transform of chroma."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.runtime import unit_rows

FloatArray = NDArray[np.float32]

# 64 frames are 32 s: long enough for a phrase, short enough for many per track.
_PATCH: Final = 64
_PATCH_HOP: Final = 8
DIMENSION: Final = 7 * _PATCH
# Without a taper the ends of a patch blur its spectrum: top-1 0.60 against 0.70.
_TAPER: Final = np.hanning(_PATCH + 2)[1:-1].astype(np.float32)
_CHROMA_WEIGHT: Final = 2.0


def patch_spectrum(chroma: FloatArray) -> FloatArray:
    """Median spectrum of all patches; float32 [shape=(448,)], of unit length or zero.

    Bertin-Mahieux, Ellis, "Large-scale cover song recognition using the 2D Fourier transform magnitude",
    ISMIR 2012.
    """
    if not chroma.any():
        return np.zeros(DIMENSION, dtype=np.float32)
    if chroma.shape[1] < _PATCH:
        # A short piece is repeated rather than padded: silence would dominate.
        chroma = np.tile(chroma, -(-_PATCH // chroma.shape[1]))[:, :_PATCH]
    views = np.lib.stride_tricks.sliding_window_view(chroma, _PATCH, axis=1)[:, ::_PATCH_HOP]
    patches = views.transpose(1, 0, 2)
    patches = (patches - patches.mean(axis=(1, 2), keepdims=True)) * _TAPER
    # Real over the twelve pitch classes (7 rows), complex over time (64).
    spectrum = np.abs(fft.fft(fft.rfft(patches, axis=1), axis=2))
    flat: FloatArray = unit_rows(np.sqrt(np.median(spectrum, axis=0)).reshape(1, -1))[0]
    return flat


def both(pitches: FloatArray, chroma: FloatArray) -> FloatArray:
    """Add the spectra of a chord network's pitch classes (once) and of plain chroma (twice)."""
    found = patch_spectrum(pitches) + np.float32(_CHROMA_WEIGHT) * patch_spectrum(chroma)
    vector: FloatArray = unit_rows(found[None])[0]
    return vector
