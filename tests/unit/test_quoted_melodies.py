"""Interpolations made on purpose, and the search that is measured on them."""

from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.interpolations import Asked, bounded, limit_of, placed
from benchmarks.melody_maps import melody_maps, melody_on_maps
from benchmarks.melody_quotes import QuotedMelody, melody_side, quoted_melody
from benchmarks.quoted_melodies import Quotation, common_songs, phrases
from encoders.landmarks import FRAME_MS, Landmarks
from encoders.training.works import NOTE, Work

_STEP_S: Final = 0.4
_NOTES: Final = 200
TRUTH: Final = Quotation(0.0, np.empty(0, np.float32), (30.0, 40.0), ((10.0, 22.0), (60.0, 72.0)), 1.2, 3)


def _melody(seed: int, *, length: int = _NOTES) -> list[int]:
    """Give a walk of thirds and steps within three octaves."""
    steps = np.random.default_rng(seed).choice([-4, -3, -2, -1, 1, 2, 3, 4, 5], size=length)
    return [int(18 + abs(each % 34 - 17)) for each in np.cumsum(steps)]


def _points(tones: list[tuple[float, int]]) -> Landmarks:
    """Give each tone its own point and that of its octave."""
    rows = sorted(
        (round(1_000 * time / FRAME_MS), 100 * (pitch + octave), 160 - octave)
        for time, pitch in tones
        for octave in (0, 12)
    )
    frames, cents, heights = zip(*rows, strict=True)
    return Landmarks(
        frames=np.array(frames, dtype=np.int32),
        cents=np.array(cents, dtype=np.uint16),
        heights=np.array(heights, dtype=np.uint8),
    )


def _line(pitches: list[int], *, step_s: float = _STEP_S, begin_s: float = 0.0) -> list[tuple[float, int]]:
    return [(begin_s + step_s * at, pitch) for at, pitch in enumerate(pitches)]


def test_a_phrase_in_another_key_and_tempo_is_found_in_its_place() -> None:
    work, host = _melody(1), _melody(2)
    phrase = [pitch + 3 for pitch in work[50:80]]
    over = _line(phrase, step_s=_STEP_S / 1.1, begin_s=30.0)
    end = over[-1][0]
    rest = [tone for tone in _line(host, step_s=0.37) if not 30.0 <= tone[0] <= end]
    found = quoted_melody(melody_side(_points(_line(work))), melody_side(_points([*rest, *over])))
    stranger = quoted_melody(melody_side(_points(_line(_melody(3)))), melody_side(_points([*rest, *over])))
    assert found.semitones == 3
    assert found.ratio == pytest.approx(1.1, rel=0.02)
    assert found.start_b_ms == pytest.approx(30_000, abs=1_000)
    assert found.start_a_ms == pytest.approx(50 * 1_000 * _STEP_S, abs=1_000)
    assert found.score > stranger.score + 2.0


def test_what_is_too_short_has_no_phrase() -> None:
    brief = melody_side(_points(_line(_melody(1, length=8))))
    assert quoted_melody(brief, melody_side(_points(_line(_melody(2))))) == QuotedMelody()


@pytest.mark.parametrize(
    ("found", "lies", "ends"),
    [
        (QuotedMelody(9.0, 1.2, 3, 10_100, 22_100, 30_100, 40_100), True, True),
        (QuotedMelody(9.0, 1.19, 3, 62_400, 69_600, 32_000, 38_000), True, False),
        (QuotedMelody(9.0, 1.2, 3, 14_000, 26_000, 30_000, 40_000), False, False),
        (QuotedMelody(9.0, 1.0, 3, 10_000, 20_000, 30_000, 40_000), False, False),
        (QuotedMelody(9.0, 1.2, 3, 34_000, 46_000, 50_000, 60_000), False, False),
    ],
)
def test_a_place_is_one_line_and_its_ends(found: QuotedMelody, lies: bool, ends: bool) -> None:
    assert (placed(found, TRUTH), bounded(found, TRUTH)) == (lies, ends)


def test_the_limit_is_the_least_score_that_keeps_the_precision() -> None:
    def asked(score: float, *, right: bool) -> Asked:
        return Asked(10.0, TRUTH if right else None, QuotedMelody(score), 0.0)

    mixed = [asked(9.0, right=True), asked(8.0, right=True), asked(7.0, right=False), asked(6.0, right=True)]
    assert limit_of(mixed, 0.95) == 8.0
    assert limit_of(mixed, 0.75) == 6.0
    assert limit_of([asked(9.0, right=False)], 0.95) == float("inf")


def _maps(seed: int, columns: int) -> NDArray[np.int8]:
    """Draw two numbers for each pitch class."""
    drawn = np.random.default_rng(seed).normal(0.0, 40.0, size=(2, 12, columns))
    return np.clip(drawn, -127, 127).astype(np.int8)


def test_a_phrase_is_found_on_maps_in_another_key_and_at_another_tempo() -> None:
    work, host = _maps(1, 200), _maps(2, 160)
    # From column 80 on at 1.05 times the tempo, 4 semitones higher, from column 50 on.
    at = 80 + 1.05 * np.arange(40)
    low, part = at.astype(int), at - at.astype(int)
    phrase = work[:, :, low] * (1 - part) + work[:, :, low + 1] * part
    host[:, :, 50:90] = np.roll(phrase, 4, axis=1) + 0.3 * host[:, :, 50:90]
    found = melody_on_maps(work, host)
    assert found.score > melody_on_maps(_maps(3, 200), host).score + 2.0
    assert found.semitones == 4
    assert found.ratio == pytest.approx(1.05, rel=0.03)
    moment = found.start_b_ms / 371.5 - 50
    assert found.start_a_ms / 371.5 == pytest.approx(80 + 1.05 * moment, abs=2.0)
    # Along that line it is the same; along others it is not there.
    line = QuotedMelody(9.0, 1.06, 5, 29_000, 45_000, 18_000, 33_000)
    assert melody_on_maps(work, host, along=line) == found
    beside = [
        line._replace(semitones=6),
        line._replace(ratio=1.2),
        line._replace(start_a_ms=33_000),
        line._replace(start_b_ms=40_000, end_b_ms=55_000),
    ]
    assert all(melody_on_maps(work, host, along=each).score < found.score - 2.0 for each in beside)
    # What hardly ever sounds is no phrase, and what is too short has none.
    rare = np.zeros((2, 12, 200), dtype=np.int8)
    rare[:, 3, ::40] = 127
    assert melody_on_maps(rare, rare).score == 0.0
    assert melody_on_maps(work, host[:, :, :20]) == QuotedMelody()


def test_maps_follow_the_key() -> None:
    time = np.arange(12 * 11_025) / 11_025
    steps = np.repeat(np.random.default_rng(3).integers(0, 12, 24), len(time) // 24)
    low, high = (
        np.sin(2 * np.pi * np.cumsum(440.0 * 2 ** ((steps + up) / 12)) / 11_025).astype(np.float32)
        for up in (0, 3)
    )
    one, other = melody_maps(low, 11_025).astype(float), melody_maps(high, 11_025).astype(float)
    assert one.shape[1] == 12
    fits = [float((np.roll(one, key, axis=1) * other).sum()) for key in range(12)]
    assert int(np.argmax(fits)) == 3


def test_a_phrase_is_a_melody_and_known_wherever_it_comes_again() -> None:
    pitches = [*_melody(4, length=40), *[60] * 40, *_melody(4, length=40)]
    notes = np.array([(at, 1.0, 40 + pitch, 0) for at, pitch in enumerate(pitches)], dtype=NOTE)
    work = Work(name="twice", source="made", notes=notes)
    found = list(phrases(work, 10.0, np.random.default_rng(0)))
    assert found
    assert all(len(np.unique(each.notes["pitch"])) >= 4 for each in found)
    inside = [each for each in found if each.notes["start"][-1] < 40]
    assert all(len(each.places) == 2 for each in inside)
    assert inside[0].places[1][0] - inside[0].places[0][0] == pytest.approx(40.0)


def test_common_songs_have_their_chords_in_common_and_no_melody() -> None:
    one, other = common_songs(3)[1:]
    chords = [work.notes[work.notes["voice"] == 1] for work in (one, other)]
    melodies = [work.notes[work.notes["voice"] == 0]["pitch"][:16].tolist() for work in (one, other)]
    np.testing.assert_array_equal(*chords)
    assert melodies[0] != melodies[1]
