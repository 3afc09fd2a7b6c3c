"""Voices that sing melodies nobody else has, of pulses and vowels: what a song has and its backing lacks."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR, Sound

# Formants of a, e, i, o, u in Hz, of a man; a woman's lie a sixth higher.
_VOWELS: Final = np.array(
    [[730, 1090, 2440], [530, 1840, 2480], [270, 2290, 3010], [570, 840, 2410], [300, 870, 2240]]
)
_STEP: Final = 220  # samples between which pitch and vowel are told: 10 ms
_WIDTH_HZ: Final = np.array([90.0, 110.0, 170.0])
_HIGHEST_HZ: Final = 5_000.0
_SCALE: Final = np.array([0, 2, 4, 5, 7, 9, 11])


def sung(seconds: float, rng: np.random.Generator) -> Sound:
    """Sing phrases with rests between them: glides from note to note, vibrato, vowels and hisses.

    Parameters
    ----------
    seconds : float
    rng : numpy.random.Generator
        whose voice, which key, and what it sings
    """
    samples = round(seconds * SR)
    steps = samples // _STEP + 1
    high = rng.random() < 0.5
    cents, loud, formants, hiss = _told(steps, (57.0 if high else 45.0) + rng.integers(0, 7), high, rng)
    vibrato = rng.uniform(15, 55) * np.sin(
        2 * np.pi * np.cumsum(rng.normal(rng.uniform(5.0, 6.3), 0.3, steps)) * 0.01
    )
    wander = np.convolve(rng.normal(0, 12, steps), np.ones(9) / 3, mode="same")
    hz = 440.0 * 2.0 ** ((cents + vibrato * _settling(loud) + wander - 6_900.0) / 1_200.0)
    at, count = np.arange(steps) * _STEP, steps * _STEP
    phase = np.cumsum(np.interp(np.arange(count), at, hz)) / SR
    y = np.zeros(count)
    for partial in range(1, int(_HIGHEST_HZ / hz.min()) + 1):
        amplitude = loud * _spoken(partial * hz, formants) / partial
        amplitude[partial * hz > _HIGHEST_HZ] = 0.0
        y += np.interp(np.arange(count), at, amplitude) * np.sin(2 * np.pi * partial * phase)
    breath = np.diff(rng.standard_normal(count + 1)) * np.interp(np.arange(count), at, hiss)
    y = y / max(1e-9, np.abs(y).max()) + breath
    return np.asarray(0.5 * y[:samples] / np.abs(y).max(), dtype=np.float32)


def _told(
    steps: int, lowest: float, high: bool, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give pitch (cents), loudness, formants and hiss of each step."""
    cents, loud, hiss = np.zeros(steps), np.zeros(steps), np.zeros(steps)
    formants = np.zeros((steps, 3))
    at, degree, pitch = int(rng.integers(20, 300)), int(rng.integers(0, 8)), 0.0
    while at < steps:
        for _ in range(int(rng.integers(4, 10))):
            length = int(rng.uniform(18, 80))
            degree = int(np.clip(degree + rng.integers(-2, 3), 0, 11))
            target = 100.0 * (lowest + 12 * (degree // 7) + _SCALE[degree % 7])
            vowel = _VOWELS[rng.integers(len(_VOWELS))] * (1.17 if high else 1.0)
            pitch = pitch or target - 200.0
            for step in range(at, min(at + length, steps)):
                pitch += (target - pitch) * 0.16
                cents[step], formants[step] = pitch, vowel
                loud[step] = min(1.0, (step - at + 1) / 6, (at + length - step) / 4)
            if rng.random() < 0.5:
                hiss[at : at + int(rng.integers(3, 9))] = rng.uniform(0.02, 0.1)
            at += length
        at += int(rng.uniform(40, 250))
    silent = cents == 0.0
    cents[silent], formants[silent] = 100.0 * lowest, _VOWELS[0]
    smooth = np.ones(7) / 7
    moved = [np.convolve(formants[:, number], smooth, mode="same") for number in range(3)]
    return cents, np.convolve(loud, np.ones(3) / 3, mode="same"), np.stack(moved, axis=1), hiss


def _settling(loud: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vibrato comes in late in a note."""
    held = np.zeros(len(loud))
    for step in range(1, len(loud)):
        held[step] = min(1.0, held[step - 1] + 0.04) if loud[step] > 0.95 else 0.0
    return held


def _spoken(hz: NDArray[np.float64], formants: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give how loud a frequency is in a vowel."""
    peaks = 1.0 / (1.0 + ((hz[:, None] - formants) / _WIDTH_HZ) ** 2)
    loud: NDArray[np.float64] = peaks @ np.array([1.0, 0.6, 0.35]) + 0.01
    return loud
