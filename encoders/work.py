"""One vector per recording that says which work it is of: what serves candidates for versions.

Two views of the same semitone frames stand beside each other: our network's vector, and which chords follow
which (`encoders.features.harmony`). The network was trained with those beside it; how they are weighed was
learned from performances of works that are not measured on: directions in which performances of one work
differ count less.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import WORK_CARD, card_path
from encoders.cards import EncoderCard
from encoders.features.harmony import DIMENSION, LEAST_FRAMES, chord_steps, pitch_classes
from encoders.features.semitones import halved, version_input
from encoders.runtime import OnnxModel, unit_rows
from encoders.trained import TrainedVersion

FloatArray = NDArray[np.float32]

# Frames that the network sees at a time: two minutes, as long as it was trained on at most. Longer sounds are
# cut evenly, so that memory does not grow with them.
_MOST_FRAMES: Final = 648


def parts_of(network: TrainedVersion, frames: FloatArray) -> FloatArray:
    """Give both views of a recording, not yet weighed.

    Parameters
    ----------
    network : TrainedVersion
    frames : float32 [shape=(t, 84)]
        `encoders.features.semitones.semitone_frames` of the whole recording

    Returns
    -------
    parts : float32 [shape=(1520,)]
        the network's 512 and the 1,008 of `chord_steps`, each of unit length; zeros where nothing sounds
    """
    if not frames.any():
        return np.zeros(network.card.dimension + DIMENSION, dtype=np.float32)
    # A short piece is repeated rather than padded: silence would count.
    frames = np.tile(frames, (max(1, -(-2 * LEAST_FRAMES // len(frames))), 1))
    heard = version_input(frames)
    pieces = np.array_split(heard, -(-heard.shape[1] // _MOST_FRAMES), axis=1)
    views = [network.of_input(piece) for piece in pieces if piece.any()]
    network_part = unit_rows(np.mean(views, axis=0)[None])[0]
    return np.concatenate([network_part, chord_steps(pitch_classes(version_input(halved(frames))))])


class WorkEncoder:
    """Weigh the views of a recording into its vector.

    Parameters
    ----------
    network : TrainedVersion
    weighing : OnnxModel
    """

    def __init__(self, network: TrainedVersion, weighing: OnnxModel) -> None:
        self._network, self._weighing = network, weighing
        self.card = weighing.card

    @classmethod
    def load(cls, models_dir: Path, *, threads: int = 1) -> WorkEncoder:
        """Load both graphs.

        Raises
        ------
        ModelUnavailable, CardMismatch
            a model is missing or not the one its card describes
        """
        card = EncoderCard.load(card_path(models_dir, WORK_CARD))
        network = TrainedVersion.load(models_dir, threads=threads)
        return cls(network, OnnxModel(models_dir, card, threads=threads, arena=True))

    def vector(self, frames: FloatArray) -> FloatArray:
        """Encode semitone frames of a whole recording.

        Parameters
        ----------
        frames : float32 [shape=(t, 84)]

        Returns
        -------
        vector : float32 [shape=(1521,)]
            of unit length; zeros where nothing sounds. Cosines of strangers lie about 0.5
        """
        parts = parts_of(self._network, frames)
        if not parts.any():
            return np.zeros(self.card.dimension, dtype=np.float32)
        found = unit_rows(self._weighing.run(parts[None]))
        self.card.check(found)
        vector: FloatArray = found[0]
        return vector
