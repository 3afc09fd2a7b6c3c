"""The encoders that this project trained itself, in ONNX Runtime: NumPy in, NumPy out."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import card_path
from encoders.cards import EncoderCard
from encoders.features.audio import mono, resample
from encoders.features.cqt import cqt_magnitude
from encoders.features.mel import HOP, LEVEL, SAMPLE_RATE, log_mel, window_input
from encoders.features.semitones import semitone_frames, version_input
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]

IDENTITY: Final = "samesong-identity"
VERSION: Final = "samesong-version"
WINDOW_S: Final = 10
HOP_S: Final = 5
# -70 dB of full scale.
_SILENT_RMS: Final = 3e-4
# Windows given to the network at a time.
_BATCH: Final = 16
_LEAST_FRAMES: Final = 16


def packaged_dir() -> Path:
    """Return where the weights that come with this package are."""
    return Path(str(importlib.resources.files("encoders").joinpath("data")))


class TrainedIdentity:
    """Encode audio as one vector per 10 s window.

    Parameters
    ----------
    model : OnnxModel
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.card = model.card

    @classmethod
    def load(cls, models_dir: Path | None = None, *, threads: int = 1) -> TrainedIdentity:
        """Load the model.

        Raises
        ------
        ModelUnavailable, CardMismatch
            the model is missing or not the one its card describes
        """
        return cls(_model(models_dir, IDENTITY, threads))

    def windows(self, y: NDArray[np.floating], sr: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Encode a signal.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
        sr : int > 0 [Hz]

        Returns
        -------
        starts_ms : int32 [shape=(w,)]
            every 5 s while a whole window fits; one window for a shorter signal
        vectors : float32 [shape=(w, 256)]
            of unit length; all zero where nothing sounds

        Raises
        ------
        InvalidSignal
            see `encoders.features.audio.mono`
        """
        samples = resample(mono(y), sr, SAMPLE_RATE)
        level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
        count = max(1, (len(samples) - WINDOW_S * SAMPLE_RATE) // (HOP_S * SAMPLE_RATE) + 1)
        vectors = np.zeros((count, self.card.dimension), dtype=np.float32)
        starts = (np.arange(count) * (HOP_S * 1000)).astype(np.int32)
        if level < _SILENT_RMS:
            return starts, vectors
        bands = log_mel(samples * np.float32(LEVEL / level))
        length = min((WINDOW_S * SAMPLE_RATE - 2 * HOP) // HOP + 1, len(bands))
        if length < _LEAST_FRAMES:
            return starts, vectors
        for begin in range(0, count, _BATCH):
            numbers = range(begin, min(begin + _BATCH, count))
            firsts = [min(round(k * HOP_S * SAMPLE_RATE / HOP), len(bands) - length) for k in numbers]
            inputs = np.stack([window_input(bands[first : first + length]) for first in firsts])
            vectors[begin : begin + len(inputs)] = unit_rows(self._model.run(inputs))
        for number in range(count):
            first = number * HOP_S * SAMPLE_RATE
            part = samples[first : first + WINDOW_S * SAMPLE_RATE]
            if np.sqrt(np.mean(np.square(part, dtype=np.float64))) < _SILENT_RMS:
                vectors[number] = 0.0
        self.card.check(vectors)
        return starts, vectors


class TrainedVersion:
    """Encode audio as one vector that stays when key, tempo and instruments change.

    Parameters
    ----------
    model : OnnxModel
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.card = model.card

    @classmethod
    def load(cls, models_dir: Path | None = None, *, threads: int = 1) -> TrainedVersion:
        """Load the model.

        Raises
        ------
        ModelUnavailable, CardMismatch
            the model is missing or not the one its card describes
        """
        return cls(_model(models_dir, VERSION, threads))

    def vector(self, y: NDArray[np.floating], sr: int) -> FloatArray:
        """Encode a signal.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
        sr : int > 0 [Hz]

        Returns
        -------
        vector : float32 [shape=(256,)]
            of unit length; zeros where nothing sounds

        Raises
        ------
        InvalidSignal
            see `encoders.features.audio.mono`
        """
        inputs = version_input(semitone_frames(cqt_magnitude(mono(y), sr=sr)))
        if not inputs.any():
            return np.zeros(self.card.dimension, dtype=np.float32)
        # A short piece is repeated rather than padded: silence would count.
        inputs = np.tile(inputs, (1, max(1, -(-_LEAST_FRAMES // inputs.shape[1]))))
        found = unit_rows(self._model.run(inputs[None]))
        self.card.check(found)
        vector: FloatArray = found[0]
        return vector


def _model(models_dir: Path | None, name: str, threads: int) -> OnnxModel:
    folder = models_dir or packaged_dir()
    return OnnxModel(folder, EncoderCard.load(card_path(folder, name)), threads=threads)
