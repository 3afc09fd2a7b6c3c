"""Identifiers, names, titles and uploads are read as the field writes them."""

import dataclasses
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.core import identifiers
from streams.core.blocking import BLOCKERS, MAX_KEYS, blocking_keys
from streams.core.features import featurize, text_for_embedding
from streams.core.normalize import clean_text, normalize_name, normalize_text, split_names
from streams.core.records import Artist, Identifiers, Recorded, Release, Upload, Work
from streams.core.titles import MAX_READINGS, read_title
from streams.core.upload_json import parse_upload, upload_digest, validate_upload
from streams.errors import SchemaError


@pytest.mark.parametrize(
    ("scheme", "text", "value"),
    [
        ("isrc", "ISRC GB-EMI-03-00013", "GBEMI0300013"),
        ("iswc", "T-034.524.680-1", "T0345246801"),
        ("iswc", "T-000.000.001-0", "T0000000010"),
        ("ipi", "00014107338", "00014107338"),
        ("ipi", "14107338", "00014107338"),
        ("ipi_base", "I-000000229-7", "I0000002297"),
        ("isni", "0000 0001 2103 2683", "0000000121032683"),
        ("isni", "000000012146438X", "000000012146438X"),
        ("gtin", "036000291452", "00036000291452"),
        ("gtin", "4006381333931", "04006381333931"),
        ("grid", "A1-2425G-ABC1234002-M", "A12425GABC1234002M"),
        ("dpid", "DADPIDA3897722461J", "DADPIDA3897722461J"),
    ],
)
def test_identifier_is_read(scheme: str, text: str, value: str) -> None:
    assert identifiers.READERS[scheme](text).value == value


@pytest.mark.parametrize(
    ("scheme", "text", "problem"),
    [
        ("isrc", "GBEMI030001", "shape"),
        ("isrc", "XX-ABC-03-00013", "registrant"),
        ("isrc", "US-000-00-00000", "placeholder"),
        ("iswc", "T-034.524.680-2", "check_digit"),
        ("ipi", "00000000000", "shape"),
        ("ipi", "00014107339", "check_digit"),
        ("ipi_base", "I-000000229-8", "check_digit"),
        ("isni", "0000 0001 2103 2684", "check_digit"),
        ("gtin", "036000291453", "check_digit"),
        ("grid", "A1-2425G-ABC1234002-N", "check_digit"),
        ("dpid", "DADPIDA3897722461K", "check_digit"),
    ],
)
def test_wrong_identifier_is_told(scheme: str, text: str, problem: str) -> None:
    assert identifiers.READERS[scheme](text) == (None, problem)


def test_wrong_identifiers_are_listed_and_ignored() -> None:
    upload = Upload(
        source="s",
        item_id="1",
        title="Clear Water",
        identifiers=Identifiers(isrc=("GBEMI0300013", "nonsense")),
        works=(Work(iswc="T-034.524.680-2"),),
        releases=(Release(gtin="036000291453"),),
    )
    problems = identifiers.check_identifiers(upload)
    assert [(p.scheme, p.problem) for p in problems] == [
        ("isrc", "shape"),
        ("iswc", "check_digit"),
        ("gtin", "check_digit"),
    ]
    record = featurize(upload)
    assert (record.isrcs, record.iswcs, record.gtins) == (("GBEMI0300013",), (), ())


def test_an_isrc_older_than_its_recording_is_doubted() -> None:
    upload = Upload(
        source="s",
        item_id="1",
        title="Clear Water",
        identifiers=Identifiers(isrc=("GBEMI0300013", "GBEMI6300013")),
        recorded=Recorded(date="1998-05"),
    )
    assert [(p.value, p.problem) for p in identifiers.check_identifiers(upload)] == [("GBEMI6300013", "year")]
    record = featurize(upload)
    assert record.isrcs == ("GBEMI0300013", "GBEMI6300013")
    assert record.doubtful_isrcs == ("GBEMI6300013",)
    # Codes of old catalogues carry the year of the recording.
    assert identifiers.doubtful_isrcs(["GBAYE6300001"], "1963") == ()
    assert identifiers.doubtful_isrcs(["GBAYE6300001"], None) == ()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The Example Band", "Example Band, The"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("ＡＢＣ", "abc"),
        ("Don’t Stop", "Don't Stop"),
        ("Doe, Jane", "Jane Doe"),
    ],
)
def test_spellings_of_a_name_are_one(left: str, right: str) -> None:
    assert normalize_name(left) == normalize_name(right)


def test_credit_is_split_into_names() -> None:
    assert split_names("One Band feat. Two & Three") == ("one band", "two", "three")
    assert split_names("AC/DC") == ("ac dc",)


# Signs that normalising drops, turns or spells out, letters that fold or compose, and a mark for each kind.
_TRICKY = st.sampled_from("aAgin0 _-:'&`\"’ʼſßİıΐςﬁ＿々ｶﾞ가각각ㅏ\u00ad\u200b\u0301\u0345\u3099\u0bc6\u0bbe")


@given(st.text(max_size=40) | st.text(_TRICKY | st.characters(codec="utf-8"), max_size=8))
@example("0:_0")
@example("in''")
@example("ᄀ'ᅡ")
@example("각ᆨ'ᅡ")
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalize_text(text)
    assert normalize_text(once) == once
    assert once or not clean_text(text)


@pytest.mark.parametrize(
    ("title", "base"),
    [
        ("(I Can't Get No) Satisfaction", "i cant get no satisfaction"),
        ("Live Forever", "live forever"),
        ("Cover Me", "cover me"),
        ("1999", "1999"),
        ("Con te partirò", "con te partiro"),
        ("With or Without You", "with or without you"),
        ("Draft Swift", "draft swift"),
        ("!!!", "!!!"),
    ],
)
def test_title_is_never_stripped(title: str, base: str) -> None:
    reading = read_title(title)[0]
    assert (reading.base, reading.versions) == (base, ())


@pytest.mark.parametrize(
    ("title", "base", "version"),
    [
        ("Clear Water (Live at the Mill)", "clear water", "live"),
        ("Clear Water - 2011 Remaster", "clear water", "remaster"),
        ("Clear Water (Joe Remix)", "clear water", "remix"),
        ("Ignition (Remix)", "ignition", "remix"),
        ("Clear Water [Radio Edit]", "clear water", "edit"),
        ("Clear Water (ao vivo)", "clear water", "live"),
        ("Clear Water (en directo)", "clear water", "live"),
        ("水（ライブ）", "水", "live"),
        ("물 (라이브)", "물", "live"),
        ("Clear Water (Acústico)", "clear water", "acoustic"),
        ("Clear Water (off vocal)", "clear water", "instrumental"),
        ("Clear Water 【カラオケ】", "clear water", "karaoke"),
        ("Clear Water (Sped Up)", "clear water", "sped_up"),
        ("Clear Water (slowed + reverb)", "clear water", "slowed"),
        ("Clear Water (English Version)", "clear water", "language"),
        ("Clear Water (canlı)", "clear water", "live"),
        ("Чистая вода (концерт)", "чистая вода", "live"),
        ("Clear Water (歌ってみた)", "clear water", "cover"),
    ],
)
def test_version_is_typed(title: str, base: str, version: str) -> None:
    reading = read_title(title)[0]
    assert reading.base == base
    assert [part.type for part in reading.versions] == [version]


def test_video_title_gives_artist_and_media_kind() -> None:
    reading = read_title("The Example Band - Clear Water (Official Music Video) [HD]", video=True)[0]
    assert (reading.base, reading.artist, reading.media_kind) == (
        "clear water",
        "example band",
        "official_video",
    )


def test_credits_leave_the_title() -> None:
    reading = read_title("Clear Water (feat. Jane Doe & Joe Roe)")[0]
    assert (reading.base, reading.credits) == ("clear water", ("jane doe", "joe roe"))


def test_numbers_are_typed() -> None:
    reading = read_title("Symphony No. 5 in C minor, Op. 67: I. Allegro con brio")[0]
    assert {(n.scheme, n.value) for n in reading.numbers} == {
        ("number", "5"),
        ("opus", "67"),
        ("movement", "1"),
        ("key", "c minor"),
    }
    assert read_title("Wall, Pt. 2")[0].numbers[0].scheme == "part"


@given(st.text(min_size=1, max_size=80), st.booleans())
def test_any_title_can_be_read(text: str, video: bool) -> None:
    readings = read_title(text, video=video, artist="Someone")
    assert len(readings) <= MAX_READINGS
    assert all(reading.base for reading in readings)
    assert readings == read_title(text, video=video, artist="Someone")


UPLOAD = {
    "source": "label-a",
    "item_id": "A-1",
    "kind": "recording",
    "title": "Clear Water",
    "artists": [{"name": "The Example Band", "ids": {"isni": "000000012146438X"}}],
    "duration_ms": 215000,
    "identifiers": {"isrc": ["GBEMI0300013"], "mbid": None},
    "video": None,
    "ext": {"label-a": {"b": 1, "a": None}},
    "uploaded_at": "2026-01-31T12:00:00Z",
}


def _bytes(**changes: object) -> bytes:
    return json.dumps({**UPLOAD, **changes}).encode()


def test_upload_is_read() -> None:
    upload = parse_upload(_bytes())
    assert upload.artists[0].ids == {"isni": "000000012146438X"}
    assert upload.ext == '{"label-a":{"a":null,"b":1}}'
    assert upload.revision is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": 1}, "colour"),
        ({"artists": [{"nam": "x"}]}, r"artists\[0\]\.nam"),
        ({"artists": [{"role": "main"}]}, r"artists\[0\]"),
        ({"artists": [{"name": "x", "role": "king"}]}, "role"),
        ({"duration_ms": 0}, "duration_ms"),
        ({"duration_ms": 86_400_001}, "duration_ms"),
        ({"duration_ms": "long"}, "duration_ms"),
        ({"revision": 0}, "revision"),
        ({"kind": "opera"}, "kind"),
        ({"kind": None}, "kind"),
        ({"source": None}, "source"),
        ({"item_id": " "}, "item_id"),
        ({"title": " "}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"media": [{"role": "smell", "uri": "file:///a"}]}, "media"),
        ({"ext": 3}, "ext"),
    ],
)
def test_wrong_upload_is_refused_with_the_field(changes: dict[str, object], named: str) -> None:
    data = _bytes(**changes)
    with pytest.raises(SchemaError, match=named):
        parse_upload(data)


def test_a_place_on_an_album_stands_for_a_title() -> None:
    placed = parse_upload(_bytes(title=None, releases=[{"title": "River Songs", "track_number": 3}]))
    assert "album_place:riversongs|3" in blocking_keys(featurize(placed))
    with pytest.raises(SchemaError, match="title"):
        parse_upload(_bytes(title=None, releases=[{"title": "River Songs"}]))


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^not JSON: .* at character 17$"):
        parse_upload(b'{"source": "a",\n')


def test_withdrawal_needs_only_the_item() -> None:
    upload = parse_upload(b'{"source": "a", "item_id": "1", "operation": "withdraw"}')
    validate_upload(upload)


def test_digest_ignores_time_of_upload_and_nulls() -> None:
    upload = parse_upload(_bytes())
    assert upload_digest(upload) == upload_digest(parse_upload(_bytes(uploaded_at=None, genre=None)))
    assert upload_digest(upload) != upload_digest(parse_upload(_bytes(title="Other")))


def test_blocking_keys_are_declared_and_few() -> None:
    upload = parse_upload(_bytes())
    keys = blocking_keys(featurize(upload))
    assert "isrc:GBEMI0300013" in keys
    assert "title_artist:clearwater|exampleband" in keys
    assert len(keys) <= MAX_KEYS
    assert {key.partition(":")[0] for key in keys} <= set(BLOCKERS)


def test_text_for_embedding_has_no_version_words() -> None:
    upload = Upload(
        source="s", item_id="1", title="Clear Water (Live)", artists=(Artist(name="The Example Band"),)
    )
    assert text_for_embedding(featurize(upload)) == "clear water\nexample band"


def test_every_field_counts_for_the_digest() -> None:
    upload = Upload(source="s", item_id="1", title="x")
    changed = dataclasses.replace(upload, genre="folk")
    assert upload_digest(upload) != upload_digest(changed)


@pytest.mark.parametrize(
    ("title", "base"),
    [
        ("Oasis - Live Forever", "live forever"),
        ("Adele - Hello Video", "hello"),
        ("Hello - Live at X", "hello"),
    ],
)
def test_tail_after_a_dash_is_a_qualifier_only_as_a_whole(title: str, base: str) -> None:
    assert read_title(title, video=True)[0].base == base
