"""Melodies that are played anew in another piece, as far as what is kept of sounds finds them.

No stage asks this: `benchmarks.interpolations` says how often it would be right. The lead of a sound is what
stands out by harmonic sums over its landmarks; its ground is all of them, each pitch against how often it
sounds and each moment against how much sounds then. A phrase of the one side is laid on the other at every
offset, key and tempo, the lead of each on the ground of the other. What fits in one key alone and in one
place is no scale and no common chords.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from encoders.landmarks import FRAME_MS, Landmarks

FloatArray = NDArray[np.float32]

# Columns of 96 ms tell the notes of a melody apart; of 192 ms are searched first.
_STEP: Final = 3
_COLUMN_MS: Final = _STEP * FRAME_MS
_PITCHES: Final = 52
# A second of columns, by which loudness is told.
_SECOND: Final = 31
# Points 40 dB under the loudest of their second count for nothing.
_RANGE_DB: Final = 40.0
# Partials that speak for a pitch, in semitones above it, and how much.
_PARTIALS: Final = ((12, 0.8), (19, 0.6), (24, 0.5), (28, 0.4), (31, 0.3))
# The lead is what comes so near to the strongest of its moment; of two equals the higher one.
_NEAR_STRONGEST: Final = 0.75
_LEAST_LEAD: Final = 0.6
_HIGHER: Final = 0.01
_RARE: Final = 0.02
_CLEAR: Final = 2.5
# Phrases of 6 s are laid on every 3 s, at tempos 4 % apart.
_PHRASE: Final = 64
_HOP: Final = 32
_RATIOS: Final = np.exp(np.linspace(np.log(0.75), np.log(1.33), 15))
# Of these the best are looked at closely.
_CLOSELY: Final = 96
_FINER: Final = np.exp(np.linspace(-0.03, 0.03, 5))
_AROUND: Final = 4
_OCTAVES: Final = (-12, 0, 12)
_LONGEST: Final = 7_500
# What a column of a phrase costs: a part that does no better than chance ends it.
_COST: Final = 0.35
# Nothing shorter than 5 s is told.
_CORE: Final = 26
_BESIDE: Final = 4
_AT_LAST: Final = 6
# More than the pitches of one side and the shifts that are looked at: no key runs into another.
_KEYS: Final = 72


class QuotedMelody(NamedTuple):
    """A phrase that two sounds have in common.

    Attributes
    ----------
    score : float
        how far the phrase stands out from chance, in standard deviations; 0 where there is none
    ratio : float
        how many times faster the second plays it
    semitones : int
        how much higher the second plays it
    start_a_ms, end_a_ms, start_b_ms, end_b_ms : int
    """

    score: float = 0.0
    ratio: float = 1.0
    semitones: int = 0
    start_a_ms: int = 0
    end_a_ms: int = 0
    start_b_ms: int = 0
    end_b_ms: int = 0


class MelodySide(NamedTuple):
    """One sound, ready to be compared.

    Attributes
    ----------
    lead, ground : float32 [shape=(52, t)]
        a column every 96 ms, a row for every semitone from 200 Hz
    """

    lead: FloatArray
    ground: FloatArray


def melody_side(points: Landmarks) -> MelodySide:
    """Prepare a sound.

    Parameters
    ----------
    points : Landmarks
        with heights
    """
    sounding = _sounding(points)
    sums = sounding.copy()
    for above, weight in _PARTIALS:
        sums[:-above] += weight * sounding[above:]
    sums *= 1.0 + _HIGHER * np.arange(_PITCHES, dtype=np.float32)[:, None]
    strongest = sums.max(axis=0, initial=0.0)
    lead = np.where((sums >= _NEAR_STRONGEST * strongest) & (sums > _LEAST_LEAD), sums, np.float32(0.0))
    lead /= np.maximum(np.linalg.norm(lead, axis=0), 0.5)
    lead -= lead.mean(axis=1, keepdims=True)
    return MelodySide(lead, _against_usual(sounding))


def quoted_melody(a: MelodySide, b: MelodySide) -> QuotedMelody:
    """Find the phrase that two sounds have in common: the lead of each in the ground of the other."""
    over, under = np.stack([a.lead, a.ground]), np.stack([b.ground, b.lead])
    if min(over.shape[2], under.shape[2]) < _PHRASE:
        return QuotedMelody()
    closely = [best for each in _roughly(over, under) if (best := _finely(over, under, each)) is not None]
    if not closely:
        return QuotedMelody()
    closely.sort(reverse=True)
    return max((_whole(over, under, each) for each in closely[:_AT_LAST]), key=lambda found: found.score)


def _sounding(points: Landmarks) -> FloatArray:
    """Lay points on columns, each by its loudness, a little wider than a column."""
    frames = points.frames[points.frames < _LONGEST]
    count = len(frames)
    if points.heights is None or not count:
        return np.zeros((_PITCHES, 1), dtype=np.float32)
    decibels = points.heights[:count].astype(np.float32) * np.float32(0.5)
    second = frames // _SECOND
    loudest = np.zeros(int(second[-1]) + 1, dtype=np.float32)
    np.maximum.at(loudest, second, decibels)
    weight = np.clip(1.0 + (decibels - loudest[second]) / _RANGE_DB, 0.05, 1.0)
    pitch = np.minimum((points.cents[:count].astype(np.int64) + 50) // 100, _PITCHES - 1)
    place = frames / _STEP
    column = place.astype(np.int64)
    later = (place - column).astype(np.float32)
    laid = np.zeros((_PITCHES, int(column[-1]) + 4), dtype=np.float32)
    np.add.at(laid, (pitch, column + 1), weight * (1.0 - later))
    np.add.at(laid, (pitch, column + 2), weight * later)
    laid = np.minimum(laid, 1.0)
    return np.asarray(laid[:, 1:-1] + 0.5 * (laid[:, :-2] + laid[:, 2:]), dtype=np.float32)


def _against_usual(sounding: FloatArray) -> FloatArray:
    """Say how far each point is above what is usual for its pitch, and for its moment."""
    above = sounding - sounding.mean(axis=1, keepdims=True)
    above /= np.sqrt(np.square(above).mean(axis=1, keepdims=True) + _RARE)
    above = np.minimum(above, _CLEAR)
    return np.asarray(above - above.mean(axis=0), dtype=np.float32)


class _Laid(NamedTuple):
    """A phrase as it lies: where in the lead played at a ratio, where on the ground, how much higher."""

    score: float
    ratio: float
    column: int
    place: int
    semitones: int
    usual: float


def _roughly(over: FloatArray, under: FloatArray) -> list[_Laid]:
    """Lay every phrase on joined columns of pitch classes, at every offset and key."""
    below = _classes(under)
    width, hop = _PHRASE // 2, _HOP // 2
    size = int(fft.next_fast_len(below.shape[2] + width, real=True))
    spectrum = fft.fft(fft.rfft(below, size, axis=2), axis=1)
    places = below.shape[2] - width // 2
    found: list[_Laid] = []
    for ratio in _RATIOS:
        above = _classes(_at_tempo(over, 1.0 / ratio))
        starts = np.arange(0, above.shape[2] - width + 1, hop)
        if not len(starts):
            continue
        views = np.lib.stride_tricks.sliding_window_view(above, width, axis=2)[:, :, starts]
        parts = views.transpose(2, 0, 1, 3)
        parts = parts - parts.mean(axis=3, keepdims=True)
        asked = fft.fft(fft.rfft(parts, size, axis=3), axis=2)
        both = (spectrum * np.conj(asked)).sum(axis=1)
        fits = fft.irfft(fft.ifft(both, axis=1), size, axis=2)[:, :, :places]
        flat = fits.reshape(len(starts), -1)
        usual = np.maximum(flat.std(axis=1), 1e-6)
        scores = (flat.max(axis=1) - flat.mean(axis=1)) / usual
        usual = usual / np.maximum(np.sqrt(np.square(parts).sum(axis=(1, 2, 3))), 1e-6)
        for number, at in enumerate(flat.argmax(axis=1)):
            key, place = divmod(int(at), places)
            start = 2 * int(starts[number])
            found.append(
                _Laid(float(scores[number]), float(ratio), start, 2 * place, key, float(usual[number]))
            )
    return sorted(found, reverse=True)[:_CLOSELY]


def _classes(rows: FloatArray) -> FloatArray:
    """Add up the octaves of a semitone from 200 Hz, and every two columns."""
    whole = rows[:, :, : rows.shape[2] // 2 * 2].reshape(2, _PITCHES, -1, 2).sum(axis=3)
    padded = np.pad(whole, ((0, 0), (0, 60 - _PITCHES), (0, 0)))
    return np.asarray(padded.reshape(2, 5, 12, -1).sum(axis=1), dtype=np.float32)


def _finely(over: FloatArray, under: FloatArray, rough: _Laid) -> _Laid | None:
    """Lay one phrase once more on whole columns and pitches, at tempos and places nearby."""
    best: _Laid | None = None
    begin = rough.column * rough.ratio
    first = max(0, rough.place - _AROUND)
    below = under[:, :, first : rough.place + _AROUND + _PHRASE]
    if below.shape[2] < _PHRASE:
        return None
    views = np.lib.stride_tricks.sliding_window_view(below, _PHRASE, axis=2)
    for finer in _FINER:
        ratio = rough.ratio * float(finer)
        at = begin + np.arange(_PHRASE) * ratio
        if at[-1] > over.shape[2] - 1:
            continue
        part = _between(over, at)
        part = part - part.mean(axis=2, keepdims=True)
        spread = float(np.sqrt(np.square(part).sum())) * rough.usual
        for octave in _OCTAVES if spread > 0.0 else ():
            shift = (rough.semitones if rough.semitones < 7 else rough.semitones - 12) + octave
            one, other = _overlapping(shift)
            scores = np.einsum("cpw,cpow->o", part[:, one], views[:, other]) / spread
            place = int(scores.argmax())
            if best is None or scores[place] > best.score:
                column = round(begin / ratio)
                best = _Laid(float(scores[place]), ratio, column, first + place, shift, rough.usual)
    return best


def _overlapping(shift: int) -> tuple[slice, slice]:
    """Give the rows of one side and those of the other, so many semitones higher."""
    return slice(max(0, -shift), _PITCHES - max(0, shift)), slice(max(0, shift), _PITCHES - max(0, -shift))


def _between(rows: FloatArray, at: NDArray[np.floating[Any]]) -> FloatArray:
    low = np.clip(at.astype(np.int64), 0, max(0, rows.shape[2] - 2))
    part = (at - low).astype(np.float32)
    high = np.minimum(low + 1, rows.shape[2] - 1)
    return np.asarray(rows[:, :, low] * (1 - part) + rows[:, :, high] * part, dtype=np.float32)


def _at_tempo(rows: FloatArray, stretch: float) -> FloatArray:
    count = max(2, round(rows.shape[2] * stretch))
    return _between(rows, np.linspace(0, rows.shape[2] - 1, count))


def _whole(over: FloatArray, under: FloatArray, laid: _Laid) -> QuotedMelody:
    """Follow a phrase to where it begins and ends."""
    one, other = _overlapping(laid.semitones)
    played = _at_tempo(over, 1.0 / laid.ratio)
    offset = laid.place - laid.column
    first, last = max(0, -offset), min(played.shape[2], under.shape[2] - offset)
    if last - first < 2 * _CORE + 2:
        return QuotedMelody()
    above, below = played[:, one, first:last], under[:, other, first + offset : last + offset]
    gains = np.einsum("cpw,cpw->w", above, below)
    middle = min(max(laid.column - first + _PHRASE // 2, _CORE), len(gains) - _CORE)
    # What it gains where it surely is says what it should gain.
    sure = gains[middle - _CORE : middle + _CORE]
    change = gains - _COST * max(float(sure.mean()), 1e-6)
    after = np.cumsum(change[middle + _CORE :])
    before = np.cumsum(change[: middle - _CORE][::-1])
    end = middle + _CORE + (int(after.argmax()) + 1 if len(after) and after.max() > 0 else 0)
    begin = middle - _CORE - (int(before.argmax()) + 1 if len(before) and before.max() > 0 else 0)
    score = _standing_out(
        played[:, :, begin + first : end + first], under, laid.semitones, begin + first + offset
    )
    return QuotedMelody(
        score=score,
        ratio=laid.ratio,
        semitones=laid.semitones,
        start_a_ms=round((begin + first) * laid.ratio * _COLUMN_MS),
        end_a_ms=round((end + first) * laid.ratio * _COLUMN_MS),
        start_b_ms=round((begin + first + offset) * _COLUMN_MS),
        end_b_ms=round((end + first + offset) * _COLUMN_MS),
    )


def _standing_out(part: FloatArray, under: FloatArray, semitones: int, place: int) -> float:
    """Say how far a part fits better than elsewhere, and than in other keys at its own place."""
    part = part - part.mean(axis=2, keepdims=True)
    size = int(fft.next_fast_len(under.shape[2] + part.shape[2], real=True))
    asked, spectrum = (fft.fft(fft.rfft(each, size, axis=2), _KEYS, axis=1) for each in (part, under))
    both = (spectrum * np.conj(asked)).sum(axis=0)
    fits = fft.irfft(fft.ifft(both, axis=0), size, axis=1)[:, : max(1, under.shape[2] - part.shape[2] // 2)]
    keys = np.arange(-18, 19)
    fits = fits[keys]
    there = float(fits[semitones + 18, max(0, place - 1) : place + 2].max(initial=-np.inf))
    others = fits[(keys - semitones) % 12 != 0, max(0, place - _BESIDE) : place + _BESIDE + 1]
    # What is played in one rhythm fits better in other keys as well.
    usual = max(float(fits.std()), float(others.std()), 1e-6)
    return (there - max(0.0, float(fits.mean()))) / usual
