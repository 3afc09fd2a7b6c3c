"""Small synthetic music: repeatable, and different for every seed.

For self-checks and tests that must not need a download.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SR: Final = 22_050


def song(
    seed: int, *, seconds: float = 40.0, semitones: float = 0.0, tempo: float = 1.0
) -> NDArray[np.float32]:
    """Play chords with a melody and a beat of noise.

    Parameters
    ----------
    seed : int
        which song
    seconds : float > 0 [s]
        about how long, at the song's own tempo
    semitones : float
        how much higher
    tempo : float > 0
        how much faster

    Returns
    -------
    y : float32 [shape=(n,)]
        mono at 22.05 kHz
    """
    rng = np.random.default_rng(seed)
    beat = round(0.5 * SR / tempo)
    beats = int(seconds * SR / beat)
    y = np.zeros(beats * beat + SR, dtype=np.float64)
    roots = rng.choice([0, 2, 4, 5, 7, 9, 10], size=beats // 4 + 1)
    minor = rng.random(beats // 4 + 1) < 0.4
    for step in range(beats):
        chord = step // 4
        notes = [36, 48 + roots[chord], 52 + roots[chord] - minor[chord], 55 + roots[chord]]
        notes[0] += roots[chord]
        notes.append(60 + roots[chord] + int(rng.choice([0, 4, 7, 9, 12])))
        t = np.arange(beat) / SR
        tone = np.zeros(beat)
        for note in notes:
            hz = 440.0 * 2.0 ** ((note + semitones - 69) / 12)
            for partial in range(1, 5):
                tone += np.sin(2 * np.pi * hz * partial * t) / partial**1.5 * np.exp(-2.0 * t)
        hit = rng.standard_normal(beat) * np.exp(-t * 40.0) * rng.uniform(0.2, 1.0)
        y[step * beat : (step + 1) * beat] += 0.05 * tone + 0.05 * hit
    return y[: beats * beat].astype(np.float32)
