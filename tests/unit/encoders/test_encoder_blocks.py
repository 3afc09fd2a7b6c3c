"""What is heard block by block is what is heard at once, and only features are kept of what has passed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from encoders.evaluation.synthetic import SR, song
from encoders.features.audio import Resampler, blocks_of, resample
from encoders.features.cqt import CqtStream, cqt_magnitude, harmonic_db, harmonic_peaks
from encoders.features.mel import log_mel, window_input
from encoders.features.silence import SilenceMeter, silence_facts
from encoders.fingerprint import fingerprint, words_of
from encoders.fingerprint_bands import BandStream
from encoders.identity import IdentityStream, LevelMeter
from encoders.runtime import OnnxModel

FloatArray = NDArray[np.float32]

# Longer than one piece of the constant-Q transform, so that there is a seam.
Y = np.concatenate([song(1, seconds=70.0), np.zeros(SR, dtype=np.float32), song(2, seconds=60.0)])
MIB = 1 << 20


def uneven(y: FloatArray, *, seed: int) -> Iterator[FloatArray]:
    """Cut anywhere, empty blocks and single samples included."""
    rng = np.random.default_rng(seed)
    at = 0
    while at < len(y):
        length = int(rng.choice([0, 1, 700, 22_050, 200_000]))
        yield y[at : at + length]
        at += length


@pytest.mark.parametrize("seed", range(3))
def test_resampled_blocks_are_the_resampled_whole(seed: int) -> None:
    resampler = Resampler(SR, 8_000)
    parts = [resampler.push(block) for block in uneven(Y, seed=seed)]
    np.testing.assert_array_equal(np.concatenate([*parts, resampler.finish()]), resample(Y, SR, 8_000))


@pytest.mark.parametrize("seconds", [1.0, 20.0, 22.0, 25.0, 92.0, 131.0])
def test_constant_q_blocks_are_the_whole(seconds: float) -> None:
    y = Y[: int(seconds * SR)]
    stream = CqtStream(SR)
    parts = [part for block in uneven(y, seed=1) for part in stream.push(block)]
    # Float32 transforms of the same samples: equal up to rounding.
    found = np.concatenate([*parts, *stream.finish()])
    np.testing.assert_allclose(found, cqt_magnitude(y, sr=SR), rtol=1e-5, atol=1e-6)


def test_decibels_of_a_part_are_under_the_maximum_of_the_whole() -> None:
    magnitude = cqt_magnitude(Y, sr=SR)
    whole = harmonic_db(magnitude)
    part = harmonic_db(magnitude[200:300], peaks=harmonic_peaks(magnitude))
    np.testing.assert_allclose(part, whole[200:300], atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_fingerprint_blocks_are_the_whole(seed: int) -> None:
    stream = BandStream(SR)
    for block in uneven(Y, seed=seed):
        stream.push(block)
    found, whole = words_of(*stream.finish()), fingerprint(Y, SR)
    assert found.shape == whole.shape
    # Rounding may tip a bit that lies on its threshold: 1 in 10,000 at most.
    assert np.bitwise_count(found ^ whole).sum() <= 32 * len(whole) // 10_000


@pytest.mark.parametrize("samples", [1, 600, 1_102, 1_103, 50_000, len(Y)])
def test_silence_and_level_in_blocks_are_the_whole(samples: int) -> None:
    y = Y[-samples:] * np.float32(3.0)
    meter, level = SilenceMeter(sr=SR), LevelMeter(SR)
    for block in uneven(y, seed=samples):
        meter.push(block)
        level.push(block)
    assert meter.facts() == silence_facts(y, sr=SR)
    heard = resample(y, SR, 11_025).astype(np.float64)
    whole = np.sqrt(np.mean(heard**2)) if len(heard) else 0.0
    assert level.finish() == pytest.approx(whole, rel=1e-5)


class Averages:
    """Stands for the network: 256 features, each the average of a band over a quarter of a window."""

    dimension = 256

    @property
    def card(self) -> Averages:
        return self

    def check(self, vectors: FloatArray) -> None:
        assert np.isfinite(vectors).all()

    def run(self, array: FloatArray) -> FloatArray:
        quarters = [part.mean(axis=2) for part in np.array_split(array, 4, axis=2)]
        return np.asarray(np.concatenate(quarters, axis=1), dtype=np.float32)


def windows_at_once(y: FloatArray) -> FloatArray:
    """Cut windows of 10 s, each 5 s, out of the bands of the whole signal."""
    samples = resample(y, SR, 11_025)
    level = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
    bands = log_mel(samples * np.float32(0.1 / max(level, 1e-9)))
    length, rows = min(214, len(bands)), []
    for number in range(max(1, (len(samples) - 110_250) // 55_125 + 1)):
        part = samples[number * 55_125 : number * 55_125 + 110_250]
        if length < 16 or level < 3e-4 or np.sqrt(np.mean(part.astype(np.float64) ** 2)) < 3e-4:
            rows.append(np.zeros(256))
            continue
        first = min(round(number * 55_125 / 512), len(bands) - length)
        row = Averages().run(window_input(bands[first : first + length])[None])[0]
        rows.append(row / np.linalg.norm(row))
    return np.asarray(rows, dtype=np.float32)


NEAR_A_WINDOW = st.builds(lambda k, n: k * 5 * SR + n, st.integers(1, 15), st.integers(-2_100, 2_100))


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.integers(1, 80 * SR), NEAR_A_WINDOW))
def test_identity_windows_in_blocks_are_those_of_the_whole(samples: int) -> None:
    silence = np.zeros(16 * SR, dtype=np.float32)
    y = np.concatenate([Y[50 * SR : 60 * SR], silence, Y[: 60 * SR]])[:samples]
    level = LevelMeter(SR)
    level.push(y)
    stream = IdentityStream(cast("OnnxModel", Averages()), sr=SR, level=level.finish())
    for block in uneven(y, seed=samples):
        stream.push(block)
    starts, found = stream.finish()
    whole = windows_at_once(y)
    assert starts.tolist() == [5_000 * number for number in range(len(whole))]
    np.testing.assert_allclose(found, whole, atol=1e-4)


def test_the_colour_is_the_average_of_the_bands_and_gain_does_not_move_it() -> None:
    def colour(y: FloatArray) -> FloatArray:
        level = LevelMeter(SR)
        level.push(y)
        stream = IdentityStream(cast("OnnxModel", Averages()), sr=SR, level=level.finish())
        for block in uneven(y, seed=4):
            stream.push(block)
        stream.finish()
        return stream.colour()

    y = Y[: 30 * SR]
    samples = resample(y, SR, 11_025)
    bands = log_mel(samples * np.float32(0.1 / np.sqrt(np.mean(samples.astype(np.float64) ** 2))))
    np.testing.assert_allclose(colour(y), bands.mean(axis=0) * 10 / np.log(10), atol=1e-2)
    np.testing.assert_allclose(colour(y), colour(y * np.float32(0.1)), atol=1e-2)
    assert not colour(np.zeros(SR, dtype=np.float32)).any()


def test_an_hour_in_blocks_holds_its_features_only() -> None:
    block = next(blocks_of(song(3, seconds=12.0)))
    bands, silence, level = BandStream(SR), SilenceMeter(sr=SR), LevelMeter(SR)
    identity = IdentityStream(cast("OnnxModel", Averages()), sr=SR, level=0.1)
    tracemalloc.start()
    try:
        for _ in range(3_600 * SR // len(block)):
            bands.push(block)
            identity.push(block)
            silence.push(block)
            level.push(block)
        words = words_of(*bands.finish())
        windows = identity.finish()[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert abs(len(words) - 8 * 3_600) < 200
    assert abs(len(windows) - 3_600 // 5) < 5
    # The samples alone would be 318 MB.
    assert peak < 48 * MIB


def test_the_constant_q_transform_holds_one_piece() -> None:
    block = next(blocks_of(song(3, seconds=12.0)))

    def peak(seconds: int) -> int:
        stream = CqtStream(SR)
        for _ in range(10):  # the responses of the long transform are kept for good
            stream.push(block)
        tracemalloc.start()
        try:
            for _ in range(seconds * SR // len(block)):
                stream.push(block)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(900) < peak(300) + 2 * MIB
