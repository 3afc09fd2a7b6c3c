"""Comparison of stored features; the fingerprint and the harmony are real, only the vectors are made up."""

import io
from hashlib import sha256

import numpy as np
import pytest

from encoders.bundle import AudioFeatures
from encoders.features.chroma import cens
from encoders.features.cqt import cqt_magnitude
from encoders.features.semitones import semitone_frames
from encoders.features.silence import silence_facts
from encoders.fingerprint import fingerprint
from encoders.landmarks import landmarks
from encoders.version_lines import line_classes
from streams.core.hearing import ABSENT, hear
from streams.core.records import SoundEvidence, SoundFacts
from streams.core.sound_evidence import compared_span, mirrored
from streams.edges.harmony_lines import FeatureLines
from streams.edges.media_sound import HeldSound
from streams.edges.memory_features import MemoryFeatureStore
from streams.edges.sound_blobs import classes_of, pack, unpack
from streams.edges.sound_comparison import FeatureConfirmer
from streams.errors import FeatureMissing
from tests.unit.media_files import RATE, chords, melody

MODEL = "toy@1+p1"
FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def features(y: FloatArray, *, windows: FloatArray | None = None, louder: float = 0.0) -> AudioFeatures:
    magnitude = cqt_magnitude(y, sr=RATE)
    chroma = cens(magnitude, rate=2.0)
    vectors = np.eye(1, 256, dtype=np.float32) if windows is None else windows
    return AudioFeatures(
        duration_ms=round(len(y) * 1000 / RATE),
        starts_ms=np.arange(len(vectors), dtype=np.int32) * 5000,
        vectors=vectors,
        fingerprint=fingerprint(y, RATE),
        colour=np.linspace(10.0, 30.0, 64, dtype=np.float32) + np.float32(louder),
        chroma=np.clip(np.rint(chroma * 255), 0, 255).astype(np.uint8),
        classes=line_classes(semitone_frames(magnitude)),
        version_vector=np.zeros(1_265, dtype=np.float32),
        silence=silence_facts(y, sr=RATE),
        landmarks=landmarks(y, RATE),
    )


def before_it_told(blob: bytes) -> bytes:
    """Write a blob as it was before it told the model of its windows, the colour and what else came later."""
    later = {"model", "colour", "landmark_levels", "lines", "line_classes"}
    later |= {"faint_frames", "faint_cents", "faint_heights"}
    with np.load(io.BytesIO(blob)) as held:
        arrays = {name: held[name] for name in held.files if name not in later}
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


class Shelf:
    """Sounds in a store, and a confirmer over it."""

    def __init__(self) -> None:
        self.store = MemoryFeatureStore()
        self.confirmer = FeatureConfirmer(self.store)

    def put(
        self,
        y: FloatArray,
        *,
        windows: FloatArray | None = None,
        louder: float = 0.0,
        model: str = MODEL,
        older: bool = False,
    ) -> SoundFacts:
        heard = features(y, windows=windows, louder=louder)
        blob = pack(heard, model=model)
        return SoundFacts(
            duration_ms=heard.duration_ms,
            silent_share=0.0,
            rms_dbfs=-10.0,
            features=self.store.put(before_it_told(blob) if older else blob),
            content_sha256=sha256(HeldSound.of(y, sr=RATE).read(0, len(y)).tobytes()).hexdigest(),
        )

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        return self.confirmer.confirm(left, right)


@pytest.fixture(scope="module")
def song() -> FloatArray:
    return melody(40.0, seed=1)


def test_packing_is_lossless_and_repeatable(song: FloatArray) -> None:
    heard = features(song)
    blob = pack(heard, model=MODEL)
    assert blob == pack(features(song), model=MODEL)
    back = unpack(blob)
    assert np.array_equal(back.fingerprint, heard.fingerprint)
    assert np.array_equal(back.chroma, heard.chroma)
    assert back.classes is not None
    assert np.array_equal(back.classes, heard.classes)
    alone = classes_of(blob)
    assert alone is not None
    assert np.array_equal(alone, back.classes)
    assert np.array_equal(back.windows, heard.vectors)
    assert back.landmarks is not None
    assert back.landmarks.levels is not None
    assert heard.landmarks.levels is not None
    assert np.array_equal(back.landmarks.levels, heard.landmarks.levels)
    faint, kept = back.landmarks.faint, heard.landmarks.faint
    assert faint is not None
    assert faint.heights is not None
    assert kept is not None
    assert kept.heights is not None
    assert np.array_equal(faint.frames, kept.frames)
    assert np.array_equal(faint.cents, kept.cents)
    assert np.array_equal(faint.heights, kept.heights)


def test_a_blob_of_before_has_no_levels_and_no_faint_points(song: FloatArray) -> None:
    back = unpack(before_it_told(pack(features(song), model=MODEL)))
    assert back.landmarks is not None
    assert back.landmarks.levels is None
    assert back.landmarks.faint is None


def test_the_same_content_needs_no_features(song: FloatArray) -> None:
    shelf = Shelf()
    one = shelf.put(song)
    shelf.store.damage(one.features)
    found = shelf.confirm(one, one)
    assert found.same_content
    assert found.bit_error == 0.0


def test_a_noisy_copy_is_the_same_recording(song: FloatArray) -> None:
    shelf = Shelf()
    noise = np.random.default_rng(0).standard_normal(len(song)).astype(np.float32) * 0.01
    found = shelf.confirm(shelf.put(song), shelf.put(song * 0.5 + noise))
    assert not found.same_content
    assert found.bit_error is not None
    assert found.bit_error < 0.15
    assert found.offset_ms == 0
    assert found.coverage_left is not None
    assert found.coverage_left > 0.9
    assert found.speed_ratio == 1.0
    assert found.harmony is not None
    assert found.harmony > 0.8


def test_an_excerpt_is_found_with_its_place(song: FloatArray) -> None:
    shelf = Shelf()
    part = song[10 * RATE : 30 * RATE]
    found = shelf.confirm(shelf.put(song), shelf.put(part))
    assert found.offset_ms is not None
    assert abs(found.offset_ms - 10_000) <= 125
    assert found.coverage_right is not None
    assert found.coverage_right > 0.9
    assert found.coverage_left is not None
    assert found.coverage_left < 0.6


def test_another_tune_is_another_recording(song: FloatArray) -> None:
    shelf = Shelf()
    found = shelf.confirm(shelf.put(song), shelf.put(melody(40.0, seed=2)))
    assert found.bit_error is not None
    assert found.bit_error > 0.25


def test_both_orders_tell_the_same(song: FloatArray) -> None:
    shelf = Shelf()
    one, two = shelf.put(song), shelf.put(song[5 * RATE :])
    there, back = shelf.confirm(one, two), shelf.confirm(two, one)
    assert there.offset_ms == 5000
    assert back == mirrored(there)
    assert back.offset_ms == -5000
    assert there == FeatureConfirmer(shelf.store).confirm(one, two)


def test_a_little_faster_is_told_with_how_much_and_where(song: FloatArray) -> None:
    tune = np.concatenate([melody(40.0, seed=seed) for seed in range(4)])
    at = np.arange(0, len(tune) - 1, 1.004)
    faster = np.interp(at, np.arange(len(tune)), tune).astype(np.float32)
    shelf = Shelf()
    one, two = shelf.put(tune), shelf.put(faster)
    there, back = shelf.confirm(one, two), shelf.confirm(two, one)
    assert there.speed_ratio == pytest.approx(1 / 1.004, abs=0.001)
    assert back.speed_ratio == pytest.approx(1.004, abs=0.001)
    assert hear(there).level == hear(back).level == "same_master"
    span, other = compared_span(there), compared_span(back)
    assert span is not None
    assert other is not None
    assert abs(span.start_ms - other.other_start_ms) <= 1
    assert abs(span.end_ms - other.other_end_ms) <= 1
    assert span.end_ms - span.start_ms > 140_000


def test_silent_windows_are_like_nothing(song: FloatArray) -> None:
    shelf = Shelf()
    silent = np.zeros((2, 256), dtype=np.float32)
    assert shelf.confirm(shelf.put(song), shelf.put(song[RATE:], windows=silent)).windows is None


def test_windows_of_two_models_are_never_compared(song: FloatArray) -> None:
    shelf = Shelf()
    one, copy = shelf.put(song), song[RATE:]
    other = shelf.confirm(one, shelf.put(copy, model="toy@2+p1"))
    assert other.windows is None
    assert shelf.confirm(one, shelf.put(copy)).windows == 1.0
    # All else that was heard is compared as ever.
    assert hear(other).level == "same_master"


def test_a_blob_from_before_there_was_a_colour_is_compared_without(song: FloatArray) -> None:
    shelf = Shelf()
    one, before = shelf.put(song), shelf.put(song[RATE:], older=True)
    found = shelf.confirm(one, before)
    assert (found.windows, found.colour_db) == (None, None)
    assert hear(found).level == "same_master"
    assert shelf.confirm(before, shelf.put(song[2 * RATE :], older=True)).windows == 1.0


def test_colours_are_compared_in_decibels(song: FloatArray) -> None:
    shelf = Shelf()
    one = shelf.put(song)
    assert shelf.confirm(one, shelf.put(song[RATE:])).colour_db == 0.0
    assert shelf.confirm(one, shelf.put(song[RATE:], louder=2.0)).colour_db == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("hz", [440.0, 660.0])
def test_how_even_sounds_compare_is_no_evidence(hz: float) -> None:
    t = np.arange(30 * RATE) / RATE
    noise = np.random.default_rng(1).standard_normal(len(t)) * 1e-3
    tones = [np.sin(2 * np.pi * 440.0 * t) * 0.3, np.sin(2 * np.pi * hz * t + 1.0) * 0.3 + noise]
    shelf = Shelf()
    found = shelf.confirm(*(shelf.put(tone.astype(np.float32)) for tone in tones))
    assert found == SoundEvidence()
    assert hear(found).level == ABSENT


def test_another_performance_goes_along_a_line_in_its_key_at_its_tempo() -> None:
    shelf = Shelf()
    first, faster = shelf.put(chords(1)), shelf.put(chords(1, semitones=3, tempo=1.15, harmonics=2))
    strangers = [shelf.put(chords(seed)) for seed in (2, 3)]
    found = shelf.confirm(faster, first).line
    assert found is not None
    assert found.speed_ratio == pytest.approx(1.15, rel=0.02)
    assert found.semitones == 3
    assert min(found.coverage_left, found.coverage_right) > 0.8
    back = shelf.confirm(first, faster)
    assert back.line is not None
    assert (back.line.semitones, back.line.start_ms) == (-3, found.other_start_ms)
    assert mirrored(mirrored(back)).line == back.line
    version, *others = FeatureLines(shelf.store).scores(first, [faster, *strangers])
    assert version > 2.0 * max(others)
    assert version == pytest.approx(found.score, rel=0.1)


def test_a_blob_of_before_lines_has_none_and_is_compared_all_the_same(song: FloatArray) -> None:
    shelf = Shelf()
    older, newer = shelf.put(song, older=True), shelf.put(song[RATE:])
    assert unpack(shelf.store.get(older.features)).classes is None
    found = shelf.confirm(older, newer)
    assert found.line is None
    assert found.harmony is not None
    lines = FeatureLines(shelf.store)
    assert lines.scores(older, [newer]) == [0.0]
    assert lines.scores(newer, [older]) == [0.0]
    shelf.store.damage(older.features)
    assert lines.scores(newer, [older, newer])[0] == 0.0


def test_mirroring_turns_speed_and_pitch_round() -> None:
    there = SoundEvidence(
        bit_error=0.1,
        offset_ms=1000,
        overlap_ms=10_000,
        coverage_left=0.5,
        coverage_right=1.0,
        speed_ratio=1.25,
        pitch_shift=4.0,
    )
    back = mirrored(there)
    assert (back.offset_ms, back.overlap_ms, back.speed_ratio, back.pitch_shift) == (-1250, 12_500, 0.8, -4.0)
    assert mirrored(back) == there


def test_a_missing_damaged_or_foreign_blob_asks_for_encoding_again(song: FloatArray) -> None:
    shelf = Shelf()
    one, two = shelf.put(song), shelf.put(song[RATE:])
    shelf.store.damage(two.features)
    with pytest.raises(FeatureMissing):
        shelf.confirm(one, two)
    for blob in (b"", b"not a blob", pack(features(song), model=MODEL)[:500]):
        with pytest.raises(FeatureMissing):
            unpack(blob)
