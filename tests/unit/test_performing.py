"""Two performances of one score are told from one performance that was cut, by how their offset wanders."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from streams.core.hearing import hear
from streams.core.performing import in_step
from streams.core.records import HeardSpan, SoundAlignment, SoundEvidence
from streams.core.sound_evidence import mirrored


def aligned(
    offsets_ms: Sequence[int], *, length_ms: int = 7_000, ratio: float = 1.0, bit_error: float = 0.17
) -> SoundEvidence:
    """Lay spans of one length one behind the other, each so much later in the left sound."""
    spans = tuple(
        HeardSpan(
            start_ms=round(number * length_ms + offset),
            end_ms=round((number + 1) * length_ms + offset),
            other_start_ms=round(number * length_ms * ratio),
            other_end_ms=round((number + 1) * length_ms * ratio),
            agreement=0.6,
        )
        for number, offset in enumerate(offsets_ms)
    )
    return SoundEvidence(
        bit_error=bit_error,
        offset_ms=offsets_ms[0],
        overlap_ms=12_000,
        start_ms=0,
        coverage_left=0.2,
        coverage_right=0.2,
        speed_ratio=1.0,
        harmony=0.95,
        alignment=SoundAlignment(
            spans=spans,
            speed_ratio=ratio,
            pitch_cents=0.0,
            pitch_tied=ratio == 1.0,
            coverage_left=0.8,
            coverage_right=0.8,
            longest_left=0.15,
            longest_right=0.15,
            log_odds=600.0,
        ),
    )


@pytest.mark.parametrize("ratio", [1.0, 1.06, 0.9])
def test_two_that_do_not_keep_step_are_two_performances(ratio: float) -> None:
    sound = aligned([300, 900, 500, 1_100, 700, 200], ratio=ratio)
    assert hear(sound).level == "other"
    assert hear(mirrored(sound)).level == "other"


@pytest.mark.parametrize(
    "offsets_ms",
    [
        [0, 4_000, 9_500, 12_500, 18_000, 21_500],  # cut, and not by fractions of a second
        [0, 0, 28_000, 28_000, 0, 0],  # music that repeats itself
        [0, 600, 0],  # one small cut
    ],
    ids=["cuts", "repeats", "one cut"],
)
def test_a_performance_that_was_cut_is_still_that_performance(offsets_ms: list[int]) -> None:
    assert hear(aligned(offsets_ms)).level == "part"


def test_a_copy_from_a_machine_that_does_not_keep_its_speed_is_a_copy() -> None:
    wandering = [300, 900, 500, 1_100, 700, 200]
    assert hear(aligned(wandering, bit_error=0.06)).level == "part"


def test_fingerprints_of_two_performances_agree_for_some_seconds_only() -> None:
    sound = replace(aligned([0]), alignment=None, bit_error=0.25)
    assert not in_step(sound)
    assert in_step(replace(sound, overlap_ms=24_000))
    assert in_step(replace(sound, coverage_right=0.9))  # all of a short one
