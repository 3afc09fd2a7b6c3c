"""Straight lines through harmonies: found in another key, at another tempo, of a part; not in strangers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.version_lines import line_scores

Classes = NDArray[np.float32]


def harmony(seed: int, frames: int = 160) -> Classes:
    """Give pitch classes that change every third frame, of zero sum and unit length."""
    steps = np.random.default_rng(seed).gamma(0.5, size=(12, frames // 3 + 1))
    return centred(np.repeat(steps, 3, axis=1)[:, :frames])


def centred(classes: NDArray[np.floating]) -> Classes:
    above = classes - classes.mean(axis=1, keepdims=True)
    return np.asarray(above / np.linalg.norm(above, axis=0), dtype=np.float32)


def at_tempo(classes: Classes, ratio: float) -> Classes:
    at = np.minimum((np.arange(round(classes.shape[1] / ratio)) * ratio).astype(int), classes.shape[1] - 1)
    return classes[:, at]


@pytest.mark.parametrize(
    ("key", "ratio", "first", "last"),
    [(0, 1.0, 0, 160), (5, 1.0, 0, 160), (3, 1.2, 0, 160), (11, 0.85, 0, 160), (2, 1.1, 60, 160)],
)
def test_a_work_is_found_in_another_key_at_another_tempo_and_in_part(
    key: int, ratio: float, first: int, last: int
) -> None:
    asked = harmony(1)
    version = at_tempo(np.roll(asked, key, axis=0)[:, first:last], ratio)
    scores = line_scores(asked, [version, *(harmony(seed) for seed in range(2, 12))])
    assert scores[0] > 2.0 * scores[1:].max()


def test_a_section_before_it_moves_the_line_and_breaks_nothing() -> None:
    asked = harmony(1)
    longer = np.concatenate([harmony(20, 50), asked, harmony(21, 40)], axis=1)
    one, other = line_scores(asked, [longer, harmony(3, 250)])
    assert one > 2.0 * other
