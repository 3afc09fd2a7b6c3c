"""A part left out of music that beats is no change of tempo; a tape that ran faster is one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.alignment.coincidence import ByPitch, coincidences
from encoders.alignment.drift import steadier
from encoders.landmarks import Landmarks, landmarks

SR = 22_050
SECONDS = 60


def _song(seed: int) -> NDArray[np.float32]:
    """A loop of eight notes, a quarter of a second each, of which every fourth is another one."""
    rng = np.random.default_rng(seed)
    count = SECONDS * 4
    notes = np.tile(rng.integers(0, 24, 8), count // 8)
    other = rng.random(count) < 0.25
    notes[other] = rng.integers(0, 24, int(other.sum()))
    t = np.arange(SECONDS * SR) / SR
    phase = 2 * np.pi * np.cumsum(220 * 2 ** (notes[(t * 4).astype(int)] / 12)) / SR
    y = sum(np.sin(phase * k) / k for k in (1, 2, 3, 5)) * np.exp(-6 * (t * 4 % 1.0) / 4)
    return np.asarray(0.3 * y, dtype=np.float32)


def _chosen(one: Landmarks, two: Landmarks, *, known: float, measured: float) -> float:
    return steadier(coincidences(ByPitch.of(one), two), known, measured)


@pytest.mark.parametrize("measured", [0.990722, 0.993656, 1.005861, 1.015907])
@pytest.mark.parametrize("seed", [1, 4, 6])
def test_a_skit_in_the_middle_is_no_tempo(seed: int, measured: float) -> None:
    song, other = _song(seed), _song(seed + 100)
    film = np.concatenate([other[: 9 * SR], song[: 25 * SR], other[20 * SR : 24 * SR], song[25 * SR :]])
    one, two = landmarks(song, SR), landmarks(film, SR)
    assert _chosen(one, two, known=1.0, measured=measured) == 1.0


@pytest.mark.parametrize("faster", [0.985, 0.997, 1.004, 1.02])
def test_a_tape_that_runs_faster_is_heard_as_one(faster: float) -> None:
    points = landmarks(_song(2), SR)
    frames = np.rint(points.frames / faster).astype(np.int32)
    tape = Landmarks(frames=frames, cents=points.cents)
    assert _chosen(points, tape, known=1.0, measured=faster) == faster
