"""How loud a signal is and how much of it is silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

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
    meter = SilenceMeter(sr=sr)
    meter.push(y)
    return meter.facts()


class SilenceMeter:
    """Measure a signal that comes in blocks.

    Parameters
    ----------
    sr : int > 0 [Hz]
    """

    def __init__(self, *, sr: int) -> None:
        self._length = max(1, sr * FRAME_MS // 1000)
        self._powers: list[FloatArray] = []
        self._rest = np.empty(0, dtype=np.float32)
        self._samples = self._clipped = 0
        self._peak = 0.0

    def push(self, block: FloatArray) -> None:
        """Take samples: mono, finite."""
        if not len(block):
            return
        # Two passes without a temporary beat one over np.abs(y).
        peak = max(float(block.max()), -float(block.min()))
        self._peak = max(self._peak, peak)
        self._samples += len(block)
        if peak >= 1.0:
            self._clipped += int(np.count_nonzero(np.abs(block) >= 1.0))
        if len(self._rest):
            missing = self._length - len(self._rest)
            head = np.concatenate([self._rest, block[:missing]])
            block = block[missing:]
            if len(head) < self._length:
                self._rest = head
                return
            self._powers.append(_power(head[None, :]))
        frames = frames_of(block, length=self._length, hop=self._length)
        self._powers.append(_power(frames))
        self._rest = block[len(frames) * self._length :].copy()

    def facts(self) -> SilenceFacts:
        """Give the facts of everything pushed, which must be something."""
        short = self._samples < self._length
        power = _power(self._rest[None, :]) if short else np.concatenate(self._powers)
        sounding = np.flatnonzero(power > 10.0 ** (SILENT_DBFS / 10.0))
        lead, trail = (sounding[0], len(power) - 1 - sounding[-1]) if len(sounding) else (len(power),) * 2
        return SilenceFacts(
            rms_dbfs=_decibel(float(np.mean(power)), 10.0),
            peak_dbfs=_decibel(self._peak, 20.0),
            silent_fraction=1.0 - len(sounding) / len(power),
            leading_ms=int(lead) * FRAME_MS,
            trailing_ms=int(trail) * FRAME_MS,
            clipped_fraction=self._clipped / self._samples,
        )


def _power(frames: FloatArray) -> FloatArray:
    power: FloatArray = np.einsum("ij,ij->i", frames, frames) / np.float32(frames.shape[1])
    return power


def _decibel(value: float, factor: float) -> float:
    return max(_FLOOR_DBFS, factor * float(np.log10(value))) if value > 0.0 else _FLOOR_DBFS
