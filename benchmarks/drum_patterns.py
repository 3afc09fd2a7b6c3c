"""Beats of a drum machine: one pattern, tempo and key, played by as many kits as one likes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR, Sound

SECONDS = 40
_STEPS = 16
_MINOR = np.array([0, 3, 5, 7, 10, 12])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pattern:
    """What is played: a bar of steps, over and over.

    Attributes
    ----------
    step_s : float
    hits : bool [shape=(3, 16)]
        of kick, snare and hat
    notes : float [shape=(16,)]
        of the bass, in Hz; zero is a rest
    """

    step_s: float
    hits: NDArray[np.bool_]
    notes: NDArray[np.float64]


def pattern(rng: np.random.Generator) -> Pattern:
    """Invent a bar."""
    notes = 110.0 * 2.0 ** (rng.choice(_MINOR, _STEPS) / 12.0) * (rng.random(_STEPS) < 0.5)
    hits = rng.random((3, _STEPS)) < np.array([[0.3], [0.2], [0.6]])
    hits[0, 0] = True
    return Pattern(step_s=60.0 / float(rng.integers(90, 140)) / 4.0, hits=hits, notes=notes)


def drummed(played: Pattern, rng: np.random.Generator) -> Sound:
    """Play a pattern by a kit, and a bass, that nobody else has."""
    sounds = [_kick(rng), _noise(rng, 900.0, 0.15), _noise(rng, 5_000.0, 0.05)]
    partials = rng.uniform(0.1, 1.0, 12) / np.arange(1, 13)
    y = np.zeros(SECONDS * SR)
    for step in range(int(SECONDS / played.step_s)):
        at, place = round(step * played.step_s * SR), step % _STEPS
        heard = [sound for sound, hit in zip(sounds, played.hits[:, place], strict=True) if hit]
        if played.notes[place] > 0:
            heard.append(_note(played.notes[place], partials, played.step_s))
        for sound in heard:
            end = min(len(y), at + len(sound))
            y[at:end] += sound[: end - at] * rng.uniform(0.8, 1.0)
    return np.asarray(0.5 * y / np.abs(y).max(), dtype=np.float32)


def _kick(rng: np.random.Generator) -> NDArray[np.float64]:
    at = np.arange(int(0.25 * SR)) / SR
    low, fall = rng.uniform(40, 70), rng.uniform(15, 40)
    return np.sin(2 * np.pi * (low * at + rng.uniform(2, 6) * (1 - np.exp(-fall * at)))) * np.exp(-14 * at)


def _noise(rng: np.random.Generator, about_hz: float, ring_s: float) -> NDArray[np.float64]:
    """Hit something that rings in a band of its own."""
    samples = int(6 * ring_s * SR)
    hz = np.fft.rfftfreq(samples, 1 / SR) + 1.0
    centre, width = about_hz * rng.uniform(0.6, 1.6), rng.uniform(0.2, 0.7)
    spectrum = np.fft.rfft(rng.standard_normal(samples)) * np.exp(-((np.log(hz / centre) / width) ** 2))
    noise = np.fft.irfft(spectrum, samples) * np.exp(
        -np.arange(samples) / (ring_s * rng.uniform(0.6, 1.4) * SR)
    )
    return np.asarray(0.6 * noise / np.abs(noise).max())


def _note(hz: float, partials: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    at = np.arange(int(seconds * SR)) / SR
    tone = sum(level * np.sin(2 * np.pi * hz * (n + 1) * at) for n, level in enumerate(partials))
    return np.asarray(0.4 * tone * np.minimum(1.0, (seconds - at) / 0.02))
