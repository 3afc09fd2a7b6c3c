"""What a picture shows: EfficientNet-Lite0 features of covers and video frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.build import FRAME_CARD, card_path
from encoders.cards import EncoderCard
from encoders.errors import InvalidSignal
from encoders.picture_marks import centred, marks, middle, without_bars
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]
Pixels = NDArray[np.uint8]

_SIDE: Final = 224
# Wide frames are squeezed to the square, not cropped, so that what is at their
# edges is seen. A batch of 16 keeps the widest layer under 100 MB.
_BATCH: Final = 16


class FrameEncoder:
    """Encode RGB pictures as unit vectors of 1,280 numbers.

    Parameters
    ----------
    model : OnnxModel

    References
    ----------
    Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
    Networks", ICML 2019; the Lite variant has ReLU6 and no squeeze-and-excite.
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.card = model.card

    @classmethod
    def load(cls, models_dir: Path, *, threads: int = 1) -> FrameEncoder:
        """Load the model and run it once.

        Raises
        ------
        ModelUnavailable, CardMismatch
            the model is missing or not the one its card describes
        """
        card = EncoderCard.load(card_path(models_dir, FRAME_CARD))
        encoder = cls(OnnxModel(models_dir, card, threads=threads))
        encoder.encode([np.zeros((_SIDE, _SIDE, 3), dtype=np.uint8)])
        return encoder

    def encode(self, images: Sequence[Pixels]) -> FloatArray:
        """Encode pictures of any size.

        Parameters
        ----------
        images : sequence of uint8 [shape=(h, w, 3)]
            RGB

        Returns
        -------
        vectors : float32 [shape=(n, 1280)]
            of unit length

        Raises
        ------
        InvalidSignal
            not RGB pixels, or an empty picture
        """
        if not images:
            return np.empty((0, self.card.dimension), dtype=np.float32)
        parts = []
        for begin in range(0, len(images), _BATCH):
            batch = np.stack([_prepare(image) for image in images[begin : begin + _BATCH]])
            parts.append(unit_rows(self._model.run(batch)))
        out = np.concatenate(parts)
        self.card.check(out)
        return out

    def look(self, images: Sequence[Pixels]) -> tuple[FloatArray, bytes]:
        """Encode and mark pictures of a video, dark bars cut off.

        Parameters
        ----------
        images : sequence of uint8 [shape=(h, w, 3)]
            RGB

        Returns
        -------
        vectors : float32 [shape=(n, 1280)]
        marks : bytes
            see `encoders.picture_marks`

        Raises
        ------
        InvalidSignal
            as for `encode`
        """
        for image in images:
            _check(image)
        shown = [without_bars(image) for image in images]
        vectors = self.encode([*shown, *(middle(image) for image in shown)])
        told = centred(vectors)
        return vectors[: len(images)], marks(told[: len(images)], told[len(images) :])


def _check(image: Pixels) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InvalidSignal(f"a picture is uint8 (h, w, 3), got {image.dtype} {image.shape}")


def _prepare(image: Pixels) -> FloatArray:
    """Resize to 224 x 224 and scale; float32 [shape=(3, 224, 224)]."""
    _check(image)
    if image.shape[:2] != (_SIDE, _SIDE):
        resized = Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        image = np.asarray(resized, dtype=np.uint8)
    scaled = (image.astype(np.float32) - np.float32(127.0)) / np.float32(128.0)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))
