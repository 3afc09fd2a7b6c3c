"""Constant-Q spectrogram of a whole track through one Fourier transform.

The transform of the track is cut into one slice per bin, weighted with the
exact frequency response of a Hann kernel, folded to the number of frames and
transformed back. That equals the sliding kernel sampled at every hop, at a
small fraction of its cost: about a thousand times real time, without compiled
kernels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.errors import InvalidSignal
from encoders.features.audio import FloatArray, resample

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
# Frames transformed at a time. Two fixed sizes, so that their responses (5 and
# 19 MB) are worked out once per process whatever the lengths of the tracks.
_PIECES: Final = (256, 1_024)


@lru_cache(maxsize=len(_PIECES))
def _responses(size: int) -> tuple[tuple[int, FloatArray], ...]:
    """First spectrum index and weights of every bin's slice, for one length."""
    out = []
    for frequency in FMIN_HZ * 2.0 ** (np.arange(N_BINS) / BINS_PER_OCTAVE):
        length = _Q * SAMPLE_RATE / frequency
        centre, half = frequency * size / SAMPLE_RATE, _HALF_WIDTH * size / length
        first = max(0, int(np.ceil(centre - half)))
        last = min(size // 2, int(np.floor(centre + half)))
        x = (np.arange(first, last + 1) - centre) * (length / size)
        # Hann: sinc(x) / (1 - x^2), which is 1/2 at x = +-1.
        pole = np.abs(np.abs(x) - 1.0) < 1e-6
        response = np.where(pole, 0.5, np.sinc(x) / np.where(pole, 1.0, 1.0 - x * x))
        # Published networks expect each bin scaled by the root of its kernel's length.
        out.append((first, (response * np.sqrt(length)).astype(np.float32)))
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
    if not len(y):
        raise InvalidSignal("an empty signal has no spectrogram")
    samples = resample(y, sr, SAMPLE_RATE)
    frames = max(1, -(-len(samples) // HOP))
    piece = _PIECES[0] if frames + 2 * _REACH <= _PIECES[0] else _PIECES[-1]
    # A piece carries its neighbours' samples at both ends and silence behind,
    # so that nothing kept has seen the wrap of the transform.
    step = piece - 3 * _REACH
    parts = []
    for begin in range(0, frames, step):
        end = min(begin + step, frames)
        low, high = max(0, begin - _REACH), end + _REACH
        found = _piece(samples[low * HOP : high * HOP], piece)
        parts.append(found[begin - low : end - low])
    return np.concatenate(parts)


def _piece(samples: FloatArray, frames: int) -> FloatArray:
    """Transform one piece, padded with silence; float32 [shape=(frames, 252)]."""
    spectrum = fft.rfft(samples, frames * HOP)
    out = np.empty((N_BINS, frames), dtype=np.complex64)
    for row, (first, response) in enumerate(_responses(frames * HOP)):
        out[row] = _fold(spectrum[first : first + len(response)] * response, first, frames)
    # The inverse divides by the number of frames instead of samples, hence HOP;
    # twice, since a real sine has half its energy at the negative frequency.
    magnitude: FloatArray = np.abs(fft.ifft(out, axis=1, overwrite_x=True)) * np.float32(2.0 / HOP)
    return magnitude.T


def _fold(part: NDArray[np.complex64], first: int, frames: int) -> NDArray[np.complex64]:
    """Add up what falls on the same bin after sampling at every hop."""
    shift = first % frames
    rows = -(-(shift + len(part)) // frames)
    if rows == 1:
        folded = np.zeros(frames, dtype=np.complex64)
        folded[shift : shift + len(part)] = part
        return folded
    wide = np.zeros(rows * frames, dtype=np.complex64)
    wide[shift : shift + len(part)] = part
    summed: NDArray[np.complex64] = wide.reshape(rows, frames).sum(axis=0)
    return summed


def harmonic_db(magnitude: FloatArray, *, top_db: float = 80.0) -> FloatArray:
    """Stack harmonics 1 and 2 in decibels, each under its own maximum.

    Parameters
    ----------
    magnitude : float32 [shape=(t, 252)]
    top_db : float > 0 [dB]
        everything quieter is raised to this far under the maximum

    Returns
    -------
    hcqt : float32 [shape=(t, 216, 2)]
        0 at the maximum, at least ``-top_db``; a silent signal is 0 everywhere
    """
    out = np.empty((len(magnitude), 6 * BINS_PER_OCTAVE, 2), dtype=np.float32)
    for harmonic in range(2):
        part = magnitude[:, harmonic * BINS_PER_OCTAVE :][:, : 6 * BINS_PER_OCTAVE]
        db = 20.0 * np.log10(np.maximum(part, 1e-5))
        db -= max(float(db.max()), -100.0)
        np.maximum(db, -top_db, out=out[:, :, harmonic])
    return out
