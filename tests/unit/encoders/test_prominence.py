"""Tunes of few notes by one instrument at one tempo agree in whole bars; that is no loop that both use."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from benchmarks.few_notes import KINDS
from encoders.alignment import Alignment, align_sounds
from encoders.alignment.coincidence import ByPitch, Coincidences, coincidences
from encoders.alignment.prominence import BELIEVED, believed, moments, prominence
from encoders.alignment.span import Span
from encoders.landmarks import FRAME_MS, Landmarks, landmarks
from tests.unit.encoders.test_alignment import RATE
from tests.unit.encoders.test_even_levels import SECONDS, points


def aligned(one: Landmarks, other: Landmarks) -> Alignment:
    length = 1_000 * SECONDS
    return align_sounds(one, other, duration_a_ms=length, duration_b_ms=length)


def test_tunes_of_one_synthesiser_and_tempo_share_no_loop() -> None:
    for play in KINDS:
        heard = [landmarks(play(np.random.default_rng(seed)), RATE) for seed in range(4)]
        assert not any(aligned(one, other).spans for one, other in combinations(heard, 2))


def looped(seconds: float) -> tuple[Coincidences, Span]:
    """Lay some seconds of one sound among the points of another."""
    source, over = points(3), points(103)
    begin, end = 10_240, 10_240 + round(1_000 * seconds)
    loop = (source.frames >= begin / FRAME_MS) & (source.frames < end / FRAME_MS)
    frames = np.concatenate([over.frames, source.frames[loop]])
    order = np.argsort(frames, kind="stable")
    mixed = Landmarks(frames=frames[order], cents=np.concatenate([over.cents, source.cents[loop]])[order])
    there = Span(start_a_ms=begin, end_a_ms=end, start_b_ms=begin, end_b_ms=end, agreement=1.0, worth=100.0)
    return coincidences(ByPitch.of(mixed), source), there


def test_a_loop_stands_out_of_other_offsets_and_chance_does_not() -> None:
    found, there = looped(6.4)
    assert prominence(found, there, [there], ratio=1.0) > 5.0
    elsewhere = Span(
        start_a_ms=there.start_a_ms + 5_000,
        end_a_ms=there.end_a_ms + 5_000,
        start_b_ms=there.start_b_ms,
        end_b_ms=there.end_b_ms,
        agreement=1.0,
        worth=100.0,
    )
    assert prominence(found, elsewhere, [elsewhere, there], ratio=1.0) < 2.5


def test_a_moment_is_a_quarter_second_however_many_points_it_has() -> None:
    found, there = looped(6.4)
    told = moments(found, there, ratio=1.0)
    assert 20 <= told <= 26
    twice = replace(found, left=np.repeat(found.left, 2), right=np.repeat(found.right, 2))
    assert moments(twice, there, ratio=1.0) == told


def test_a_part_of_a_second_must_stand_out_more_than_a_loop() -> None:
    short, long = looped(1.0), looped(6.4)
    for found, there in (short, long):
        worth = 1.2 * BELIEVED / prominence(found, there, [there], ratio=1.0)
        assert believed(found, [replace(there, worth=worth)], ratio=1.0) == (there is long[1])
        assert not believed(found, [replace(there, worth=0.7 * worth)], ratio=1.0)
        assert believed(found, [replace(there, worth=4.0 * worth)], ratio=1.0)
