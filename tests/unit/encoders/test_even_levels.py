"""One sound on another has one gain: what plays the same notes on another machine has as many as notes."""

from dataclasses import replace

import numpy as np
import pytest

from encoders.alignment import Alignment, align_sounds
from encoders.landmarks import Landmarks, landmarks
from tests.unit.encoders.test_alignment import RATE, score
from tests.unit.media_files import melody

SECONDS = 40
LOOP = 6_000


def points(seed: int) -> Landmarks:
    """Invent a sound of an instrument in tune, its points as loud as they happen to be."""
    heard = score(seed, seconds=SECONDS).heard(np.random.default_rng(seed), lost=0.0)
    rng = np.random.default_rng([seed, 1])
    cents = np.rint(heard.cents / 100.0) * 100 + rng.normal(0, 4, len(heard))
    loud = np.clip(rng.normal(120, 16, len(heard)), 0, 255)
    return replace(heard, cents=np.rint(cents).astype(np.uint16), heights=np.rint(loud).astype(np.uint8))


def mixed(
    source: Landmarks, over: Landmarks, *, kept: float, gain: float, even: bool, seed: int
) -> Landmarks:
    """Lay what is left of a loop under another sound at 10 s, as loud as one gain says or as it comes."""
    rng = np.random.default_rng(seed)
    loop = (source.frames >= 320) & (source.frames < 320 + LOOP // 32) & (rng.random(len(source)) < kept)
    assert source.heights is not None
    assert over.heights is not None
    heights = source.heights[loop].astype(np.float64) + gain + rng.normal(0, 1.0, loop.sum())
    if not even:
        heights = rng.normal(120, 16, loop.sum())
    frames = np.concatenate([source.frames[loop], over.frames])
    order = np.argsort(frames, kind="stable")
    cents = np.concatenate([source.cents[loop], over.cents])[order]
    both = np.concatenate([np.clip(np.rint(heights), 0, 255).astype(np.uint8), over.heights])[order]
    return Landmarks(frames=frames[order], cents=cents, heights=both)


def aligned(one: Landmarks, other: Landmarks) -> Alignment:
    return align_sounds(one, other, duration_a_ms=1_000 * SECONDS, duration_b_ms=1_000 * SECONDS)


def found(*, even: bool, kept: float) -> int:
    return sum(
        bool(
            aligned(
                mixed(points(seed), points(100 + seed), kept=kept, gain=-24, even=even, seed=seed),
                points(seed),
            ).spans
        )
        for seed in range(12)
    )


def test_few_points_are_enough_where_all_have_one_gain() -> None:
    assert found(even=True, kept=0.25) >= 10
    assert found(even=False, kept=0.25) <= 3


@pytest.mark.parametrize("gain", [0.5, 0.25])
def test_points_say_how_loud_they_are(gain: float) -> None:
    y = melody(10.0, seed=3)
    one, other = landmarks(y, RATE), landmarks(np.float32(gain) * y, RATE)
    assert one.heights is not None
    assert other.heights is not None
    # The quietest points of a quieter sound are none.
    loud = dict(zip(zip(one.frames, one.cents, strict=True), one.heights.astype(int), strict=True))
    places = zip(other.frames, other.cents, other.heights.astype(int), strict=True)
    steps = np.median(
        [loud[frame, cents] - height for frame, cents, height in places if (frame, cents) in loud]
    )
    assert steps == pytest.approx(-40 * np.log10(gain), abs=1)


def test_sounds_kept_before_points_said_how_loud_they_are_are_still_aligned() -> None:
    old = replace(points(3), heights=None)
    assert aligned(points(3), old).coverage_a > 0.9
    assert aligned(old, old).coverage_a > 0.9
