"""Constellations: pairs of landmarks as numbers, by which a few seconds are found again among many sounds.

Two sounds that share a loop share pairs of points at the same two pitches, equally far apart in time, all at
one offset, whatever else is heard on top. Which pairs are kept depends on nothing but the pair itself: where
both points are left of a sound under other music, the pair is left too.

The idea follows Wang, "An Industrial-Strength Audio Search Algorithm", ISMIR 2003.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.landmarks import Landmarks

# Raised whenever the same landmarks would give other numbers.
CONSTELLATIONS_VERSION: Final = 1
# Points of one sound under other music lie within 5 cents of each other in 95 of 100: few pairs fall apart.
_CENTS: Final = 25
_PITCHES: Final = 256
# Pairs of 0.1 to 1 s, told to two frames.
_NEAREST, _FURTHEST, _FRAMES = 3, 32, 2
_LAGS: Final = _FURTHEST // _FRAMES
# Two points of one partial that is held say nothing about when it began.
_LEAST_APART: Final = 60
KEYS: Final = _PITCHES * _PITCHES * _LAGS
"""Numbers are below this: 20 bits."""


class Constellations(NamedTuple):
    """Pairs of points of one sound.

    Attributes
    ----------
    keys : int64 [shape=(n,)]
        which pair, in [0, KEYS)
    frames : int32 [shape=(n,)]
        time of its first point in steps of `encoders.landmarks.FRAME_MS`
    """

    keys: NDArray[np.int64]
    frames: NDArray[np.int32]

    def thinned(self, part: int) -> Constellations:
        """Keep one in so many, the same ones of every sound."""
        kept = kept_of(self.keys, part)
        return Constellations(self.keys[kept], self.frames[kept])


def constellations(points: Landmarks, *, semitones: int = 0) -> Constellations:
    """Pair every point with those that follow within a second at another pitch.

    Parameters
    ----------
    points : Landmarks
    semitones : int
        play the sound so much higher, and that much faster, as a sampler does; times are those of what is
        played
    """
    if semitones:
        return _moved(points, semitones)
    frames = points.frames
    pitch = np.minimum(points.cents.astype(np.int64) // _CENTS, _PITCHES - 1)
    first = np.searchsorted(frames, frames + _NEAREST)
    counts = np.searchsorted(frames, frames + _FURTHEST) - first
    ends = np.cumsum(counts)
    one = np.repeat(np.arange(len(frames)), counts)
    two = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts - first, counts)
    cents = points.cents.astype(np.int32)
    apart = np.abs(cents[one] - cents[two]) >= _LEAST_APART
    one, two = one[apart], two[apart]
    lag = (frames[two] - frames[one]).astype(np.int64) // _FRAMES
    return Constellations((pitch[one] * _PITCHES + pitch[two]) * _LAGS + lag, frames[one])


def _moved(points: Landmarks, semitones: int) -> Constellations:
    """Play points higher and faster, or lower and slower."""
    cents = points.cents.astype(np.int64) + 100 * semitones
    heard = np.flatnonzero((cents >= 0) & (cents < _CENTS * _PITCHES))
    faster = 2.0 ** (semitones / 12.0)
    return constellations(
        Landmarks(
            frames=np.rint(points.frames[heard] / faster).astype(np.int32),
            cents=cents[heard].astype(np.uint16),
        )
    )


def kept_of(keys: NDArray[np.int64], part: int) -> NDArray[np.bool_]:
    """Say which numbers are kept where one in so many is: what is kept of fewer is kept of more as well."""
    mixed = keys.astype(np.uint64)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(factor)
    kept: NDArray[np.bool_] = (mixed >> np.uint64(32)) < np.uint64(2**32 // part)
    return kept
