"""What one of two sounds has on top: voices, other notes, nothing; in sound that is made here."""

import numpy as np
import pytest

from benchmarks.damaged_queries import SR
from benchmarks.sung import sung
from encoders.alignment import Layers, Span, layers
from encoders.landmarks import landmarks

SECONDS = 20
FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def played(seed: int) -> FloatArray:
    """Play two notes of a piano's kind at a time, half a second each."""
    rng = np.random.default_rng(seed)
    at = np.arange(SR // 2) / SR
    heard = []
    for _ in range(2 * SECONDS):
        pitches = 220.0 * 2.0 ** (rng.integers(0, 24, 2) / 12.0)
        notes = [
            np.sin(2 * np.pi * hz * k * at) * np.exp(-3 * at) / k**1.3 for hz in pitches for k in range(1, 7)
        ]
        heard.append(np.sum(notes, axis=0))
    return np.concatenate(heard) * 0.1


def heard(one: FloatArray, other: FloatArray) -> Layers:
    whole = Span(
        start_a_ms=0,
        end_a_ms=1_000 * SECONDS,
        start_b_ms=0,
        end_b_ms=1_000 * SECONDS,
        agreement=1.0,
        worth=100.0,
    )
    found = layers(landmarks(one, SR), landmarks(other, SR), [whole], ratio=1.0)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_voice_is_on_top_of_the_side_that_has_it(seed: int) -> None:
    backing, voice = played(seed), sung(SECONDS, np.random.default_rng(seed))
    song = 0.5 * backing + 0.3 * voice[: len(backing)]
    found = heard(backing, song)
    assert found.left.share < 0.02
    assert found.right.share > 0.15
    assert found.right.harmonic > 0.18
    assert found.right.scattered > found.both.scattered
    other_way = heard(song, backing)
    assert other_way.left.share == pytest.approx(found.right.share, abs=0.02)


def test_half_as_loud_is_nothing_on_top() -> None:
    found = heard(played(1), 0.5 * played(1))
    assert (found.left.share, found.right.share) == (0.0, 0.0)
    assert found.both.points > 100


def test_other_notes_are_on_a_scale() -> None:
    found = heard(played(1), played(1) + 1.5 * played(7))
    assert found.left.share < 0.1 < found.right.share
    assert found.right.scattered < 0.7
