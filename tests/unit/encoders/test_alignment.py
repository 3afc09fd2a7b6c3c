"""Alignment of invented points: what was done to a sound is what is found."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from encoders.alignment import Alignment, Place, align_sounds
from encoders.alignment.place import shift_at
from encoders.landmarks import FRAME_MS, Landmarks, LandmarkStream, landmarks

RATE = 22_050
FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Points before they are rounded: milliseconds and cents."""

    ms: FloatArray
    cents: FloatArray
    length_ms: float

    def part(self, begin: float, end: float) -> "Score":
        inside = (self.ms >= begin) & (self.ms < end)
        return Score(ms=self.ms[inside] - begin, cents=self.cents[inside], length_ms=end - begin)

    def then(self, other: "Score") -> "Score":
        return Score(
            ms=np.concatenate([self.ms, other.ms + self.length_ms]),
            cents=np.concatenate([self.cents, other.cents]),
            length_ms=self.length_ms + other.length_ms,
        )

    def played(self, *, faster: float = 1.0, higher: float = 0.0) -> "Score":
        return Score(ms=self.ms / faster, cents=self.cents + higher, length_ms=self.length_ms / faster)

    def under(self, other: "Score", *, at: float) -> "Score":
        """Play it from some time on while the other one plays."""
        ms = np.concatenate([self.ms + at, other.ms])
        order = np.argsort(ms, kind="stable")
        cents = np.concatenate([self.cents, other.cents])
        return Score(ms=ms[order], cents=cents[order], length_ms=other.length_ms)

    def heard(self, rng: np.random.Generator, *, lost: float = 0.3) -> Landmarks:
        """Lose some points, add others, and measure all of them a little wrongly."""
        kept = rng.random(len(self.ms)) >= lost
        strange = score(int(rng.integers(1 << 30)), seconds=self.length_ms / 1_000, per_second=27 * lost)
        ms = np.concatenate([self.ms[kept] + rng.normal(0, 8, kept.sum()), strange.ms])
        cents = np.concatenate([self.cents[kept] + rng.normal(0, 4, kept.sum()), strange.cents])
        frames = np.clip(np.rint(ms / FRAME_MS), 0, None).astype(np.int32)
        order = np.argsort(frames, kind="stable")
        return Landmarks(
            frames=frames[order], cents=np.clip(np.rint(cents), 0, 65_535).astype(np.uint16)[order]
        )


def score(seed: int, *, seconds: float, per_second: float = 27.0) -> Score:
    """Invent points: a scale's pitches at any time, a little out of tune from note to note."""
    rng = np.random.default_rng(seed)
    count = round(seconds * per_second)
    degrees = rng.choice((0, 200, 400, 500, 700, 900, 1_100), count) + 1_200 * rng.integers(0, 4, count)
    ms = np.sort(rng.uniform(0, 1_000 * seconds, count))
    return Score(ms=ms, cents=degrees + rng.normal(0, 30, count) + 300.0, length_ms=1_000 * seconds)


def repeating(seed: int) -> Score:
    """Invent a minute of a bar that comes again every 2 s, under a melody."""
    bar = score(seed, seconds=2, per_second=21)
    loop = bar
    for _ in range(29):
        loop = loop.then(bar)
    return loop.under(score(seed + 1, seconds=60, per_second=6), at=0.0)


def aligned(one: Score, other: Score, seed: int = 0, place: Place | None = None) -> Alignment:
    rng = np.random.default_rng(seed)
    return align_sounds(
        one.heard(rng),
        other.heard(rng),
        duration_a_ms=round(one.length_ms),
        duration_b_ms=round(other.length_ms),
        place=place,
    )


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10_000), begin=st.integers(0, 40_000), length=st.integers(8_000, 40_000))
def test_an_excerpt_is_placed_where_it_was_cut_out(seed: int, begin: int, length: int) -> None:
    song = score(seed, seconds=90)
    found = aligned(song, song.part(begin, begin + length), seed)
    assert len(found.spans) == 1
    (span,) = found.spans
    assert abs(span.start_a_ms - span.start_b_ms - begin) <= 40
    assert abs(span.start_a_ms - begin) <= 1_000
    assert abs(span.end_a_ms - begin - length) <= 1_000
    assert found.speed_ratio == pytest.approx(1.0, abs=0.003)
    assert found.coverage_b > 0.9


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10_000), begin=st.integers(15_000, 45_000))
def test_a_piece_of_music_that_repeats_itself_plays_at_its_own_speed(seed: int, begin: int) -> None:
    song = repeating(seed)
    found = aligned(song.part(begin, begin + 10_000), song, seed)
    assert found.speed_ratio == pytest.approx(1.0, abs=0.002)
    assert found.coverage_a > 0.9


@pytest.mark.parametrize("speed", [0.98, 1.02, 1.06])
def test_a_short_piece_tells_its_speed(speed: float) -> None:
    errors = []
    for seed in range(12):
        song = score(seed, seconds=60)
        piece = song.part(20_000, 30_000).played(faster=speed, higher=1_200 * float(np.log2(speed)))
        errors.append(abs(aligned(piece, song, seed).speed_ratio * speed - 1.0))
    # Half of the points are lost between the two, which is more than in music.
    assert np.median(errors) <= 0.005
    assert max(errors) <= 0.01


@settings(deadline=None, max_examples=5)
# At equal speed a span of this piece that was measured to its ends covered all of it.
@example(seed=9, begin=10_650, change=(0.97, 0.0))
@given(
    seed=st.integers(0, 10_000),
    begin=st.integers(2_000, 48_000),
    change=st.sampled_from(((1.0, 100.0), (1.0, -200.0), (1.03, 0.0), (0.97, 0.0), (1.03, 150.0))),
)
def test_a_piece_that_a_fingerprint_places_tells_its_pitch_and_its_tempo_apart(
    seed: int, begin: int, change: tuple[float, float]
) -> None:
    faster, higher = change
    song = repeating(seed)
    piece = song.part(begin, begin + 10_000).played(faster=faster, higher=higher)
    # A fingerprint is as fine as its words, and places a piece at its middle.
    middle = piece.length_ms / 2
    found = aligned(piece, song, seed, Place(round(middle - (begin + middle * faster)) // 125 * 125))
    assert found.speed_ratio * faster == pytest.approx(1.0, abs=0.005)
    assert found.cents == pytest.approx(higher, abs=8)
    assert not found.pitch_tied
    assert found.coverage_a > 0.9


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), higher=st.integers(-300, 300), offset=st.integers(-30_000, 0))
def test_how_much_higher_is_told_where_two_sounds_are_one_and_nowhere_else(
    seed: int, higher: int, offset: int
) -> None:
    rng = np.random.default_rng(seed)
    song, other = score(seed, seconds=60), score(seed + 1, seconds=60)
    piece = song.part(-offset, 10_000 - offset).played(higher=higher).heard(rng)
    assert shift_at(piece, song.heard(rng), Place(offset)) == pytest.approx(higher, abs=10)
    assert shift_at(piece, other.heard(rng), Place(offset)) is None


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10_000), speed=st.floats(0.8, 1.25))
def test_a_tape_at_another_speed_is_told_with_its_speed(seed: int, speed: float) -> None:
    song = score(seed, seconds=60)
    found = aligned(song, song.played(faster=speed, higher=1_200 * float(np.log2(speed))), seed)
    assert found.speed_ratio == pytest.approx(speed, rel=0.005)
    assert found.pitch_tied
    assert min(found.coverage_a, found.coverage_b) > 0.9


@settings(deadline=None, max_examples=5)
@given(
    seed=st.integers(0, 10_000),
    speed=st.sampled_from((0.8, 0.9, 1.07, 1.2)),
    higher=st.sampled_from((0, 300)),
)
def test_tempo_and_pitch_that_were_changed_apart_are_told_apart(seed: int, speed: float, higher: int) -> None:
    song = score(seed, seconds=60)
    found = aligned(song, song.played(faster=speed, higher=higher), seed)
    assert found.speed_ratio == pytest.approx(speed, rel=0.005)
    assert found.cents == pytest.approx(-higher, abs=8)
    assert not found.pitch_tied


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10_000), cut=st.integers(15_000, 35_000), length=st.integers(5_000, 20_000))
def test_a_part_left_out_gives_two_spans_that_meet_at_the_cut(seed: int, cut: int, length: int) -> None:
    song = score(seed, seconds=80)
    found = aligned(song, song.part(0, cut).then(song.part(cut + length, 80_000)), seed)
    first, second = found.spans
    assert abs(first.end_b_ms - cut) <= 1_000
    assert abs(second.start_b_ms - cut) <= 1_000
    assert abs(second.start_a_ms - second.start_b_ms - length) <= 40
    assert found.coverage_b > 0.95


@pytest.mark.parametrize("semitones", [-3, 0, 1])
def test_a_loop_under_other_music_is_placed_at_whatever_semitone_it_is_played(semitones: int) -> None:
    song, over = score(3, seconds=90), score(4, seconds=60)
    speed = 2.0 ** (semitones / 12)
    loop = song.part(40_000, 46_000).played(faster=speed, higher=100.0 * semitones)
    again = 20_000 + loop.length_ms
    found = aligned(loop.under(loop.under(over, at=again), at=20_000), song, seed=2)
    assert found.speed_ratio == pytest.approx(1.0 / speed, rel=0.005)
    assert found.coverage_b < 0.2
    assert [round(span.start_b_ms, -3) for span in found.spans] == [40_000, 40_000]
    for span, begin in zip(found.spans, (20_000, again), strict=True):
        assert abs(span.start_a_ms - begin) <= 1_000
        assert abs(span.end_a_ms - begin - loop.length_ms) <= 1_000


def loop_of(source: Score, shown: tuple[float, float]) -> Score:
    """Cut six seconds out, of which something drowns all but a part."""
    loop = source.part(20_000, 26_000)
    inside = (loop.ms >= shown[0]) & (loop.ms < shown[1])
    return Score(ms=loop.ms[inside], cents=loop.cents[inside], length_ms=loop.length_ms)


@pytest.mark.parametrize("seed", range(3))
def test_what_one_repeat_of_a_loop_hides_another_one_shows(seed: int) -> None:
    source, mix = score(seed, seconds=60), score(seed + 50, seconds=45, per_second=20)
    begins = (5_000, 11_000, 17_000)
    for at, shown in zip(begins, ((0, 6_000), (0, 3_000), (2_500, 6_000)), strict=True):
        mix = loop_of(source, shown).under(mix, at=at)
    found = aligned(mix, source, seed)
    told = sorted((span.start_a_ms, span.end_a_ms) for span in found.spans)
    assert len(told) == 3
    for at, (begin, end) in zip(begins, told, strict=True):
        assert abs(begin - at) <= 1_000
        assert abs(end - at - 6_000) <= 1_000


@pytest.mark.parametrize("seed", range(3))
def test_a_stab_that_comes_after_a_rest_is_not_told_longer_than_it_is(seed: int) -> None:
    source, mix = score(seed, seconds=60), score(seed + 50, seconds=45, per_second=20)
    begins = (5_000, 11_000, 17_000)
    for at in begins:
        mix = loop_of(source, (0, 3_000)).under(mix, at=at)
    spans = aligned(mix, source, seed).spans
    assert len(spans) == 3
    assert all(abs(span.end_a_ms - span.start_a_ms - 3_000) <= 700 for span in spans)


def test_a_part_that_is_held_twice_has_two_spans() -> None:
    song = score(5, seconds=50)
    longer = song.part(0, 30_000).then(song.part(20_000, 30_000)).then(song.part(30_000, 50_000))
    for found in (aligned(song, longer), aligned(longer, song)):
        assert len(found.spans) >= 2
        assert min(found.coverage_a, found.coverage_b) > 0.95


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_strangers_in_one_key_have_nothing_in_common(seed: int) -> None:
    assert not aligned(score(seed, seconds=60), score(seed + 1, seconds=80), seed).spans


def test_what_holds_no_points_is_like_nothing() -> None:
    song = score(1, seconds=20)
    nothing = Landmarks(frames=np.empty(0, dtype=np.int32), cents=np.empty(0, dtype=np.uint16))
    found = align_sounds(
        song.heard(np.random.default_rng(0)), nothing, duration_a_ms=20_000, duration_b_ms=20_000
    )
    assert found == Alignment()


def test_a_tone_is_a_landmark_at_its_pitch() -> None:
    at = np.arange(3 * RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440.0 * at)).astype(np.float32)
    points = landmarks(tone, RATE)
    assert len(points) > 0
    assert np.abs(points.cents.astype(int) - round(1_200 * np.log2(440 / 200))).max() <= 5
    assert len(landmarks(np.zeros(RATE, dtype=np.float32), RATE)) == 0


def test_blocks_give_the_points_of_the_whole() -> None:
    y = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32) * 0.1
    whole = landmarks(y, RATE)
    stream = LandmarkStream(RATE)
    for begin in range(0, len(y), 7_001):
        stream.push(y[begin : begin + 7_001])
    points = stream.finish()
    same = set(zip(whole.frames.tolist(), whole.cents.tolist(), strict=True)) & set(
        zip(points.frames.tolist(), points.cents.tolist(), strict=True)
    )
    assert len(same) >= 0.98 * len(whole)
