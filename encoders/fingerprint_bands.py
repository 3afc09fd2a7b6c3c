"""The picture of a sound that a fingerprint's filters look at: 18 bands, 8 frames a second."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.features.audio import Resampler, blocks_of, frames_of, mono
from encoders.features.spectrum import powers_of

FloatArray = NDArray[np.float32]

SAMPLE_RATE: Final = 8_000
HOP: Final = 1_000
BANDS: Final = 18
_N_FFT: Final = 3_072
_LOW_HZ, _HIGH_HZ = 110.0, 3_520.0
# Frames under this level of full scale (-70 dB) say nothing and count as silence.
_SILENT: Final = 3e-4


def _band_matrix() -> FloatArray:
    """Weights of triangular bands, evenly spaced in pitch; float32 (bins, BANDS)."""
    edges = np.geomspace(_LOW_HZ, _HIGH_HZ, BANDS + 2)
    hz = fft.rfftfreq(_N_FFT, 1 / SAMPLE_RATE)[:, None]
    rise = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    weights = np.clip(np.minimum(rise, fall), 0.0, None)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


_BAND_MATRIX: Final = _band_matrix()
_WINDOW: Final = np.hanning(_N_FFT).astype(np.float32)


class BandStream:
    """Draw the picture of a signal that comes in blocks; 144 bytes are kept of each frame.

    Parameters
    ----------
    sr : int > 0 [Hz]
        of what is pushed
    """

    def __init__(self, sr: int) -> None:
        self._resampler = Resampler(sr, SAMPLE_RATE)
        self._rest = np.empty(0, dtype=np.float32)
        self._image = [np.empty((0, BANDS), dtype=np.float32)]
        self._sounding = [np.empty(0, dtype=np.bool_)]

    def push(self, block: FloatArray) -> None:
        """Take samples: mono, finite."""
        self._draw(self._resampler.push(block))

    def finish(self) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Give the picture.

        Returns
        -------
        image : float32 [shape=(t, 18)]
            log energy per band against the frame's mean, floored 20 dB under it
        sounding : bool [shape=(t,)]
            whether the frame is more than silence
        """
        self._draw(self._resampler.finish())
        return np.concatenate(self._image), np.concatenate(self._sounding)

    def _draw(self, samples: FloatArray) -> None:
        held = np.concatenate([self._rest, samples])
        count = max(0, (len(held) - _N_FFT) // HOP + 1)
        if count:
            frames = frames_of(held, length=_N_FFT, hop=HOP)
            energy = np.concatenate([powers @ _BAND_MATRIX for powers in powers_of(frames, _WINDOW)])
            mean = energy.mean(axis=1, keepdims=True)
            self._image.append(np.log(0.01 + energy / np.maximum(mean, 1e-12)))
            self._sounding.append(np.einsum("ij,ij->i", frames, frames) > _SILENT**2 * _N_FFT)
        self._rest = held[count * HOP :].copy()


def band_image(y: NDArray[np.floating], sr: int) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Draw the picture of a whole signal.

    Parameters
    ----------
    y : float [shape=(n,) or (channels, n)]
    sr : int > 0 [Hz]

    Returns
    -------
    image, sounding
        see `BandStream.finish`

    Raises
    ------
    InvalidSignal
        see `encoders.features.audio.mono`
    """
    stream = BandStream(sr)
    for block in blocks_of(mono(y)):
        stream.push(block)
    return stream.finish()
