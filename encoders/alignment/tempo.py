"""How many times faster one sound plays than another, from the times of what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.coincidence import ByPitch, Coincidences, coincidences
from encoders.alignment.drift import gathered
from encoders.alignment.votes import stands_out
from encoders.landmarks import FRAME_MS, Landmarks

# Searched range where pitch does not tell the tempo.
MAX_STRETCH: Final = 1.3
# Excerpts of 12 s, first half of that: half a step drifts their ends by 24 ms, less than a frame.
_EXCERPT: Final = round(12_000 / FRAME_MS)
STEP: Final = 0.016
# Where they are taken: a cut, or a part of its own, rarely meets both.
_PLACES: Final = (1 / 3, 2 / 3)
_STEPS: Final = int(np.ceil(np.log(MAX_STRETCH) / STEP))
_RATIOS: Final = tuple(float(ratio) for ratio in np.exp(STEP * np.arange(-_STEPS, _STEPS + 1)))
_WIDER: Final = 5 * _EXCERPT
# What samplers play a loop at; a whole semitone is met to a few cents.
_SEMITONES: Final = (-3, -2, -1, 1, 2, 3)
_NEAR: Final = 5


class Line(NamedTuple):
    """One way in which two sounds may run along each other.

    Attributes
    ----------
    ratio : float
        how many times faster the right side plays than the left
    cents : float
        how much higher the left side is
    strength : float
        deviations above chance of the best offset; about 5 to 7 for strangers
    """

    ratio: float
    cents: float
    strength: float


def tied_line(left: ByPitch, right: Landmarks, cents: float) -> Line:
    """Try the tempo that goes with a difference of pitch, as when a tape runs faster."""
    return steady_line(left, right, cents, float(2.0 ** (-cents / 1_200.0)))


def steady_line(left: ByPitch, right: Landmarks, cents: float, ratio: float) -> Line:
    """Try one tempo at a difference of pitch."""
    return line_at(left, excerpt(right, 0.5, _WIDER), cents, (ratio,))


def free_line(left: ByPitch, right: Landmarks, cents: float) -> Line:
    """Find the tempo at a difference of pitch, whatever that says: roughly on 6 s, then on 12 s."""
    best = Line(ratio=1.0, cents=cents, strength=0.0)
    for place in _PLACES:
        rough = line_at(left, excerpt(right, place, _EXCERPT // 2), cents, _RATIOS)
        near = tuple(rough.ratio * float(np.exp(step)) for step in (-0.5 * STEP, 0.0, 0.5 * STEP))
        best = max(best, line_at(left, excerpt(right, place, _EXCERPT), cents, near), key=strength)
    return best


def loop_line(left: ByPitch, right: Landmarks) -> Line:
    """Find by how many semitones a few seconds may be played higher or lower, tempo and all.

    A loop is too short to show in how often each pitch is heard, so each semitone is tried.
    """
    best = Line(ratio=1.0, cents=0.0, strength=0.0)
    for semitones in _SEMITONES:
        cents, ratio = 100.0 * semitones, float(2.0 ** (-semitones / 12.0))
        found = coincidences(left, right, cents=cents, tolerance=_NEAR)
        above_chance = stands_out(found, ratio=ratio)
        if above_chance > best.strength:
            best = Line(ratio=ratio, cents=cents, strength=above_chance)
    return best


def line_at(left: ByPitch, right: Landmarks, cents: float, ratios: Sequence[float]) -> Line:
    """Find the ratio at which one offset stands out most."""
    found = coincidences(left, right, cents=cents)
    best = Line(ratio=ratios[0], cents=cents, strength=0.0)
    if not len(found):
        return best
    times = found.times()
    latest = int(right.frames[-1])
    for ratio in ratios:
        # None is later than 0, so no offset is negative.
        moved = np.rint(ratio * (right.frames - latest)).astype(np.intp)
        above_chance = _strength_of(np.bincount(times - moved[found.right]))
        if above_chance > best.strength:
            best = Line(ratio=ratio, cents=cents, strength=above_chance)
    return best


def strength(line: Line) -> float:
    """Give how far a line stands out."""
    return line.strength


def _strength_of(votes: NDArray[np.intp]) -> float:
    """Say how far the best offset stands out, in deviations."""
    votes = votes[int(np.argmax(votes > 0)) :]
    counts = np.zeros(len(votes) + 2, dtype=np.float32)
    for step in range(3):
        counts[step : step + len(votes)] += votes
    mean = float(counts.mean())
    variance = float(np.dot(counts, counts)) / len(counts) - mean**2
    # Few pairs are no evidence: never less than what chance alone would scatter.
    spread = float(np.sqrt(max(variance, mean, 4.0)))
    return (float(counts.max()) - mean) / spread


def excerpt(points: Landmarks, place: float, frames: int) -> Landmarks:
    """Take a part of a sound around a place between its beginning, 0, and its end, 1."""
    start, last = (int(points.frames[0]), int(points.frames[-1])) if len(points) else (0, 0)
    begin = start + round(place * (last - start)) - frames // 2
    begin = min(max(start, begin), max(start, last - frames))
    first, end = np.searchsorted(points.frames, (begin, begin + frames))
    return Landmarks(frames=points.frames[first:end], cents=points.cents[first:end])


def fitted(found: Coincidences, ratio: float) -> float:
    """Correct a ratio by the drift of the best offset along the left side.

    The best offset of each piece of 2 to 8 s is found near the best one of all; a line through them says how
    much the ratio is off.
    """
    if not len(found):
        return ratio
    offsets = found.offsets(ratio)
    low = float(offsets.min())
    counts = np.convolve(np.bincount(np.rint(offsets - low).astype(np.intp)), (1.0, 1.0, 1.0), mode="same")
    best = low + float(np.argmax(counts))
    reach = 24.0
    near = np.abs(offsets - best) <= reach
    times, lags = found.times()[near], offsets[near] - best
    length = _piece_of(float(np.ptp(times)))
    piece = np.floor((times - times.min()) / length).astype(np.intp)
    lag = np.rint(lags + reach).astype(np.intp)
    table = np.zeros((int(piece.max(initial=0)) + 1, int(2 * reach) + 1))
    np.add.at(table, (piece, lag), 1.0)
    summed = table.copy()
    summed[:, 1:-1] += table[:, :-2] + table[:, 2:]
    top = summed[:, 1:-1].argmax(axis=1) + 1
    mean, peak = summed.mean(axis=1), summed.max(axis=1)
    sure = peak > mean + 5.0 * np.sqrt(mean + 1.0)
    if sure.sum() < 3:
        return ratio
    at, value, weight = np.flatnonzero(sure) * length, _centres(table, top)[sure] - reach, (peak - mean)[sure]
    slope = _steady_slope(at.astype(np.float64), value, weight, length)
    corrected = ratio / (1.0 - slope) if abs(slope) < _STEEPEST else ratio
    # Music that repeats itself, with a cut in it, bends the line too: then fewer points lie on one diagonal.
    needed = gathered(found, ratio) * (_CLEARLY if abs(slope) >= _STEEP else 1.0)
    return corrected if gathered(found, corrected) > needed else ratio


_PIECE: Final = round(8_000 / FRAME_MS)
_LEAST_PIECE: Final = round(2_000 / FRAME_MS)
# A steep drift must bring clearly more points onto one diagonal; what is steeper than the last is none.
_STEEP: Final = 0.015
_CLEARLY: Final = 1.25
_STEEPEST: Final = 0.035


def _piece_of(length: float) -> int:
    """Give the length of a piece: five of them fit into what is compared, or they last 8 s."""
    return int(np.clip(length / 5.0, _LEAST_PIECE, _PIECE))


def _centres(table: NDArray[np.float64], top: NDArray[np.intp]) -> NDArray[np.float64]:
    """Place each row's best three lags between whole frames: their mean by what is above the row's mean."""
    rows = np.arange(len(table))
    steps = np.arange(-1, 2)
    above = np.maximum(table[rows[:, None], top[:, None] + steps] - table.mean(axis=1)[:, None], 1e-6)
    centres: NDArray[np.float64] = top + (above * steps).sum(axis=1) / above.sum(axis=1)
    return centres


def _steady_slope(
    at: NDArray[np.float64], value: NDArray[np.float64], weight: NDArray[np.float64], length: int
) -> float:
    """Median of the slopes between pieces that are far from each other: a cut does not bend it."""
    one, two = np.triu_indices(len(at), k=1)
    far = at[two] - at[one] >= max(length * 2, 0.4 * float(np.ptp(at)))
    if not far.any():
        return 0.0
    slopes = (value[two] - value[one])[far] / (at[two] - at[one])[far]
    order = np.argsort(slopes, kind="stable")
    share = np.cumsum(np.minimum(weight[one], weight[two])[far][order])
    return float(slopes[order][np.searchsorted(share, share[-1] / 2)])
