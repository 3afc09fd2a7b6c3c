"""Straight lines through harmonies: found in another key, at another tempo, of a part; not in strangers."""

import numpy as np
import pytest

from encoders.version_lines import LineClasses, VersionLine, columns_ms, line_between, line_scores


def harmony(seed: int, frames: int = 160) -> LineClasses:
    """Give pitch classes that change every third column."""
    steps = np.random.default_rng(seed).gamma(0.5, size=(12, frames // 3 + 1))
    steps = np.repeat(steps, 3, axis=1)[:, :frames]
    return np.asarray(np.rint(255.0 * steps / np.linalg.norm(steps, axis=0)), dtype=np.uint8)


def at_tempo(classes: LineClasses, ratio: float) -> LineClasses:
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


@pytest.mark.parametrize(("key", "ratio"), [(0, 1.0), (5, 1.2), (11, 0.85)])
def test_a_line_says_how_fast_how_high_and_where(key: int, ratio: float) -> None:
    asked = harmony(1, 240)
    version = np.roll(at_tempo(asked[:, 80:], ratio), key, axis=0)
    found = line_between(asked, version)
    # The other side plays `ratio` times as fast and lies `key` semitones higher.
    assert 1.0 / found.ratio == pytest.approx(ratio, rel=0.02)
    assert (found.semitones + key) % 12 == 0
    whole = columns_ms(asked)
    assert found.start_a_ms == pytest.approx(whole / 3, abs=0.06 * whole)
    assert found.end_a_ms == pytest.approx(whole, abs=0.06 * whole)
    assert found.start_b_ms == pytest.approx(0.0, abs=0.06 * whole)
    assert found.end_b_ms == pytest.approx(columns_ms(version), abs=0.06 * whole)


def test_a_section_before_it_moves_the_line_and_breaks_nothing() -> None:
    asked = harmony(1)
    longer = np.concatenate([harmony(20, 50), asked, harmony(21, 40)], axis=1)
    one, other = line_scores(asked, [longer, harmony(3, 250)])
    assert one > 2.0 * other


def test_of_many_the_version_is_found_as_if_there_were_few() -> None:
    asked = harmony(1)
    version = at_tempo(np.roll(asked, 4, axis=0), 1.1)
    many = line_scores(asked, [*(harmony(seed) for seed in range(2, 80)), version])
    assert many.argmax() == 78
    assert many[-1] == line_between(asked, version).score


@pytest.mark.parametrize("frames", [0, 1, 29])
def test_what_is_too_short_has_no_line(frames: int) -> None:
    assert line_between(harmony(1), harmony(1)[:, :frames]) == VersionLine()
    assert line_between(harmony(1)[:, :frames], harmony(1)) == VersionLine()
    assert line_scores(harmony(1)[:, :frames], [harmony(1)]).tolist() == [0.0]


def test_silence_goes_along_with_nothing() -> None:
    silence = np.zeros((12, 160), dtype=np.uint8)
    assert line_between(harmony(1), silence).score == 0.0
    assert line_between(silence, silence).score == 0.0


def test_an_hour_is_looked_at_for_its_first_minutes() -> None:
    asked = harmony(1)
    found = line_between(asked, np.concatenate([asked, harmony(5, 9_000)], axis=1))
    assert found.score > 4.0
    assert found.end_b_ms <= columns_ms(asked) * 1.02
