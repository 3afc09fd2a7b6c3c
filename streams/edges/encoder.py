"""The models behind the port ``Encoder``."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from encoders.bundle import AudioFeatures, EncoderSet
from encoders.errors import CardMismatch, EncoderError, InvalidSignal, ModelUnavailable, UnusableOutput
from encoders.features.audio import BLOCK
from encoders.picture_marks import MARKS_VERSION
from streams.core.records import VectorRow
from streams.edges.sound_blobs import pack
from streams.errors import ConfigError, EncoderMismatch, MediaError
from streams.ports import FloatArray, HeardSound, SeenPictures, Sound

# One window every 5 s: 32 minutes. A longer recording is indexed more thinly; its blob holds every window.
MAX_INDEXED_WINDOWS = 400
# A peak below -60 dB of full scale.
_SILENT_PEAK = 1e-3
_FULL_SCALE = 32768
Seen = TypeVar("Seen")


class BundleEncoder:
    """All encoders of one process; calls may come from several threads.

    Parameters
    ----------
    encoders : EncoderSet
    """

    def __init__(self, encoders: EncoderSet) -> None:
        self._encoders = encoders
        cards = {"text": encoders.text.card, "identity": encoders.identity.card}
        models = {name: card.key for name, card in cards.items()} | {"version": encoders.version.card.key}
        if encoders.frames is not None:
            models |= {"frames": encoders.frames.card.key, "artwork": encoders.frames.card.key}
        self._models = models

    @classmethod
    def load(cls, models_dir: Path | None = None, *, threads: int = 1) -> "BundleEncoder":
        """Load and warm up every model.

        Raises
        ------
        ConfigError
            the models were not built
        EncoderMismatch
            a model is not the one that its card describes
        """
        try:
            return cls(EncoderSet.load(models_dir, threads=threads))
        except ModelUnavailable as exc:
            raise ConfigError(str(exc)) from exc
        except (CardMismatch, UnusableOutput) as exc:
            raise EncoderMismatch(str(exc)) from exc

    @property
    def models(self) -> dict[str, str]:
        """Model name-version by modality of a vector row."""
        return dict(self._models)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed strings: float32 [shape=(n, d)], unit rows; zeros where nothing could be read."""
        try:
            return self._encoders.text.encode(list(texts))
        except EncoderError as exc:
            raise EncoderMismatch(str(exc)) from exc

    def encode_sound(self, sound: Sound) -> HeardSound:
        """Hear a sound, block by block: an hour takes 45 MB more than a minute.

        Raises
        ------
        MediaError
            ``media_silent``, ``media_too_short`` or ``media_not_encodable``
        """
        content_sha256, peak = _content(sound)
        if peak < _SILENT_PEAK * _FULL_SCALE:
            raise MediaError("nothing can be heard", code="media_silent")
        try:
            heard = self._encoders.encode_blocks(lambda: _blocks(sound), sound.sr)
        except InvalidSignal as exc:
            raise MediaError(str(exc), code="media_too_short") from exc
        except UnusableOutput as exc:  # of this sound alone: the model gave numbers when it was loaded
            raise MediaError(str(exc), code="media_not_encodable") from exc
        except CardMismatch as exc:
            raise EncoderMismatch(str(exc)) from exc
        if heard.silence.silent:
            raise MediaError("nothing can be heard", code="media_silent")
        return HeardSound(
            duration_ms=heard.duration_ms,
            silent_share=heard.silence.silent_fraction,
            rms_dbfs=heard.silence.rms_dbfs,
            content_sha256=content_sha256,
            features=pack(heard, model=self._models["identity"]),
            vectors=self._rows(heard),
        )

    def encode_images(self, images: Sequence[NDArray[np.uint8]]) -> FloatArray:
        """Embed RGB pictures: float32 [shape=(n, 1280)]; none when the model is absent.

        Raises
        ------
        MediaError
            ``media_not_image`` or ``media_not_encodable``
        """
        frames = self._encoders.frames
        if frames is None or not images:
            return np.empty((0, 1280), dtype=np.float32)
        return _translated(lambda: frames.encode(images))

    def see(self, images: Sequence[NDArray[np.uint8]]) -> SeenPictures | None:
        """Embed and mark pictures of a video; none when the model is absent.

        Raises
        ------
        MediaError
            ``media_not_image`` or ``media_not_encodable``
        """
        frames = self._encoders.frames
        if frames is None or not images:
            return None
        vectors, marked = _translated(lambda: frames.look(images))
        model = f"{self._models['frames']}/marks@{MARKS_VERSION}"
        return SeenPictures(vectors=vectors, marks=marked, marks_model=model)

    def _rows(self, heard: AudioFeatures) -> tuple[VectorRow, ...]:
        step = -(-len(heard.vectors) // MAX_INDEXED_WINDOWS)
        rows = [
            VectorRow(
                modality="identity",
                model=self._models["identity"],
                window=number,
                start_ms=int(heard.starts_ms[number]),
                values=half_precision(heard.vectors[number]),
            )
            for number in range(0, len(heard.vectors), max(1, step))
            if heard.vectors[number].any()
        ]
        if heard.version_vector.any():
            values = half_precision(heard.version_vector)
            model = self._models["version"]
            rows.append(VectorRow(modality="version", model=model, window=0, start_ms=0, values=values))
        return tuple(rows)


def _translated(seen: Callable[[], Seen]) -> Seen:
    """Look at pictures; what the encoder says of them becomes what the stage understands."""
    try:
        return seen()
    except InvalidSignal as exc:
        raise MediaError(str(exc), code="media_not_image") from exc
    except UnusableOutput as exc:
        raise MediaError(str(exc), code="media_not_encodable") from exc
    except CardMismatch as exc:
        raise EncoderMismatch(str(exc)) from exc


def half_precision(vector: FloatArray) -> bytes:
    """Write a vector as little-endian float16."""
    return vector.astype("<f2").tobytes()


def _content(sound: Sound) -> tuple[str, int]:
    """Give the sha256 of the samples, by which lossless copies in any container agree, and the largest."""
    digest, peak = hashlib.sha256(), 0
    for pcm in _pcm(sound):
        digest.update(np.ascontiguousarray(pcm, dtype="<i2").data)
        peak = max(peak, int(pcm.max()), -int(pcm.min()))
    return digest.hexdigest(), peak


def _pcm(sound: Sound) -> Iterator[NDArray[np.int16]]:
    for first in range(0, sound.samples, BLOCK):
        yield sound.read(first, BLOCK)


def _blocks(sound: Sound) -> Iterator[FloatArray]:
    """Give the samples as float32 in [-1, 1]."""
    for pcm in _pcm(sound):
        yield np.multiply(pcm, np.float32(1 / _FULL_SCALE), dtype=np.float32)
