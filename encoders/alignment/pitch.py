"""By how much one sound may be higher than another, from how often each pitch is heard."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.landmarks import Landmarks

FloatArray = NDArray[np.float64]

_STEP: Final = 10
_SIZE: Final = 500  # five thousand cents: 200 Hz to 3.5 kHz
_REACH: Final = 121  # an octave to either side
# Wider than a semitone: what is left is where partials stand, not how bright the sound is.
_SMOOTH: Final = 31


def profile(points: Landmarks) -> FloatArray:
    """How often each pitch is heard against its neighbours; [shape=(500,)], of unit length or zero."""
    counts = np.bincount(np.minimum(points.cents // _STEP, _SIZE - 1), minlength=_SIZE)
    heard = np.convolve(np.sqrt(counts.astype(np.float64)), (0.25, 0.5, 0.25), mode="same")
    heard -= np.convolve(heard, np.full(_SMOOTH, 1.0 / _SMOOTH), mode="same")
    length = float(np.linalg.norm(heard))
    return heard / length if length > 0 else heard


def likely_shifts(left: Landmarks, right: Landmarks, *, most: int) -> list[tuple[float, float]]:
    """Give the shifts at which the two profiles agree best.

    Parameters
    ----------
    left, right : Landmarks
    most : int > 0

    Returns
    -------
    shifts : list of (float [cents], float)
        how much higher the left side is, and the correlation there; best first
    """
    ours, theirs = profile(left), profile(right)
    full = np.correlate(ours, theirs, mode="full")
    middle = _SIZE - 1
    values = full[middle - _REACH : middle + _REACH + 1]
    inner = np.arange(1, len(values) - 1)
    peaks = inner[(values[1:-1] >= values[:-2]) & (values[1:-1] > values[2:]) & (values[1:-1] > 0)]
    chosen = peaks[np.argsort(-values[peaks], kind="stable")][:most]
    return [(_between(values, int(peak)), float(values[peak])) for peak in chosen]


def _between(values: FloatArray, peak: int) -> float:
    """Place a peak between steps by a parabola; in cents."""
    before, at, after = (float(value) for value in values[peak - 1 : peak + 2])
    bend = before - 2 * at + after
    shift = 0.5 * (before - after) / bend if bend < -1e-12 else 0.0
    return _STEP * (peak - _REACH + shift)
