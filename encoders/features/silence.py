"""How loud a signal is and how much of it is silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.features.audio import FloatArray, frames_of

FRAME_MS: Final = 50
# -60 dB of full scale: below the noise of a tape or vinyl transfer's pauses
# would be counted as sound, above it the tail of a fade-out would be lost.
SILENT_DBFS: Final = -60.0
_FLOOR_DBFS: Final = -120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceFacts:
    """Level facts of one signal.

    Attributes
    ----------
    rms_dbfs, peak_dbfs : float [dB of full scale]
        -120 stands for digital silence
    silent_fraction : float in [0, 1]
        share of 50 ms frames under -60 dBFS
    leading_ms, trailing_ms : int
        silence before the first and after the last sounding frame; both are
        the whole duration when nothing sounds
    clipped_fraction : float in [0, 1]
        share of samples at or beyond full scale
    """

    rms_dbfs: float
    peak_dbfs: float
    silent_fraction: float
    leading_ms: int
    trailing_ms: int
    clipped_fraction: float

    @property
    def silent(self) -> bool:
        """Whether nothing sounds at all."""
        return self.silent_fraction >= 1.0


def silence_facts(y: FloatArray, *, sr: int) -> SilenceFacts:
    """Measure level and silence.

    Parameters
    ----------
    y : float32 [shape=(n,)]
        mono, finite, n > 0
    sr : int > 0 [Hz]

    Returns
    -------
    facts : SilenceFacts
    """
    length = max(1, sr * FRAME_MS // 1000)
    frames = frames_of(y, length=length, hop=length)
    if not len(frames):
        frames = y[None, :]
    power = np.einsum("ij,ij->i", frames, frames) / frames.shape[1]
    sounding = np.flatnonzero(power > 10.0 ** (SILENT_DBFS / 10.0))
    lead, trail = (sounding[0], len(frames) - 1 - sounding[-1]) if len(sounding) else (len(frames),) * 2
    # Two passes without a temporary beat one over np.abs(y).
    peak = max(float(y.max()), -float(y.min()))
    return SilenceFacts(
        rms_dbfs=_decibel(float(np.mean(power)), 10.0),
        peak_dbfs=_decibel(peak, 20.0),
        silent_fraction=1.0 - len(sounding) / len(frames),
        leading_ms=int(lead) * FRAME_MS,
        trailing_ms=int(trail) * FRAME_MS,
        clipped_fraction=_clipped(y) if peak >= 1.0 else 0.0,
    )


def _decibel(value: float, factor: float) -> float:
    return max(_FLOOR_DBFS, factor * float(np.log10(value))) if value > 0.0 else _FLOOR_DBFS


def _clipped(y: NDArray[np.float32]) -> float:
    return float(np.count_nonzero(np.abs(y) >= 1.0)) / len(y)
