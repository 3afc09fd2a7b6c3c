"""Tunes of few notes by one synthesiser at one tempo: unlike each other, and alike in every note."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR, Sound
from encoders.alignment import align_sounds
from encoders.landmarks import landmarks

SECONDS: Final = 40
_NOTE_S: Final = 0.25
_NOTES: Final = int(SECONDS / _NOTE_S) + 1
_MAJOR: Final = np.array([0, 2, 4, 5, 7, 9, 11])
_PENTATONIC: Final = np.array([0, 2, 4, 7, 9, 12, 14, 16])
# Each sound beside the next so many.
_NEXT: Final = 7


def chromatic(rng: np.random.Generator) -> Sound:
    """Draw notes from two octaves."""
    return _played(rng.integers(0, 24, size=_NOTES), rng)


def in_a_scale(rng: np.random.Generator) -> Sound:
    """Walk up and down a major scale in steps and thirds."""
    degree = np.cumsum(rng.choice([-1, -1, 0, 1, 1, 2, -2], size=_NOTES))
    degree = np.abs(degree % 28 - 14)
    return _played(_MAJOR[degree % 7] + 12 * (degree // 7), rng)


def of_five_notes(rng: np.random.Generator) -> Sound:
    """Draw notes from five."""
    return _played(rng.choice(_PENTATONIC[:5], size=_NOTES), rng)


def riff(rng: np.random.Generator) -> Sound:
    """Repeat a bar of a pentatonic scale, one note in ten another."""
    notes = np.resize(rng.choice(_PENTATONIC, size=16), _NOTES)
    other = rng.random(_NOTES) < 0.1
    return _played(np.where(other, rng.choice(_PENTATONIC, size=_NOTES), notes), rng)


KINDS: Final[tuple[Callable[[np.random.Generator], Sound], ...]] = (
    chromatic,
    in_a_scale,
    of_five_notes,
    riff,
)


def tunes(number: int = 20) -> dict[str, Any]:
    """Align tunes of one kind: nothing is to be found."""
    found = {}
    for play in KINDS:
        heard = [landmarks(play(np.random.default_rng([23, each])), SR) for each in range(number)]
        pairs = [(one, (one + step) % number) for step in range(1, _NEXT + 1) for one in range(number)]
        aligned = [
            bool(
                align_sounds(
                    heard[one],
                    heard[other],
                    duration_a_ms=1_000 * SECONDS,
                    duration_b_ms=1_000 * SECONDS,
                ).spans
            )
            for one, other in pairs
        ]
        found[play.__name__] = {"pairs": len(pairs), "aligned": sum(aligned)}
    return found


def _played(semitones: NDArray[np.int_], rng: np.random.Generator) -> Sound:
    t = np.arange(SECONDS * SR) / SR
    pitch = 220.0 * 2.0 ** (semitones[(t / _NOTE_S).astype(int)] / 12.0)
    phase = 2 * np.pi * np.cumsum(pitch) / SR
    y = sum(np.sin(phase * k) / k for k in (1, 2, 3, 5)) * np.exp(-2 * (t / _NOTE_S % 1.0))
    return np.asarray(0.3 * y + 0.001 * rng.standard_normal(len(t)), dtype=np.float32)
