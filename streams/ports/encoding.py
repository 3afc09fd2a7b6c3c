"""Models: texts, sounds and pictures to vectors, and two sounds beside each other."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.core.records import SoundEvidence, SoundFacts
from streams.ports.media import HeardSound, SeenPictures, Sound

FloatArray = NDArray[np.float32]


class Encoder(Protocol):
    """Embeddings of text, sound and pictures; batched, NumPy in and out."""

    @property
    def models(self) -> dict[str, str]:
        """Model name-version by modality."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed strings: float32 [shape=(n, d)], unit rows; a row of zeros where nothing could be read."""
        ...

    def encode_sound(self, sound: Sound) -> HeardSound:
        """Hear a sound; raises ``MediaError`` for one that holds nothing to hear."""
        ...

    def encode_images(self, images: Sequence[NDArray[np.uint8]]) -> FloatArray:
        """Embed RGB pictures [shape=(h, w, 3)]: float32 [shape=(n, 1280)]; none when the model is absent."""
        ...

    def see(self, images: Sequence[NDArray[np.uint8]]) -> SeenPictures | None:
        """Embed and mark pictures of a video, dark bars cut off; none when the model is absent."""
        ...


class Confirmer(Protocol):
    """Comparison of two sounds from their stored features alone: a pure function of both blobs."""

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        """Align and compare.

        Raises
        ------
        FeatureMissing
            a blob is gone: pause and ask for re-encoding
        """
        ...
