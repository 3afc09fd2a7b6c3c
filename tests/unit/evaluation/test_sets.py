"""Labelled sets as their files are laid out, with invented rows: what is read, true, and absent."""

import csv
import gzip
from pathlib import Path

import orjson
import pytest

from streams.core.records import SourceKind
from streams.evaluation.labelled import LabelledPairs, LabelledStream
from streams.evaluation.sets import SETS
from streams.evaluation.sets.tables import mapping_file
from streams.evaluation.sets.words import folded, leading_artist, shares_a_word

BY_NAME = {source.name: source for source in SETS}


def _table(path: Path, *rows: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = gzip.open(path, "wt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open("w")
    with opened as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _stream(name: str, data: Path) -> LabelledStream:
    labelled = BY_NAME[name].read(data)
    assert isinstance(labelled, LabelledStream)
    assert labelled.name == name
    return labelled


def _pairs(name: str, data: Path) -> LabelledPairs:
    labelled = BY_NAME[name].read(data)
    assert isinstance(labelled, LabelledPairs)
    assert labelled.name == name
    return labelled


@pytest.mark.parametrize("source", SETS, ids=lambda source: source.name)
def test_what_is_absent_is_named(source: object, tmp_path: Path) -> None:
    assert source in SETS
    for each in SETS:
        if each.needs:
            assert each.absent(None) == "no folder of labelled data was named (--data)"
            assert each.needs[0] in (each.absent(tmp_path) or "")
        else:
            assert each.absent(None) is None


def test_every_mapping_that_is_used_ships() -> None:
    for name in ("musicbrainz-20k", "itunes-amazon", "itunes-amazon-dirty", "shs100k2-works"):
        assert mapping_file(name).is_file()


def test_recordings_of_five_databases(tmp_path: Path) -> None:
    names = "TID CID CTID SourceID id number title length artist album year language".split()
    rows = [
        ("1", "7", "1", "5", "x1", "2", "Clear Water", "215000", "The Example Band", "Songs", "2004", ""),
        ("2", "7", "2", "2", "x2", "2", "The Example Band - Clear Water", "215", "", "", "04", ""),
        ("3", "8", "1", "5", "x3", "", "", "", "", "", "", ""),
    ]  # fmt: skip
    _table(tmp_path / "musicbrainz-20k" / "dev.csv.gz", *(dict(zip(names, row, strict=True)) for row in rows))
    read = _stream("musicbrainz-20k", tmp_path)
    assert [(each.recording, each.work) for each in read.uploads] == [("7", None), ("7", None)]
    assert {each.upload.duration_ms for each in read.uploads} == {215_000}
    assert read.refused == {"3": ("8", None)}


def test_performances_of_works(tmp_path: Path) -> None:
    titles = [
        ("5", "Clear Water"),
        ("5", "Clear Water"),
        ("5", "Clear Water Song"),
        ("5", "Agua Clara"),
        ("6", "X"),
    ]
    _table(
        tmp_path / "shs100k2-works" / "dev.csv.gz",
        *(
            {"set_id": work, "ver_id": f"{n}", "yt_id": "y", "title": title, "performer": f"Band {n}"}
            for n, (work, title) in enumerate(titles)
        ),
    )
    read = _stream("shs100k2-works", tmp_path)
    assert [each.work for each in read.uploads] == ["5", "5", "5", "5", "6"]
    assert [each.tags[0] for each in read.uploads] == [
        "title:usual", "title:usual", "title:near", "title:other", "title:usual",
    ]  # fmt: skip
    assert all(each.recording is None for each in read.uploads)


def test_hard_pairs_share_a_performer_and_a_word_but_no_work(tmp_path: Path) -> None:
    rows = [
        ("1", "Clear Water", "A"),
        ("2", "Clear Winter", "A"),
        ("1", "Clear Water", "B"),
        ("3", "Nothing", "A"),
    ]
    _table(
        tmp_path / "shs100k2-works" / "dev.csv.gz",
        *(
            {"set_id": work, "ver_id": f"{n}", "yt_id": "y", "title": title, "performer": performer}
            for n, (work, title, performer) in enumerate(rows)
        ),
    )
    false, true = _pairs("shs-hard-pairs", tmp_path).pairs
    assert (false.label, true.label) == (False, True)
    assert false.left is not None
    assert false.right is not None
    assert {false.left.title, false.right.title} == {"Clear Water", "Clear Winter"}


def test_movements_by_several_pianists(tmp_path: Path) -> None:
    _table(
        tmp_path / "atepp-classical-tracks" / "dev.csv.gz",
        *(
            {
                "artist": pianist, "track": "Sonata No. 2, Op. 9: I. Allegro", "track_duration": "218.25",
                "composer": "Amalia Prechtl", "composition_id": "31", "youtube_links": "",
            }
            for pianist in ("Ilse Norrgard", "Piotr Zelwer")
        ),
    )  # fmt: skip
    read = _stream("atepp-classical-tracks", tmp_path)
    assert [each.work for each in read.uploads] == ["31", "31"]
    assert read.uploads[0].upload.duration_ms == 218_250


def test_a_catalogue_without_labels_still_forbids_joins(tmp_path: Path) -> None:
    names = "File,Title,Artist,Release,Duration,BPM,Ratio Bars in 4,Time Signature,Genre"
    names += ",MusicBrainz Id,Acoustid Id"
    rows = [
        ("1", "Clear Water", "Ada feat. Ben"),
        ("2", "Clear Water (Joe Remix)", "Ada"),
        ("3", "Clear Water (feat. Ben)", "Ada"),
        ("4", "Clear Water", "Somebody"),
    ]
    full = [
        dict(zip(names.split(","), (*row, "River", "215", "", "", "", "", "", ""), strict=True))
        for row in rows
    ]
    _table(tmp_path / "harmonix-catalogue" / "metadata.csv", *full)
    first, remix, guest, other = _stream("harmonix-catalogue", tmp_path).uploads
    assert first.work == remix.work == guest.work
    assert other.work != first.work
    assert first.recording == guest.recording
    assert remix.recording != first.recording


def test_pairs_of_two_shops_keep_their_clean_records_as_groups(tmp_path: Path) -> None:
    columns = "Song_Name Artist_Name Album_Name Genre Price CopyRight Time Released".split()
    song = ("Clear Water", "Ada", "River", "Pop", "$ 1.29", "2004 X", "3:35", "1-May-04")
    sides = {
        f"{side}_{name}": text for side in ("left", "right") for name, text in zip(columns, song, strict=True)
    }
    folder = tmp_path / "itunes-amazon"
    for form in ("structured", "dirty"):
        for part in ("train", "valid"):
            label = "1" if part == "train" else "0"
            cells = sides | (
                {"left_Song_Name": "Clear Water Ada", "left_Artist_Name": ""} if form == "dirty" else {}
            )
            _table(folder / f"{form}.{part}.csv", cells | {"label": label})
    clean, dirty = (_pairs(f"itunes-amazon-{form}", tmp_path).pairs for form in ("structured", "dirty"))
    assert [pair.label for pair in clean] == [True, False]
    assert [pair.tags for pair in clean] == [("split:train",), ("split:valid",)]
    assert [pair.left_group for pair in clean] == [pair.left_group for pair in dirty]
    assert clean[0].left is not None
    assert clean[0].left.title == "Clear Water"
    assert clean[0].left.duration_ms == 215_000


def test_judged_videos(tmp_path: Path) -> None:
    (tmp_path / "salami-youtube").mkdir()
    candidates = [
        {
            "youtube_id": name,
            "title": "Ada - Clear Water",
            "duration": "215",
            "label": name,
            "matching_length": None,
        }
        for name in ("match", "reject", "partial", "unlabelled", "other")
    ]
    line = {
        "salami_id": "2", "title": "Clear Water", "artist": "Ada", "duration": "214", "class": "jazz",
        "genre": "", "candidates": candidates,
    }  # fmt: skip
    (tmp_path / "salami-youtube" / "dev.jsonl.gz").write_bytes(gzip.compress(orjson.dumps(line) + b"\n"))
    match, reject = _pairs("salami-youtube", tmp_path).pairs
    assert (match.label, reject.label) == (True, False)
    assert match.tags == ("class:jazz", "subset:popular and jazz")
    assert match.right is not None
    assert match.right.source_kind is SourceKind.video_platform


def test_performances_beside_videos(tmp_path: Path) -> None:
    row = {
        "left_title": "Clear Water", "left_performer": "Ada", "left_video_title": "", "left_channel": "",
        "right_video_title": "Ada - Clear Water", "right_channel": "AdaVEVO", "label": "1",
    }  # fmt: skip
    _table(tmp_path / "youtube-shs-pairs" / "dev.csv.gz", row, row | {"right_video_title": " ", "label": "0"})
    whole, unread = _pairs("youtube-shs-pairs", tmp_path).pairs
    assert whole.label
    assert whole.right is not None
    assert whole.right.video is not None
    assert unread.right is None


def test_every_pair_of_two_libraries(tmp_path: Path) -> None:
    folder = tmp_path / "doremus-classical-works"
    folder.mkdir()
    works = [
        {"id": "w/1", "P102_has_title": ["Sonata", "Sonate"], "U10_has_order_number": ["3"],
         "creator_id": ["a/9-9"], "U42_has_opus_number": ["27"], "U43_has_opus_subnumber": ["2"],
         "U11_has_key": ["key/cm"]},
        {"id": "w/2", "U12_has_genre": ["iaml/genre/qt"], "creator_id": ["a/9-9"]},
    ]  # fmt: skip
    for name in ("source", "target"):
        lines = [orjson.dumps(work | {"id": f"{name}{work['id']}"}) for work in works]
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(lines))
    _table(folder / "matches.csv", *({"source": f"sourcew/{n}", "target": f"targetw/{n}"} for n in (1, 2)))
    pairs = _pairs("doremus-classical-works", tmp_path).pairs
    assert [pair.label for pair in pairs] == [True, False, False, True]
    left = pairs[0].left
    assert left is not None
    assert left.title == "Sonata, No. 3, C minor, Op. 27 No. 2"
    assert [title.text for title in left.alternative_titles] == ["Sonate, No. 3, C minor, Op. 27 No. 2"]
    assert pairs[-1].left is not None
    assert pairs[-1].left.title == "Quartet"


def test_words_that_say_something() -> None:
    assert folded("Ain’t 2 Proud — Ké$ha") == "aint 2 proud kesha"
    assert (
        leading_artist("The Example Band feat. Ben") == leading_artist("Example Band & Ben") == "exampleband"
    )
    assert shares_a_word("clear water", "water and fire")
    assert not shares_a_word("the end", "the sun")
    assert shares_a_word("夜の水辺の歌", "夜の水")
