"""Constant-Q spectrogram of a whole track through one Fourier transform.

The transform of the track is cut into one slice per bin, weighted with the
exact frequency response of a Hann kernel, folded to the number of frames and
transformed back. That equals the sliding kernel sampled at every hop, at a
small fraction of its cost: some thousand times real time, without compiled
kernels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.errors import InvalidSignal
from encoders.features.audio import FloatArray, Resampler, blocks_of

# 4,186 Hz is the highest bin; 11,025 Hz leaves room for its kernel.
SAMPLE_RATE: Final = 11_025
# 4,096 samples at 44.1 kHz.
HOP: Final = 1_024
FMIN_HZ: Final = 32.703195662574829  # C1
BINS_PER_OCTAVE: Final = 36
N_BINS: Final = 7 * BINS_PER_OCTAVE
_Q: Final = 1.0 / (2.0 ** (1.0 / BINS_PER_OCTAVE) - 1.0)
# Half width kept of a kernel's response, in units of 1 / its length: at 6 the
# Hann side lobes are 80 dB down, where the decibel scale ends.
_HALF_WIDTH: Final = 6.0
# Half of the longest kernel, in frames: how far one piece looks into the next.
_REACH: Final = int(_Q * SAMPLE_RATE / FMIN_HZ / 2) // HOP + 1
# Frames transformed at a time: 24, 36, 48 and 95 s. A few fixed sizes, so that their
# responses (10 to 38 MB) are worked out once per process whatever the lengths
# of the tracks. Their magnitudes differ by less than a millionth of the largest.
_PIECES: Final = (256, 384, 512, 1_024)


@lru_cache(maxsize=len(_PIECES))
def _responses(frames: int) -> tuple[tuple[slice, FloatArray], ...]:
    """Weigh the bins of one length's spectrum, for each row of the result.

    The spectrum is seen as rows of so many bins as there are frames: which rows a kernel reaches into, and
    its weights there, each twice (float32 [shape=(rows, 2 * frames)]) as a bin is a pair of numbers.
    """
    size = frames * HOP
    out = []
    for frequency in FMIN_HZ * 2.0 ** (np.arange(N_BINS) / BINS_PER_OCTAVE):
        length = _Q * SAMPLE_RATE / frequency
        centre, half = frequency * size / SAMPLE_RATE, _HALF_WIDTH * size / length
        first = max(0, int(np.ceil(centre - half)))
        last = min(size // 2 - 1, int(np.floor(centre + half)))
        x = (np.arange(first, last + 1) - centre) * (length / size)
        # Hann: sinc(x) / (1 - x^2), which is 1/2 at x = +-1.
        pole = np.abs(np.abs(x) - 1.0) < 1e-6
        response = np.where(pole, 0.5, np.sinc(x) / np.where(pole, 1.0, 1.0 - x * x))
        rows = slice(first // frames, last // frames + 1)
        weights = np.zeros((rows.stop - rows.start) * frames, dtype=np.float32)
        # Published networks expect each bin scaled by the root of its kernel's length.
        weights[first - rows.start * frames :][: len(response)] = response * np.sqrt(length)
        out.append((rows, np.repeat(weights, 2).reshape(-1, 2 * frames)))
    return tuple(out)


def cqt_magnitude(y: FloatArray, *, sr: int) -> FloatArray:
    """Compute constant-Q magnitudes.

    Parameters
    ----------
    y : float32 [shape=(n,)]
        mono, finite, n > 0
    sr : int > 0 [Hz]

    Returns
    -------
    magnitude : float32 [shape=(t, 252)]
        seven octaves from C1, 36 bins each; a frame every 92.9 ms, the first
        one centred on the first sample

    Raises
    ------
    InvalidSignal
        ``y`` is empty

    References
    ----------
    Velasco, Holighaus, Doerfler, Grill, "Constructing an invertible constant-Q
    transform with nonstationary Gabor frames", DAFx 2011.
    """
    stream = CqtStream(sr)
    parts = [part for block in blocks_of(y) for part in stream.push(block)]
    return np.concatenate([*parts, *stream.finish()])


class CqtStream:
    """Constant-Q magnitudes of a signal that comes in blocks; it keeps 95 s of it.

    Parameters
    ----------
    sr : int > 0 [Hz]
        of what is pushed
    """

    def __init__(self, sr: int) -> None:
        self._resampler = Resampler(sr, SAMPLE_RATE)
        self._held: list[FloatArray] = []
        self._first = 0  # sample at which what is held begins
        self._end = 0  # sample at which it ends
        self._done = 0  # frames given so far

    def push(self, block: FloatArray) -> list[FloatArray]:
        """Take samples; give the frames that are whole by now: float32 [shape=(t, 252)]."""
        self._take(self._resampler.push(block))
        parts = []
        # Beyond this a signal is long, whatever follows: a full piece looks one reach ahead.
        step = _step(_PIECES[-1])
        while self._end >= (self._done + step + _REACH) * HOP:
            parts.append(self._piece(self._done + step, _PIECES[-1]))
        return parts

    def finish(self) -> list[FloatArray]:
        """Give the rest.

        Raises
        ------
        InvalidSignal
            nothing was pushed
        """
        self._take(self._resampler.finish())
        if not self._end:
            raise InvalidSignal("an empty signal has no spectrogram")
        frames = max(1, -(-self._end // HOP))
        parts = []
        while self._done < frames:
            wanted = frames - self._done + 3 * _REACH
            size = next((piece for piece in _PIECES if wanted <= piece), _PIECES[-1])
            parts.append(self._piece(min(self._done + _step(size), frames), size))
        return parts

    def _take(self, samples: FloatArray) -> None:
        self._held.append(samples)
        self._end += len(samples)

    def _piece(self, end: int, size: int) -> FloatArray:
        """Transform up to a frame, and let go of what no later piece looks at."""
        begin, low = self._done, max(0, self._done - _REACH)
        held = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
        part = held[low * HOP - self._first : (end + _REACH) * HOP - self._first]
        found = _piece(part, size, keep=slice(begin - low, end - low))
        kept = max(0, end - _REACH) * HOP
        self._held = [held[kept - self._first :].copy()]
        self._first, self._done = kept, end
        return found


def _step(piece: int) -> int:
    """Give how many frames of a piece are kept.

    A piece carries its neighbours' samples at both ends and silence behind, so that nothing kept has seen
    the wrap of the transform.
    """
    return piece - 3 * _REACH


def _piece(samples: FloatArray, frames: int, *, keep: slice) -> FloatArray:
    """Transform one piece, padded with silence; float32 [shape=(t, 252)], the frames that are kept."""
    # Real and imaginary parts as neighbours: NumPy would turn real weights into complex ones first.
    rows = _spectrum(samples, frames).view(np.float32)
    out = np.empty((N_BINS, frames), dtype=np.complex64)
    for folded, (reached, weights) in zip(out.view(np.float32), _responses(frames), strict=True):
        # What is a whole number of frames apart falls on the same bin after sampling at every hop.
        np.einsum("ij,ij->j", rows[reached], weights, out=folded)
    # The inverse divides by the number of frames instead of samples, hence HOP;
    # twice, since a real sine has half its energy at the negative frequency.
    kept = fft.ifft(out, axis=1, overwrite_x=True)[:, keep].T
    return np.ascontiguousarray(np.abs(kept) * np.float32(2.0 / HOP))


@lru_cache(maxsize=len(_PIECES))
def _twiddles(frames: int) -> NDArray[np.complex64]:
    turns = np.outer(np.arange(frames // 2 + 1), np.arange(HOP)) / (frames * HOP)
    twiddles: NDArray[np.complex64] = np.exp(-2j * np.pi * turns).astype(np.complex64)
    return twiddles


def _spectrum(samples: FloatArray, frames: int) -> NDArray[np.complex64]:
    """Transform up to ``frames * HOP`` samples.

    One long transform as many short ones in two directions (Bailey's four steps), several of which are
    computed at once: half of the time of a long one.

    Returns
    -------
    spectrum : complex64 [shape=(HOP // 2, frames)]
        row r, column c is bin ``r * frames + c``
    """
    grid = np.zeros((frames, HOP), dtype=np.float32)
    grid.reshape(-1)[: len(samples)] = samples
    steps: NDArray[np.complex64] = fft.rfft(grid, axis=0)
    steps *= _twiddles(frames)
    steps = fft.fft(steps, axis=1, overwrite_x=True)
    direct = frames // 2 + 1
    spectrum: NDArray[np.complex64] = np.empty((HOP // 2, frames), dtype=np.complex64)
    spectrum[:, :direct] = steps[:, : HOP // 2].T
    # The samples are real: what is beyond the middle mirrors what is before it.
    np.conjugate(steps[direct - 2 : 0 : -1, : HOP // 2 - 1 : -1].T, out=spectrum[:, direct:])
    return spectrum


def harmonic_peaks(magnitude: FloatArray) -> tuple[float, float]:
    """Give the largest magnitudes among the bins of harmonics 1 and 2, for `harmonic_db`."""
    octaves = 6 * BINS_PER_OCTAVE
    first, second = (magnitude[:, h * BINS_PER_OCTAVE :][:, :octaves].max() for h in range(2))
    return float(first), float(second)


def harmonic_db(
    magnitude: FloatArray, *, peaks: tuple[float, float] | None = None, top_db: float = 80.0
) -> FloatArray:
    """Stack harmonics 1 and 2 in decibels, each under its own maximum.

    Parameters
    ----------
    magnitude : float32 [shape=(t, 252)]
    peaks : pair of float, optional
        `harmonic_peaks` of the whole signal where ``magnitude`` is a part of it
    top_db : float > 0 [dB]
        everything quieter is raised to this far under the maximum

    Returns
    -------
    hcqt : float32 [shape=(t, 216, 2)]
        0 at the maximum, at least ``-top_db``; a silent signal is 0 everywhere
    """
    tops = np.array(peaks or harmonic_peaks(magnitude), dtype=np.float32)
    references = 20.0 * np.log10(np.maximum(tops, 1e-5))
    out = np.empty((len(magnitude), 6 * BINS_PER_OCTAVE, 2), dtype=np.float32)
    for harmonic in range(2):
        part = magnitude[:, harmonic * BINS_PER_OCTAVE :][:, : 6 * BINS_PER_OCTAVE]
        db = 20.0 * np.log10(np.maximum(part, 1e-5))
        db -= max(float(references[harmonic]), -100.0)
        np.maximum(db, -top_db, out=out[:, :, harmonic])
    return out
