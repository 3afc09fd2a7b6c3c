"""Layers: what one of two sounds that run along each other has on top of the other, and what both share.

Where a voice or other music is laid over a mix, or taken out of it, the rest stays: its points keep their
places, their pitches and one gain. What is on top makes that side louder there and brings points of its own.
The pitches of a voice glide, so they lie on no scale, and its partials are multiples of one pitch, which
those of noise, of drums and of several players are not. A bowed string is like that too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.span import Span
from encoders.landmarks import FRAME_MS, Landmarks

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_ON: Final = 1.6
_CENTS: Final = 12.0
# A side with something on top is this much louder than the gain between what both share makes it.
_LOUDER_DB: Final = 2.0
# So far under the usual level nothing is heard, and what is measured on fewer frames or points says nothing.
_QUIET_DB: Final = 30.0
_LEAST_FRAMES: Final = 150
_LEAST_POINTS: Final = 10
# Partials of one pitch stand in ratios of small numbers, to a few cents; a semitone apart is a neighbour.
_PARTIALS: Final = np.unique([1_200.0 * np.log2(m / n) for n in range(1, 9) for m in range(n + 1, 13)])
_IN_TUNE: Final = 8.0
_APART: Final = 60.0
_TOGETHER: Final = 2
_CHANCES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one side has alone, or both have.

    Attributes
    ----------
    share : float in [0, 1]
        of the time in which both are heard, how much has it
    points : int
        of it
    scattered : float in [0, 1]
        how far its pitches are from lying on one scale of semitones
    harmonic : float in [-1, 1]
        how many more of its points of one moment are partials of one pitch than by chance
    """

    share: float = 0.0
    points: int = 0
    scattered: float = 0.0
    harmonic: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What is on top of either side, and what both share."""

    left: Layer
    right: Layer
    both: Layer


def layers(left: Landmarks, right: Landmarks, spans: Sequence[Span], *, ratio: float) -> Layers | None:
    """Tell apart what two sounds share and what only one of them has, inside spans at one pitch.

    Parameters
    ----------
    left, right : Landmarks
    spans : sequence of Span
    ratio : float
        how many times faster the right side plays

    Returns
    -------
    layers : Layers or None
        none where levels or heights were not kept, or too little is the same
    """
    if left.levels is None or right.levels is None or left.heights is None or right.heights is None:
        return None
    shared = [_partners(left, right, span, ratio) for span in spans]
    one, two = (np.concatenate([pair[side] for pair in shared]) for side in (0, 1))
    if len(one) < _LEAST_POINTS:
        return None
    gain = 0.5 * float(np.median(left.heights[one].astype(np.float64) - right.heights[two]))
    louder = np.concatenate([_heard_louder(left, right, span, ratio) for span in spans]) - gain
    if len(louder) < _LEAST_FRAMES:
        return None
    alone = []
    for side, (points, met) in enumerate(((left, one), (right, two))):
        sign = 1.0 if side == 0 else -1.0
        own = np.ones(len(points), dtype=np.bool_)
        own[met] = False
        on_top = np.concatenate([_on_top(left, right, span, ratio, side, gain) for span in spans])
        chosen = np.unique(on_top[own[on_top]])
        alone.append(_layer(points, chosen, float(np.mean(sign * louder > _LOUDER_DB))))
    return Layers(left=alone[0], right=alone[1], both=_layer(left, np.unique(one), 1.0))


def _partners(left: Landmarks, right: Landmarks, span: Span, ratio: float) -> tuple[IntArray, IntArray]:
    """Give the points of a span that both sides have."""
    begin, end = span.start_a_ms / FRAME_MS, span.end_a_ms / FRAME_MS
    first, last = np.searchsorted(left.frames, (begin, end))
    times = right.frames * ratio + span.offset(ratio) / FRAME_MS
    low = np.searchsorted(times, left.frames[first:last] - _ON)
    counts = np.searchsorted(times, left.frames[first:last] + _ON, side="right") - low
    one = np.repeat(np.arange(first, last), counts)
    two = _ranges(low, counts)
    near = np.abs(left.cents[one].astype(np.float64) - right.cents[two]) <= _CENTS
    return one[near], two[near]


def _ranges(first: IntArray, counts: IntArray) -> IntArray:
    """Count up from each start, so many each."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - counts - first, counts)


def _heard_louder(left: Landmarks, right: Landmarks, span: Span, ratio: float) -> FloatArray:
    """Give by how much the left side is louder at each frame of a span at which something is heard; dB."""
    at = np.arange(np.ceil(span.start_a_ms / FRAME_MS), span.end_a_ms / FRAME_MS)
    one, two = _levels(left, right, at, span, ratio)
    if not len(at):
        return one
    heard = np.maximum(one - np.median(one), two - np.median(two)) > -_QUIET_DB
    return (one - two)[heard]


def _on_top(left: Landmarks, right: Landmarks, span: Span, ratio: float, side: int, gain: float) -> IntArray:
    """Give the points of one side of a span that lie where it is louder than its gain makes it."""
    offset = span.offset(ratio) / FRAME_MS
    times = (right.frames * ratio + offset if side else left.frames * 1.0).astype(np.float64)
    inside = np.flatnonzero((times >= span.start_a_ms / FRAME_MS) & (times < span.end_a_ms / FRAME_MS))
    one, two = _levels(left, right, times[inside], span, ratio)
    louder = (one - two - gain) * (-1.0 if side else 1.0)
    return inside[louder > _LOUDER_DB]


def _levels(
    left: Landmarks, right: Landmarks, at: FloatArray, span: Span, ratio: float
) -> tuple[FloatArray, FloatArray]:
    """Read how loud both sides are at times of the left one, in dB."""
    there = (at - span.offset(ratio) / FRAME_MS) / ratio
    return _level(left, at), _level(right, there)


def _level(points: Landmarks, at: FloatArray) -> FloatArray:
    levels = np.asarray(points.levels, dtype=np.float64)
    return np.asarray(levels[np.clip(np.rint(at).astype(np.intp), 0, len(levels) - 1)])


def _layer(points: Landmarks, chosen: IntArray, share: float) -> Layer:
    """Measure the points of a layer."""
    if len(chosen) < _LEAST_POINTS:
        return Layer(share=share, points=len(chosen))
    cents = points.cents[chosen].astype(np.float64)
    return Layer(
        share=share,
        points=len(chosen),
        scattered=1.0 - float(np.abs(np.exp(2j * np.pi * cents / 100.0).mean())),
        harmonic=_harmonic(points.frames[chosen], cents),
    )


def _harmonic(frames: NDArray[np.int32], cents: FloatArray) -> float:
    """Say how many more points of one moment are partials of one pitch than of different moments."""
    here = np.arange(len(frames))
    counts = np.searchsorted(frames, frames + _TOGETHER, side="right") - here - 1
    one, two = np.repeat(here, counts), _ranges(here + 1, counts)
    # What other moments hold, a few of them, says how often that is chance.
    steps = (len(frames) // (_CHANCES + 1)) * np.arange(1, _CHANCES + 1)
    by_chance = [_in_tune(cents[one], np.roll(cents, step)[two]) for step in steps]
    return _in_tune(cents[one], cents[two]) - float(np.mean(by_chance))


def _in_tune(one: FloatArray, two: FloatArray) -> float:
    """Give the share of pairs whose pitches are partials of one."""
    apart = np.abs(one - two)
    apart = apart[apart > _APART]
    if not len(apart):
        return 0.0
    place = np.clip(np.searchsorted(_PARTIALS, apart), 1, len(_PARTIALS) - 1)
    nearest = np.minimum(np.abs(apart - _PARTIALS[place]), np.abs(apart - _PARTIALS[place - 1]))
    return float(np.mean(nearest < _IN_TUNE))
