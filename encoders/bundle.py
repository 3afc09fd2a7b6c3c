"""All encoders of one process, and one call that hears everything in a signal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import FRAME_CARD, card_path, default_models_dir
from encoders.cards import EncoderCard
from encoders.errors import InvalidSignal
from encoders.features.audio import duration_ms, mono, resample
from encoders.features.silence import SilenceFacts, silence_facts
from encoders.fingerprint import FINGERPRINT_VERSION, Fingerprint, fingerprint
from encoders.frames import FrameEncoder
from encoders.identity import SAMPLE_RATE, IdentityEncoder
from encoders.text import TextEncoder
from encoders.version import PitchSequence, VersionEncoder

# Shorter signals hold no window, no word and no harmony worth keeping.
MIN_MS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AudioFeatures:
    """Everything heard in one signal.

    Attributes
    ----------
    duration_ms : int
    starts_ms : int32 [shape=(w,)]
    vectors : float32 [shape=(w, 256)]
        identity windows of 10 s, every 5 s; zeros where nothing sounds
    fingerprint : uint32 [shape=(t,)]
        8 words per second
    chroma : uint8 [shape=(12, u)]
        pitch classes, 2 columns per second
    version_vector : float32 [shape=(448,)]
    silence : SilenceFacts
    """

    duration_ms: int
    starts_ms: NDArray[np.int32]
    vectors: NDArray[np.float32]
    fingerprint: Fingerprint
    chroma: PitchSequence
    version_vector: NDArray[np.float32]
    silence: SilenceFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSet:
    """The encoders of one process; safe to share between threads.

    Attributes
    ----------
    text, identity, version : encoders
    frames : FrameEncoder or None
        None when pictures are not wanted or its model was not built
    """

    text: TextEncoder
    identity: IdentityEncoder
    version: VersionEncoder
    frames: FrameEncoder | None

    @classmethod
    def load(cls, models_dir: Path | None = None, *, threads: int = 1, frames: bool = True) -> EncoderSet:
        """Load and warm up every encoder.

        Parameters
        ----------
        models_dir : Path, optional
            what `encoders.build.build_models` filled
        threads : int > 0
            per model
        frames : bool
            whether pictures are wanted

        Raises
        ------
        ModelUnavailable
            a model was not built or its package is not installed
        CardMismatch
            a file is not the one its card describes
        """
        folder = models_dir or default_models_dir()
        with_frames = frames and card_path(folder, FRAME_CARD).is_file()
        return cls(
            text=TextEncoder.load(folder, threads=threads),
            identity=IdentityEncoder.load(folder, threads=threads),
            version=VersionEncoder.load(folder, threads=threads),
            frames=FrameEncoder.load(folder, threads=threads) if with_frames else None,
        )

    @property
    def cards(self) -> tuple[EncoderCard, ...]:
        """Cards of the loaded models: text, identity, version, then frames."""
        cards = (self.text.card, self.identity.card, self.version.card)
        return (*cards, self.frames.card) if self.frames is not None else cards

    @property
    def versions(self) -> MappingProxyType[str, str]:
        """Modality to model and version, the fingerprint's included; goes into every record."""
        found = {card.modality.value: card.key for card in self.cards}
        return MappingProxyType({**found, "fingerprint": f"boxes32@{FINGERPRINT_VERSION}"})

    def encode_audio(self, y: NDArray[np.floating], sr: int) -> AudioFeatures:
        """Hear everything in a signal.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
            at least half a second
        sr : int > 0 [Hz]
            22,050 or more loses nothing

        Returns
        -------
        features : AudioFeatures
            the same samples always give the same features

        Raises
        ------
        InvalidSignal
            too short, not floating point, or not finite
        """
        if sr <= 0:
            raise InvalidSignal(f"sampling rate must be positive, got {sr}")
        given = mono(y, min_samples=sr * MIN_MS // 1000)
        length = duration_ms(given, sr)
        # Every listener works at or below this rate: resample once.
        samples, rate = (resample(given, sr, SAMPLE_RATE), SAMPLE_RATE) if sr > SAMPLE_RATE else (given, sr)
        starts, vectors = self.identity.windows(samples, rate)
        chroma, version_vector = self.version.hear(samples, rate)
        return AudioFeatures(
            duration_ms=length,
            starts_ms=starts,
            vectors=vectors,
            fingerprint=fingerprint(samples, rate),
            chroma=chroma,
            version_vector=version_vector,
            silence=silence_facts(samples, sr=rate),
        )
