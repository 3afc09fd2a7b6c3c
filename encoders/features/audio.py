"""Samples as the encoders want them: checked, mono, at their rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from encoders.errors import InvalidSignal

FloatArray = NDArray[np.float32]

# Samples handled at a time: 12 s at 22.05 kHz are 1 MB, which stays in a core's cache from one listener to
# the next. What is heard does not depend on it beyond rounding.
BLOCK: Final = 1 << 18
# "HQ" keeps 20 bits; the pass band ends at 0.91 of Nyquist.
_QUALITY: Final = "HQ"


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
    _check_rates(sr, to)
    if sr == to:
        return y
    return np.asarray(soxr.resample(y, sr, to, quality=_QUALITY), dtype=np.float32)


def blocks_of(y: FloatArray, *, length: int = BLOCK) -> Iterator[FloatArray]:
    """Cut a signal into blocks, the last one shorter: views, no copies."""
    for begin in range(0, len(y), length):
        yield y[begin : begin + length]


def resampled(blocks: Iterable[FloatArray], sr: int, to: int) -> Iterator[FloatArray]:
    """Change the sampling rate of a signal that comes in blocks; the same samples as `resample` gives.

    Parameters
    ----------
    blocks : iterable of float32 [shape=(n,)]
    sr, to : int > 0 [Hz]

    Raises
    ------
    InvalidSignal
        a rate is not positive
    """
    resampler = Resampler(sr, to)
    for block in blocks:
        yield resampler.push(block)
    yield resampler.finish()


class Resampler:
    """Change the sampling rate of a signal that comes in blocks.

    Parameters
    ----------
    sr, to : int > 0 [Hz]
    """

    def __init__(self, sr: int, to: int) -> None:
        _check_rates(sr, to)
        self._stream = soxr.ResampleStream(sr, to, 1, dtype="float32", quality=_QUALITY) if sr != to else None

    def push(self, block: FloatArray) -> FloatArray:
        """Take a block; give what can be told by now."""
        if self._stream is None:
            return block
        return np.asarray(self._stream.resample_chunk(block, last=False), dtype=np.float32)

    def finish(self) -> FloatArray:
        """Give what was held back."""
        rest = np.empty(0, dtype=np.float32)
        if self._stream is None:
            return rest
        return np.asarray(self._stream.resample_chunk(rest, last=True), dtype=np.float32)


def _check_rates(sr: int, to: int) -> None:
    if sr <= 0 or to <= 0:
        raise InvalidSignal(f"sampling rates must be positive, got {sr} and {to}")


def energy(y: FloatArray) -> float:
    """Return the sum of squares; of blocks, as sums of float32 lose what is small."""
    return float(np.einsum("i,i->", y, y))


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
