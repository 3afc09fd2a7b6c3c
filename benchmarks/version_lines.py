"""Straight lines through two harmonies: one key, one ratio of tempos, the part along which both go together.

A path that may bend at every step, as `encoders.version.align_versions` follows, finds one through strangers
too. Most performances of a work keep their tempo, so that theirs is straight.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.features.harmony import pitch_classes
from encoders.features.semitones import halved, version_input

FloatArray = NDArray[np.float32]

# Times that one side may be as fast, 2.6 % apart: half a frame at the ends of 20 s.
_RATIOS: Final = np.exp(np.linspace(np.log(0.72), np.log(1.39), 27))
# Overlaps of less (11 s) are no evidence.
_LEAST: Final = 30
# Of two frames that go together less is chance.
_CHANCE: Final = 0.15
# Lines that are looked at closely, of the 324 ratios and keys.
_LINES: Final = 8


def line_classes(frames: NDArray[np.floating]) -> FloatArray:
    """Give what lines go through: float32 [shape=(12, t)], every 0.37 s, of zero sum and unit length."""
    classes = pitch_classes(version_input(halved(frames.astype(np.float32))))
    above = classes - classes.mean(axis=1, keepdims=True)
    return np.asarray(above / np.maximum(np.linalg.norm(above, axis=0), 1e-6), dtype=np.float32)


def line_scores(asked: FloatArray, others: list[FloatArray]) -> NDArray[np.float64]:
    """Say how far one recording goes together with others: about 1 for strangers, 3 and more for versions.

    Every offset, key and ratio is tried at once by correlation; along the best few the part is kept that
    gains most over chance.
    """
    sides = [_at_tempo(asked, ratio) for ratio in _RATIOS]
    lengths = np.array([side.shape[1] for side in sides])
    size = fft.next_fast_len(int(lengths.max()) + max(other.shape[1] for other in others), real=True)
    spectra = np.stack([_spectrum(side, size) for side in sides])
    lags = np.arange(size)
    scores = []
    for other in others:
        count = other.shape[1]
        # Circular: entries beyond the longest side are offsets below zero.
        offsets = np.where(lags < lengths.max(), lags, lags - size)
        overlap = np.minimum(lengths[:, None], count + offsets) - np.maximum(0, offsets)
        weight = np.where(overlap >= _LEAST, 1.0 / np.sqrt(np.maximum(overlap, 1)), 0.0).astype(np.float32)
        agreement = fft.irfft(fft.ifft(spectra * np.conj(_spectrum(other, size)), axis=1), size, axis=2)
        agreement *= weight[:, None]
        best = agreement.argmax(axis=2)
        peaks = np.take_along_axis(agreement, best[:, :, None], axis=2)[:, :, 0]
        gain = 0.0
        for place in np.argsort(-peaks, axis=None)[:_LINES]:
            ratio, key = divmod(int(place), 12)
            gain = max(gain, _gain(sides[ratio], np.roll(other, key, axis=0), int(offsets[best[ratio, key]])))
        scores.append(gain / np.sqrt(max(1, min(asked.shape[1], count))))
    return np.array(scores)


def _gain(one: FloatArray, other: FloatArray, offset: int) -> float:
    """Give the most that a part of one line gains over chance."""
    first, second = max(0, offset), max(0, -offset)
    count = min(one.shape[1] - first, other.shape[1] - second)
    alike = np.einsum("ij,ij->j", one[:, first : first + count], other[:, second : second + count])
    total = np.concatenate([[0.0], np.cumsum(alike - _CHANCE)])
    return float((total - np.minimum.accumulate(total)).max())


def _at_tempo(classes: FloatArray, ratio: float) -> FloatArray:
    """Stretch a sequence."""
    count = max(_LEAST, round(classes.shape[1] * ratio))
    at = np.linspace(0, classes.shape[1] - 1, count)
    low = np.minimum(at.astype(int), classes.shape[1] - 2)
    part = (at - low).astype(np.float32)
    return np.asarray(classes[:, low] * (1 - part) + classes[:, low + 1] * part, dtype=np.float32)


def _spectrum(classes: FloatArray, size: int) -> NDArray[Any]:
    """Transform in time and in pitch class, which is a circle."""
    return np.asarray(fft.fft(fft.rfft(classes, size, axis=1), axis=0), dtype=np.complex64)
