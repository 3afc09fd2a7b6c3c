import csv
import gzip
import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.importing.mapping import read_mapping
from streams.core.importing.readings import Report
from streams.core.importing.rows import TableReader
from streams.core.upload_json import parse_upload
from streams.edges.tables import LONGEST_CELL, TableRow, read_table
from streams.errors import UnreadableInput

START = 'source = "s"\nitem_id = "{id}"\n'


def _read(mapping: str, table: str) -> tuple[list[dict[str, Any]], list[Report]]:
    """Read a table whose first line is the header."""
    header, *rows = csv.reader(io.StringIO(table))
    reader = TableReader(read_mapping(tomllib.loads(mapping)), tuple(header), this_year=2026)
    uploads, reports = [], []
    for row in rows:
        reader.note(row)
    for number, row in enumerate(rows, start=2):
        result = reader.read(number, row)
        for upload in result.uploads:
            parse_upload(upload)
            uploads.append(json.loads(upload))
        reports += result.reports
    return uploads, reports


def _rows(data: bytes, **options: Any) -> list[TableRow]:
    given = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "skip_rows": 0, **options}
    return list(read_table(io.BytesIO(data), **given))


EVERYTHING = """
[fields]
title = "title"
version = "version"
version_types = { column = "types", split = ["|"] }
alternative_titles = { columns = ["other", "another"] }
languages = { column = "language", split = ["/"] }
genre = "genre"
artist = { column = "artist", split = [" & "], featured_after = [" feat. "] }
composer = "composer"
artist_isni = "isni"
work_title = "work"
iswc = "iswc"
writer = { column = "writers", split = ["; "] }
writer_ipi = { column = "ipis", split = ["; "] }
album = "album"
gtin = "gtin"
date = "date"
label = { value = "Own Label" }
track_number = "track"
disc_number = "disc"
duration = "length"
isrc = { column = "isrc", split = [";"] }
mbid = "mbid"
proprietary_id = "id"
explicit = { column = "advice", words = { "PA" = "yes" } }
recorded_date = "recorded"
recorded_place = "place"
p_line = "p"
video_id = { column = "video", pattern = "v=([\\\\w-]+)" }
video_platform = { value = "tube" }
audio = "file"
kind = { column = "kind", words = { "clip" = "music_video" } }
"""


def test_every_kind_of_field_has_its_place_in_the_upload() -> None:
    row = {
        "id": "7", "title": "Clear Water", "version": "Live", "types": "Live|Edited", "other": "Água Clara",
        "another": "清水", "language": "English/Portuguese", "genre": "Folk", "artist": "Ann & Ben feat. Cy",
        "composer": "Di Ro", "isni": "0000 0001 2103 2683", "work": "Clear Water", "iswc": "T-034.524.680-1",
        "writers": "Di Ro; Ed Su", "ipis": "14107338; 00014107338",
        "album": "River Songs", "gtin": "36000291452",
        "date": "1 mars 2005", "track": "03/12", "disc": "1.0", "length": "3m 25sec",
        "isrc": "GB-EMI-03-00013;GBEMI0300014",
        "mbid": "0408655f-189f-371b-9c41-ec861e1a7810", "advice": "PA",
        "recorded": "04", "place": "Old Mill", "p": "(P) 2005 Own", "video": "https://tube.example/?v=a_b-c&t=1",
        "file": "file:///music/a.flac", "kind": "clip",
    }  # fmt: skip
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(row))
    writer.writeheader()
    writer.writerow(row)
    uploads, reports = _read(f'{START}ext = ["genre"]\n{EVERYTHING}', buffer.getvalue())
    assert reports == []
    assert uploads == [
        {
            "source": "s", "item_id": "7", "kind": "music_video", "ext": {"s": {"genre": "Folk"}},
            "title": "Clear Water", "version": "Live", "version_types": ["Live", "Edited"],
            "alternative_titles": [{"text": "Água Clara"}, {"text": "清水"}], "languages": ["en", "pt"],
            "genre": "Folk",
            "artists": [
                {"name": "Ann", "role": "main", "join_phrase": " & ", "ids": {"isni": "0000000121032683"}},
                {"name": "Ben", "role": "main", "join_phrase": " feat. "},
                {"name": "Cy", "role": "featured"},
                {"name": "Di Ro", "role": "composer"},
            ],
            "works": [
                {
                    "title": "Clear Water", "iswc": "T0345246801",
                    "writers": [
                        {"name": "Di Ro", "ipi": "00014107338"}, {"name": "Ed Su", "ipi": "00014107338"}
                    ],
                }
            ],
            "releases": [
                {
                    "title": "River Songs", "gtin": "00036000291452", "date": "2005-03-01",
                    "label": "Own Label",
                    "track_number": 3, "disc_number": 1,
                }
            ],
            "duration_ms": 205000,
            "identifiers": {
                "isrc": ["GBEMI0300013", "GBEMI0300014"], "mbid": "0408655f-189f-371b-9c41-ec861e1a7810",
                "proprietary": [{"namespace": "s", "value": "7"}],
            },
            "declared": {"explicit": True}, "recorded": {"date": "2004", "place": "Old Mill"},
            "rights": {"p_line": "(P) 2005 Own"}, "video": {"platform": "tube", "video_id": "a_b-c"},
            "media": [{"role": "audio", "uri": "file:///music/a.flac"}],
        }
    ]  # fmt: skip


def test_what_cannot_be_read_is_reported_and_the_upload_goes_without() -> None:
    uploads, reports = _read(
        START + '[fields]\ntitle = "title"\nduration = "length"\ndate = "year"\nisrc = "isrc"',
        "id,title,length,year,isrc\n1,Clear Water,3:75,1612,Clear Water\n",
    )
    assert uploads == [{"source": "s", "item_id": "1", "kind": "recording", "title": "Clear Water"}]
    assert [(one.row, one.column, one.value, one.refused) for one in reports] == [
        (2, "length", "3:75", False),
        (2, "year", "1612", False),
        (2, "isrc", "Clear Water", False),
    ]


def test_words_for_nothing_are_absent_without_a_word() -> None:
    uploads, reports = _read(
        START + '[fields]\ntitle = "title"\nartist = "artist"\nduration = "length"\ngenre = "genre"',
        "id,title,artist,length,genre\n1,None,NULL,unknown,[unknown]\n2,n/a,Ann,-,\n",
    )
    assert uploads == [{"source": "s", "item_id": "1", "kind": "recording", "title": "None"}]
    assert [(one.row, one.refused) for one in reports] == [(3, True)]


def test_a_row_that_makes_no_upload_is_refused_and_the_next_is_read() -> None:
    uploads, reports = _read(
        START + '[fields]\ntitle = "title"', "id,title\n,Clear Water\n2,\n3,Clear Water\n4,a,b\n"
    )
    assert [upload["item_id"] for upload in uploads] == ["3"]
    assert [(one.row, one.column, one.refused) for one in reports] == [
        (2, "id", True), (3, None, True), (5, None, True)
    ]  # fmt: skip


def test_rows_are_told_apart_by_a_column() -> None:
    mapping = (
        START + '[fields]\ntitle = "title"\n[[record]]\nwhen = { from = "a" }\n[record.fields]\n'
        'duration = { column = "length", unit = "s" }\n[[record]]\nwhen = { from = "b" }\n'
        'source = "s-{from}"\n'
        '[record.fields]\nduration = { column = "length", unit = "min" }\n'
    )
    uploads, reports = _read(mapping, "id,title,from,length\n1,A,a,3.5\n2,B,b,3.5\n3,C,c,3.5\n")
    assert [(one["source"], one["duration_ms"]) for one in uploads] == [("s", 3_500), ("s-b", 210_000)]
    assert [(one.row, one.refused) for one in reports] == [(4, True)]


def test_a_list_becomes_an_upload_for_each_entry() -> None:
    mapping = (
        'source = "s"\nitem_id = "{id}/{#entry}"\n[explode]\ncolumn = "tracks"\n'
        '[fields]\ntitle = "tracks"\ntrack_number = { value = "{#entry}" }\n'
    )
    uploads, reports = _read(mapping, 'id,tracks\n1,"[\'A\', ""B\'s""]"\n2,[]\n3,A and B\n4,"[1, 2]"\n')
    assert [(one["item_id"], one["title"], one["releases"]) for one in uploads] == [
        ("1/1", "A", [{"track_number": 1}]),
        ("1/2", "B's", [{"track_number": 2}]),
    ]
    assert [(one.row, one.refused) for one in reports] == [(3, True), (4, True), (5, True)]
    cut = mapping.replace('column = "tracks"', 'column = "tracks"\nseparator = " / "', 1)
    assert [one["title"] for one in _read(cut, "id,tracks\n1,A / B\n")[0]] == ["A", "B"]


def test_cells_that_changed_places_are_put_back() -> None:
    mapping = START + 'repair = ["swapped"]\n[fields]\ntitle = "title"\nduration = "length"\n'
    uploads, reports = _read(mapping, "id,title,length\n1,3:25,Clear Water\n2,4:33,4:33\n")
    assert [(one["title"], one["duration_ms"]) for one in uploads] == [
        ("Clear Water", 205_000),
        ("4:33", 273_000),
    ]
    assert [(one.row, one.refused) for one in reports] == [(2, False)]


def test_two_cells_with_forms_of_their_own_that_changed_places_are_put_back() -> None:
    mapping = (
        START + 'repair = ["swapped"]\n[fields]\ntitle = "title"\nduration = "length"\ndate = "date"\n'
        'isrc = "isrc"\n'
    )
    table = "id,title,length,date,isrc\n1,Water,2005,3:25,\n2,Water,QZAAA2600001,2005,3:25\n3,Water,2005,x,\n"
    uploads, reports = _read(mapping, table)
    assert [one["duration_ms"] for one in uploads] == [205_000, 205_000, 2_005_000]
    assert [one["releases"][0]["date"] for one in uploads[:2]] == ["2005", "2005"]
    assert uploads[1]["identifiers"] == {"isrc": ["QZAAA2600001"]}
    assert [one.row for one in reports] == [2, 3, 4]


SHIFTED = (
    START + 'repair = ["shifted"]\n[fields]\ntitle = "title"\nartist = "artist"\nduration = "length"\n'
    'date = "date"\n'
)


@pytest.mark.parametrize(
    "row",
    [
        "1,,Clear Water,Ann,3:25,2005-03-01",  # an empty cell too many
        "1,Clear, Water,Ann,3:25,2005-03-01",  # a comma that is not quoted
    ],
)
def test_cells_that_moved_aside_are_put_back(row: str) -> None:
    uploads, reports = _read(SHIFTED, f"id,title,artist,length,date\n{row}\n")
    assert uploads[0]["title"] in {"Clear Water", "Clear, Water"}
    assert uploads[0]["artists"] == [{"name": "Ann", "role": "main"}]
    assert (uploads[0]["duration_ms"], uploads[0]["releases"]) == (205_000, [{"date": "2005-03-01"}])
    assert [one.refused for one in reports] == [False]


def test_cells_of_which_two_may_have_moved_are_left_out_and_named() -> None:
    uploads, reports = _read(SHIFTED, "id,title,artist,length,date\n1,Clear Water,3:25,2005-03-01,\n")
    assert uploads == []
    assert "in doubt and left out: title, artist" in reports[0].why
    assert reports[-1].refused


def test_a_row_that_stands_as_it_should_is_left_alone() -> None:
    uploads, reports = _read(SHIFTED, "id,title,artist,length,date\n1,Clear Water,,3:25,\n2,A,B,x,y\n")
    assert [one["title"] for one in uploads] == ["Clear Water", "A"]
    assert [(one.column, one.value) for one in reports] == [("length", "x"), ("date", "y")]


def test_values_that_slipped_to_the_end_of_a_text_are_taken_from_there() -> None:
    mapping = (
        START + '[fields]\ntitle = { column = "title", strays = ["duration", "date", "price"] }\n'
        'duration = "length"\ndate = "date"\n'
    )
    uploads, _ = _read(
        mapping,
        'id,title,length,date\n1,"Clear Water $ 1.29 3:25 18-May-15",,\n2,4:33,,\n'
        '3,"Clear Water 3:25",4:00,\n',
    )
    assert uploads[0]["title"] == "Clear Water"
    assert (uploads[0]["duration_ms"], uploads[0]["releases"]) == (205_000, [{"date": "2015-05-18"}])
    assert (uploads[1]["title"], uploads[1].get("duration_ms")) == ("4:33", None)
    assert (uploads[2]["title"], uploads[2]["duration_ms"]) == ("Clear Water", 240_000)


def test_genres_and_rights_that_slipped_are_taken_where_their_own_column_is_empty() -> None:
    mapping = (
        START + '[fields]\ntitle = { column = "title", strays = ["price", "rights", "genre"] }\n'
        'genre = "genre"\np_line = "rights"\n'
    )
    uploads, _ = _read(
        mapping,
        "id,title,genre,rights\n1,Clear Water Country ( c ) 1997 Low Road Records,,\n"
        '2,"Clear Water Hip-Hop/Rap , Music $ 1.29 2014 Low Road Limited",,\n'
        "3,Going Back to the Country,Folk,\n4,Country,,\n5,Summer of 1997,,\n",
    )
    assert [one["title"] for one in uploads] == [
        "Clear Water",
        "Clear Water",
        "Going Back to the Country",
        "Country",
        "Summer of 1997",
    ]
    assert uploads[0]["genre"] == "Country"
    assert uploads[0]["rights"]["p_line"] == "( c ) 1997 Low Road Records"
    assert uploads[1]["genre"] == "Hip-Hop/Rap , Music"


SLIPPED_NAMES = (
    START + '[fields]\ntitle = { column = "title", strays = ["duration", "album", "artist"] }\n'
    'artist = "artist"\nalbum = "album"\nduration = "length"\n'
)


def _told(upload: dict[str, Any]) -> tuple[str, list[str], list[str | None]]:
    artists = [artist["name"] for artist in upload.get("artists", [])]
    return upload["title"], artists, [release.get("title") for release in upload.get("releases", [])]


def test_an_artist_and_an_album_that_slipped_are_known_by_the_columns_of_other_rows() -> None:
    uploads, _ = _read(
        SLIPPED_NAMES,
        "id,title,artist,album,length\n1,Clear Water,Ann Lee,Low Road ( Deluxe ),\n"
        "2,Winter Ann Lee Low Road [ Clean ] 3:25,,,\n3,Winter Low Road,Ann Lee,,\n"
        "4,Winter Ann Lee,,High Road,\n5,Winter Ann Lee Unheard Of,,,\n",
    )
    assert [_told(each) for each in uploads[1:]] == [
        ("Winter", ["Ann Lee"], ["Low Road [ Clean ]"]),
        ("Winter", ["Ann Lee"], ["Low Road"]),
        ("Winter", ["Ann Lee"], ["High Road"]),
        ("Winter", ["Ann Lee"], ["Unheard Of"]),
    ]
    assert uploads[1]["duration_ms"] == 205_000


def test_a_name_stays_in_the_title_where_its_cell_is_filled_or_the_words_ask_for_it() -> None:
    uploads, _ = _read(
        SLIPPED_NAMES,
        "id,title,artist,album,length\n1,Clear Water,Ann Lee,Low Road,\n2,Song for Ann Lee,Ben,High Road,\n"
        "3,Winter feat. Ann Lee,,High Road,\n4,Winter (Ann Lee,,High Road,\n5,Ann Lee,,,\n6,Low Road,,,\n",
    )
    assert [one["title"] for one in uploads[1:]] == [
        "Song for Ann Lee",
        "Winter feat. Ann Lee",
        "Winter (Ann Lee",
        "Ann Lee",
        "Low Road",
    ]


def test_letters_read_in_the_wrong_encoding_are_put_right_and_said() -> None:
    mapping = START + 'repair = ["mangled"]\n[fields]\ntitle = "title"\n'
    once = "Água".encode().decode("latin-1")
    twice = "Clarté".encode().decode("cp1252").encode().decode("cp1252")
    uploads, reports = _read(mapping, f"id,title\n1,{once}\n2,{twice}\n3,Água\n4,AÇÃO\n5,水\n")
    assert [one["title"] for one in uploads] == ["Água", "Clarté", "Água", "AÇÃO", "水"]
    assert [(one.row, one.value) for one in reports] == [(2, once), (3, twice)]
    assert _read(mapping.replace("mangled", "swapped"), f"id,title\n1,{once}\n")[0][0]["title"] == once


def test_a_cell_in_none_of_its_layouts_is_taken_whole_and_said() -> None:
    mapping = START + '[fields]\ntitle = { column = "title", layouts = ["{artist} - {title}"] }\n'
    uploads, reports = _read(mapping, "id,title\n1,Clear Water\n2,Ann - Clear Water\n")
    assert [(one["title"], len(one.get("artists", []))) for one in uploads] == [
        ("Clear Water", 0),
        ("Clear Water", 1),
    ]
    assert [(one.row, one.why) for one in reports] == [(2, "in none of the layouts: taken whole")]


def test_tables_in_other_encodings_delimiters_and_compressed() -> None:
    assert _rows("a;b\nÉ;2".encode("cp1252"), encoding="cp1252", delimiter=";")[1].cells == ("É", "2")
    assert _rows(gzip.compress(b"a,b\n1,2\n"))[1] == TableRow(2, ("1", "2"))
    assert _rows(b"\xef\xbb\xbfa\tb\n", delimiter="\t")[0].cells == ("a", "b")
    assert _rows('a,b\n"x\ny",2\n'.encode("utf-16"), encoding="utf-16")[1].cells == ("x\ny", "2")
    assert _rows(b'a"b,c\n', quote="")[0].cells == ('a"b', "c")
    assert [row.number for row in _rows(b"note\n\na\n1\n", skip_rows=2)] == [3, 4]


def test_bytes_of_another_encoding_cost_one_cell() -> None:
    rows = _rows(b"id,title,genre\n1,A,\n" + "2,B,É\n".encode("latin-1"))
    reader = TableReader(
        read_mapping(tomllib.loads(START + '[fields]\ntitle = "title"\ngenre = "genre"')),
        rows[0].cells,
        this_year=2026,
    )
    result = reader.read(3, rows[2].cells)
    assert json.loads(result.uploads[0])["title"] == "B"
    assert "table.encoding" in result.reports[0].why


def test_a_quote_left_open_costs_rows_and_not_the_table() -> None:
    filling = b"x,y\n" * (LONGEST_CELL // 4 + 1)
    rows = _rows(b'a,b\n1,"open\n' + filling + b"2,3\n")
    assert rows[1].problem is not None
    assert "quote" in rows[1].problem
    assert rows[-1].cells == ("2", "3")


def test_a_table_that_breaks_off_or_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput):
        _rows(gzip.compress(b"a,b\n" * 1000)[:-12])
    with pytest.raises(UnreadableInput, match="absent"):
        list(read_table(tmp_path / "absent.csv", encoding="utf-8", delimiter=",", quote='"', skip_rows=0))


ALL_ON = (
    START + 'repair = ["swapped", "shifted"]\next = ["x"]\n[fields]\n'
    'title = { column = "title", layouts = ["{artist} - {title}", "{title} ({album})"], '
    'strays = ["duration", "date", "album", "artist"] }\n'
    'artist = { column = "artist", split = [","], featured_after = ["ft"] }\n'
    'duration = "length"\ndate = "date"\n'
    'languages = "x"\nexplicit = "x"\nisrc = "x"\ngtin = "x"\nmbid = "x"\ntrack_number = "x"\n'
)


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(
                ["3:25", "1999", "A - B", "A (B)", "null", "Ann, Ben", "2005-03-01", "GBEMI0300013"]
            ),
        ),
        max_size=9,
    )
)
def test_no_row_breaks_the_reader_and_all_it_gives_are_uploads(cells: list[str]) -> None:
    header = ("id", "title", "artist", "length", "date", "x")
    reader = TableReader(read_mapping(tomllib.loads(ALL_ON)), header, this_year=2026)
    result = reader.read(2, cells)
    for upload in result.uploads:
        parse_upload(upload)
    if any(cell.strip() for cell in cells):
        assert len(result.uploads) + sum(one.refused for one in result.reports) == 1
