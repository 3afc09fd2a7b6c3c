"""The encoders behind the ports ``Encoder`` and ``Confirmer``; nothing else in serving imports them."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from encoders.alignment import Alignment, Place, align_sounds
from encoders.bundle import AudioFeatures, EncoderSet
from encoders.errors import CardMismatch, EncoderError, InvalidSignal, ModelUnavailable, UnusableOutput
from encoders.features.audio import BLOCK
from encoders.fingerprint import FINGERPRINT_VERSION, FingerprintMatch, Verdict, align, confirm
from encoders.fingerprint_contrast import even, tells
from encoders.landmarks import LANDMARKS_VERSION, Landmarks
from encoders.picture_marks import MARKS_VERSION
from encoders.speed import align_stretched, find_drift
from encoders.version import VersionMatch, align_versions
from streams.core.records import HeardSpan, SoundAlignment, SoundEvidence, SoundFacts, VectorRow
from streams.core.sound_evidence import mirrored
from streams.errors import ConfigError, EncoderMismatch, FeatureMissing, MediaError
from streams.ports import FeatureStore, FloatArray, HeardSound, SeenPictures, Sound

# Raised when the blob's contents change their meaning; a blob of another format asks for re-encoding.
FORMAT = 1
# One window every 5 s: 32 minutes. A longer recording is indexed more thinly; its blob holds every window.
MAX_INDEXED_WINDOWS = 400
# A peak below -60 dB of full scale.
_SILENT_PEAK = 1e-3
_FULL_SCALE = 32768
# Trying other tempos costs as much as sixty alignments. Windows of a stretched copy stay alike: of 19 tracks
# played 0.85 to 1.18 times as fast 0.865 and more, at 0.8 and 1.25 0.81 and more; 171 pairs of strangers at
# most 0.66, 95 % under 0.47 (measured for `samesong-identity@1`).
_STRETCH_WINDOWS = 0.75
# A copy at the same tempo agrees this well over all of one side; one at another tempo only for as long as the
# two have not yet drifted apart.
_CLEAR_BIT_ERROR = 0.10
_WHOLE = 0.90
# A fingerprint's words reach two seconds beyond a sound's ends; more missing than that may be a cut.
_WHOLLY = 0.97
# A copy 0.3 % faster has a bit error of 0.042 and more; one by codec or level stays under 0.026 (measured).
_EXACT_BIT_ERROR = 0.02
_ONE_MASTER = 0.005
# The longest spans are told: a record stays small however a sound was cut up.
_MAX_SPANS = 8
# Of tones, and of what holds a tone at the same place: neither that they agree nor in what key is evidence.
_NOTHING = SoundEvidence()
_NO_LEVELS = np.empty(0, dtype=np.uint8)
Seen = TypeVar("Seen")
_CACHED_BLOBS = 1_024
_CACHED_PAIRS = 50_000


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
            raise ConfigError(f"{exc}; run `samesong models build`") from exc
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


def content_digest(sound: Sound) -> str:
    """Sha256 of the sound as 16-bit samples: lossless copies agree whatever container they came in."""
    return _content(sound)[0]


def _content(sound: Sound) -> tuple[str, int]:
    """Give the digest of the samples and the largest of them."""
    digest, peak = hashlib.sha256(), 0
    for pcm in _pcm(sound):
        digest.update(pcm.astype("<i2", copy=False).tobytes())
        peak = max(peak, int(pcm.max()), -int(pcm.min()))
    return digest.hexdigest(), peak


def _pcm(sound: Sound) -> Iterator[NDArray[np.int16]]:
    for first in range(0, sound.samples, BLOCK):
        yield sound.read(first, BLOCK)


def _blocks(sound: Sound) -> Iterator[FloatArray]:
    """Give the samples as float32 in [-1, 1]."""
    for pcm in _pcm(sound):
        yield np.multiply(pcm, np.float32(1 / _FULL_SCALE), dtype=np.float32)


def pack(heard: AudioFeatures, *, model: str) -> bytes:
    """Put what comparison needs into one blob; the same features always give the same bytes.

    Parameters
    ----------
    heard : AudioFeatures
    model : str
        that the windows are of: those of two models are never compared
    """
    out = io.BytesIO()
    np.savez(
        out,
        allow_pickle=False,
        format=np.array([FORMAT, FINGERPRINT_VERSION], dtype="<i4"),
        duration_ms=np.array(heard.duration_ms, dtype="<i8"),
        fingerprint=heard.fingerprint.astype("<u4"),
        chroma=heard.chroma,
        starts_ms=heard.starts_ms.astype("<i4"),
        windows=heard.vectors.astype("<f2"),
        landmarks=np.array(LANDMARKS_VERSION, dtype="<i4"),
        landmark_frames=heard.landmarks.frames.astype("<i4"),
        landmark_cents=heard.landmarks.cents.astype("<u2"),
        landmark_levels=heard.landmarks.levels if heard.landmarks.levels is not None else _NO_LEVELS,
        landmark_heights=heard.landmarks.heights if heard.landmarks.heights is not None else _NO_LEVELS,
        model=np.array(model, dtype="<U64"),
        colour=heard.colour.astype("<f2"),
    )
    return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundFeatures:
    """An unpacked blob: what `pack` was given, but for the level facts.

    Attributes
    ----------
    fingerprint, chroma, windows
        see `encoders.bundle.AudioFeatures`
    model : str
        that the windows are of; empty where the blob does not say
    colour : float32 [shape=(64,)] or None
        None where the blob has none
    """

    fingerprint: NDArray[np.uint32]
    chroma: NDArray[np.uint8]
    windows: FloatArray
    model: str
    colour: FloatArray | None
    landmarks: Landmarks | None = None  # none in a blob of before there were any
    duration_ms: int = 0


def unpack(blob: bytes) -> SoundFeatures:
    """Read what `pack` wrote.

    Raises
    ------
    FeatureMissing
        another format, or damaged: the upload has to be encoded again
    """
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
            found = tuple(int(number) for number in arrays["format"])
            features = SoundFeatures(
                fingerprint=arrays["fingerprint"].astype(np.uint32),
                chroma=arrays["chroma"],
                windows=arrays["windows"].astype(np.float32),
                landmarks=_landmarks(arrays),
                duration_ms=int(arrays["duration_ms"]),
                model=str(arrays["model"]) if "model" in arrays else "",
                colour=arrays["colour"].astype(np.float32) if "colour" in arrays else None,
            )
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as exc:
        raise FeatureMissing(f"a feature blob cannot be read: {exc}") from exc
    if found != (FORMAT, FINGERPRINT_VERSION):
        raise FeatureMissing(f"a feature blob has format {found}, not {(FORMAT, FINGERPRINT_VERSION)}")
    return features


def _landmarks(arrays: Mapping[str, NDArray[Any]]) -> Landmarks | None:
    """Read the landmarks of a blob, if it holds those that we find."""
    if "landmarks" not in arrays or int(arrays["landmarks"]) != LANDMARKS_VERSION:
        return None
    return Landmarks(
        frames=arrays["landmark_frames"].astype(np.int32),
        cents=arrays["landmark_cents"].astype(np.uint16),
        levels=_kept(arrays, "landmark_levels"),
        heights=_kept(arrays, "landmark_heights"),
    )


def _kept(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.uint8] | None:
    """Read an array of bytes; none in a blob of before it was kept."""
    return arrays[name] if name in arrays and len(arrays[name]) else None


class FeatureConfirmer:
    """Compare two sounds from their stored features: a pure function of both blobs, in either order.

    Parameters
    ----------
    store : FeatureStore
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._blobs: LRUCache[str, SoundFeatures] = LRUCache(_CACHED_BLOBS)
        self._pairs: LRUCache[tuple[str, str], SoundEvidence] = LRUCache(_CACHED_PAIRS)
        self._lock = threading.Lock()

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        """Align and compare.

        Raises
        ------
        FeatureMissing
            a blob is gone or of an older format: pause and ask for re-encoding
        """
        if left.content_sha256 == right.content_sha256:
            return _same_content(left.duration_ms)
        # One order for both questions, so that their answers mirror each other exactly.
        if left.features <= right.features:
            return self._compare(left.features, right.features)
        return mirrored(self._compare(right.features, left.features))

    def _compare(self, left: str, right: str) -> SoundEvidence:
        with self._lock:
            known = self._pairs.get((left, right))
        if known is not None:
            return known
        found = compare_features(self._load(left), self._load(right))
        with self._lock:
            self._pairs[left, right] = found
        return found

    def _load(self, digest: str) -> SoundFeatures:
        with self._lock:
            known = self._blobs.get(digest)
        if known is not None:
            return known
        features = unpack(self._store.get(digest))
        with self._lock:
            self._blobs[digest] = features
        return features


def compare_features(left: SoundFeatures, right: SoundFeatures) -> SoundEvidence:
    """Align fingerprints, at another tempo if need be, and compare windows and harmony."""
    if even(left.fingerprint) or even(right.fingerprint):
        return _NOTHING
    comparable = left.model == right.model
    windows = _best_cosine(left.windows, right.windows) if comparable else None
    # Where windows tell nothing other tempos are worth trying all the same.
    near = windows is None or windows >= _STRETCH_WINDOWS
    match, ratio = _aligned(left.fingerprint, right.fingerprint, near=near)
    aligned = match.overlap_ms > 0
    if aligned and not tells(match, left.fingerprint):
        return _NOTHING
    harmony = align_versions(left.chroma, right.chroma)
    return SoundEvidence(
        bit_error=round(match.bit_error, 6) if aligned else None,
        offset_ms=match.offset_ms if aligned else None,
        overlap_ms=_overlap(match) if aligned else None,
        start_ms=_start(match) if aligned else None,
        coverage_left=round(match.coverage_a, 6) if aligned else None,
        coverage_right=round(match.coverage_b, 6) if aligned else None,
        speed_ratio=round(ratio, 6) if aligned else None,
        pitch_shift=_shift(harmony) if harmony.score > 0.0 else None,
        windows=windows,
        colour_db=_colour_distance(left.colour, right.colour),
        harmony=round(harmony.score, 6),
        alignment=_alignment(left, right, match, ratio),
    )


def _alignment(
    left: SoundFeatures, right: SoundFeatures, match: FingerprintMatch, ratio: float
) -> SoundAlignment | None:
    """Align by landmarks, where the fingerprint does not say already that all of both is one sound.

    The fingerprint says where the two lie on each other, the left side playing so many times faster.
    """
    if left.landmarks is None or right.landmarks is None:
        return None
    if (
        confirm(match) is Verdict.SAME
        and match.bit_error <= _CLEAR_BIT_ERROR
        and min(match.coverage_a, match.coverage_b) >= _WHOLLY
    ):
        return None
    return _told(
        align_sounds(
            left.landmarks,
            right.landmarks,
            duration_a_ms=left.duration_ms,
            duration_b_ms=right.duration_ms,
            # The aligner asks how much faster the right side plays.
            place=Place(match.offset_ms, 1.0 / ratio) if match.span_ms > 0 else None,
        )
    )


def _told(found: Alignment) -> SoundAlignment | None:
    """Tell an alignment from the left side; none where nothing is the same."""
    if not found.spans:
        return None
    longest = sorted(found.spans, key=lambda span: (span.start_a_ms - span.end_a_ms, span.start_a_ms))
    spans = tuple(
        HeardSpan(
            start_ms=span.start_a_ms,
            end_ms=span.end_a_ms,
            other_start_ms=span.start_b_ms,
            other_end_ms=span.end_b_ms,
            agreement=span.agreement,
        )
        for span in sorted(longest[:_MAX_SPANS], key=lambda span: (span.start_a_ms, span.start_b_ms))
    )
    return SoundAlignment(
        spans=spans,
        # The aligner says how much faster the right side plays.
        speed_ratio=round(1.0 / found.speed_ratio, 6),
        pitch_cents=found.cents,
        pitch_tied=found.pitch_tied,
        coverage_left=round(found.coverage_a, 6),
        coverage_right=round(found.coverage_b, 6),
        longest_left=round(found.longest_a, 6),
        longest_right=round(found.longest_b, 6),
        log_odds=round(sum(span.worth for span in found.spans), 2),
    )


def _aligned(
    left: NDArray[np.uint32], right: NDArray[np.uint32], *, near: bool
) -> tuple[FingerprintMatch, float]:
    """Align at the tempo that fits best; with it, how much faster the left side plays."""
    match = align(left, right)
    same = confirm(match) is Verdict.SAME
    clear = same and match.bit_error <= _CLEAR_BIT_ERROR
    whole = same and max(match.coverage_a, match.coverage_b) >= _WHOLE
    if clear or whole or not near:
        return match, _drift(left, right, match) if whole else 1.0
    stretched = align_stretched(left, right)
    if stretched.speed_ratio == 1.0 or confirm(stretched.match) is not Verdict.SAME:
        return match, 1.0
    # It says how much faster the right side plays; the evidence speaks of the left.
    return stretched.match, 1.0 / stretched.speed_ratio


def _drift(left: NDArray[np.uint32], right: NDArray[np.uint32], match: FingerprintMatch) -> float:
    """Give how much faster the left side plays where that is little enough to be of one master."""
    if match.bit_error <= _EXACT_BIT_ERROR:
        return 1.0
    ratio = 1.0 / find_drift(left, right, match)
    return ratio if abs(ratio - 1.0) <= _ONE_MASTER else 1.0


def _shift(harmony: VersionMatch) -> float:
    """Give how many semitones the left side is above the right; beyond a tritone it is below."""
    return float((harmony.semitones + 5) % 12 - 5)


def _overlap(match: FingerprintMatch) -> int:
    """Give the time that the bit error was measured on."""
    return match.span_ms if match.span_ms > 0 else match.overlap_ms


def _start(match: FingerprintMatch) -> int:
    """Give where that time begins, in the left sound."""
    return match.start_a_ms if match.span_ms > 0 else max(0, match.offset_ms)


def _best_cosine(left: FloatArray, right: FloatArray) -> float | None:
    """Find the best pair of windows; None where one side has no sounding window."""
    left, right = left[left.any(axis=1)], right[right.any(axis=1)]
    if not len(left) or not len(right):
        return None
    return round(float(min(1.0, (left @ right.T).max())), 6)


def _colour_distance(left: FloatArray | None, right: FloatArray | None) -> float | None:
    """Say how far two average spectra are apart, in dB; None where one is unknown.

    The median over the bands: a small codec takes some of them away, an equaliser moves most.
    """
    if left is None or right is None:
        return None
    return round(float(np.median(np.abs(left - right))), 6)


def _same_content(duration_ms: int) -> SoundEvidence:
    return SoundEvidence(
        bit_error=0.0,
        offset_ms=0,
        overlap_ms=duration_ms,
        start_ms=0,
        coverage_left=1.0,
        coverage_right=1.0,
        speed_ratio=1.0,
        pitch_shift=0.0,
        windows=1.0,
        colour_db=0.0,
        harmony=1.0,
        same_content=True,
    )
