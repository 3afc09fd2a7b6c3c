"""Constant-Q, chroma and the comparison of pitch sequences, without the network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from encoders.errors import InvalidSignal
from encoders.evaluation.synthetic import SR, song
from encoders.features.chroma import cens, fold_octaves
from encoders.features.cqt import BINS_PER_OCTAVE, FMIN_HZ, cqt_magnitude, harmonic_db
from encoders.features.harmony import LEAST_FRAMES, chord_steps, pitch_classes
from encoders.features.semitones import halved, semitone_frames, version_input
from encoders.version import align_versions, qmax

PitchSequence = NDArray[np.uint8]


def pitches(seed: int, **change: float) -> PitchSequence:
    chroma = cens(cqt_magnitude(song(seed, seconds=60.0, **change), sr=SR))
    return np.rint(chroma * 255).astype(np.uint8)


def steps_of(seed: int, **change: float) -> NDArray[np.float32]:
    magnitude = cqt_magnitude(song(seed, seconds=60.0, **change), sr=SR)
    return chord_steps(pitch_classes(version_input(halved(semitone_frames(magnitude)))))


def test_a_tone_lands_in_its_bin() -> None:
    for row in (0, 36, 100, 250):
        hz = FMIN_HZ * 2 ** (row / BINS_PER_OCTAVE)
        y = np.sin(2 * np.pi * hz * np.arange(6 * 44_100) / 44_100).astype(np.float32)
        middle = cqt_magnitude(y, sr=44_100)[20:40]
        assert set(middle.argmax(axis=1)) == {row}


def test_pieces_leave_no_seam() -> None:
    y = np.random.default_rng(0).standard_normal(11_025 * 120).astype(np.float32)
    whole = cqt_magnitude(y, sr=11_025)
    part = cqt_magnitude(y[: 11_025 * 20], sr=11_025)
    tail = cqt_magnitude(y[1_024 * 900 :], sr=11_025)
    np.testing.assert_allclose(whole[:200], part[:200], rtol=0.02, atol=0.02)
    np.testing.assert_allclose(whole[920:1_200], tail[20:300], rtol=0.02, atol=0.02)


def test_a_triad_folds_to_its_pitch_classes() -> None:
    t = np.arange(4 * SR) / SR
    y = sum(np.sin(2 * np.pi * 440.0 * 2 ** ((note - 69) / 12) * t) for note in (53, 57, 60))
    chroma = fold_octaves(cqt_magnitude(np.asarray(y, dtype=np.float32), sr=SR)).mean(axis=1)
    assert set(np.argsort(chroma)[-3:]) == {5, 9, 0}


def test_decibels_stay_under_their_maximum() -> None:
    hcqt = harmonic_db(cqt_magnitude(song(1, seconds=5.0), sr=SR))
    assert hcqt.shape[1:] == (216, 2)
    assert hcqt.max() == 0.0
    assert hcqt.min() >= -80.0


def test_silence_has_no_harmony() -> None:
    quiet = np.zeros((12, 60), dtype=np.uint8)
    assert qmax(quiet, quiet) == 0.0
    assert not chord_steps(pitch_classes(np.zeros((84, 60), dtype=np.float32))).any()


def test_a_version_in_another_key_and_tempo_is_found() -> None:
    original = pitches(3)
    cover = pitches(3, semitones=2.0, tempo=1.08)
    strangers = [pitches(seed) for seed in (4, 5, 6)]
    match = align_versions(original, cover)
    assert match.semitones == 10  # the cover lies 2 higher, so it is raised by 10
    assert match.score > 0.6
    assert max(qmax(original, other) for other in strangers) < 0.5
    steps = steps_of(3)
    near = float(steps @ steps_of(3, semitones=2.0, tempo=1.08))
    assert near > max(float(steps @ steps_of(seed)) for seed in (4, 5, 6))


def test_an_excerpt_is_aligned_where_it_was() -> None:
    original = pitches(3)
    match = align_versions(original, original[:, 40:90])
    assert match.score > 0.9
    assert abs(match.start_a_ms - 20_000) <= 1_000
    assert abs(match.end_a_ms - 45_000) <= 1_000
    assert match.start_b_ms <= 1_000


def test_chord_steps_ignore_key_and_where_they_stand() -> None:
    classes = np.random.default_rng(1).random((12, 200)).astype(np.float32)
    steps = chord_steps(classes)
    assert steps.shape == (1008,)
    assert np.linalg.norm(steps) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(steps, chord_steps(np.roll(classes, 5, axis=0)), atol=1e-6)
    moved = np.concatenate([classes[:, 120:], classes[:, :120]], axis=1)
    assert steps @ chord_steps(moved) > 0.999
    # Another order of the same chords is another work: pairs would tell it from its mirror no more.
    assert steps @ chord_steps(classes[:, ::-1]) < steps @ chord_steps(moved)


def test_steps_tell_which_follows_which() -> None:
    classes = np.zeros((12, LEAST_FRAMES), dtype=np.float32)
    classes[(4 * np.arange(LEAST_FRAMES)) % 12, np.arange(LEAST_FRAMES)] = 1.0
    first = chord_steps(classes)[:144].reshape(12, 12)
    # Every frame is four semitones above the one before.
    assert np.argwhere(first > 0).tolist() == [[4, 8]]


@pytest.mark.parametrize("length", [1, 5, 9, 10, 63, 64])
def test_any_length_works(length: int) -> None:
    sequence = pitches(3)[:, :length]
    assert 0.0 <= qmax(sequence, pitches(3)) <= 1.0


def test_what_is_not_a_sequence_is_refused() -> None:
    with pytest.raises(InvalidSignal):
        qmax(np.zeros((12, 80), dtype=np.float32), pitches(3))
    with pytest.raises(InvalidSignal):
        qmax(np.zeros((80, 12), dtype=np.uint8), pitches(3))
