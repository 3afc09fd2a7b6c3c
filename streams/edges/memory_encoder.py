"""Encoders without models, for tests and for trying things out: crude, fast, and the same everywhere."""

import hashlib
import io
import itertools
import zipfile
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from streams.core.records import SoundEvidence, SoundFacts, VectorRow
from streams.errors import FeatureMissing, MediaError
from streams.ports import FeatureStore, FloatArray, HeardSound, SeenPictures, Sound

TEXT_DIMENSION = 512
SOUND_DIMENSION = 64
PICTURE_DIMENSION = 1280
_MODELS = {"text": "trigrams@1", "identity": "bands@1", "frames": "grid@1", "artwork": "grid@1"}
_WINDOW_S, _HOP_S = 10, 5
_N_FFT = 2048
_SAME = 0.98


class MemoryEncoder:
    """The port ``streams.ports.Encoder`` by hashing and averaging.

    Texts are alike when they share letters in threes, sounds when their average spectra agree.
    """

    @property
    def models(self) -> dict[str, str]:
        """Model name-version by modality of a vector row."""
        return dict(_MODELS)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed strings: float32 [shape=(n, 512)], unit rows; zeros for a blank text."""
        out = np.zeros((len(texts), TEXT_DIMENSION), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            padded = f" {' '.join(text.lower().split())} "
            for at in range(len(padded) - 2):
                digest = hashlib.blake2b(padded[at : at + 3].encode(errors="replace"), digest_size=4).digest()
                number = int.from_bytes(digest, "little")
                row[number % TEXT_DIMENSION] += 1.0 if number & 0x8000_0000 else -1.0
        return _unit(out)

    def encode_sound(self, sound: Sound) -> HeardSound:
        """Hear a sound, held as a whole.

        Raises
        ------
        MediaError
            ``media_silent`` or ``media_too_short``
        """
        sr, pcm = sound.sr, sound.read(0, sound.samples)
        y = np.multiply(pcm, np.float32(1 / 32768), dtype=np.float32)
        if not y.size or float(np.abs(y).max()) < 1e-3:
            raise MediaError("nothing can be heard", code="media_silent")
        if len(y) < sr // 2:
            raise MediaError("half a second is needed", code="media_too_short")
        starts, windows = _windows(y, sr)
        blob = io.BytesIO()
        np.savez(blob, allow_pickle=False, windows=windows)
        loud = np.abs(y) > 1e-3
        return HeardSound(
            duration_ms=round(len(y) * 1000 / sr),
            silent_share=float(1.0 - loud.mean()),
            rms_dbfs=float(20 * np.log10(np.sqrt(np.mean(y.astype(np.float64) ** 2)))),
            content_sha256=hashlib.sha256(pcm.tobytes()).hexdigest(),
            features=blob.getvalue(),
            vectors=tuple(
                VectorRow(
                    modality="identity",
                    model=_MODELS["identity"],
                    window=number,
                    start_ms=start,
                    values=window.astype("<f2").tobytes(),
                )
                for number, (start, window) in enumerate(zip(starts, windows, strict=True))
                if window.any()
            ),
        )

    def encode_images(self, images: Sequence[NDArray[np.uint8]]) -> FloatArray:
        """Embed RGB pictures by the colours of a grid: float32 [shape=(n, 1280)], unit rows."""
        out = np.zeros((len(images), PICTURE_DIMENSION), dtype=np.float32)
        for row, image in zip(out, images, strict=True):
            down = np.linspace(0, image.shape[0] - 1, 20).astype(int)
            across = np.linspace(0, image.shape[1] - 1, 21).astype(int)
            grid = image[np.ix_(down, across)].astype(np.float32).reshape(-1) - 127.0
            row[: len(grid)] = grid
        return _unit(out)

    def see(self, images: Sequence[NDArray[np.uint8]]) -> SeenPictures | None:
        """Embed pictures, and mark them by which parts are brighter than their mean."""
        vectors = self.encode_images(images)
        bright = vectors[:, :512] > vectors[:, :512].mean(axis=1, keepdims=True)
        marks = np.packbits(np.repeat(bright[:, None], 2, axis=1), axis=2).tobytes()
        return SeenPictures(vectors=vectors, marks=marks, marks_model=f"{_MODELS['frames']}/marks@1")


class MemoryConfirmer:
    """The port ``streams.ports.Confirmer`` for blobs of ``MemoryEncoder``."""

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        """Compare average spectra; raises ``FeatureMissing``."""
        if left.content_sha256 == right.content_sha256:
            return SoundEvidence(bit_error=0.0, offset_ms=0, windows=1.0, harmony=1.0, same_content=True)
        similarity = float((self._load(left.features) @ self._load(right.features).T).max())
        return SoundEvidence(
            bit_error=0.05 if similarity >= _SAME else 0.45,
            offset_ms=0,
            overlap_ms=min(left.duration_ms, right.duration_ms),
            coverage_left=min(1.0, right.duration_ms / max(1, left.duration_ms)),
            coverage_right=min(1.0, left.duration_ms / max(1, right.duration_ms)),
            speed_ratio=1.0,
            windows=round(similarity, 6),
        )

    def _load(self, digest: str) -> FloatArray:
        try:
            return _windows_in(self._store.get(digest))
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as exc:
            raise FeatureMissing(f"blob {digest} cannot be read: {exc}") from exc


@lru_cache(maxsize=256)
def _windows_in(blob: bytes) -> FloatArray:
    """Read a blob; the same few are compared again and again."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
        windows: FloatArray = arrays["windows"]
    windows.flags.writeable = False
    return windows


def _windows(y: FloatArray, sr: int) -> tuple[list[int], FloatArray]:
    """Average the spectrum of windows of 10 s, every 5 s."""
    count = max(1, (len(y) - _WINDOW_S * sr) // (_HOP_S * sr) + 1)
    out = np.zeros((count, SOUND_DIMENSION), dtype=np.float32)
    for number, row in enumerate(out):
        part = y[number * _HOP_S * sr :][: _WINDOW_S * sr]
        part = np.pad(part, (0, -len(part) % _N_FFT)).reshape(-1, _N_FFT)
        power = np.abs(np.fft.rfft(part * np.hanning(_N_FFT), axis=1)).mean(axis=0)
        edges = np.geomspace(2, len(power), SOUND_DIMENSION + 1).astype(int)
        bands = np.array([power[a : max(b, a + 1)].mean() for a, b in itertools.pairwise(edges)])
        row[:] = bands
    return [number * _HOP_S * 1000 for number in range(count)], _unit(out)


def _unit(rows: FloatArray) -> FloatArray:
    """Scale rows to unit length; zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 1e-12, lengths, 1.0), dtype=np.float32)
