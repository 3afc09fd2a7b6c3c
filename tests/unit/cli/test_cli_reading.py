import json
from pathlib import Path, PurePosixPath

import pytest

from streams.cli.reading import check_paths, media_files, media_roots, read_given, read_lines
from streams.cli.tags import upload_of
from streams.core.records import Kind, SourceKind
from streams.core.upload_json import parse_upload
from streams.edges.media_roots import add_media_roots, read_media_roots
from streams.edges.media_tags import FileTags
from streams.errors import ConfigError, UnreadableInput

SHA = "a" * 64


def _of(
    tags: dict[str, str], *, name: str = "album/01.flac", sound: bool = True, pictures: bool = False
) -> dict[str, object]:
    found = FileTags(tags=tags, duration_ms=1000, has_audio=sound, has_video=pictures)
    return upload_of(
        found,
        path=PurePosixPath(name),
        uri="file:///m/album/01.flac",
        sha256=SHA,
        size=3,
        content_type="audio/flac",
        source="mine",
    )


def test_tags_become_an_upload_that_the_contract_accepts() -> None:
    made = _of(
        {
            "title": "Clear Water",
            "artist": "AC/DC; The Band",
            "album": "River Songs",
            "tracknumber": "3/12",
            "date": "2005-03-01T00:00",
            "tsrc": "GBEMI0300013",
        }
    )
    upload = parse_upload(json.dumps(made).encode())
    assert (upload.source, upload.item_id, upload.title) == ("mine", "album/01.flac", "Clear Water")
    assert [artist.name for artist in upload.artists] == ["AC/DC", "The Band"]
    assert upload.releases[0].title == "River Songs"
    assert upload.releases[0].track_number == 3
    assert upload.releases[0].date == "2005-03-01"
    assert upload.identifiers.isrc == ("GBEMI0300013",)
    assert upload.media[0].uri == "file:///m/album/01.flac"
    assert upload.media[0].sha256 == SHA
    assert upload.kind is Kind.recording


def test_a_file_without_tags_is_still_an_upload() -> None:
    upload = parse_upload(json.dumps(_of({"language": "und", "track": "0"})).encode())
    assert upload.title is None
    assert upload.releases == ()
    assert upload.languages == ()


def test_pictures_make_a_music_video_and_an_unreadable_file_goes_by_its_name() -> None:
    assert _of({}, pictures=True)["kind"] == "music_video"
    assert _of({}, sound=False, name="x.mp4")["kind"] == "music_video"
    assert _of({}, sound=False, name="x.mp3")["kind"] == "recording"


def test_bad_lines_are_named_and_the_rest_is_read() -> None:
    lines = [
        b"\xef\xbb\xbf" + b'{"source": "a", "item_id": "1", "kind": "recording", "title": "T"}\n',
        b"\n",
        b"{not json\n",
        b'{"source": "a", "item_id": "2", "kind": "recording", "title": "T", "colour": "red"}\n',
        b'{"item_id": "3", "kind": "recording", "title": "T"}\n',
    ]
    found = list(read_lines(lines, name="in", parse=parse_upload, source="dflt", source_kind="aggregator"))
    assert [one.where for one in found] == ["in:1", "in:3", "in:4", "in:5"]
    assert [one.upload is not None for one in found] == [True, False, False, True]
    assert found[1].code is not None
    assert "colour" in (found[2].problem or "")
    assert found[0].upload is not None
    assert found[0].upload.source == "a"
    assert found[3].upload is not None
    assert found[3].upload.source == "dflt"
    assert found[3].upload.source_kind is SourceKind.aggregator


def test_a_folder_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.mp3", "a/x.FLAC", ".hidden/y.mp3", "._b.mp3", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not a medium")
    assert [p.relative_to(tmp_path).as_posix() for p in media_files(tmp_path)] == ["a/x.FLAC", "b.mp3"]
    with (tmp_path / "notes.txt").open("rb") as nothing:
        found = list(read_given([str(tmp_path)], parse=parse_upload, standard_input=nothing, source="s"))
    uploads = [one.upload for one in found]
    assert [u.item_id for u in uploads if u is not None] == ["a/x.FLAC", "b.mp3"]
    assert media_roots([str(tmp_path), "-", str(tmp_path / "b.mp3")]) == (tmp_path, tmp_path)


def test_a_folder_without_media_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with (tmp_path / "notes.txt").open("rb") as nothing:
        found = list(read_given([str(tmp_path)], parse=parse_upload, standard_input=nothing))
    assert [(one.where, one.code, one.upload) for one in found] == [(str(tmp_path), "no_media", None)]
    assert ".flac" in (found[0].problem or "")


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput):
        check_paths(["-", str(tmp_path / "gone.jsonl")])


def test_media_roots_are_added_once_and_kept(tmp_path: Path) -> None:
    assert read_media_roots(tmp_path) == ()
    add_media_roots(tmp_path, [tmp_path / "one"])
    add_media_roots(tmp_path, [tmp_path / "two", tmp_path / "one"])
    assert read_media_roots(tmp_path) == (tmp_path / "one", tmp_path / "two")


def test_damaged_media_roots_are_an_error_with_its_fix(tmp_path: Path) -> None:
    add_media_roots(tmp_path, [tmp_path])
    (tmp_path / "media-roots.json").write_text("{")
    with pytest.raises(ConfigError, match="delete it"):
        read_media_roots(tmp_path)
