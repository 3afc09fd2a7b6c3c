"""Fingerprints find the same recording again, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from encoders.errors import InvalidSignal
from encoders.evaluation.synthetic import SR, song
from encoders.features.silence import silence_facts
from encoders.fingerprint import Verdict, align, confirm, fingerprint

A = song(1)
FP = fingerprint(A, SR)


def test_words_come_eight_a_second_and_are_repeatable() -> None:
    assert FP.dtype == np.uint32
    assert abs(len(FP) - 8 * 40) < 20
    assert np.array_equal(FP, fingerprint(A, SR))


def test_a_copy_is_itself_everywhere() -> None:
    match = align(FP, FP)
    assert (match.offset_ms, match.bit_error, match.coverage_a) == (0, 0.0, 1.0)
    assert confirm(match) is Verdict.SAME


def test_gain_rate_and_channels_do_not_matter() -> None:
    other = np.stack([soxr.resample(A * 0.25, SR, 44_100)] * 2)
    assert align(FP, fingerprint(other, 44_100)).bit_error < 0.03


def test_a_noisy_crop_is_found_where_it_was() -> None:
    rng = np.random.default_rng(0)
    crop = A[12 * SR : 24 * SR]
    noise = rng.standard_normal(len(crop)) * np.std(crop) * 10 ** (-10 / 20)
    match = align(FP, fingerprint((crop + noise).astype(np.float32), SR))
    assert confirm(match) is Verdict.SAME
    assert abs(match.offset_ms - 12_000) <= 125
    assert match.coverage_b > 0.9
    assert match.coverage_a < 0.4


def test_a_part_inside_other_music_is_a_span() -> None:
    mix = np.concatenate([song(7, seconds=20), A[5 * SR : 20 * SR], song(8, seconds=20)])
    match = align(FP, fingerprint(mix, SR))
    assert confirm(match) is Verdict.SAME
    assert abs(match.start_b_ms - 20_000) < 2_500
    assert abs(match.span_ms - 15_000) < 4_000
    assert match.overlap_bit_error > match.bit_error


def test_other_music_is_different() -> None:
    verdicts = [confirm(align(FP, fingerprint(song(seed), SR))) for seed in range(2, 10)]
    assert Verdict.SAME not in verdicts
    assert verdicts.count(Verdict.DIFFERENT) >= 6


def test_alignment_is_symmetric() -> None:
    crop = fingerprint(A[10 * SR : 30 * SR], SR)
    forth, back = align(FP, crop), align(crop, FP)
    assert forth.offset_ms == -back.offset_ms
    assert forth.bit_error == back.bit_error


def test_silence_never_matches() -> None:
    quiet = fingerprint(np.zeros(20 * SR, dtype=np.float32), SR)
    assert not quiet.any()
    assert align(quiet, quiet).overlap_ms == 0
    assert confirm(align(quiet, FP)) is Verdict.UNSURE


@given(st.integers(0, 60))
def test_short_signals_say_nothing_and_break_nothing(words: int) -> None:
    match = align(FP[:words], FP)
    assert words >= 8 or match.overlap_ms == 0


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(0, dtype=np.float32),
        np.array([0.0, np.nan], dtype=np.float32),
        np.zeros((9, 9), dtype=np.float32),
        np.zeros(9, dtype=np.int16),
    ],
)
def test_what_is_not_a_signal_is_refused(y: np.ndarray) -> None:
    with pytest.raises(InvalidSignal):
        fingerprint(y, SR)


def test_a_fingerprint_is_uint32() -> None:
    with pytest.raises(InvalidSignal):
        align(FP.astype(np.int64), FP)


def test_silence_facts() -> None:
    y = np.concatenate([np.zeros(SR), A[: 2 * SR], np.zeros(SR)]).astype(np.float32)
    facts = silence_facts(y, sr=SR)
    assert facts.leading_ms == 1_000
    assert 950 <= facts.trailing_ms <= 1_000
    assert facts.silent_fraction == pytest.approx(0.5, abs=0.05)
    assert not facts.silent
    assert silence_facts(np.zeros(SR, dtype=np.float32), sr=SR).silent
