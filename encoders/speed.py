"""The same recording at another speed: sped up, slowed down, or stretched.

Two kinds are told apart. When tape or player speed changed, pitch and tempo
moved together and the audio itself is played back at the right speed before it
is fingerprinted again (`find_speed`). When only the tempo was changed, the
words of the fingerprint are still alike and are read faster or slower
(`align_stretched`), which needs no audio.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.errors import InvalidSignal
from encoders.features.audio import mono, resample
from encoders.features.cqt import BINS_PER_OCTAVE, cqt_magnitude
from encoders.fingerprint import (
    FRAME_MS,
    Fingerprint,
    FingerprintMatch,
    Verdict,
    align,
    confirm,
    fingerprint,
)
from encoders.fingerprint_bands import SAMPLE_RATE

FloatArray = NDArray[np.float32]

# Searched range of speed; beyond an octave nothing sounds like the original.
MAX_RATIO: Final = 2.0
# Tempo-only changes: a word looks at up to 2 s, so it changes slowly with tempo;
# measured bit error 0.04 at 3 %, 0.09 at 22 %, unrelated music 0.39 and more.
MAX_STRETCH: Final = 1.25
# Beyond this much drift an alignment at equal speed falls apart.
MAX_DRIFT: Final = 0.015
# 20 s: enough words to place a piece, few enough for it not to drift by itself.
_DRIFT_PIECE: Final = 160
# Excerpt used while searching, and its steps: over 24 s, half a step drifts
# the ends by 60 ms, half a frame.
_EXCERPT_S: Final = 24.0
_STEP: Final = 0.005
_FINE_STEP: Final = 0.00125
_PEAKS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedMatch:
    """The best alignment over speeds.

    Attributes
    ----------
    speed_ratio : float
        how many times faster ``b`` plays than ``a``
    pitch_tied : bool
        whether the pitch moved with the tempo
    match : FingerprintMatch
        at that speed; offset, overlap and span are in ``a``'s clock, only
        ``start_b_ms`` is in ``b``'s own
    """

    speed_ratio: float
    pitch_tied: bool
    match: FingerprintMatch


def align_stretched(a: Fingerprint, b: Fingerprint) -> SpeedMatch:
    """Align two fingerprints whose tempo may differ by up to a quarter.

    Parameters
    ----------
    a, b : uint32 [shape=(n,)]

    Returns
    -------
    match : SpeedMatch
        ``pitch_tied`` is False; the ratio is 1 when no other is better
    """
    limit = float(np.log(MAX_STRETCH))
    middle = b[_middle(len(b), round(_EXCERPT_S * 8))]
    coarse = np.exp(np.arange(-limit, limit + 1e-9, 2 * _STEP))
    best = _strongest((float(ratio), align(a, _read_at(middle, float(ratio)))) for ratio in (1.0, *coarse))
    fine = best[0] * np.exp(np.arange(-2 * _STEP, 2 * _STEP + 1e-9, 2 * _FINE_STEP))
    ratio, match = _strongest((float(each), align(a, _read_at(b, float(each)))) for each in (1.0, *fine))
    return SpeedMatch(speed_ratio=ratio, pitch_tied=False, match=_in_own_clock(match, ratio))


def find_drift(a: Fingerprint, b: Fingerprint, match: FingerprintMatch) -> float:
    """Measure a small difference of speed inside an alignment at equal speed.

    The head, the middle and the tail of the matching span are aligned each by itself. Where ``b``
    plays a little faster, its tail comes early by as much as the distance says; the middle must lie
    half-way, so that a cut or a longer pause is no drift.

    Parameters
    ----------
    a, b : uint32 [shape=(n,)]
    match : FingerprintMatch
        of both, at equal speed

    Returns
    -------
    ratio : float
        how many times faster ``b`` plays than ``a``, within 1.5 %; 1.0 when nothing drifts by a word or more
    """
    span, first = match.span_ms // FRAME_MS, match.start_a_ms // FRAME_MS
    if span < 2 * _DRIFT_PIECE:
        return 1.0
    lag = (match.start_b_ms - match.start_a_ms) // FRAME_MS
    last = first + span - _DRIFT_PIECE
    reach = 1 + round(MAX_DRIFT * span)
    lags = [_piece_lag(a, b, at, lag, reach) for at in (first, (first + last) // 2, last)]
    head, middle, tail = lags
    drift = tail - head
    if abs(drift) < 1.0 or abs(middle - (head + tail) / 2) > max(0.5, 0.25 * abs(drift)):
        return 1.0
    ratio = (last - first) / (last - first + drift)
    return ratio if abs(ratio - 1.0) <= MAX_DRIFT else 1.0


def _piece_lag(a: Fingerprint, b: Fingerprint, at: int, lag: int, reach: int) -> float:
    """Place one piece of ``a`` in ``b``, between words by a parabola."""
    piece = a[at : at + _DRIFT_PIECE]
    lags = [each for each in range(lag - reach, lag + reach + 1) if 0 <= at + each <= len(b) - len(piece)]
    errors = np.array(
        [np.bitwise_count(piece ^ b[at + each : at + each + len(piece)]).mean() for each in lags]
    )
    best = int(np.argmin(errors)) if len(errors) else 0
    if not 0 < best < len(errors) - 1:
        return float(lags[best]) if len(errors) else float(lag)
    left, centre, right = errors[best - 1 : best + 2]
    bend = left - 2 * centre + right
    return float(lags[best] + (0.5 * (left - right) / bend if bend > 1e-12 else 0.0))


def find_speed(
    a: NDArray[np.floating], b: NDArray[np.floating], *, sr: int, known: Fingerprint | None = None
) -> SpeedMatch | None:
    """Find the speed at which one signal is a copy of the other, pitch and tempo together.

    Candidate speeds are the shifts at which the two average spectra agree on a
    logarithmic frequency axis; each is tried on an excerpt, the best on the whole.

    Parameters
    ----------
    a, b : float [shape=(n,) or (channels, n)]
    sr : int > 0 [Hz]
        of both
    known : uint32 [shape=(t,)], optional
        the fingerprint of ``a``, if it is at hand

    Returns
    -------
    match : SpeedMatch or None
        None when no speed between 0.5 and 2 makes them the same recording

    Raises
    ------
    InvalidSignal
        see `encoders.features.audio.mono`
    """
    left, right = mono(a), mono(b)
    words = known if known is not None else fingerprint(left, sr)
    ratios = _candidate_ratios(left, right, sr)
    small = resample(right, sr, SAMPLE_RATE)
    # The excerpt lasts 24 s in a's clock whatever the speed.
    middle = small[_middle(len(small), round(_EXCERPT_S * SAMPLE_RATE / min(1.0, *ratios)))]
    near = np.exp(np.arange(-3 * _STEP, 3 * _STEP + 1e-9, _STEP))
    tried = (
        (float(ratio), _at_speed(words, middle, float(ratio))) for base in ratios for ratio in base * near
    )
    best = _strongest(tried)
    fine = best[0] * np.exp(np.arange(-_STEP, _STEP + 1e-9, _FINE_STEP))
    ratio, match = _strongest((float(each), _at_speed(words, small, float(each))) for each in fine)
    if confirm(match) is not Verdict.SAME:
        return None
    return SpeedMatch(speed_ratio=ratio, pitch_tied=True, match=_in_own_clock(match, ratio))


def _candidate_ratios(a: FloatArray, b: FloatArray, sr: int) -> list[float]:
    """Speeds of ``b`` against ``a`` at which their average spectra agree; best first."""
    profiles = []
    for y in (a, b):
        level = np.log(cqt_magnitude(y, sr=sr) + 1e-4).mean(axis=0)
        # The slope of the spectrum is alike in all music and says nothing.
        smooth = np.convolve(np.pad(level, 18, mode="edge"), np.full(37, 1 / 37), mode="valid")
        profiles.append(level - smooth)
    reach = round(BINS_PER_OCTAVE * float(np.log2(MAX_RATIO)))
    scores = []
    for lag in range(-reach, reach + 1):
        low, high = profiles[0][max(0, -lag) :], profiles[1][max(0, lag) :]
        size = min(len(low), len(high))
        scores.append(float(np.corrcoef(low[:size], high[:size])[0, 1]))
    values = np.array(scores)
    inner = np.arange(1, len(values) - 1)
    peaks = inner[(values[1:-1] >= values[:-2]) & (values[1:-1] >= values[2:])]
    chosen = peaks[np.argsort(values[peaks])[::-1][:_PEAKS]]
    return [_at_peak(values, int(peak), reach) for peak in chosen] or [1.0]


def _at_peak(values: NDArray[np.float64], peak: int, reach: int) -> float:
    """Place a peak between bins by a parabola and return it as a ratio."""
    left, centre, right = values[peak - 1 : peak + 2]
    bend = left - 2 * centre + right
    shift = 0.5 * (left - right) / bend if bend < -1e-12 else 0.0
    return float(2.0 ** ((peak - reach + shift) / BINS_PER_OCTAVE))


def _at_speed(words: Fingerprint, y: FloatArray, ratio: float) -> FingerprintMatch:
    """Play ``y`` at 1 / ratio and align it."""
    slowed = resample(y, round(SAMPLE_RATE * 1_000), round(SAMPLE_RATE * 1_000 * ratio))
    return align(words, fingerprint(slowed, SAMPLE_RATE))


def _read_at(words: Fingerprint, ratio: float) -> Fingerprint:
    """Read words slower by ``ratio``, each position taking its nearest word."""
    if not len(words):
        return words
    where = np.rint(np.arange(int(len(words) * ratio)) / ratio).astype(int)
    read: Fingerprint = words[np.minimum(where, len(words) - 1)]
    return read


def _strongest(tried: Iterable[tuple[float, FingerprintMatch]]) -> tuple[float, FingerprintMatch]:
    """Keep the alignment least likely by chance; the first of equals."""
    best: tuple[float, FingerprintMatch] | None = None
    for ratio, match in tried:
        if best is None or _strength(match) > _strength(best[1]) + 1e-9:
            best = (ratio, match)
    if best is None:
        raise InvalidSignal("no speed to try")
    return best


def _strength(match: FingerprintMatch) -> float:
    """Agreement times the root of what it was measured on."""
    return (0.5 - match.overlap_bit_error) * float(np.sqrt(match.overlap_ms))


def _middle(length: int, count: int) -> slice:
    """Where the middle ``count`` of ``length`` items lie."""
    start = max(0, (length - count) // 2)
    return slice(start, start + count)


def _in_own_clock(match: FingerprintMatch, ratio: float) -> FingerprintMatch:
    """Turn times of ``b`` back from ``a``'s clock; the span stays in ``a``'s."""
    return FingerprintMatch(
        offset_ms=match.offset_ms,
        overlap_ms=match.overlap_ms,
        bit_error=match.bit_error,
        overlap_bit_error=match.overlap_bit_error,
        start_a_ms=match.start_a_ms,
        start_b_ms=round(match.start_b_ms / ratio),
        span_ms=match.span_ms,
        coverage_a=match.coverage_a,
        coverage_b=match.coverage_b,
    )
