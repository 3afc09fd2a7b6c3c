"""Tunes of few notes by one instrument at one tempo agree in whole bars; that is no loop that both use."""

from itertools import combinations

import numpy as np

from benchmarks.few_notes import KINDS
from encoders.alignment import Alignment, align_sounds
from encoders.alignment.coincidence import ByPitch, coincidences
from encoders.alignment.prominence import prominence
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


def test_a_loop_stands_out_of_other_offsets_and_chance_does_not() -> None:
    source, over = points(3), points(103)
    loop = (source.frames >= 320) & (source.frames < 520)
    frames = np.concatenate([over.frames, source.frames[loop]])
    order = np.argsort(frames, kind="stable")
    mixed = Landmarks(frames=frames[order], cents=np.concatenate([over.cents, source.cents[loop]])[order])
    found = coincidences(ByPitch.of(mixed), source)
    begin, end = round(320 * FRAME_MS), round(520 * FRAME_MS)
    there = Span(start_a_ms=begin, end_a_ms=end, start_b_ms=begin, end_b_ms=end, agreement=1.0, worth=100.0)
    assert prominence(found, there, [there], ratio=1.0) > 5.0
    elsewhere = Span(
        start_a_ms=begin + 5_000,
        end_a_ms=end + 5_000,
        start_b_ms=begin,
        end_b_ms=end,
        agreement=1.0,
        worth=100.0,
    )
    assert prominence(found, elsewhere, [elsewhere, there], ratio=1.0) < 2.5
