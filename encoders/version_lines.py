"""Straight lines through two harmonies: one key, one ratio of tempos, the part along which both go together.

A path that may bend at every step, as `encoders.version.align_versions` follows, finds one through strangers
too. Most performances of a work keep their tempo, so that theirs is straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.features.harmony import pitch_classes
from encoders.features.semitones import FRAME_S, halved, version_input

FloatArray = NDArray[np.float32]
LineClasses = NDArray[np.uint8]

LINES_VERSION: Final = 1
"""Raised when the classes change their meaning: those of two versions are never compared."""

# Times that one side may be as fast, 2.6 % apart: half a column at the ends of 20 s.
_RATIOS: Final = np.exp(np.linspace(np.log(0.72), np.log(1.39), 27))
# Overlaps of less (11 s) are no evidence.
_LEAST: Final = 30
# Of two columns that go together less is chance.
_CHANCE: Final = 0.15
# Lines that are looked at closely, of the 324 ratios and keys.
_LINES: Final = 8
# Columns that differ by less from the average of their recording say nothing: a held tone, rounded to bytes.
_QUIET: Final = 16.0
# 12 minutes: what is longer is an album or a set, and would cost the square of its length.
_MOST: Final = 1_940
_COLUMN_MS: Final = 2_000.0 * FRAME_S
# Of many others these are looked at by whole columns, all by joined ones first, at a fifth of the cost.
_CLOSELY: Final = 10
# Transforms of nearby lengths share those of the side that asks.
_SIZES: Final = 240


class VersionLine(NamedTuple):
    """The straight line along which two recordings go together best.

    Attributes
    ----------
    score : float >= 0
        what the part gains over chance, over the root of the shorter side's columns: about 1 for strangers, 3
        and more for versions; 0 where a side is too short or says nothing
    ratio : float
        how many times faster the first plays
    semitones : int in [0, 12)
        how far the second is raised to sound like the first
    start_a_ms, end_a_ms, start_b_ms, end_b_ms : int
        the part, in each side's time
    """

    score: float = 0.0
    ratio: float = 1.0
    semitones: int = 0
    start_a_ms: int = 0
    end_a_ms: int = 0
    start_b_ms: int = 0
    end_b_ms: int = 0


def line_classes(frames: FloatArray) -> LineClasses:
    """Keep what lines go through.

    Parameters
    ----------
    frames : float32 [shape=(t, 84)]
        `encoders.features.semitones.semitone_frames` of the whole recording

    Returns
    -------
    classes : uint8 [shape=(12, t // 2)]
        C first, a column every 0.37 s; how far each is above the average of its column, 255 for a class alone
    """
    classes = pitch_classes(version_input(halved(frames)))
    return np.asarray(np.rint(classes * 255.0), dtype=np.uint8)


def columns_ms(classes: LineClasses) -> float:
    """Give how long the columns last, in ms."""
    return float(classes.shape[1] * _COLUMN_MS)


def line_between(a: LineClasses, b: LineClasses) -> VersionLine:
    """Find the best line from one recording to another; see `LinesFrom.line_to`."""
    return LinesFrom(a).line_to(b)


def line_scores(asked: LineClasses, others: Sequence[LineClasses]) -> NDArray[np.float64]:
    """Say how far one recording goes together with each of many: float64 [shape=(n,)].

    All are compared by joined columns, the best of them once more by whole ones.
    """
    rough = LinesFrom(asked, step=2)
    scores = np.array([rough.line_to(other).score for other in others], dtype=np.float64)
    lines = LinesFrom(asked)
    for number in np.argsort(-scores, kind="stable")[:_CLOSELY]:
        scores[number] = lines.line_to(others[number]).score
    return scores


class LinesFrom:
    """One recording, ready to be compared with many.

    Parameters
    ----------
    classes : uint8 [shape=(12, t)]
    step : int > 0
        columns that are joined into one: fewer and wider ones cost the square less and tell less
    """

    def __init__(self, classes: LineClasses, *, step: int = 1) -> None:
        self._step = step
        self._side = _centred(classes, step)
        self._ratios = _RATIOS[::step]
        # A side that is too short has no line whatever its tempo.
        self._sides = [_at_tempo(self._side, ratio) for ratio in self._ratios if self._side.shape[1] > 1]
        self._lengths = np.array([side.shape[1] for side in self._sides], dtype=np.intp)
        self._spectra: dict[int, NDArray[np.complex64]] = {}

    def line_to(self, classes: LineClasses) -> VersionLine:
        """Find the best line to another recording.

        Every offset, key and ratio is tried at once by correlation; along the best few the part is kept that
        gains most over chance.

        Parameters
        ----------
        classes : uint8 [shape=(12, u)]
        """
        other = _centred(classes, self._step)
        count, least = other.shape[1], _LEAST // self._step
        if min(self._side.shape[1], count) < least:
            return VersionLine()
        longest = int(self._lengths.max())
        size = self._size(longest + count)
        lags = np.arange(size)
        # Circular: entries beyond the longest side are offsets below zero.
        offsets = np.where(lags < longest, lags, lags - size)
        overlap = np.minimum(self._lengths[:, None], count + offsets) - np.maximum(0, offsets)
        weight = np.where(overlap >= least, 1.0 / np.sqrt(np.maximum(overlap, 1)), 0.0).astype(np.float32)
        both = self._spectra_at(size) * np.conj(_spectrum(other, size))
        agreement = fft.irfft(fft.ifft(both, axis=1, overwrite_x=True), size, axis=2, overwrite_x=True)
        agreement *= weight[:, None]
        best = agreement.argmax(axis=2)
        peaks = np.take_along_axis(agreement, best[:, :, None], axis=2)[:, :, 0]
        found = []
        for place in np.argsort(-peaks, axis=None)[:_LINES]:
            ratio, key = divmod(int(place), 12)
            offset = int(offsets[best[ratio, key]])
            gain, first, last = _gain(self._sides[ratio], np.roll(other, key, axis=0), offset)
            found.append((gain, ratio, key, first, last, first - offset))
        gain, ratio, key, first, last, at = max(found)
        column = _COLUMN_MS * self._step
        speed = float(self._ratios[ratio])
        return VersionLine(
            score=gain * float(np.sqrt(self._step / min(self._side.shape[1], count))),
            ratio=speed,
            semitones=key,
            start_a_ms=round(first / speed * column),
            end_a_ms=round(last / speed * column),
            start_b_ms=round(at * column),
            end_b_ms=round((at + last - first) * column),
        )

    @staticmethod
    def _size(least: int) -> int:
        return int(fft.next_fast_len(-(-least // _SIZES) * _SIZES, real=True))

    def _spectra_at(self, size: int) -> NDArray[np.complex64]:
        if size not in self._spectra:
            self._spectra[size] = np.stack([_spectrum(side, size) for side in self._sides])
        return self._spectra[size]


def _centred(classes: LineClasses, step: int) -> FloatArray:
    """Give columns of zero sum and unit length, of so many joined: float32 [shape=(12, t // step)]."""
    kept = classes[:, :_MOST].astype(np.float32)
    if step > 1:
        kept = kept[:, : kept.shape[1] // step * step].reshape(12, -1, step).mean(axis=2)
    above = kept - kept.sum(axis=1, keepdims=True) / max(1, kept.shape[1])
    return np.asarray(above / np.maximum(np.linalg.norm(above, axis=0), _QUIET), dtype=np.float32)


def _gain(one: FloatArray, other: FloatArray, offset: int) -> tuple[float, int, int]:
    """Give the most that a part of one line gains over chance, and where it begins and ends in the first."""
    first, second = max(0, offset), max(0, -offset)
    count = min(one.shape[1] - first, other.shape[1] - second)
    alike = np.einsum("ij,ij->j", one[:, first : first + count], other[:, second : second + count])
    total = np.concatenate([[0.0], np.cumsum(alike - _CHANCE)])
    gains = total - np.minimum.accumulate(total)
    last = int(gains.argmax())
    begin = int(total[: last + 1].argmin())
    return float(gains[last]), first + begin, first + last


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
