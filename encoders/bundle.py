"""All encoders of one process, and one call that hears everything in a signal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import FRAME_CARD, card_path, default_models_dir
from encoders.cards import EncoderCard
from encoders.errors import InvalidSignal
from encoders.features.audio import Resampler, blocks_of, mono, resampled
from encoders.features.mel import SAMPLE_RATE as LOW_RATE
from encoders.features.silence import SilenceFacts, SilenceMeter
from encoders.fingerprint import FINGERPRINT_VERSION, Fingerprint, words_of
from encoders.fingerprint_bands import SAMPLE_RATE as BAND_RATE
from encoders.fingerprint_bands import BandStream
from encoders.frames import FrameEncoder
from encoders.identity import IdentityEncoder, LevelMeter
from encoders.landmarks import Landmarks, LandmarkStream
from encoders.text import TextEncoder
from encoders.version import PitchSequence, VersionEncoder
from encoders.version_lines import LineClasses

# Shorter signals hold no window, no word and no harmony worth keeping.
MIN_MS: Final = 500
# No listener works above it.
SAMPLE_RATE: Final = 22_050
# A quarter of an hour of samples, 40 MB, is kept for whoever must hear a sound twice.
_MOST_KEPT: Final = 15 * 60 * LOW_RATE

FloatArray = NDArray[np.float32]


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
    colour : float32 [shape=(64,)]
        average spectrum in dB, at one level; see `encoders.identity.IdentityStream.colour`
    chroma : uint8 [shape=(12, u)]
        pitch classes, 2 columns per second
    classes : uint8 [shape=(12, v)]
        pitch classes that lines go through, a column every 0.37 s; see `encoders.version_lines`
    version_vector : float32 [shape=(1521,)]
    silence : SilenceFacts
    landmarks : Landmarks
        about 27 points per second
    """

    duration_ms: int
    starts_ms: NDArray[np.int32]
    vectors: NDArray[np.float32]
    fingerprint: Fingerprint
    colour: NDArray[np.float32]
    chroma: PitchSequence
    classes: LineClasses
    version_vector: NDArray[np.float32]
    silence: SilenceFacts
    landmarks: Landmarks


class _Kept:
    """Samples that are needed again, unless there are too many."""

    def __init__(self) -> None:
        self.parts: list[FloatArray] = []
        self.left_out = False
        self._count = 0

    def push(self, samples: FloatArray) -> None:
        """Keep a block, or let go of all."""
        self._count += len(samples)
        if self._count > _MOST_KEPT:
            self.left_out = True
            self.parts.clear()
        else:
            self.parts.append(samples)


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
            text=TextEncoder.load(folder),
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
        samples = mono(y, min_samples=sr * MIN_MS // 1000)
        return self.encode_blocks(lambda: blocks_of(samples), sr)

    def encode_blocks(self, blocks: Callable[[], Iterable[NDArray[np.float32]]], sr: int) -> AudioFeatures:
        """Hear everything in a signal that is never held as a whole.

        Memory grows by 45 MB with each hour: constant-Q magnitudes wait for their maximum, the rest is
        features.

        Parameters
        ----------
        blocks : callable
            gives the signal from its beginning each time it is called, which is twice for more than a
            quarter of an hour: float32 [shape=(n,)] of any lengths, mono. Where they are cut changes features
            by rounding only
        sr : int > 0 [Hz]
            22,050 or more loses nothing

        Returns
        -------
        features : AudioFeatures

        Raises
        ------
        InvalidSignal
            shorter than half a second, or not finite
        """
        if sr <= 0:
            raise InvalidSignal(f"sampling rate must be positive, got {sr}")
        # Every listener works at or below this rate: resample once.
        rate = min(sr, SAMPLE_RATE)
        silence, level = SilenceMeter(sr=rate), LevelMeter(LOW_RATE)
        version = self.version.stream(LOW_RATE)
        # Fingerprint and landmarks look at one rate, level, harmony and identity at another.
        bands, points = BandStream(BAND_RATE), LandmarkStream(BAND_RATE)
        to_rate, to_low, to_bands = Resampler(sr, rate), Resampler(rate, LOW_RATE), Resampler(rate, BAND_RATE)
        kept = _Kept()

        def hear(low: FloatArray, banded: FloatArray) -> None:
            level.push(low)
            version.push(low)
            kept.push(low)
            bands.push(banded)
            points.push(banded)

        count = 0
        for given in blocks():
            # Energy is not finite as soon as one sample is not, and needs no mask.
            if not np.isfinite(np.dot(given, given)):
                raise InvalidSignal("samples are not finite")
            count += len(given)
            block = to_rate.push(given)
            silence.push(block)
            hear(to_low.push(block), to_bands.push(block))
        if count < max(1, least := sr * MIN_MS // 1000):
            raise InvalidSignal(f"{count} samples are too few, at least {max(1, least)} are needed")
        rest = to_rate.finish()
        silence.push(rest)
        hear(to_low.push(rest), to_bands.push(rest))
        hear(to_low.finish(), to_bands.finish())
        # How loud the whole is must be known before: what is long is read and resampled once more.
        identity = self.identity.stream(LOW_RATE, level=level.finish())
        again = resampled(resampled(blocks(), sr, rate), rate, LOW_RATE) if kept.left_out else kept.parts
        for low in again:
            identity.push(low)
        starts, vectors = identity.finish()
        harmony = version.finish()
        return AudioFeatures(
            duration_ms=round(count * 1000 / sr),
            starts_ms=starts,
            vectors=vectors,
            fingerprint=words_of(*bands.finish()),
            colour=identity.colour(),
            chroma=harmony.pitches,
            classes=harmony.classes,
            version_vector=harmony.vector,
            silence=silence.facts(),
            landmarks=points.finish(),
        )
