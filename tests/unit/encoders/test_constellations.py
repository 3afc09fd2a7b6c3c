"""Constellations: a few seconds of one sound are found again among many, under other music."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.constellation_index import FIRST_PART, ConstellationIndex
from encoders.constellation_search import search_at_other_pitches
from encoders.constellations import KEYS, Constellations, constellations, kept_of
from encoders.landmarks import FRAME_MS, Landmarks
from tests.unit.encoders.test_alignment import Score, score

SOUNDS = 30
ROOM = 10**7


def heard(one: Score, seed: int) -> Constellations:
    return constellations(one.heard(np.random.default_rng(seed), lost=0.2))


def filled(songs: list[Score], *, most_entries: int = ROOM) -> ConstellationIndex:
    index = ConstellationIndex(most_entries=most_entries)
    for number, song in enumerate(songs):
        index.add(number, heard(song, number))
    return index


SONGS = [score(number, seconds=60) for number in range(SOUNDS)]


@cache
def catalogue() -> ConstellationIndex:
    """Give all songs, to be searched alone."""
    return filled(SONGS)


@settings(deadline=None, max_examples=5)
@given(source=st.integers(0, SOUNDS - 1), begin=st.integers(0, 50_000), at=st.integers(2_000, 40_000))
def test_a_loop_under_other_music_names_its_source_and_the_place(source: int, begin: int, at: int) -> None:
    mixed = SONGS[source].part(begin, begin + 8_000).under(score(99, seconds=60), at=at)
    first, *_ = catalogue().search(heard(mixed, 500), most=5)
    assert first.sound == source
    assert abs(first.offset_ms - (at - begin)) <= 4 * FRAME_MS


@pytest.mark.parametrize("semitones", [-3, -2, -1, 1, 2, 3])
def test_a_loop_that_is_played_higher_or_lower_names_its_source(semitones: int) -> None:
    loop = SONGS[4].part(20_000, 28_000).played(faster=2.0 ** (semitones / 12), higher=100.0 * semitones)
    points = loop.under(score(99, seconds=60), at=15_000).heard(np.random.default_rng(500), lost=0.2)
    first, *_ = search_at_other_pitches(catalogue(), points, most=2)
    assert first.sound == 4


def test_what_was_forgotten_is_named_no_more() -> None:
    index = filled(SONGS)
    asked = heard(SONGS[3].part(10_000, 30_000), 7)
    assert index.search(asked, most=1)[0].sound == 3
    index.remove(3)
    assert 3 not in {each.sound for each in index.search(asked, most=5)}
    for number in range(SOUNDS, 2 * SOUNDS):
        index.add(number, heard(SONGS[number - SOUNDS].part(0, 5_000), number))
    assert 3 not in {each.sound for each in index.search(asked, most=5)}


def test_memory_is_bounded_and_every_sound_loses_alike() -> None:
    room = len(catalogue()) // 3
    index = filled(SONGS, most_entries=room)
    assert room / 3 < len(index) <= room
    assert index.part == 4 * FIRST_PART
    mixed = SONGS[5].part(20_000, 35_000).under(score(98, seconds=60), at=9_000)
    assert index.search(heard(mixed, 501), most=5)[0].sound == 5


def test_the_order_in_which_sounds_came_changes_nothing() -> None:
    other = ConstellationIndex(most_entries=ROOM)
    for number in reversed(range(SOUNDS)):
        other.add(number, heard(SONGS[number], number))
    asked = heard(SONGS[8].part(0, 20_000), 3)
    assert catalogue().search(asked, most=5) == other.search(asked, most=5)


def test_copies_leave_room_for_others() -> None:
    song, loop = SONGS[0], SONGS[1].part(10_000, 22_000)
    mixed = loop.under(song, at=20_000)
    index = filled(SONGS)
    for number in range(SOUNDS, SOUNDS + 12):
        index.add(number, heard(mixed, number))
    named = [each.sound for each in index.search(heard(mixed, 502), most=2)]
    assert 1 in named
    assert sum(number >= SOUNDS for number in named) <= 3


def test_pairs_kept_of_fewer_are_kept_of_more_and_silence_has_none() -> None:
    keys = np.arange(0, KEYS, 97, dtype=np.int64)
    few, many = kept_of(keys, 16), kept_of(keys, 4)
    assert not (few & ~many).any()
    assert abs(few.mean() * 16 - 1) < 0.1
    nothing = constellations(Landmarks(frames=np.empty(0, np.int32), cents=np.empty(0, np.uint16)))
    assert len(nothing.keys) == 0
    assert filled(SONGS[:2]).search(nothing, most=3) == []
    assert ConstellationIndex(most_entries=10).search(heard(SONGS[0], 0), most=3) == []
