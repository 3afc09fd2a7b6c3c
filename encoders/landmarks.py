"""Landmarks: the strongest spectral peaks of a sound, as points in time and pitch.

A fingerprint's words hold still when a codec or some noise is laid over them, but not when
another pitch is played or other music sounds at the same time. Points do: a change of speed
moves all of them by one factor, and of two sounds together each keeps some of its own. Their
times and pitches are fine enough to measure a speed to a few parts in a thousand.

The idea follows Wang, "An Industrial-Strength Audio Search Algorithm", ISMIR 2003; what is
taken as a peak, and how many, is this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.features.audio import Resampler, blocks_of, frames_of, mono
from encoders.features.spectrum import powers_of

FloatArray = NDArray[np.float32]

# Raised whenever the same samples would give other points.
LANDMARKS_VERSION: Final = 1
SAMPLE_RATE: Final = 8_000
HOP: Final = 256
FRAME_MS: Final = 1_000 * HOP / SAMPLE_RATE
# A quarter of a second tells neighbouring semitones apart from 200 Hz on.
_N_FFT: Final = 2_048
LOW_HZ: Final = 200.0
_HIGH_HZ: Final = 3_520.0
# A peak is the largest within 0.13 s and 12 Hz to either side.
_NEAR_FRAMES: Final = 4
_NEAR_BINS: Final = 3
# Of each second the strongest of each band, so that a filter or a loud bass does not take them all.
_CELL: Final = 32
_BANDS: Final = 4
_OF_A_BAND: Final = 7
# The next so many are kept apart: under music that is twice as loud half of what is left of a loop is there.
_FAINT_OF_A_BAND: Final = 7
# Peaks this far under the loudest of their second (50 dB), or of full scale (-70 dB), are none.
_UNDER_LOUDEST: Final = 11.5
_SILENT: Final = np.float32((3e-4 * _N_FFT / 4) ** 2)
_LEAST: Final = np.float32(1e-12)
FLOOR_DB: Final = -120.0
# Power of a tone at full scale, in the bin it falls on.
_FULL_SCALE: Final = float(20 * np.log10(_N_FFT / 4))
# Frames searched at a time: what they take stays in a core's own cache.
_AT_ONCE: Final = 64
# Heights are told in half decibels.
_STEPS_OF_A_NAT: Final = float(20 / np.log(10))
_NONE: Final = (
    [np.empty(0, dtype=np.int32)],
    [np.empty(0, dtype=np.uint16)],
    [np.empty(0, dtype=np.uint8)],
    [np.empty(0, dtype=np.bool_)],
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landmarks:
    """Points of one sound, ascending in time.

    Attributes
    ----------
    frames : int32 [shape=(n,)]
        time in steps of `FRAME_MS`
    cents : uint16 [shape=(n,)]
        pitch in hundredths of a semitone above `LOW_HZ`
    levels : uint8 [shape=(t,)], optional
        how loud each step is, in dB above `FLOOR_DB` of full scale; None where it was not measured
    heights : uint8 [shape=(n,)], optional
        how loud each point is, in half decibels; None where that was not kept
    faint : Landmarks, optional
        about as many points that are the next strongest, with their heights; None where they were not kept
    """

    frames: NDArray[np.int32]
    cents: NDArray[np.uint16]
    levels: NDArray[np.uint8] | None = None
    heights: NDArray[np.uint8] | None = None
    faint: Landmarks | None = None

    def __len__(self) -> int:
        """Count the points, without the faint ones."""
        return len(self.frames)

    def with_faint(self) -> Landmarks:
        """Put the faint points among the others; heights are known of all or told of none."""
        if self.faint is None:
            return self
        frames = np.concatenate([self.frames, self.faint.frames])
        order = np.argsort(frames, kind="stable")
        heights = None
        if self.heights is not None and self.faint.heights is not None:
            heights = np.concatenate([self.heights, self.faint.heights])[order]
        return Landmarks(
            frames=frames[order],
            cents=np.concatenate([self.cents, self.faint.cents])[order],
            levels=self.levels,
            heights=heights,
        )


def landmarks(y: NDArray[np.floating], sr: int) -> Landmarks:
    """Find the landmarks of a signal.

    Parameters
    ----------
    y : float [shape=(n,) or (channels, n)]
    sr : int > 0 [Hz]

    Raises
    ------
    InvalidSignal
        see `encoders.features.audio.mono`
    """
    stream = LandmarkStream(sr)
    for block in blocks_of(mono(y)):
        stream.push(block)
    return stream.finish()


def _band_edges() -> NDArray[np.intp]:
    edges = np.geomspace(LOW_HZ, _HIGH_HZ, _BANDS + 1) * _N_FFT / SAMPLE_RATE
    return np.rint(edges).astype(np.intp)


_EDGES: Final = _band_edges()
_WINDOW: Final = np.hanning(_N_FFT).astype(np.float32)
# One bin more on both sides, for the parabola.
_FIRST: Final = int(_EDGES[0]) - 1
_LAST: Final = int(_EDGES[-1]) + 1
_LOOKED_AT: Final = slice(_FIRST, _LAST)


class LandmarkStream:
    """Find the landmarks of a signal that comes in blocks; it keeps a few seconds of it.

    Parameters
    ----------
    sr : int > 0 [Hz]
        of what is pushed
    """

    def __init__(self, sr: int) -> None:
        self._resampler = Resampler(sr, SAMPLE_RATE)
        self._rest = np.zeros(_N_FFT // 2, dtype=np.float32)  # so that frame 0 is centred on the first sample
        self._powers = np.empty((0, _LAST - _FIRST), dtype=np.float32)
        self._before = 0  # rows of `_powers` that were searched and are only looked at
        self._frame = 0  # of the first row that was not searched
        self._loud: list[NDArray[np.uint8]] = []
        self._found: list[
            tuple[NDArray[np.int32], NDArray[np.uint16], NDArray[np.uint8], NDArray[np.bool_]]
        ] = []

    def push(self, block: FloatArray) -> None:
        """Take samples: mono, finite."""
        self._measure(self._resampler.push(block))
        whole = (len(self._powers) - self._before - _NEAR_FRAMES) // _CELL * _CELL
        if whole > 0:
            self._search(whole)

    def finish(self) -> Landmarks:
        """Give the points."""
        self._measure(self._resampler.finish())
        self._measure(np.zeros(_N_FFT // 2, dtype=np.float32))
        self._search(len(self._powers) - self._before)
        found = zip(*self._found, strict=True) if self._found else _NONE
        frames, cents, heights, strong = (np.concatenate(each) for each in found)
        return Landmarks(
            frames=frames[strong],
            cents=cents[strong],
            levels=np.concatenate(self._loud) if self._loud else np.empty(0, dtype=np.uint8),
            heights=heights[strong],
            faint=Landmarks(frames=frames[~strong], cents=cents[~strong], heights=heights[~strong]),
        )

    def _measure(self, samples: FloatArray) -> None:
        """Add the power of each whole frame."""
        held = np.concatenate([self._rest, samples])
        count = max(0, (len(held) - _N_FFT) // HOP + 1)
        if count:
            frames = frames_of(held, length=_N_FFT, hop=HOP)
            self._powers = np.concatenate([self._powers, *powers_of(frames, _WINDOW, bins=_LOOKED_AT)])
            self._loud.append(_loudness(self._powers[-count:]))
        self._rest = held[count * HOP :].copy()

    def _search(self, rows: int) -> None:
        """Find the peaks among the next rows."""
        if rows <= 0:
            return
        first = self._before
        powers = self._powers[: first + rows + _NEAR_FRAMES]
        row, column = _peaks(powers, first, rows)
        # A logarithm is taken of the few that are peaks.
        height = np.log(powers[first + row, column])
        keep, strong = _strongest(row, column, height)
        row, column, height = row[keep], column[keep], height[keep]
        place = column + _parabola(powers, first + row, column) + _FIRST
        cents = 1_200.0 * np.log2(place * (SAMPLE_RATE / _N_FFT) / LOW_HZ)
        self._found.append(
            (
                (row + self._frame).astype(np.int32),
                np.clip(np.rint(cents), 0, 65_535).astype(np.uint16),
                np.clip(np.rint(_STEPS_OF_A_NAT * height + 60.0), 0, 255).astype(np.uint8),
                strong,
            )
        )
        self._frame += rows
        # What is searched next looks a little way back.
        drop = max(0, first + rows - _NEAR_FRAMES)
        self._powers = self._powers[drop:].copy()
        self._before = first + rows - drop


def _loudness(powers: FloatArray) -> NDArray[np.uint8]:
    """Sum the power of each frame; dB above the floor."""
    # As a product, a sum is read once and needs no wider numbers: whole decibels are told.
    total = powers @ np.ones(powers.shape[1], dtype=np.float32)
    decibels = 10 * np.log10(np.maximum(total, 1e-30))
    loudness: NDArray[np.uint8] = np.clip(np.rint(decibels - _FULL_SCALE - FLOOR_DB), 0, 255).astype(np.uint8)
    return loudness


def _peaks(powers: FloatArray, first: int, rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find what no neighbour exceeds and is more than silence: rows from ``first`` on, and columns.

    A maximum over 9 is one of two over 8, each of two over 4; and of rows that lie behind each other as one
    run, so that every step is one pass over contiguous memory. What reaches from one row into the next ends
    in the margin, and no peak is looked for there. What lies beyond an edge is taken to be as the edge is.
    """
    padded = np.pad(powers, ((_NEAR_FRAMES, _NEAR_FRAMES), (_NEAR_BINS, _NEAR_BINS)), mode="edge")
    width = padded.shape[1]
    found = []
    for begin in range(0, rows, _AT_ONCE):
        end = first + min(begin + _AT_ONCE, rows) + 2 * _NEAR_FRAMES
        run = padded[first + begin : end].ravel()
        over_time = _running_largest(run, 2 * _NEAR_FRAMES + 1, step=width)
        around = _running_largest(over_time, 2 * _NEAR_BINS + 1, step=1)
        centre = run[_NEAR_FRAMES * width + _NEAR_BINS :][: len(around)]
        found.append(np.flatnonzero((centre >= around) & (centre > _SILENT)) + begin * width)
    row, column = np.divmod(np.concatenate(found), width)
    # A parabola needs a neighbour on both sides.
    inner = (column > 0) & (column < powers.shape[1] - 1)
    return row[inner], column[inner]


def _running_largest(values: FloatArray, length: int, *, step: int) -> FloatArray:
    """Give the largest of every so many values that lie a step apart."""
    covered = 1
    while covered < length:
        more = min(covered, length - covered)
        values = np.maximum(values[: -more * step], values[more * step :])
        covered += more
    return values


def _strongest(
    row: NDArray[np.intp], column: NDArray[np.intp], height: FloatArray
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Choose the strongest of every band of every second; indices in time, and which are not faint."""
    second = row // _CELL
    band = np.searchsorted(_EDGES[1:-1], column + _FIRST, side="right")
    loudest = np.full(int(second.max(initial=-1)) + 1, -np.inf, dtype=np.float32)
    np.maximum.at(loudest, second, height)
    heard = np.flatnonzero(height > loudest[second] - _UNDER_LOUDEST)
    cell = second[heard] * _BANDS + band[heard]
    # Peaks come in order of time, then of pitch, and equal ones stay in it.
    order = heard[np.lexsort((-height[heard], cell))]
    cells = second[order] * _BANDS + band[order]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    rank = np.arange(len(cells)) - np.repeat(starts, np.diff(starts, append=len(cells)))
    chosen = rank < _OF_A_BAND + _FAINT_OF_A_BAND
    kept, strong = order[chosen], rank[chosen] < _OF_A_BAND
    in_time = np.argsort(kept)
    return kept[in_time], strong[in_time]


def _parabola(powers: FloatArray, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.float64]:
    """Place peaks between their bins, by the logarithms of power: -0.5 to 0.5."""
    left, centre, right = (
        np.log(powers[row, column + step] + _LEAST).astype(np.float64) for step in (-1, 0, 1)
    )
    bend = left - 2 * centre + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.where(bend < -1e-9, bend, 1.0), 0.0)
    return np.clip(shift, -0.5, 0.5)
