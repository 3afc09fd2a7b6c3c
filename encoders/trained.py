"""The version encoder that this project trained itself, in ONNX Runtime: NumPy in, NumPy out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import NETWORK_CARD, card_path, packaged_dir
from encoders.cards import EncoderCard
from encoders.features.audio import mono
from encoders.features.cqt import cqt_magnitude
from encoders.features.semitones import semitone_frames, version_input
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]

_LEAST_FRAMES: Final = 16


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
        folder = models_dir or packaged_dir()
        card = EncoderCard.load(card_path(folder, NETWORK_CARD))
        return cls(OnnxModel(folder, card, threads=threads, arena=True))

    def vector(self, y: NDArray[np.floating], sr: int) -> FloatArray:
        """Encode a signal.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
        sr : int > 0 [Hz]

        Returns
        -------
        vector : float32 [shape=(512,)]
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
        return self.of_input(np.tile(inputs, (1, max(1, -(-_LEAST_FRAMES // inputs.shape[1])))))

    def of_input(self, inputs: FloatArray) -> FloatArray:
        """Encode what the network looks at.

        Parameters
        ----------
        inputs : float32 [shape=(84, t)]
            `encoders.features.semitones.version_input`; t is at least 16

        Returns
        -------
        vector : float32 [shape=(512,)]
            of unit length
        """
        found = unit_rows(self._model.run(inputs[None]))
        self.card.check(found)
        vector: FloatArray = found[0]
        return vector
