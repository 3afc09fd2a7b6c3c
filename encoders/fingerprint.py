"""Acoustic fingerprints: same recording or not, and where.

A signal becomes one 32-bit word per 125 ms. Each bit is the answer of one
small filter laid over a picture of the sound (18 bands by 2 s), so a codec, a
gain or some noise flips few of them while another performance flips a third.
The idea follows Ke, Hoiem, Sukthankar, "Computer Vision for Music
Identification", CVPR 2005, and the Chromaprint project's use of it; bands,
filters and thresholds are this project's own (`encoders.fingerprint_bands`,
`encoders.fingerprint_filters`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.errors import InvalidSignal
from encoders.fingerprint_bands import BANDS, band_image
from encoders.fingerprint_filters import FILTERS, SPAN

FloatArray = NDArray[np.float32]
Fingerprint = NDArray[np.uint32]

# Raised whenever the same samples would give other words.
FINGERPRINT_VERSION: Final = 1
FRAME_MS: Final = 125
SILENT_WORD: Final = 0

_BOXES: Final = tuple((bit, box) for bit, item in enumerate(FILTERS) for box in item.boxes())

# Offsets with less in common than 3 s are not considered, and a matching span
# is at least 4 s: among 253 pairs of unrelated tracks no chance span that long
# stayed under UNRELATED_BIT_ERROR, while spans of 3 s went down to 0.28.
MIN_OVERLAP_FRAMES: Final = 24
MIN_SPAN_FRAMES: Final = 32

# Held-out tracks: re-encoded at 16-32 kbit/s at most 0.09, white noise at 10 dB
# at most 0.17, whole overlap of unrelated music at least 0.34. Raising the first
# lets chance spans of loop-based music in; lowering it below 0.18 loses noisy
# copies. The second is also where a matching span ends: 0.36 let spans run on
# into unrelated music with the same beat.
SAME_BIT_ERROR: Final = 0.22
UNRELATED_BIT_ERROR: Final = 0.30
# What a copy must have in common before it counts as one.
SAME_SPAN_MS: Final = 5_000


class Verdict(StrEnum):
    """What an alignment says by itself."""

    SAME = "same"
    UNSURE = "unsure"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintMatch:
    """Where two fingerprints agree best, and how well.

    Attributes
    ----------
    offset_ms : int
        position in ``a`` minus position in ``b`` of the same sound
    overlap_ms : int
        sounding time compared at that offset
    bit_error : float in [0, 1]
        share of differing bits inside the matching span, or inside the whole
        overlap when no span matches; 0.5 when nothing could be compared
    overlap_bit_error : float in [0, 1]
        share of differing bits inside the whole overlap
    start_a_ms, start_b_ms, span_ms : int
        the matching span; ``span_ms`` is 0 when none was found
    coverage_a, coverage_b : float in [0, 1]
        share of each side inside the matching span
    """

    offset_ms: int
    overlap_ms: int
    bit_error: float
    overlap_bit_error: float
    start_a_ms: int
    start_b_ms: int
    span_ms: int
    coverage_a: float
    coverage_b: float


_NOTHING: Final = FingerprintMatch(
    offset_ms=0,
    overlap_ms=0,
    bit_error=0.5,
    overlap_bit_error=0.5,
    start_a_ms=0,
    start_b_ms=0,
    span_ms=0,
    coverage_a=0.0,
    coverage_b=0.0,
)


def fingerprint(y: NDArray[np.floating], sr: int) -> Fingerprint:
    """Compute the fingerprint of a signal.

    Parameters
    ----------
    y : float [shape=(n,) or (channels, n)]
    sr : int > 0 [Hz]

    Returns
    -------
    words : uint32 [shape=(t,)]
        8 per second; empty for less than 2.3 s; `SILENT_WORD` where nothing sounds

    Raises
    ------
    InvalidSignal
        see `encoders.features.audio.mono`
    """
    return words_of(*band_image(y, sr))


def words_of(image: FloatArray, sounding: NDArray[np.bool_]) -> Fingerprint:
    """Compute the fingerprint from what `encoders.fingerprint_bands.BandStream` gives."""
    count = len(image) - SPAN + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint32)
    words = np.zeros(count, dtype=np.uint32)
    for bit, values in enumerate(filter_values(image).T):
        words |= (values > FILTERS[bit].threshold).astype(np.uint32) << np.uint32(bit)
    # The word spans SPAN frames; it is silent when none of them sounds.
    heard = np.convolve(sounding, np.ones(SPAN), mode="valid") > 0.5
    return np.where(heard, words, np.uint32(SILENT_WORD)).astype(np.uint32)


def filter_values(image: FloatArray) -> FloatArray:
    """Apply every filter at every position.

    Parameters
    ----------
    image : float32 [shape=(t, 18)]

    Returns
    -------
    values : float32 [shape=(t - SPAN + 1, 32)]
    """
    count = len(image) - SPAN + 1
    # Time runs along rows, so that what is added up lies together.
    sums = np.zeros((BANDS + 1, len(image) + 1))
    np.cumsum(np.cumsum(image.T, axis=1, dtype=np.float64), axis=0, out=sums[1:, 1:])
    values = np.zeros((len(FILTERS), count), dtype=np.float32)
    for bit, (t0, t1, b0, b1, weight) in _BOXES:
        box = sums[b1, t1 : t1 + count] - sums[b1, t0 : t0 + count]
        box -= sums[b0, t1 : t1 + count]
        box += sums[b0, t0 : t0 + count]
        values[bit] += box * (weight / ((t1 - t0) * (b1 - b0)))
    return values.T


def align(a: Fingerprint, b: Fingerprint) -> FingerprintMatch:
    """Find the offset at which two fingerprints agree best.

    Every offset is scored at once by correlating the bits as +1 and -1 in the
    frequency domain (4 minutes against 4 minutes: about 3 ms), so a crop, a
    longer intro or an excerpt is found even where no word is without an error.

    Parameters
    ----------
    a, b : uint32 [shape=(n,)]

    Returns
    -------
    match : FingerprintMatch

    Raises
    ------
    InvalidSignal
        something other than a fingerprint was given
    """
    for words in (a, b):
        if words.ndim != 1 or words.dtype != np.uint32:
            raise InvalidSignal("a fingerprint is a one-dimensional uint32 array")
    least = min(MIN_OVERLAP_FRAMES, len(a), len(b))
    if least < MIN_OVERLAP_FRAMES // 3:
        return _NOTHING
    signs_a, signs_b = _signs(a), _signs(b)
    size = fft.next_fast_len(len(a) + len(b) - 1, real=True)
    spectra = fft.rfft(signs_a, size, axis=0) * np.conj(fft.rfft(signs_b, size, axis=0))
    agreement, common = fft.irfft(
        np.stack([spectra[:, :32].sum(axis=1), spectra[:, 32]], axis=1), size, axis=0
    ).T
    # Circular: entry k is the offset k, entry size - k the offset -k.
    offsets = np.concatenate([np.arange(0, len(a)), np.arange(-len(b) + 1, 0)])
    common = common[offsets]
    usable = common >= least - 0.5
    if not usable.any():
        return _NOTHING
    # Chance agreement falls with the root of what is compared.
    strength = np.where(usable, agreement[offsets] / np.sqrt(np.maximum(common, 1.0)), -np.inf)
    return _describe(a, b, int(offsets[int(np.argmax(strength))]))


def confirm(match: FingerprintMatch) -> Verdict:
    """Say whether an alignment shows the same recording.

    Parameters
    ----------
    match : FingerprintMatch

    Returns
    -------
    verdict : Verdict
        same: at least 5 s agree with a bit error up to `SAME_BIT_ERROR`;
        different: nothing agrees better than `UNRELATED_BIT_ERROR`. The
        verdict is about the sound in the span, so look at the coverage before
        calling two whole tracks the same.
    """
    if match.span_ms >= SAME_SPAN_MS and match.bit_error <= SAME_BIT_ERROR:
        return Verdict.SAME
    if (
        match.overlap_ms >= SAME_SPAN_MS
        and min(match.bit_error, match.overlap_bit_error) > UNRELATED_BIT_ERROR
    ):
        return Verdict.DIFFERENT
    return Verdict.UNSURE


def _signs(words: Fingerprint) -> FloatArray:
    """Spread words to +1 and -1, zeros where silent, and a column that counts."""
    bits = np.unpackbits(words.astype("<u4").view(np.uint8).reshape(-1, 4), axis=1)
    out = np.empty((len(words), 33), dtype=np.float32)
    out[:, :32] = bits
    out[:, :32] *= 2.0
    out[:, :32] -= 1.0
    out[:, 32] = 1.0
    out[words == SILENT_WORD] = 0.0
    return out


def _describe(a: Fingerprint, b: Fingerprint, offset: int) -> FingerprintMatch:
    """Measure one alignment."""
    first_a, first_b = max(offset, 0), max(-offset, 0)
    length = min(len(a) - first_a, len(b) - first_b)
    part_a, part_b = a[first_a : first_a + length], b[first_b : first_b + length]
    heard = (part_a != SILENT_WORD) & (part_b != SILENT_WORD)
    if not heard.any():
        return _NOTHING
    errors = np.bitwise_count(part_a ^ part_b) / 32.0
    overall = float(errors[heard].mean())
    begin, end = _best_run(np.where(heard, UNRELATED_BIT_ERROR - errors, 0.0))
    inside = heard[begin:end]
    found = int(inside.sum()) >= MIN_SPAN_FRAMES
    span = end - begin if found else 0
    return FingerprintMatch(
        offset_ms=offset * FRAME_MS,
        overlap_ms=int(heard.sum()) * FRAME_MS,
        bit_error=float(errors[begin:end][inside].mean()) if found else overall,
        overlap_bit_error=overall,
        start_a_ms=(first_a + begin) * FRAME_MS if found else 0,
        start_b_ms=(first_b + begin) * FRAME_MS if found else 0,
        span_ms=span * FRAME_MS,
        coverage_a=min(1.0, span / len(a)),
        coverage_b=min(1.0, span / len(b)),
    )


def _best_run(gain: NDArray[np.float64]) -> tuple[int, int]:
    """Return the half-open range whose sum is largest."""
    total = np.concatenate([[0.0], np.cumsum(gain)])
    rise = total[1:] - np.minimum.accumulate(total[:-1])
    end = int(np.argmax(rise)) + 1
    return int(np.argmin(total[:end])), end
