"""The same recording is found at another speed, and another recording is not."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from encoders.evaluation.synthetic import SR, song
from encoders.fingerprint import Verdict, align, confirm, fingerprint
from encoders.speed import align_stretched, find_drift, find_speed

A = song(21, seconds=45.0)
FP = fingerprint(A, SR)


@pytest.mark.parametrize("ratio", [1.25, 0.8])
def test_a_sped_up_copy_is_found(ratio: float) -> None:
    played = np.asarray(soxr.resample(A, SR * 1_000, round(SR * 1_000 / ratio)), dtype=np.float32)
    assert confirm(align(FP, fingerprint(played, SR))) is not Verdict.SAME
    found = find_speed(A, played, sr=SR, known=FP)
    assert found is not None
    assert found.pitch_tied
    assert found.speed_ratio == pytest.approx(ratio, rel=0.003)
    assert found.match.coverage_a > 0.9


def test_another_song_is_no_copy_at_any_speed() -> None:
    assert find_speed(A, song(22, seconds=45.0), sr=SR, known=FP) is None


def test_a_stretched_copy_is_found_without_audio() -> None:
    where = np.rint(np.arange(int(len(FP) / 1.06)) * 1.06).astype(int)
    found = align_stretched(FP, FP[where])
    assert found.speed_ratio == pytest.approx(1.06, rel=0.01)
    assert not found.pitch_tied
    assert confirm(found.match) is Verdict.SAME


def test_an_equal_copy_is_not_stretched() -> None:
    found = align_stretched(FP, FP)
    assert (found.speed_ratio, found.match.bit_error) == (1.0, 0.0)
    assert align_stretched(FP[:0], FP).match.overlap_ms == 0


@pytest.fixture(scope="module")
def long_song() -> NDArray[np.float32]:
    return song(23, seconds=150.0)


@pytest.mark.parametrize("ratio", [1.003, 0.997, 1.005])
def test_a_copy_a_little_faster_or_slower_drifts_as_much(
    long_song: NDArray[np.float32], ratio: float
) -> None:
    played = np.asarray(soxr.resample(long_song, SR * 1_000, round(SR * 1_000 / ratio)), dtype=np.float32)
    one, other = fingerprint(long_song, SR), fingerprint(played, SR)
    assert find_drift(one, other, align(one, other)) == pytest.approx(ratio, abs=0.001)
    assert find_drift(other, one, align(other, one)) == pytest.approx(1 / ratio, abs=0.001)


def test_noise_a_cut_or_a_later_start_is_no_drift(long_song: NDArray[np.float32]) -> None:
    one = fingerprint(long_song, SR)
    noise = np.random.default_rng(1).standard_normal(len(long_song), dtype=np.float32)
    changed = (
        long_song + 0.02 * noise,
        long_song[3 * SR :],
        np.concatenate([long_song[: 40 * SR], long_song[int(40.4 * SR) :]]),
    )
    for each in changed:
        other = fingerprint(each, SR)
        assert find_drift(one, other, align(one, other)) == 1.0
    assert find_drift(FP[:100], FP[:100], align(FP[:100], FP[:100])) == 1.0
