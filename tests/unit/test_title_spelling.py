"""Titles that are one in another spelling, or by another of their names, and those that are not."""

import pytest

from streams.core.blocking import blocking_keys
from streams.core.comparison import compare_records
from streams.core.features import featurize
from streams.core.records import Artist, LinkageRecord, Release, SourceKind, Upload
from streams.core.titles.spelling import in_one_spelling, without_article


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
        ("Gardens (The Long Way Home)", "Gardens"),
        ("(What a) Garden", "Garden"),
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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Garden of Doors", "Garden of Doors"),
        ("La puerta azul", "Puerta azul"),
        ("Das blaue Tor", "Blaue Tor"),
        ("Twenty-Five Doors", "25 Doors"),
        ("The 1st Door", "First Door"),
        ("Openin Doors", "Opening Doors"),
        ("Whatcha Gonna Open", "Watcha Gonna Open"),
        ("Auld Blue Door", "Old Blue Door"),
    ],
)
def test_one_title_with_and_without_its_article(one: str, other: str) -> None:
    assert _level(_record(one), _record(other)) in {"exact", "exact_short"}
    assert set(blocking_keys(_record(one, "Ana Rio"))) & set(blocking_keys(_record(other, "Ana Rio")))


@pytest.mark.parametrize("title", ["Die Young", "As Young", "La La", "The", "O Young One"])
def test_first_words_that_are_no_article(title: str) -> None:
    base = featurize(Upload(source="shop", item_id="1", title=title)).readings[0].base
    assert without_article(base) == base


def test_an_article_left_out_makes_no_title_short() -> None:
    assert _level(_record("The Blue Door"), _record("The Blue Door")) == "exact"
    assert _level(_record("The Blue Door"), _record("Blue Door")) == "exact_short"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue Garden Door (The Long Way Home)", "Blue Garden Door"),
        ("(What a) Blue Door", "Blue Door"),
        ("Gardenings (The Long Way Home)", "Gardenings"),
        ("Blue Door (The Long Way)", "The Long Way (Blue Door)"),
        ("Blue Door / The Long Way", "The Long Way / Blue Door"),
    ],
)
def test_a_title_without_its_subtitle(one: str, other: str) -> None:
    assert _level(_record(one), _record(other)) == "main_title"


def test_a_title_is_found_without_its_subtitle() -> None:
    one, other = _record("Blue Door (The Long Way Home)", "Ana Rio"), _record("Blue Door", "Ben Lago")
    assert "title:bluedoor" in {*blocking_keys(one)} & {*blocking_keys(other)}


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        # A half says less than a whole title that stands in the other.
        ("Blue Garden Door (The Long Way)", "Ana Rio Sings Blue Garden Door Tonight", "contained"),
        ("Gardens (The Long Way)", "Ana Rio Sings Gardens", "contained"),
        ("The Long Way (Gardens)", "Ana Rio Sings Gardens", "contained"),
        ("Blue Garden Door (Of Mine)", "Blue Garden Door (Of Yours)", "contained"),
        # Neither bracket says so, and the rest is short.
        ("Gardens (Of Mine)", "Gardens (Of Yours)", "mostly"),
        ("Starlight", "Star Light Over New York", "contained"),
        ("Star Light", "Starlight Over New York", "contained"),
    ],
)
def test_a_half_of_a_title_within_the_other(one: str, other: str, level: str) -> None:
    assert _level(_record(one), _record(other)) == level


def test_a_bracket_on_a_platform_may_name_anybody() -> None:
    video = featurize(
        Upload(source="tube", item_id="1", title="Blue Door (Gardens)", source_kind=SourceKind.video_platform)
    )
    assert _level(video, _record("Ana Rio Sings Gardens")) == "different"
    assert _level(video, _record("Ana Rio Sings Blue Door")) == "contained"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Just Open Me the Door", "Open Me the Door"),
        ("In the House of the Blue Doors", "House of Blue Doors"),
        ("Oh, That Is the Blue Door", "That Blue Door"),
        ("Un jardin et la mer", "Jardin, mer"),
    ],
)
def test_a_title_that_leaves_out_small_words(one: str, other: str) -> None:
    assert _level(_record(one), _record(other)) == "main_title"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Just the Garden", "Garden"),
        ("Before I Leave Home Again", "Before You Leave Home Again"),
        ("Never Open the Blue Door", "Open the Blue Door"),
        ("Blue Door at Home", "Home at Blue Door"),
        ("To Us", "Us"),
    ],
)
def test_words_that_are_not_small_or_tell_too_little(one: str, other: str) -> None:
    assert _level(_record(one), _record(other)) != "main_title"
