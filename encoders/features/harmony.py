"""Harmony without a network: pitch classes of semitone frames, and which sound after which."""

from __future__ import annotations

from typing import Final

import numpy as np

from encoders.features.audio import FloatArray

# A band that is no louder than its neighbours holds noise, drums or the tail of one: 3 semitones each side.
NEIGHBOURS: Final = 7
# Frames of 0.37 s from the first to the second and from there to the third: 0.4 to 4 s, a note to two bars.
LAGS: Final = (1, 2, 3, 4, 6, 8, 11)
LEAST_FRAMES: Final = 2 * LAGS[-1] + 8
DIMENSION: Final = len(LAGS) * 144

_ROOT, _SECOND, _THIRD = np.ogrid[:12, :12, :12]


def pitch_classes(semitones: FloatArray) -> FloatArray:
    """Keep what stands out among its neighbours, and add up the octaves.

    Parameters
    ----------
    semitones : float32 [shape=(84, t)]
        `encoders.features.semitones.version_input` of frames that were `halved`

    Returns
    -------
    classes : float32 [shape=(12, t)]
        C first; how far each is above the average of its frame, 0 where below; columns of length 1 at most
    """
    half = NEIGHBOURS // 2
    padded = np.pad(semitones, ((half + 1, half), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=0, dtype=np.float64)
    local = (sums[NEIGHBOURS:] - sums[:-NEIGHBOURS]) / NEIGHBOURS
    standing = np.maximum(semitones - local, 0.0)
    folded = standing.reshape(7, 12, -1).sum(axis=0)
    above = folded - folded.mean(axis=0)
    length = np.linalg.norm(above, axis=0)
    return np.asarray(np.maximum(above / np.where(length > 1e-6, length, 1.0), 0.0), dtype=np.float32)


def chord_steps(classes: FloatArray) -> FloatArray:
    """Count which pitch classes follow which, three at equal distances in time, whatever the key.

    Pairs would be the power spectrum of chroma, which loses its phase; three keep what a melody or a
    progression is known by. Nothing tells where in the piece they stood, so cut and repeated sections change
    little, and the distances are coarse enough for another tempo.

    Parameters
    ----------
    classes : float32 [shape=(12, t)]
        `pitch_classes`; t is at least `LEAST_FRAMES`

    Returns
    -------
    steps : float32 [shape=(1008,)]
        for each lag, how far the second (rows) and the third (columns) are above the first; of unit length,
        zeros where nothing sounds
    """
    found = []
    for lag in LAGS:
        count = classes.shape[1] - 2 * lag
        first, second, third = (classes[:, k * lag : k * lag + count] for k in range(3))
        pairs = (second[:, None] * third[None]).reshape(144, count)
        joint = (first @ pairs.T).reshape(12, 12, 12) / count
        # The same step from every root is one step.
        turned = joint[_ROOT, (_ROOT + _SECOND) % 12, (_ROOT + _THIRD) % 12]
        found.append(np.sqrt(np.maximum(turned.sum(axis=0), 0.0)).ravel())
    steps = np.concatenate(found)
    length = float(np.linalg.norm(steps))
    return np.asarray(steps / (length if length > 1e-9 else 1.0), dtype=np.float32)
