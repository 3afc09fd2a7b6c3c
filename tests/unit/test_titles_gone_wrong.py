"""Titles with a typing error, titles that are none, and what they say beside the other fields."""

from typing import Any

import pytest

from streams.core.blocking import blocking_keys
from streams.core.comparison import FIELDS, compare_records
from streams.core.features import featurize
from streams.core.records import Artist, Identifiers, LinkageRecord, Release, Upload
from streams.core.titles.mistyped import is_mistyped


def _record(title: str | None, artist: str | None = "Ana Rio", **given: Any) -> LinkageRecord:
    album, track = given.pop("album", None), given.pop("track", None)
    return featurize(
        Upload(
            source="shop",
            item_id=title or "none",
            title=title,
            artists=(Artist(name=artist),) if artist else (),
            releases=(Release(title=album, track_number=track),) if album or track else (),
            **given,
        )
    )


def _levels(one: LinkageRecord, other: LinkageRecord) -> dict[str, str]:
    levels = compare_records(one, other, None).levels
    assert compare_records(other, one, None).levels == levels
    return dict(zip(FIELDS, levels, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("blue door", "bluue door"),  # doubled
        ("garden door", "gaden door"),  # lost
        ("gardenings", "gardneings"),  # changed with the next
        ("winter", "winrer"),  # the key beside it
        ("summers", "summerss"),
        ("open the garden door", "opne the gardn door"),
        ("зимняя песня", "зимяя песня"),
    ],
)
def test_typing_errors(one: str, other: str) -> None:
    assert is_mistyped(one, other)
    assert is_mistyped(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("garden door", "garden doors"),  # another word
        ("rain falls", "train falls"),
        ("my life so far", "my wife so far"),
        ("garden suite ii", "garden suite iii"),
        ("summer 2001", "summer 2010"),
        ("clear water", "clear winter"),
        ("door", "dooor"),  # too short
        ("garden door", "gardendoor"),
        ("gaden dor", "garden door"),  # two in ten letters
        ("東京の青い扉", "東京の青い青扉"),
    ],
)
def test_what_is_no_typing_error(one: str, other: str) -> None:
    assert not is_mistyped(one, other)
    assert not is_mistyped(other, one)


def test_a_mistyped_title_is_told_from_titles_that_are_merely_alike() -> None:
    assert _levels(_record("Winter"), _record("Winetr"))["title"] == "mistyped"
    assert _levels(_record("Winter"), _record("Winetr"))["title_artist"] == "both"
    assert _levels(_record("My Life So Far Away"), _record("My Wife So Far Away"))["title"] == "near"
    assert _levels(_record("Winter"), _record("Winner"))["title"] == "similar"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("song of the river", "song of the rive"),  # lost at an end
        ("song of the river", "song of the rivers"),
        ("wind in the trees", "ind in the trees"),
        ("blue suede shoes", "blu suede sheos"),  # two in fourteen letters
    ],
)
def test_a_letter_at_an_end_is_a_typing_error_in_a_title_of_three_words(one: str, other: str) -> None:
    levels = _levels(_record(one), _record(other))
    assert levels["title"] == "mistyped"
    assert levels["title_artist"] == "both"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("garden suite part ii", "garden suite part iii"),
        ("a b c d", "a bb cc d"),  # too short for two
        ("song of the river", "song of th river"),  # in a short word
        ("the long river home", "the long riverhome"),
        ("青い 扉 の 歌", "青い 扉 の 歌た"),
    ],
)
def test_what_is_no_typing_error_in_a_title_of_three_words(one: str, other: str) -> None:
    assert not is_mistyped(one, other)
    assert not is_mistyped(other, one)


@pytest.mark.parametrize(
    ("version", "mistyped", "level"),
    [
        ("Blue Garden (Original Club Edit)", "Blue Garden (Original Club Eedit)", "equal_vague"),
        ("Blue Garden (Original Club Edit)", "Blue Garden", "one_sided_edit"),
        ("Blue Garden (Instrumental)", "Blue Garden (Instrumetnal)", "equal_vague"),
        ("Blue Garden (Live)", "Blue Garden (Later)", "one_sided"),
    ],
)
def test_a_version_word_with_a_typing_error_is_not_left_out(version: str, mistyped: str, level: str) -> None:
    assert _levels(_record(version), _record(mistyped))["version"] == level


def test_a_version_that_stands_beside_the_title_is_left_out_of_a_mistyped_one() -> None:
    one = _record("Blue Garden", version="Instrumental")
    assert _levels(one, _record("Blue Garden"))["version"] == "one_sided"
    assert _levels(one, _record("Bleu Garden"))["version"] == "one_sided"


def test_a_title_that_holds_the_artist_may_stand_at_another_place_of_the_album() -> None:
    one = _record("Blue Garden", album="River Songs", track=5)
    other = _record("Ana Rio - Blue Garden", None, album="River Songs", track=17)
    assert _levels(one, other)["track"] == "moved"
    assert (
        _levels(one, _record("Red Garden Door", None, album="River Songs", track=17))["track"]
        == "other_place"
    )


@pytest.mark.parametrize(
    ("one", "other"), [("Libra", "Lbira"), ("Mandalay", "Mandaaly"), ("Anna Rio", "Ana Rio")]
)
def test_a_misspelt_artist_is_found_beside_the_length(one: str, other: str) -> None:
    keys = [
        {
            key
            for key in blocking_keys(_record(None, name, duration_ms=200_000))
            if key.startswith("artist_duration:")
        }
        for name in (one, other)
    ]
    assert keys[0]
    assert keys[0] == keys[1]


def test_an_album_is_known_by_what_a_sender_leaves_of_it_who_drops_other_scripts() -> None:
    one = _record("青い扉", "リオ", album="すてき MAHO堂 CDコレクション", track=3)
    left = _record(None, None, album="MAHO CD", track=3)
    assert _levels(one, left)["album"] == "near"
    assert _levels(one, left)["track"] == "same_place"
    assert not set(blocking_keys(one)).isdisjoint(blocking_keys(left))
    assert _levels(one, _record("Blue Door", "リオ", album="MAHO CD", track=3))["album"] == "different"
    assert _levels(one, _record(None, None, album="MAHO", track=3))["album"] == "different"


@pytest.mark.parametrize(("title", "track"), [("005", 5), ("005", None), ("5", 5)])
def test_a_title_that_is_its_place_says_nothing_of_another(title: str, track: int | None) -> None:
    one = _record("Blue Garden", album="River Songs", track=5)
    levels = _levels(one, _record(title, album="River Songs", track=track))
    assert levels["title"] == "absent"
    assert levels["album"] == "equal"


def test_a_number_may_be_a_title() -> None:
    assert _levels(_record("1999"), _record("1999"))["title"] in {"exact", "exact_short"}
    assert _levels(_record("1999", track=3), _record("Blue Garden"))["title"] == "different"


def test_what_stands_in_brackets_alone_is_no_title() -> None:
    assert _levels(_record("[untitled]"), _record("[untitled]"))["title"] == "absent"


def test_nothing_names_an_upload_that_has_but_a_length_and_a_number() -> None:
    one = _record("Blue Garden", album="River Songs", track=5, duration_ms=200_000)
    nobody = _record("005", None, track=5, duration_ms=200_000)
    assert _levels(one, nobody)["title"] == "unnamed"
    isrc = Identifiers(isrc=("GBAYE0601498",))
    named = _record("Blue Garden", track=5, identifiers=isrc)
    assert _levels(named, _record("005", None, track=5, identifiers=isrc))["title"] == "absent"


def test_an_album_of_which_no_letter_is_left_is_no_other_album() -> None:
    assert (
        _levels(_record("Blue Door", album="青い扉"), _record("Blue Door", album="!!"))["album"] == "absent"
    )
    assert _levels(_record("Blue Door", album="!!!"), _record("Blue Door", album="!!!"))["album"] == "equal"


@pytest.mark.parametrize(
    ("other", "glued"),
    [
        (_record("Garden Songs", album="River"), _record("GardenSongsRiver")),
        (_record("Garden Songs"), _record("GardenSongsAnaRio", None)),
        (_record("Garden Songs"), _record("AnaRioTheGardenSongs", None)),
    ],
)
def test_what_is_glued_to_a_title_is_taken_off(other: LinkageRecord, glued: LinkageRecord) -> None:
    assert _levels(other, glued)["title"] == "beside_artist"


def test_a_title_that_is_the_artist_is_not_taken_apart() -> None:
    assert _levels(_record("Blue Ana Rio", "Blue Ana Rio"), _record("Ana Rio"))["title"] != "beside_artist"


def test_two_titles_at_one_place_of_an_album_and_of_one_length_may_be_one_gone_wrong() -> None:
    def at(title: str, track: int, seconds: int) -> LinkageRecord:
        return _record(title, album="River Songs", track=track, duration_ms=1_000 * seconds)

    assert _levels(at("Blue Garden", 3, 200), at("Muddy Rain", 3, 200))["album"] == "one_place"
    assert _levels(at("Blue Garden", 3, 200), at("Muddy Rain", 3, 240))["album"] == "album_mates"
    assert _levels(at("Blue Garden", 3, 200), at("Muddy Rain", 4, 200))["album"] == "album_mates"


def test_who_gives_no_title_has_left_no_version_out() -> None:
    live = _record("Blue Garden (Live)", album="River Songs", track=3)
    assert _levels(live, _record(None, album="River Songs", track=3))["version"] == "absent"
    assert _levels(live, _record("Blue Garden", album="River Songs", track=3))["version"] == "one_sided"
