"""What a recording sounds like: SoundNet conv5, averaged over 10 s windows."""

from __future__ import annotations

import importlib.resources
import io
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import IDENTITY_CARD, card_path
from encoders.cards import EncoderCard
from encoders.errors import CardMismatch
from encoders.features.audio import mono, resample, rms
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]

SAMPLE_RATE: Final = 22_050
WINDOW_S: Final = 10
HOP_S: Final = 5
# One frame of conv5 per 2,048 samples.
_FRAME: Final = 2_048
# Half the receptive field is about 5,700 samples; three frames cover it.
_MARGIN: Final = 3
# Frames computed at a time: 30 s keep the first layer's maps at 25 MB.
_CHUNK: Final = 323
# The network is not blind to level. Every track is brought to this level
# first, so that a gain, or a quieter pressing, does not move its vectors.
_LEVEL: Final = 0.1
_SCALE: Final = 256.0
# -70 dB of full scale.
_SILENT_RMS: Final = 3e-4
# All means are positive and share a large common part (cosine of strangers
# 0.90). The root, less 0.8 of the average over music, spreads them (0.37) and
# finds more noisy copies: top-1 among 47 tracks at 10 dB white noise 0.85 ->
# 0.92, low-pass 2 kHz 0.968 -> 0.997. Taking all of it away gives 0.90.
_COMMON_SHARE: Final = 0.8
_CENTRE_FILE: Final = "identity_centre.npy"


class IdentityEncoder:
    """Encode audio as one vector per 10 s window.

    Parameters
    ----------
    model : OnnxModel

    References
    ----------
    Aytar, Vondrick, Torralba, "SoundNet: Learning Sound Representations from
    Unlabeled Video", NIPS 2016.
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.card = model.card
        source = importlib.resources.files("encoders").joinpath("data", _CENTRE_FILE)
        centre = np.load(io.BytesIO(source.read_bytes()), allow_pickle=False)
        if centre.shape != (self.card.dimension,):
            raise CardMismatch(f"{self.card.key}: {_CENTRE_FILE} has shape {centre.shape}")
        self._common = centre.astype(np.float64) * _COMMON_SHARE

    @classmethod
    def load(cls, models_dir: Path, *, threads: int = 1) -> IdentityEncoder:
        """Load the model and run it once.

        Raises
        ------
        ModelUnavailable, CardMismatch
            the model is missing or not the one its card describes
        """
        card = EncoderCard.load(card_path(models_dir, IDENTITY_CARD))
        encoder = cls(OnnxModel(models_dir, card, threads=threads))
        encoder.windows(np.zeros(SAMPLE_RATE, dtype=np.float32), SAMPLE_RATE)
        return encoder

    def windows(self, y: NDArray[np.floating], sr: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Encode a signal.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
        sr : int > 0 [Hz]

        Returns
        -------
        starts_ms : int32 [shape=(w,)]
            where each window begins: every 5 s while a whole window fits; one
            window for a shorter signal
        vectors : float32 [shape=(w, 256)]
            of unit length; all zero where nothing sounds: never index such a row

        Raises
        ------
        InvalidSignal
            see `encoders.features.audio.mono`
        """
        samples = resample(mono(y), sr, SAMPLE_RATE)
        level = rms(samples)
        if level < _SILENT_RMS:
            return np.zeros(1, dtype=np.int32), np.zeros((1, self.card.dimension), dtype=np.float32)
        frames = self._frames(samples * np.float32(_SCALE * _LEVEL / level))
        # Windows are cut at whole frames: at most 46 ms from the nominal start.
        count = max(1, (len(samples) - WINDOW_S * SAMPLE_RATE) // (HOP_S * SAMPLE_RATE) + 1)
        nominal = np.arange(count) * HOP_S
        first = np.round(nominal * SAMPLE_RATE / _FRAME).astype(int)
        last = np.minimum(first + round(WINDOW_S * SAMPLE_RATE / _FRAME), len(frames))
        total = np.vstack([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
        means = (total[last] - total[first]) / np.maximum(last - first, 1)[:, None]
        vectors = unit_rows(np.sqrt(np.maximum(means, 0.0)) - self._common)
        # A silent window would look like every other silence in the catalogue.
        edges = nominal * SAMPLE_RATE
        quiet = [rms(samples[at : at + WINDOW_S * SAMPLE_RATE]) < _SILENT_RMS for at in edges]
        vectors[quiet] = 0.0
        self.card.check(vectors)
        return (nominal * 1000).astype(np.int32), vectors

    def _frames(self, samples: FloatArray) -> FloatArray:
        """Run conv5 over the whole signal in chunks; float32 [shape=(t, 256)].

        Each chunk carries a margin on both sides that is cut off again, so the
        result does not depend on where the chunks lie.
        """
        total = max(1, len(samples) // _FRAME)
        parts = []
        for begin in range(0, total, _CHUNK):
            end = min(begin + _CHUNK, total)
            low, high = begin - _MARGIN, end + _MARGIN
            piece = samples[max(0, low) * _FRAME : high * _FRAME]
            before = max(0, -low) * _FRAME
            after = (high - low) * _FRAME - before - len(piece)
            padded = np.pad(piece, (before, after))[None, None, :]
            found = self._model.run(padded)[0]
            parts.append(found[:, _MARGIN : _MARGIN + end - begin].T)
        return np.concatenate(parts)
