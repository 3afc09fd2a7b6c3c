"""Catalogued pieces as services write them in several languages, and values that slipped behind a title."""

import pytest

from streams.core.blocking import blocking_keys
from streams.core.bundle import Bundle
from streams.core.comparison import compare_records
from streams.core.features import featurize
from streams.core.records import Artist, LinkageRecord, SourceKind, Upload
from streams.core.titles import read_numbers
from streams.core.titles.pieces import OTHER, PART, PIECE, compare_pieces, read_piece
from streams.core.titles.slipped import without_slipped


def _level(
    one: str, other: str, *, composers: tuple[str, str] | None = ("Clara Wieck", "Clara Wieck")
) -> str:
    """Give the level of two titles by two pianists."""
    left, right = (
        featurize(
            Upload(
                source="label",
                item_id=title,
                source_kind=SourceKind.aggregator,
                title=title,
                artists=(
                    Artist(name=pianist),
                    *((Artist(name=composer, role="composer"),) if composer else ()),
                ),
            )
        )
        for title, pianist, composer in (
            (one, "Ana Soler", composers[0] if composers else None),
            (other, "Jan Brand", composers[1] if composers else None),
        )
    )
    level = compare_records(left, right, None).levels[0]
    assert compare_records(right, left, None).levels[0] == level
    return level


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Klaviersonate Nr. 7 Es-Dur, op. 28: III. Allegro",
            "Piano Sonata No. 7 in E-flat major, Op. 28 - 3. Allegro",
        ),
        (
            "Sonate pour piano n° 5 en mi bémol majeur, op. 23: III. Rondo",
            "Piano Sonata No. 5, Op. 23: 3. Rondeau",
        ),
        ("Scenes, Op. 15: No. 8, At the Stove", "Szenen, Op. 15: VIII. Am Ofen"),
        ("The Months, Op. 37a: 6. June", "The Months, Op. 37 bis: No. 6 June"),
        ("Sonata in C, H.XVI No.50: 1. Allegro", "Sonata No. 60 in C Major, Hob. XVI-50: I. Allegro"),
        (
            "The Keyboard Book 1: Prelude No. 13 in F-Sharp Major, BWV 858",
            "The Keyboard, BWV 846-869: Prelude BWV 858",
        ),
        ("Quatuor no 4, Op. 37", "Quartet, No. 4, Op. 37"),
        (
            "Sonata in C minor, Op. 13: Adagio cantabile",
            "Sonata No. 8 in C minor, Op. 13: II. Adagio cantabile",
        ),
        ("Symphonie Nr. 5 c-Moll: II. Andante", "Symphony No. 5 in C minor, Op. 67: 2. Andante con moto"),
        ("Septième Sequenza", "Sequenza VIIa"),
        ("Onzième ordre, No. 11", "Ordres, No. 11"),
        ("Treizième ordre", "Ordres, No. 13, B minor"),
        ("Ballade No. 4", "4 Ballades: No. 4 in F minor, Op. 52"),
        ("Suite lacustre: IV. Passepied", "Suite lacustre, L. 75: IV. Passepied. Allegretto"),
        ("Nights, M. 55: Scarbo", "Nights: III. Scarbo"),
        ("Sonata in G, Op. 14,2: III. Scherzo", "Sonata No. 10 in G major, Op. 14 No. 2: III. Scherzo"),
        ("12 Etudes, Op. 25: Etude No. 17 in E minor, Op. 25, No. 5", "Etudes, Op. 25: No. 5 in E minor"),
        (
            "12 Etudes, Op. 25: Etude No. 17 in E minor, Op. 25, No. 5",
            "Etudes, Op. 25 (Excerpts): No. 5 in E minor",
        ),
        ("Etude No. 17, Op. 25 No. 5", "Etude No. 5, Op. 25 - No. 5"),
        ("24 Preludes, Op. 28: Prelude No. 12 in G minor", "24 Preludes, Op. 28: No. 12"),
        ("Liebestraum, S541: No. 3. Nocturne", "Liebestraum No. 3 in A-flat major, S. 541/3"),
        ("Sonata in D, K. 96/L.465", "Sonata in D major, Kk.96"),
        (
            "Sonata No. 3, Op. 58: I. Allegro (Live in Paris, 17.I.1964)",
            "Sonata No. 3, Op. 58: 1. Allegro maestoso",
        ),
        ("Ballade No. 4 in F minor, Op. 52 (1949 Moscow performance)", "Ballade No. 4, Op. 52"),
    ],
)
def test_one_piece_in_two_wordings(one: str, other: str) -> None:
    assert _level(one, other) == PIECE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("33 Variations, Op. 120: Variation XXV", "33 Variations, Op. 120: Variation XXIII"),
        ("Sonata No. 8, Op. 13: II. Adagio", "Sonata No. 8, Op. 13: III. Rondo"),
        ("The Keyboard, BWV 862: Prelude", "The Keyboard, BWV 862: Fugue"),
        (
            "The Keyboard, BWV 846-869: Prelude in A major BWV 888",
            "The Keyboard, BWV 846-869: Fugue in A major BWV 888",
        ),
        ("Pieces, Op. 16: 4. Sehr langsam", "Pieces, Op. 16: Sehr lebhaft"),
    ],
)
def test_two_pieces_of_one_work(one: str, other: str) -> None:
    assert _level(one, other) == OTHER


def test_a_work_and_one_of_its_movements() -> None:
    assert _level("Suite No. 5, BWV 816", "Suite No. 5, BWV 816: Gigue") == PART
    assert _level("Sonata, Op. 14 No. 1", "Sonata, Op. 14 No. 1: III. Rondo") == PART


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Violin Sonata No. 1", "Piano Sonata No. 1"),
        ("String Quartet No. 1", "Piano Quartet No. 1"),
        ("Symphonic Dance No. 2", "Norwegian Dance No. 2"),
        ("Sonata No. 1 in C major", "Sonata No. 1 in D minor"),
        ("Ballade No. 4, Op. 52", "Ballade No. 4, Op. 23"),
        ("Symphony No. 5", "Symphony No. 6"),
        ("Suite: IV. Gavotte", "Suite: IV. Air"),
    ],
)
def test_forms_and_numbers_that_are_two_works(one: str, other: str) -> None:
    assert _level(one, other) not in {PIECE, PART, OTHER}


def test_a_form_and_its_number_are_those_of_their_composer() -> None:
    one, other = "Symphony No. 5: II. Andante", "Symphonie Nr. 5: 2. Andante"
    assert _level(one, other) == PIECE
    assert _level(one, other, composers=("Clara Wieck", "Louise Farr")) not in {PIECE, OTHER, PART}
    assert _level(one, other, composers=None) not in {PIECE, OTHER, PART}
    assert _level(one, other, composers=("Wieck", "Clara Wieck")) == PIECE


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("String quartet, No. 1, Op. 7", "Quartet, No. 1, D minor, Op. 7", "similar"),
        ("Quatuor à cordes no 1 en ré mineur, op. 7", "Quatuor à cordes no 1, Op. 7", "near"),
        ("Quartet, No. 1, D minor, Op. 7", "Quartet, No. 1, C major, Op. 7", "similar"),
        ("Ballad in D minor", "Ballad", "contained"),
        ("Quartet No. 1 in C minor, Op. 7", "Quartet No. 1 in C mino, Op. 7", "mistyped"),
    ],
)
def test_a_key_that_one_side_names_is_no_other_wording(one: str, other: str, level: str) -> None:
    """Of two composers, or one whom two libraries number in two ways, the wording has to tell."""
    assert _level(one, other, composers=("Clara Wieck", "Emil Sturm")) == level


def test_an_opus_number_is_that_of_its_composer() -> None:
    one, other = "24 Preludes, Op. 28: No. 3", "Sonate, Op. 28: No. 3"
    assert _level(one, other, composers=("Clara Wieck", "Louise Farr")) not in {PIECE, OTHER, PART}
    assert _level(one, "Waldlieder, Op. 28: No. 3", composers=None) not in {PIECE, OTHER, PART}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Konzert für Violine und Orchester", "Concerto, violin, orchestra", True),
        ("Concerto pour violoncelle et orchestre", "Cello Concerto", False),
        ("Concerto pour violoncelle et orchestre", "Violin Concerto with Orchestra", False),
        ("Sonate für Violine und Klavier", "Sonata per violino e pianoforte", True),
        ("Violin Sonata in the Rain", "Violinsonate", False),
    ],
)
def test_works_that_are_named_by_form_and_instruments(one: str, other: str, *, same: bool) -> None:
    assert (_level(one, other) == "piece") is same
    assert _level(one, other, composers=("Clara Wieck", "Fanny Berg")) != "piece"


def test_an_opus_with_the_number_in_it_overrules_how_else_a_piece_is_counted() -> None:
    one, other = (
        featurize(Upload(source="label", item_id=title, title=title))
        for title in ("Etude No. 17, Op. 25 No. 5", "Etude No. 5, Op. 25 (Excerpts): No. 5")
    )
    assert compare_records(one, other, None).work_cannot_link is None


def test_two_letters_of_a_number_are_two_pieces() -> None:
    a, b = (read_piece(title, title.lower()) for title in ("Songs, Op. 29a: No. 1", "Songs, Op. 29b: No. 1"))
    assert a is not None
    assert b is not None
    assert compare_pieces(a, b, one_composer=True) is None


@pytest.mark.parametrize(
    ("title", "scheme", "value"),
    [
        ("Cinquième Sequenza", "number", "5"),
        ("Sequenza V", "number", "5"),
        ("Second Symphony", "number", "2"),
        ("Var. 13 a 2 Clav.", "variation", "13"),
        ("Préludes, Livre 2", "book", "2"),
        ("Suite, BWV 846-869", "catalogue:bwv", None),
    ],
)
def test_numbers_in_words_and_ranges(title: str, scheme: str, value: str | None) -> None:
    assert next((n.value for n in read_numbers(title) if n.scheme == scheme), None) == value


@pytest.mark.parametrize(
    "title", ["Second Hand News", "First Love", "Fifth Avenue", "Malcolm X", "Henry V, Act 1"]
)
def test_words_that_count_no_form_are_no_numbers(title: str) -> None:
    assert not any(n.scheme == "number" for n in read_numbers(title))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Glass Harbour Nine Rivers $ 1.29", "Glass Harbour Nine Rivers"),
        ("Glass Harbour Hip-Hop/Rap , Music , Rap $ 0.99 ( C ) 2014 Low Road Records", "Glass Harbour"),
        ("Glass Harbour [ Explicit ] 2014 Low Road Recording Corporation 3:31", "Glass Harbour [ Explicit ]"),
        ("Glass Harbour ℗ 2014 Low Road", "Glass Harbour"),
        ("Summer of 1999", "Summer of 1999"),
        ("1999", "1999"),
        ("$100 Bill", "$100 Bill"),
        ("Money, Music and Rain", "Money, Music and Rain"),
    ],
)
def test_values_of_other_columns_are_cut_off(text: str, title: str) -> None:
    assert without_slipped(text).title == title


def test_a_length_that_slipped_is_read() -> None:
    upload = Upload(source="shop", item_id="1", title="Glass Harbour 2014 Low Road Records 3:31")
    assert featurize(upload).duration_ms == 211_000
    assert featurize(Upload(source="shop", item_id="2", title="Glass Harbour 3:31")).duration_ms is None


def _record(title: str, artist: str | None) -> LinkageRecord:
    return featurize(
        Upload(source="a", item_id=title, title=title, artists=(Artist(name=artist),) if artist else ())
    )


@pytest.mark.parametrize(
    "title", ["Harbour Nine Rivers", "Nine Rivers Harbour", "Harbour by Nine Rivers Glass Tour"]
)
def test_a_title_is_found_beside_the_other_sides_artist(title: str) -> None:
    one, other = _record(title, None), _record("Harbour", "Nine Rivers")
    assert compare_records(one, other, None).levels[0] == "beside_artist"
    assert compare_records(other, one, None).levels[0] == "beside_artist"
    stranger = _record("Harbour", "Somebody Else")
    assert compare_records(one, stranger, None).levels[0] != "beside_artist"


def test_bundles_of_before_weigh_new_levels_as_the_coarser_ones() -> None:
    former = Bundle.shipped()["2026.11.3"].recording
    assert former.weight("title", "beside_artist") == former.weight("title", "contained")
    assert former.weight("title", "piece") == former.weight("title", "near")
    assert former.weight("title_artist", "both_close") == former.weight("title_artist", "both")


@pytest.mark.parametrize(
    ("title", "scheme", "value"),
    [
        ("Minuet in G, BWV Anh. 114", "catalogue:bwv", "anh114"),
        ("Minuet in G, BWV Anh. II 114", "catalogue:bwv", "anh114"),
        ("Overture, WWV 111", "catalogue:wwv", "111"),
        ("Ground in C minor, Z. 221", "catalogue:z", "221"),
        ("Lied ohne Worte, MWV U 86", "catalogue:mwv", "u86"),
        ("Sextet, FP 100", "catalogue:fp", "100"),
    ],
)
def test_catalogues_of_other_composers(title: str, scheme: str, value: str) -> None:
    assert (scheme, value) in {(number.scheme, number.value) for number in read_numbers(title)}


@pytest.mark.parametrize("title", ["Jay Z 99 Problems", "G 50", "Fp", "Z. Me", "5 G. Love"])
def test_letters_that_are_no_catalogue(title: str) -> None:
    assert not any(number.scheme.startswith("catalogue:") for number in read_numbers(title))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('Sonate n° 5 "Clair de porte" - 1er mouvement', 'Piano Sonata No. 5 "Doorlight": I. Adagio'),
        ("ピアノソナタ第5番 ハ短調 作品67 第4楽章", "Piano Sonata No. 5 in C minor, Op. 67: IV. Presto"),
        ("소나타 5번, 작품 67, 4악장", "Sonata No. 5, Op. 67: IV. Presto"),
        ("Serenaden, op. 9: II. Andante", "Sérénades, Op. 9 - 2. Andante"),
    ],
)
def test_movements_and_names_in_other_languages(one: str, other: str) -> None:
    assert _level(one, other) == PIECE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Doors, BWV 988: Aria da capo", "Doors, BWV 988: Aria"),
        ("Sonate n° 5 - 1er mouvement", "Sonata No. 5: II. Adagio"),
        ('Suite No. 5 "English": I. Prelude', 'Suite No. 5 "English": II. Prelude'),
    ],
)
def test_pieces_that_are_told_apart_by_a_word(one: str, other: str) -> None:
    assert _level(one, other) == OTHER


def _piece_keys(title: str) -> set[str]:
    record = featurize(Upload(source="s", item_id="1", title=title, artists=(Artist(name="Ana Rio"),)))
    return {key for key in blocking_keys(record) if key.startswith("piece:")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Doors, Op. 16: No. 5 Sehr lebhaft", "Türen, op. 16: V. Sehr lebhaft"),
        ("The Book, Book 1: Prelude No. 21, BWV 866", "Das Buch 1, BWV 846-869: Praeludium BWV 866"),
        ("Klaviersonate c-Moll, D 958: 4. Allegro", "Sonata in C Minor, D. 958: IV. Allegro"),
    ],
)
def test_a_piece_is_found_by_its_number_in_whatever_words(one: str, other: str) -> None:
    assert _piece_keys(one) & _piece_keys(other)


def test_pieces_of_one_opus_have_keys_of_their_own() -> None:
    assert not _piece_keys("Doors, Op. 16: No. 5") & _piece_keys("Doors, Op. 16: No. 6")
    assert _piece_keys("Blue Door") == set()
