import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.importing.cells import (
    read_explicit,
    read_flag,
    read_identifier,
    read_language,
    read_uuid,
    read_whole,
)
from streams.core.importing.people import read_people
from streams.core.importing.readings import Reading


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "003",
        "3.0",
        "3.",
        "3/12",
        "3 of 12",
        "#3",
        "No. 3",
        "nº 3",
        "№3",
        "Track 03",
        "CD 3",
        "Disc 3/12",
        "３",
    ],
)
def test_numbers(text: str) -> None:
    assert read_whole(text).value == 3
    assert read_whole(text).problem is None


@pytest.mark.parametrize("text", ["side A", "track", "1 1", "-3", "3.5", "0", "9999999999", "three"])
def test_no_number_says_why(text: str) -> None:
    reading = read_whole(text)
    assert reading.value is None
    assert reading.problem


@pytest.mark.parametrize(("text", "number"), [("A4", 4), ("0B12", 12), ("aa1", 1)])
def test_of_a_side_of_a_record_the_number_there_is_taken_and_said(text: str, number: int) -> None:
    reading = read_whole(text)
    assert reading.value == number
    assert "side" in (reading.problem or "")


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("Yes", True),
        ("1", True),
        ("ja", True),
        ("N", False),
        ("нет", False),
        ("0", False),
        ("1.0", True),
        ("0.0", False),
    ],
)
def test_flags(text: str, flag: bool) -> None:
    assert read_flag(text).value is flag


@pytest.mark.parametrize(
    ("text", "flag"),
    [("E", True), ("Explicit", True), ("yes", True), ("Clean", False), ("notExplicit", False), ("0", False)],
)
def test_whether_words_are_explicit_as_shops_say_it(text: str, flag: bool) -> None:
    assert read_explicit(text).value is flag


def test_a_flag_in_other_words_asks_for_them() -> None:
    assert "declare" in (read_flag("parental advisory").problem or "")


@pytest.mark.parametrize(
    ("text", "tag"),
    [("English", "en"), ("anglais", "en"), ("Deutsch", "de"), ("日本語", "ja"), ("eng", "en"), ("Eng.", "en"),
     ("en", "en"), ("En", "en"), ("en_US", "en-US"), ("zh-Hant", "zh-Hant"), ("русский", "ru")],
)  # fmt: skip
def test_languages_become_tags(text: str, tag: str) -> None:
    assert read_language(text).value == tag


@pytest.mark.parametrize("text", ["und", "mul", "mis"])
def test_a_tag_for_no_language_is_nothing(text: str) -> None:
    assert read_language(text) == Reading()


@pytest.mark.parametrize("text", ["Spanish; English", "Deutsch/English", "spa/eng", "Français et anglais"])
def test_several_languages_are_not_taken_for_the_first(text: str) -> None:
    reading = read_language(text)
    assert reading.value is None
    assert "split" in (reading.problem or "")


@pytest.mark.parametrize("text", ["Engliish", "[Multiple languages]", "12", "xyzzy"])
def test_no_language_says_why(text: str) -> None:
    reading = read_language(text)
    assert reading.value is None
    assert "no language" in (reading.problem or "")


@pytest.mark.parametrize(
    ("scheme", "text", "value"),
    [
        ("isrc", "GB-EMI-03-00013", "GBEMI0300013"),
        ("iswc", "T-034.524.680-1", "T0345246801"),
        ("gtin", "036000291452", "00036000291452"),
        ("gtin", "36000291452", "00036000291452"),  # a spreadsheet took the zero
        ("gtin", "36000291452.0", "00036000291452"),
        ("isni", "0000 0001 2103 2683", "0000000121032683"),
        ("ipi", "14107338", "00014107338"),
    ],
)
def test_identifiers_have_one_form(scheme: str, text: str, value: str) -> None:
    reading = read_identifier(text, scheme)
    assert (reading.value, reading.problem) == (value, None)


def test_a_wrong_check_digit_is_kept_as_sent_and_said() -> None:
    reading = read_identifier("T-034.524.680-2", "iswc")
    assert reading.value == "T-034.524.680-2"
    assert "check digit" in (reading.problem or "")


@pytest.mark.parametrize(
    ("scheme", "text"), [("isrc", "Clear Water"), ("gtin", "3.6E+10"), ("iswc", "none given")]
)
def test_what_has_not_the_shape_of_an_identifier_is_absent(scheme: str, text: str) -> None:
    reading = read_identifier(text, scheme)
    assert reading.value is None
    assert reading.problem == f"no {scheme.upper()}"


def test_uuids_stand_alone_or_at_the_end_of_an_address() -> None:
    uuid = "0408655f-189f-371b-9c41-ec861e1a7810"
    assert read_uuid(uuid.upper()).value == uuid
    assert read_uuid(f"https://example.org/recording/{uuid}/").value == uuid
    assert read_uuid("0408655f").value is None


def test_artists_are_cut_only_where_the_mapping_says() -> None:
    assert read_people("Earth, Wind & Fire", role="main") == [{"name": "Earth, Wind & Fire", "role": "main"}]
    cut = read_people("Ann; Ben FEAT. Cy & Di", role="main", split=["; ", " & "], featured_after=[" feat. "])
    assert cut == [
        {"name": "Ann", "role": "main", "join_phrase": "; "},
        {"name": "Ben", "role": "main", "join_phrase": " FEAT. "},
        {"name": "Cy", "role": "featured", "join_phrase": " & "},
        {"name": "Di", "role": "featured"},
    ]


def test_a_sign_with_nobody_behind_it_joins_nothing() -> None:
    assert read_people("Ann & ", role="main", split=[" & "]) == [{"name": "Ann", "role": "main"}]


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers(text: str) -> None:
    for scheme in ("isrc", "iswc", "gtin", "isni", "ipi"):
        read_identifier(text, scheme)
    for read in (read_flag, read_language, read_uuid):
        assert read(text).value is None or read(text).problem is None
