"""Faint points: what is left of a loop under louder music, kept apart, asked where loops are looked for."""

from dataclasses import replace

import numpy as np

from encoders.alignment import Alignment, align_sounds
from encoders.landmarks import Landmarks, landmarks
from tests.unit.encoders.test_alignment import RATE
from tests.unit.encoders.test_even_levels import LOOP, SECONDS, points
from tests.unit.media_files import melody


def under(source: Landmarks, over: Landmarks, *, times: int = 1, kept: float, seed: int) -> Landmarks:
    """Lay a loop under another sound from 10 s on, so low that what is left of it is faint."""
    rng = np.random.default_rng(seed)
    assert source.heights is not None
    frames, cents, heights = [], [], []
    for number in range(times):
        loop = (source.frames >= 320) & (source.frames < 320 + _FRAMES) & (rng.random(len(source)) < kept)
        frames.append(source.frames[loop] + number * _FRAMES)
        cents.append(source.cents[loop])
        heights.append(np.clip(source.heights[loop].astype(int) - 24, 0, 255).astype(np.uint8))
    return replace(
        over,
        levels=np.full(1_000 * SECONDS // 32, 100, dtype=np.uint8),
        faint=Landmarks(
            frames=np.concatenate(frames).astype(np.int32),
            cents=np.concatenate(cents),
            heights=np.concatenate(heights),
        ),
    )


_FRAMES = LOOP // 32


def aligned(one: Landmarks, other: Landmarks) -> Alignment:
    return align_sounds(one, other, duration_a_ms=1_000 * SECONDS, duration_b_ms=1_000 * SECONDS)


def test_a_loop_is_found_by_faint_points_from_either_side() -> None:
    placed = []
    for seed in range(8):
        source, over = points(seed), points(100 + seed)
        mixed = under(source, over, kept=0.4, seed=seed)
        assert not aligned(over, source).spans
        for found in (aligned(mixed, source), aligned(source, mixed)):
            placed.append(
                len(found.spans) == 1
                and abs(found.spans[0].start_a_ms - 10_240) <= 1_000
                and abs(found.spans[0].end_a_ms - 10_240 - LOOP) <= 1_000
            )
    assert sum(placed) >= 14


def test_a_loop_that_comes_again_is_told_as_often_whichever_side_is_asked() -> None:
    right = []
    for seed in range(4):
        source, over = points(seed), points(100 + seed)
        # The source alone is as loud as the loop would be 12 dB higher.
        source = replace(source, levels=np.full(1_000 * SECONDS // 32, 90, dtype=np.uint8))
        mixed = under(source, over, times=3, kept=0.5, seed=seed)
        here = [(span.start_a_ms, span.end_a_ms) for span in aligned(mixed, source).spans]
        there = [(span.start_b_ms, span.end_b_ms) for span in aligned(source, mixed).spans]
        for told in (sorted(here), sorted(there)):
            ends = [10_240 + LOOP * number for number in range(4)]
            right.append(
                len(told) == 3
                and all(
                    abs(begin - first) <= 1_000 and abs(end - last) <= 1_000
                    for (begin, end), first, last in zip(told, ends, ends[1:], strict=False)
                )
            )
    assert sum(right) >= 7


def test_faint_points_are_others_than_the_strong_ones_and_no_louder() -> None:
    rng = np.random.default_rng(5)
    y = melody(10.0, seed=3) + rng.normal(0, 0.05, 10 * RATE)
    heard = landmarks(y, RATE)
    assert heard.faint is not None
    assert heard.heights is not None
    assert heard.faint.heights is not None
    assert len(heard.faint) > 100
    strong = set(zip(heard.frames.tolist(), heard.cents.tolist(), strict=True))
    assert strong.isdisjoint(zip(heard.faint.frames.tolist(), heard.faint.cents.tolist(), strict=True))
    assert np.median(heard.faint.heights) < np.median(heard.heights)
    every = heard.with_faint()
    assert len(every) == len(heard) + len(heard.faint)
    assert np.all(np.diff(every.frames) >= 0)
    assert every.levels is heard.levels


def test_a_sound_of_before_faint_points_were_kept_has_the_strong_ones_alone() -> None:
    before = points(3)
    assert before.with_faint() is before
