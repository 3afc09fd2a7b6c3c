"""Two sounds compared from what is kept of them, behind the port ``Confirmer``."""

import threading

import numpy as np
from cachetools import LRUCache
from msgspec.structs import replace
from numpy.typing import NDArray

from encoders.alignment import Alignment, Layer, Place, align_sounds, layers
from encoders.fingerprint import FingerprintMatch, Verdict, align, confirm
from encoders.fingerprint_contrast import even, tells
from encoders.speed import align_stretched, find_drift
from encoders.version import align_versions
from encoders.version_lines import columns_ms, line_between
from streams.core.records import (
    HeardLayer,
    HeardLine,
    HeardSpan,
    SoundAlignment,
    SoundEvidence,
    SoundFacts,
)
from streams.core.sound_evidence import mirrored
from streams.edges.sound_blobs import SoundFeatures, unpack
from streams.ports import FeatureStore, FloatArray

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
# What is on top is told where so much of both runs along each other at one speed, and so few cents apart.
_LEAST_BESIDE = 0.25
_ONE_PITCH = 8.0
# The longest spans are told: a record stays small however a sound was cut up.
_MAX_SPANS = 8
# Of tones, and of what holds a tone at the same place: neither that they agree nor in what key is evidence.
_NOTHING = SoundEvidence()
_CACHED_BLOBS = 1_024
_CACHED_PAIRS = 50_000


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
        pitch_shift=float(_shift(harmony.semitones)) if harmony.score > 0.0 else None,
        windows=windows,
        colour_db=_colour_distance(left.colour, right.colour),
        harmony=round(harmony.score, 6),
        line=_line(left, right),
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
    found = align_sounds(
        left.landmarks,
        right.landmarks,
        duration_a_ms=left.duration_ms,
        duration_b_ms=right.duration_ms,
        # The aligner asks how much faster the right side plays.
        place=Place(match.offset_ms, 1.0 / ratio) if match.span_ms > 0 else None,
    )
    told = _told(found)
    if told is None or not _beside(found):
        return told
    heard = layers(left.landmarks, right.landmarks, found.spans, ratio=found.speed_ratio)
    if heard is None:
        return told
    return replace(
        told, only_left=_layer(heard.left), only_right=_layer(heard.right), in_both=_layer(heard.both)
    )


def _beside(found: Alignment) -> bool:
    """Say whether two sounds run along each other as they are: then what one has on top can be told."""
    return (
        min(found.coverage_a, found.coverage_b) >= _LEAST_BESIDE
        and abs(found.speed_ratio - 1.0) <= _ONE_MASTER
        and abs(found.cents) <= _ONE_PITCH
    )


def _layer(heard: Layer) -> HeardLayer:
    return HeardLayer(
        share=round(heard.share, 4),
        points=heard.points,
        scattered=round(heard.scattered, 4),
        harmonic=round(heard.harmonic, 4),
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


def _line(left: SoundFeatures, right: SoundFeatures) -> HeardLine | None:
    """Tell the straight line along which two harmonies go together best."""
    if left.classes is None or right.classes is None:
        return None
    found = line_between(left.classes, right.classes)
    if found.score <= 0.0:
        return None
    return HeardLine(
        score=round(found.score, 4),
        speed_ratio=round(found.ratio, 6),
        semitones=_shift(found.semitones),
        start_ms=found.start_a_ms,
        end_ms=found.end_a_ms,
        other_start_ms=found.start_b_ms,
        other_end_ms=found.end_b_ms,
        coverage_left=_share(found.end_a_ms - found.start_a_ms, columns_ms(left.classes)),
        coverage_right=_share(found.end_b_ms - found.start_b_ms, columns_ms(right.classes)),
    )


def _share(part: int, whole: float) -> float:
    return round(min(1.0, part / whole), 4)


def _shift(raised: int) -> int:
    """Give how many semitones the left side is above the right; beyond a tritone it is below."""
    return (raised + 5) % 12 - 5


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
