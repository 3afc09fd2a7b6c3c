"""Where spans begin and end, and which of them say nothing."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.alignment import Alignment, align_sounds
from encoders.landmarks import FLOOR_DB, FRAME_MS, Landmarks, landmarks
from tests.unit.encoders.test_alignment import RATE, Score, score

LOUD, SOFT, SILENT = 100, 60, 0


def silence(seconds: float) -> Score:
    nothing = np.empty(0)
    return Score(ms=nothing, cents=nothing, length_ms=1_000 * seconds)


def levels(*parts: tuple[float, int]) -> NDArray[np.uint8]:
    return np.concatenate([np.full(round(1_000 * s / FRAME_MS), level, dtype=np.uint8) for s, level in parts])


def aligned(one: Landmarks, other: Landmarks, seconds: tuple[float, float]) -> Alignment:
    return align_sounds(
        one, other, duration_a_ms=round(1_000 * seconds[0]), duration_b_ms=round(1_000 * seconds[1])
    )


def near(found: Alignment, *parts: tuple[float, float, float, float]) -> None:
    """Compare spans with seconds of both sides."""
    told = [(s.start_a_ms, s.end_a_ms, s.start_b_ms, s.end_b_ms) for s in found.spans]
    assert len(told) == len(parts), told
    for one, part in zip(told, parts, strict=True):
        assert one == pytest.approx([1_000 * each for each in part], abs=300)


@pytest.mark.parametrize("seed", range(3))
def test_a_silence_that_was_put_in_is_no_part_of_the_song(seed: int) -> None:
    song = score(seed, seconds=60)
    film = song.part(0, 25_000).then(silence(5)).then(song.part(25_000, 60_000))
    rng = np.random.default_rng(seed)
    found = aligned(song.heard(rng, lost=0.1), film.heard(rng, lost=0.0), (60, 65))
    near(found, (0, 25, 0, 25), (25, 60, 30, 65))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_only_like_a_part_that_was_left_out_is_not_told(seed: int) -> None:
    bar = score(seed, seconds=8)
    like = Score(
        ms=np.concatenate([bar.ms[::2], score(seed + 90, seconds=8, per_second=13).ms]),
        cents=np.concatenate([bar.cents[::2], score(seed + 90, seconds=8, per_second=13).cents]),
        length_ms=8_000,
    )
    song = score(seed + 1, seconds=20).then(bar).then(score(seed + 2, seconds=10)).then(like)
    rng = np.random.default_rng(seed)
    found = aligned(song.heard(rng, lost=0.1), song.part(0, 38_000).heard(rng, lost=0.1), (46, 38))
    near(found, (0, 38, 0, 38))


@pytest.mark.parametrize("seed", range(3))
def test_a_part_that_is_played_twice_is_told_twice(seed: int) -> None:
    song = score(seed, seconds=40)
    film = song.part(0, 30_000).then(song.part(20_000, 40_000))
    rng = np.random.default_rng(seed)
    found = aligned(song.heard(rng, lost=0.1), film.heard(rng, lost=0.1), (40, 50))
    near(found, (0, 30, 0, 30), (20, 40, 30, 50))


@pytest.mark.parametrize("seed", range(3))
def test_a_soft_beginning_under_a_crowd_belongs_to_the_song(seed: int) -> None:
    rng = np.random.default_rng(seed)
    soft, song, crowd = score(seed, seconds=2), score(seed + 1, seconds=40), score(seed + 2, seconds=8)
    heard = soft.then(song).heard(rng, lost=0.1)
    film = crowd.then(song).heard(rng, lost=0.1)
    heard = replace(heard, levels=levels((2, SOFT), (40, LOUD)))
    film = replace(film, levels=levels((8, SOFT + 20), (40, LOUD)))
    near(aligned(heard, film, (42, 48)), (0, 42, 6, 48))


@pytest.mark.parametrize("seed", range(3))
def test_a_loud_beginning_that_is_missed_was_left_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    left_out, song, other = score(seed, seconds=2), score(seed + 1, seconds=40), score(seed + 2, seconds=8)
    heard = replace(left_out.then(song).heard(rng, lost=0.1), levels=levels((42, LOUD)))
    film = replace(other.then(song).heard(rng, lost=0.1), levels=levels((48, LOUD)))
    near(aligned(heard, film, (42, 48)), (2, 42, 8, 48))


@pytest.mark.parametrize("seed", range(3))
def test_a_soft_beginning_behind_something_loud_belongs_to_the_song(seed: int) -> None:
    """Points are the strongest of their second, so that those behind something loud are not found."""
    rng = np.random.default_rng(seed)
    soft, song, other = score(seed, seconds=0.9), score(seed + 1, seconds=40), score(seed + 2, seconds=8)
    heard = replace(soft.then(song).heard(rng, lost=0.0), levels=levels((0.9, SOFT), (40, SOFT + 10)))
    film = other.then(silence(0.9)).then(song).heard(rng, lost=0.0)
    film = replace(film, levels=levels((8, LOUD), (0.9, SOFT), (40, SOFT + 10)))
    near(aligned(heard, film, (40.9, 48.9)), (0, 40.9, 8, 48.9))


@pytest.mark.parametrize("seed", range(3))
def test_two_that_begin_and_end_at_once_are_one_from_end_to_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, song, last = score(seed, seconds=1), score(seed + 1, seconds=40), score(seed + 2, seconds=1)
    drowned = score(seed + 3, seconds=1)
    heard = replace(first.then(song).then(last).heard(rng, lost=0.1), levels=levels((42, LOUD)))
    film = replace(drowned.then(song).then(drowned).heard(rng, lost=0.1), levels=levels((42, LOUD)))
    near(aligned(heard, film, (42, 42)), (0, 42, 0, 42))


@pytest.mark.parametrize("at", [24.7, 25.3])
@pytest.mark.parametrize("seed", range(3))
def test_spans_meet_where_the_levels_of_both_change(seed: int, at: float) -> None:
    """A skit is put into a pause of which no point tells the place."""
    rng = np.random.default_rng(seed)
    song = score(seed, seconds=24.4).then(silence(1.2)).then(score(seed + 1, seconds=30))
    skit = score(seed + 2, seconds=6)
    film = song.part(0, 1_000 * at).then(skit).then(song.part(1_000 * at, 55_600))
    heard = replace(song.heard(rng, lost=0.1), levels=levels((24.4, LOUD), (1.2, SOFT), (30, LOUD)))
    shown = levels((24.4, LOUD), (at - 24.4, SOFT), (6, LOUD), (25.6 - at, SOFT), (30, LOUD))
    found = aligned(heard, replace(film.heard(rng, lost=0.1), levels=shown), (55.6, 61.6))
    near(found, (0, at, 0, at), (at, 55.6, at + 6, 61.6))


@pytest.mark.parametrize("seed", range(3))
def test_without_levels_spans_meet_in_the_middle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    song = score(seed, seconds=24.4).then(silence(1.2)).then(score(seed + 1, seconds=30))
    film = song.part(0, 25_000).then(score(seed + 2, seconds=6)).then(song.part(25_000, 55_600))
    found = aligned(song.heard(rng, lost=0.1), film.heard(rng, lost=0.1), (55.6, 61.6))
    near(found, (0, 25, 0, 25), (25, 55.6, 31, 61.6))


def test_levels_are_decibels_of_full_scale() -> None:
    t = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * t) * np.where(t < 2, 1.0, 0.01)
    found = landmarks(tone.astype(np.float32), RATE).levels
    assert found is not None
    assert len(found) == pytest.approx(4_000 / FRAME_MS, abs=2)
    assert float(found[20]) + FLOOR_DB == pytest.approx(1.8, abs=2)  # a window's power, of three bins
    assert int(found[20]) - int(found[-20]) == pytest.approx(40, abs=1)
