"""Titles that are one in another spelling, or by another of their names, and those that are not."""

import pytest

from streams.core.blocking import blocking_keys
from streams.core.comparison import compare_records
from streams.core.features import featurize
from streams.core.records import Artist, LinkageRecord, Release, Upload
from streams.core.titles.spelling import in_one_spelling


def _record(title: str, artist: str | None = None, album: str | None = None) -> LinkageRecord:
    return featurize(
        Upload(
            source="shop",
            item_id=title,
            title=title,
            artists=(Artist(name=artist),) if artist else (),
            releases=(Release(title=album),) if album else (),
        )
    )


def _level(one: LinkageRecord, other: LinkageRecord) -> str:
    level = compare_records(one, other, None).levels[0]
    assert compare_records(other, one, None).levels[0] == level
    return level


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I Wanna Open Your Door", "I Want to Open Your Door"),
        ("Ev'ry Time We Open", "Every Time We Open"),
        ("20 Blue Doors", "Twenty Blue Doors"),
        ("4 Doors", "Four Doors"),
        ("Blue Door, Pt. II", "Blue Door (Part 2)"),
        ("The Door's a Harsh Master", "The Doors a Harsh Master"),
        ("It's a Blue Door", "It Is a Blue Door"),
        ("Colour of Doors", "Color of Doors"),
        ("Doors 'n' Walls", "Doors and Walls"),
    ],
)
def test_one_title_in_two_spellings(one: str, other: str) -> None:
    assert _level(_record(one), _record(other)) in {"exact", "exact_short"}
    assert set(blocking_keys(_record(one, "Ana Rio"))) & set(blocking_keys(_record(other, "Ana Rio")))


@pytest.mark.parametrize(
    ("base", "spelt"), [("no no no", "no no no"), ("1999", "1999"), ("i", "i"), ("", "")]
)
def test_words_that_have_one_spelling(base: str, spelt: str) -> None:
    assert in_one_spelling(base) == spelt


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue Door (The Long Way Home)", "The Long Way Home"),
        ("Blue Door (The Long Way Home)", "Blue Door"),
        ("(What a) Blue Door", "Blue Door"),
        ("Porta azul (Blue Door)", "Blaue Tür (Blue Door)"),
        ("Blue Door / The Long Way Home", "The Long Way Home"),
    ],
)
def test_a_title_that_is_a_half_of_the_other(one: str, other: str) -> None:
    assert _level(_record(one), _record(other)) == "subtitle"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue Door (Reprise)", "Blue Door"),
        ("Blue Door (Part Two)", "Blue Door"),
        ("Blue Door (1999)", "Blue Door"),
        ("Blue Door (Of Mine)", "Blue Door (Of Yours)"),
    ],
)
def test_a_bracket_that_is_no_title(one: str, other: str) -> None:
    assert _level(_record(one), _record(other)) != "subtitle"


def test_artist_and_album_of_the_other_side_are_no_words_of_the_title() -> None:
    whole = _record("Harbour", "Nine Rivers", "Glass Tour (Deluxe Edition)")
    assert _level(_record("Harbour Nine Rivers Glass Tour"), whole) == "beside_artist"
    assert _level(_record("Harbour Glass Tour (Expanded)", "Nine Rivers"), whole) == "beside_artist"
    # Each side has what the other one lacks.
    one, other = (
        _record("Harbour Nine Rivers", album="Glass Tour"),
        _record("Harbour Glass Tour", "Nine Rivers"),
    )
    assert _level(one, other) == "beside_artist"
    # A side that names an album of its own has that of the other in its title for another reason.
    assert _level(_record("Harbour Glass Tour", "Ana Rio", "Low Tide"), whole) != "beside_artist"


def test_two_titles_beside_one_artist_share_nothing() -> None:
    one = _record("Harbour of Dreams Nine Rivers Glass Tour")
    assert _level(one, _record("Winter Glass", "Nine Rivers", "Glass Tour")) in {"different", "some"}
