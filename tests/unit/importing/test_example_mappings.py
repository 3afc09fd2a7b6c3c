"""The mappings that are shipped as examples: on invented tables, and on the real ones where they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streams.core.importing.rows import RowResult
from streams.core.upload_json import parse_upload
from streams.imported import import_table

ROOT = Path(__file__).parents[3]
MAPPINGS = ROOT / "docs" / "examples" / "mappings"
DATA = ROOT.parent / "shared" / "data"


def _import(mapping: str, table: Path) -> Iterator[RowResult]:
    return import_table(str(table), MAPPINGS / f"{mapping}.toml")


def _of(tmp_path: Path, mapping: str, table: str) -> list[dict[str, Any]]:
    path = tmp_path / "table.csv"
    path.write_text(table, encoding="utf-8")
    results = list(_import(mapping, path))
    assert [one for result in results for one in result.reports if one.refused] == []
    return [json.loads(upload) for result in results for upload in result.uploads]


def test_every_example_has_a_test() -> None:
    assert {path.stem for path in MAPPINGS.glob("*.toml")} == {one.mapping for one in REAL}


def test_five_databases_in_one_table(tmp_path: Path) -> None:
    uploads = _of(
        tmp_path,
        "musicbrainz-20k",
        "TID,CID,CTID,SourceID,id,number,title,length,artist,album,year,language\n"
        "1,9,1,1,W1,007,Clear Water (Live) (River Songs),03:25,Ann,River Songs,1998,\n"
        "2,9,2,2,X2,7,Ann - Clear Water,205,,River Songs,98,English\n"
        "3,9,3,3,Y3,7,Clear Water - River Songs,3.417,Ann,,'98,Engl.\n"
        "4,9,4,4,Z4,A7,0A7-Clear Water,3m 25sec,Ann,River Songs (1998),null,Eng.\n"
        "5,9,5,5,V5,7,Clear Water,205000,Ann,River Songs,1998,English\n"
        "6,9,6,1,,W6,008,Clear Water (River Songs),03:25,Ann,River Songs,1998\n",  # slipped by one
    )
    assert [one["source"][-1] for one in uploads] == list("123451")
    assert [one["title"] for one in uploads] == ["Clear Water (Live)", *["Clear Water"] * 5]
    assert {one["artists"][0]["name"] for one in uploads} == {"Ann"}
    assert {one["releases"][0]["title"] for one in uploads} == {"River Songs"}
    assert {one["releases"][0]["date"] for one in uploads} == {"1998"}
    assert [one["releases"][0]["track_number"] for one in uploads] == [7, 7, 7, 7, 7, 8]
    assert {round(one["duration_ms"] / 1000) for one in uploads} == {205}
    assert [one.get("languages") for one in uploads] == [None, ["en"], None, ["en"], ["en"], None]


PAIR = ",".join(
    f"{side}_{name}"
    for side in ("left", "right")
    for name in ("Song_Name", "Artist_Name", "Album_Name", "Genre", "Price", "CopyRight", "Time", "Released")
)


def test_two_songs_in_one_row(tmp_path: Path) -> None:
    uploads = _of(
        tmp_path,
        "itunes-amazon",
        f"{PAIR},label\n"
        "Clear Water,Ann,River,Folk,$ 1.29,2015 Own,3:25,18-May-15,Rain,Ben,Storm,Pop,$ 0.99,Other,4:00,"
        '"May 18 , 2015",0\n',
    )
    assert [(one["source"], one["item_id"], one["title"]) for one in uploads] == [
        ("itunes", "2", "Clear Water"),
        ("amazon", "2", "Rain"),
    ]
    assert [one["releases"][0]["date"] for one in uploads] == ["2015-05-18", "2015-05-18"]
    assert [one["duration_ms"] for one in uploads] == [205_000, 240_000]


def test_two_songs_in_one_row_whose_values_slipped(tmp_path: Path) -> None:
    uploads = _of(
        tmp_path,
        "itunes-amazon-dirty",
        f"{PAIR},label\n"
        "Clear Water Folk $ 1.29 3:25,Ann,River Songs 18-May-15,,,,,,"
        '"Rain May 18 , 2015",Ben 4:00,Storm,Pop,,,,,0\n',
    )
    assert [(one["title"], one["artists"][0]["name"]) for one in uploads] == [
        ("Clear Water", "Ann"),  # the genre had slipped into the title
        ("Rain", "Ben"),
    ]
    assert [one["releases"] for one in uploads] == [
        [{"title": "River Songs", "date": "2015-05-18"}],
        [{"title": "Storm", "date": "2015-05-18"}],
    ]
    assert [one["duration_ms"] for one in uploads] == [205_000, 240_000]


def test_a_performance_and_a_video_in_one_row(tmp_path: Path) -> None:
    uploads = _of(
        tmp_path,
        "youtube-shs-pairs",
        "left_title,left_performer,left_video_title,left_channel,right_video_title,right_channel,label\n"
        "Clear Water,Ann,Ann - Clear Water,AnnVEVO,Ben - Clear Water (cover),Ben's Music,1\n",
    )
    assert [(one["source"], one["kind"], one["title"]) for one in uploads] == [
        ("secondhandsongs", "recording", "Clear Water"),
        ("youtube", "music_video", "Ben - Clear Water (cover)"),
    ]
    assert uploads[1]["video"]["channel"] == "Ben's Music"


def test_a_release_with_the_list_of_its_tracks(tmp_path: Path) -> None:
    uploads = _of(
        tmp_path,
        "lastfm-musicbrainz",
        "id,name,artist,release-date,release-country,duration,label,genre,tracks\n"
        'm1,River Songs,Ann,2005-03-01,Peru,500,,,"[\'Clear Water\', ""Ann\'s Rain""]"\n',
    )
    assert [(one["item_id"], one["title"], one["releases"][0]["track_number"]) for one in uploads] == [
        ("m1/1", "Clear Water", 1),
        ("m1/2", "Ann's Rain", 2),
    ]
    assert all("duration_ms" not in one for one in uploads)


def test_performances_piano_tracks_and_a_catalogue_with_identifiers(tmp_path: Path) -> None:
    performed = _of(
        tmp_path, "shs100k2-works", "set_id,ver_id,yt_id,title,performer\n5,0,abc,Clear Water,Ann\n"
    )
    assert performed == [
        {
            "source": "secondhandsongs", "item_id": "5-0", "source_kind": "reference_db", "kind": "recording",
            "title": "Clear Water", "artists": [{"name": "Ann", "role": "main"}],
        }
    ]  # fmt: skip
    played = _of(
        tmp_path,
        "atepp-classical-tracks",
        "artist,track,track_duration,composer,composition_id,youtube_links\nAnn,No. 6,28.5,Di Ro,8,x\n",
    )
    assert played[0]["duration_ms"] == 28_500
    roles = [(one["name"], one["role"]) for one in played[0]["artists"]]
    assert roles == [
        ("Ann", "main"),
        ("Di Ro", "composer"),
    ]
    kept = _of(
        tmp_path,
        "harmonix-catalogue",
        "File,Title,Artist,Release,Duration,BPM,Time Signature,Genre,MusicBrainz Id,Acoustid Id\n"
        '0001_x,"1, 2",Ann,River,142.47,113,4|4,Pop,0408655f-189f-371b-9c41-ec861e1a7810,\n',
    )
    assert kept[0]["duration_ms"] == 142_470
    assert kept[0]["identifiers"] == {"mbid": "0408655f-189f-371b-9c41-ec861e1a7810"}
    assert kept[0]["ext"] == {"harmonix": {"BPM": "113", "Time Signature": "4|4"}}


class _Real(NamedTuple):
    """A real table: the least share of its rows that give uploads, and the most remarks per row."""

    mapping: str
    table: str
    least: float
    most_remarks: float


# What the tables themselves allow: rows without a title, releases without tracks, misspelt languages.
REAL = [
    _Real("musicbrainz-20k", "musicbrainz-20k/dev.csv.gz", 0.99, 0.15),
    _Real("itunes-amazon", "itunes-amazon/structured.train.csv", 1.0, 0.0),
    _Real("itunes-amazon-dirty", "itunes-amazon/dirty.train.csv", 1.0, 0.0),
    _Real("lastfm-musicbrainz", "lastfm-musicbrainz/musicbrainz.csv.gz", 0.99, 0.01),
    _Real("lastfm-musicbrainz", "lastfm-musicbrainz/lastfm.csv.gz", 0.4, 0.01),
    _Real("shs100k2-works", "shs100k2-works/dev.csv.gz", 1.0, 0.0),
    _Real("youtube-shs-pairs", "youtube-shs-pairs/dev.csv.gz", 1.0, 0.0),
    _Real("atepp-classical-tracks", "atepp-classical-tracks/dev.csv.gz", 1.0, 0.0),
    _Real("harmonix-catalogue", "harmonix-catalogue/metadata.csv", 1.0, 0.0),
]


@pytest.mark.parametrize(
    "real",
    [
        pytest.param(
            one, id=one.table, marks=[pytest.mark.slow] if one.mapping == "lastfm-musicbrainz" else []
        )
        for one in REAL
    ],
)
def test_the_real_tables_become_uploads(real: _Real) -> None:
    table = DATA / real.table
    if not table.is_file():
        pytest.skip(f"there is no folder of data sets beside the checkout: {real.table}")
    rows = uploaded = remarks = 0
    for result in _import(real.mapping, table):
        rows += 1
        uploaded += bool(result.uploads)
        remarks += sum(not one.refused and "wrong encoding" not in one.why for one in result.reports)
        for upload in result.uploads:
            parse_upload(upload)
    assert rows > 100
    assert uploaded >= real.least * rows
    assert remarks <= real.most_remarks * rows
