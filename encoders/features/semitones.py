"""What the version network looks at: semitones over time, loud and quiet brought together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from encoders.features.audio import FloatArray
from encoders.features.cqt import HOP, N_BINS, SAMPLE_RATE

SEMITONES: Final = N_BINS // 3
# Constant-Q frames averaged into one: 0.19 s, no beat is lost.
POOL: Final = 2
FRAME_S: Final = POOL * HOP / SAMPLE_RATE
# Magnitudes over their mean reach a hundred; the logarithm begins to bend at a third of the mean.
BEND: Final = 3.0


def semitone_frames(magnitude: FloatArray) -> FloatArray:
    """Add up the three bins of each semitone, and average two frames.

    Parameters
    ----------
    magnitude : float32 [shape=(t, 252)]
        see `encoders.features.cqt.cqt_magnitude`; t is even, or the end of the signal

    Returns
    -------
    frames : float32 [shape=(u, 84)]
        C1 first; a last frame alone is itself
    """
    # The middle bin is in tune: shifted by one, each group of three is one semitone.
    shifted = np.concatenate([np.zeros((len(magnitude), 1), np.float32), magnitude[:, :-1]], axis=1)
    folded = shifted.reshape(len(magnitude), SEMITONES, 3).sum(axis=2)
    starts = np.arange(0, len(folded), POOL)
    counts = np.minimum(POOL, len(folded) - starts).astype(np.float32)
    return np.asarray(np.add.reduceat(folded, starts, axis=0) / counts[:, None], dtype=np.float32)


def version_input(frames: FloatArray) -> FloatArray:
    """Bring the frames of a whole signal to the network's scale.

    Parameters
    ----------
    frames : float32 [shape=(u, 84)]

    Returns
    -------
    scaled : float32 [shape=(84, u)]
        a gain of the signal does not change it; zeros where nothing sounds
    """
    mean = float(frames.mean(dtype=np.float64))
    if mean <= 0.0:
        return np.zeros((SEMITONES, len(frames)), dtype=np.float32)
    scaled: FloatArray = np.log1p(frames.T * np.float32(BEND / mean))
    return np.ascontiguousarray(scaled)


def halved(frames: FloatArray) -> FloatArray:
    """Average every two frames, to 0.37 s: chord changes stay, beats do not; float32 [shape=(u // 2, 84)]."""
    whole: FloatArray = frames[: len(frames) // 2 * 2].reshape(-1, 2, SEMITONES).mean(axis=1)
    return whole


def joined_frames(parts: Sequence[FloatArray]) -> FloatArray:
    """Give the semitone frames of magnitudes that come in parts of any lengths."""
    found, rest = [], np.empty((0, N_BINS), dtype=np.float32)
    for part in parts:
        both = np.concatenate([rest, part]) if len(rest) else part
        whole = len(both) - len(both) % POOL
        if whole:
            found.append(semitone_frames(both[:whole]))
        rest = both[whole:]
    if len(rest):
        found.append(semitone_frames(rest))
    return np.concatenate(found)
