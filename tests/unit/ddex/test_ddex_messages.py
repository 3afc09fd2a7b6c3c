import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams.cli import app
from streams.cli.messages import media_beside
from streams.core.ddex.message import MessageError
from streams.edges.ddex_xml import UnsafeMessage, read_parts
from streams.errors import UnreadableInput
from tests.unit.ddex.reading import EXAMPLES, example, read, with_addresses, without_editions

run = CliRunner().invoke
SENDER = "PADPIDA0000000001O"
NAMELESS = example("video").replace("<FullName>Sello del Río</FullName>".encode(), b"", 1)


def test_an_album_becomes_an_upload_for_each_edition_of_each_recording() -> None:
    first, immersive, second, third = read(with_addresses(example("album"))).uploads
    assert [one["item_id"] for one in (first, immersive, second, third)] == [
        "grid:A1XXXXX0000000101Q",
        "grid:A1XXXXX0000000101Q/QZAAA2600011",
        f"id:DPID:{SENDER}:tr-2",
        "grid:A1XXXXX0000000001Y/isrc:QZAAA2600003",
    ]
    assert {
        (one["source"], one["source_kind"] if "source_kind" in one else None) for one in (first, third)
    } == {(SENDER, None)}
    assert first["title"] == "Clear Water"
    assert first["version"] == "Live at the Old Mill"
    assert first["version_types"] == ["Live", "Acoustic"]
    assert immersive["version_types"] == ["Live", "Acoustic", "Immersive"]
    assert second["version_types"] == ["Remastered", "Medley"]
    assert first["alternative_titles"] == [
        {"text": "Água Clara (Ao Vivo)", "language": "pt", "script": "Latn", "type": "display"},
        {"text": "清水 (ライブ)", "language": "ja", "script": "Jpan", "type": "translated_title"},
        {"text": "Clear Water, No. 1", "language": "en", "type": "formal_title"},
    ]
    assert [(one["name"], one["role"], one.get("join_phrase")) for one in first["artists"]] == [
        ("The Example Band", "main", " feat. "),
        ("Ana Rio", "featured", None),
        ("Ana Rio", "composer", None),
        ("Ana Rio", "lyricist", None),
        ("Carl Flood", "performer", None),
    ]
    assert first["works"] == [{"iswc": "T9000000011", "writers": [{"name": "Ana Rio", "ipi": "00999000111"}]}]
    assert first["releases"] == [
        {
            "title": "River Songs (Deluxe)", "gtin": "00036000299991", "date": "2026-02-06",
            "label": "River Records", "track_number": 1, "disc_number": 1,
        }
    ]  # fmt: skip
    assert (third["releases"][0]["disc_number"], third["releases"][0]["track_number"]) == (2, 1)
    assert first["identifiers"]["isrc"] == ["QZAAA2600001"]  # not the one that was replaced
    assert immersive["identifiers"] == {"isrc": ["QZAAA2600011"]}
    assert [one["duration_ms"] for one in (first, second, third)] == [215_000, 210_500, 240_000]
    assert [one.get("declared", {}).get("explicit") for one in (first, second, third)] == [True, False, None]
    assert first["rights"] == {"p_line": "(P) 2026 River Records", "c_line": "(C) 2026 River Records"}
    assert [one["relation"] for one in first["related"]] == ["samples", "version_of", "version_of"]
    assert first["related"][1]["identifiers"] == {"isrc": ["QZAAA2600002"]}
    assert [one["uri"] for one in first["media"]] == ["https://media.example.org/A1_T1.flac"]  # not the clip
    assert first["languages"] == ["en", "pt-BR"]
    assert [one["genre"] for one in (first, second)] == ["Live Folk", "Folk"]


def test_a_music_video_points_at_the_recording_heard_in_it() -> None:
    recording, video = read(example("video"), source_kind="aggregator").uploads
    assert (recording["kind"], video["kind"]) == ("recording", "music_video")
    assert video["related"] == [
        {"relation": "music_video_of", "identifiers": {"isrc": recording["identifiers"]["isrc"]}}
    ]
    assert {one["source"] for one in (recording, video)} == {"Sello del Río"}
    assert {one["source_kind"] for one in (recording, video)} == {"aggregator"}
    assert recording["artists"][0]["join_phrase"] == " & "
    assert video["declared"] == {"explicit": False}
    assert (recording["rights"]["c_line"], video["rights"]["c_line"]) == ("(C) 2025", "(C) 2026")


def test_what_is_wrong_is_said_and_the_rest_is_read() -> None:
    uploads, reports = read(example("oddities"))
    assert [one["title"] for one in uploads] == ["Stone", "Salt", "Sand", "Clay", "Loam"]
    assert [one["artists"][0]["name"] for one in uploads[:2]] == ["Salt & Stone", "Salt & Stone"]
    assert [one["item_id"] for one in uploads] == [
        "catalogue:odd:X 1/1", "icpn:00360002999901", "isrc:QZCCC2600004/A4", "isrc:QZCCC2600005",
        "catalogue:odd:X 6/A6",
    ]  # fmt: skip
    said = {(one.part, one.column): one.why for one in reports}
    assert said[("SoundRecording A2", "ISRC")] == "no ISRC"
    assert "zero" in said[("SoundRecording A2", "Duration")]
    assert "no such party" in said[("SoundRecording A2", "Party")]
    assert any("{urn:example:own}Mood" in (one.part or "") for one in reports)
    assert [one.part for one in reports if one.refused] == ["SoundRecording A3", "SoundRecording"]


def test_a_later_message_is_a_higher_revision_whatever_the_time_zone() -> None:
    def revision(created: bytes) -> int:
        message = example("video").replace(b"2026-02-01T09:30:00-05:00", created)
        return int(read(message).uploads[0]["revision"])

    assert revision(b"2026-02-01T14:30:00Z") == revision(b"2026-02-01T09:30:00-05:00")
    assert revision(b"2026-02-01T14:30:01Z") == revision(b"2026-02-01T14:30:00") + 1
    assert "revision" not in read(example("video").replace(b"2026-02-01T09:30:00-05:00", b"soon")).uploads[0]


def test_a_purge_withdraws_what_its_release_was_delivered_with() -> None:
    uploads, reports = read(example("purge"), delivered=example("album"))
    assert {one["operation"] for one in uploads} == {"withdraw"}
    delivered = read(example("album")).uploads
    assert {one["item_id"] for one in delivered} < {one["item_id"] for one in uploads}
    assert {one["item_id"] for one in uploads} - {one["item_id"] for one in delivered} == {
        "grid:A1XXXXX0000000103M", "icpn:00360002999901", f"id:DPID:{SENDER}:tr-9", "isrc:QZAAA2600009",
        "catalogue:DPID:PADPIDA0000000002M:RIV 002",
    }  # fmt: skip
    assert min(one["revision"] for one in uploads) > max(one["revision"] for one in delivered)
    assert [one.refused for one in reports] == [False] * 5 + [True]


def test_a_purge_of_which_nothing_else_is_known_is_taken_for_a_track_and_said() -> None:
    uploads, reports = read(example("purge"))
    assert [one["item_id"] for one in uploads][:2] == ["grid:A1XXXXX0000000001Y", "grid:A1XXXXX0000000103M"]
    assert all("--delivered" in one.why for one in reports if not one.refused)


def test_older_messages_without_editions_give_the_same_recordings() -> None:
    whole, plain = read(example("video")).uploads, read(without_editions(example("video"))).uploads
    assert plain == whole


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_messages_in_other_encodings(encoding: str) -> None:
    text = example("video").decode().replace("UTF-8", encoding)
    assert read(text.encode(encoding)).uploads[0]["source"] == "Sello del Río"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"", "no XML"),
        (b"id,title\n", "no XML"),
        (example("album")[:5000], "no XML"),
        (b"<NewReleaseMessage/>", "has no namespace"),
        (example("video").replace(b"xml/ern/432", b"xml/ern/382"), "is of http://ddex.net/xml/ern/382"),
        (example("video").replace(b"NewReleaseMessage", b"CatalogListMessage"), "a CatalogListMessage"),
        (example("video").replace(b"MessageHeader", b"Header"), "no header"),
        (
            example("album").replace(b"LiveMessage", b"TestMessage"),
            "a test message",
        ),
        (
            example("video").replace(
                b"<PartyName><FullName>Sello del R\xc3\xado</FullName></PartyName>", b"", 1
            ),
            "--source",
        ),
    ],
)
def test_what_is_no_message_of_ours_is_said_before_any_upload(message: bytes, said: str) -> None:
    with pytest.raises(MessageError) as caught:
        read(message)
    assert said in str(caught.value)


def test_a_sender_can_be_named() -> None:
    assert read(NAMELESS, source="me").uploads[0]["source"] == "me"


BODY = b'<n:NewReleaseMessage xmlns:n="http://ddex.net/xml/ern/43">%s</n:NewReleaseMessage>'


def _bomb(declaration: bytes, use: bytes = b"&a;") -> bytes:
    return b"<!DOCTYPE x [%s]>" % declaration + BODY % (b"<MessageHeader>%s</MessageHeader>" % use)


@pytest.mark.parametrize(
    "message",
    [
        _bomb(b'<!ENTITY z "ha"><!ENTITY y "&z;&z;&z;&z;&z;&z;"><!ENTITY a "&y;&y;&y;&y;&y;&y;">'),
        _bomb(b'<!ENTITY a "' + b"x" * 10_000 + b'">', b"&a;" * 10_000),
        _bomb(b'<!ENTITY a SYSTEM "file:///etc/hostname">'),
        _bomb(b'<!ENTITY a SYSTEM "http://127.0.0.1:9/x">'),
        _bomb(b'<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;', b""),
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + BODY % b"",
        BODY % (b"<a>" * 1_000 + b"</a>" * 1_000),
    ],
    ids=["entities", "one long entity", "a file", "an address", "a parameter", "a document type", "depth"],
)
def test_hostile_messages_are_refused_with_a_code(message: bytes) -> None:
    with pytest.raises(UnsafeMessage):
        read(message)
    assert UnsafeMessage.code == "unsafe_message"


class _Endless:
    """A message whose header never ends."""

    def __init__(self, piece: bytes) -> None:
        self._piece, self._start = piece, BODY.partition(b"%s")[0] + b"<MessageHeader>"
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        data, self._start = (self._start or self._piece)[: size if size >= 0 else None], b""
        self.given += len(data)
        return data


@pytest.mark.parametrize("piece", [b"x" * 65_536, b"<a/>" * 1_000])
def test_a_part_without_end_is_refused_within_bounds(piece: bytes) -> None:
    endless = _Endless(piece)
    with pytest.raises(UnsafeMessage, match="a part"):
        for _ in read_parts(endless):  # type: ignore[arg-type]  # it is read from, and nothing else
            pass
    assert endless.given < 20 << 20


class _Long:
    """A message with as many large recordings as asked for, made while it is read."""

    def __init__(self, recordings: int) -> None:
        self._pieces = self._made(recordings)
        self._rest = b""

    @staticmethod
    def _made(recordings: int) -> Iterator[bytes]:
        yield BODY.partition(b"%s")[0] + b"<ResourceList>"
        filling = b"<CourtesyLine><CourtesyLineText>" + b"x" * 50_000 + b"</CourtesyLineText></CourtesyLine>"
        for number in range(recordings):
            yield b"<SoundRecording><ResourceReference>A%d</ResourceReference>" % number + filling
            yield b"</SoundRecording>\n"
        yield b"</ResourceList></n:NewReleaseMessage>"

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _peak(recordings: int) -> int:
    tracemalloc.start()
    try:
        count = sum(part.name == "SoundRecording" for _, part in read_parts(_Long(recordings)))  # type: ignore[arg-type]
        assert count == recordings
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_message() -> None:
    assert _peak(1_000) < 2 * _peak(20) + 1_000_000


def test_media_are_found_below_the_message_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "message"
    (folder / "resources").mkdir(parents=True)
    (folder / "resources" / "A 1.flac").write_bytes(b"x")
    (tmp_path / "outside.flac").write_bytes(b"x")
    (folder / "link.flac").symlink_to(tmp_path / "outside.flac")
    locate = media_beside(folder)
    assert locate("resources/A%201.flac") == (folder / "resources" / "A 1.flac").as_uri()
    assert locate("https://media.example.org/a.flac") == "https://media.example.org/a.flac"
    outside = str(tmp_path / "outside.flac")
    for uri in ("../outside.flac", "link.flac", outside, "file:///etc/hostname", "a\0b", "x" * 9999):
        assert locate(uri) is None
    assert media_beside(None)("resources/A%201.flac") is None


def test_the_command_knows_a_message_by_its_start() -> None:
    done = run(app, ["import", str(EXAMPLES / "album.xml"), str(EXAMPLES / "video.xml")])
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 6
    assert run(app, ["import", "--format", "ddex", "-"], input=example("album")).exit_code == 0
    purged = run(app, ["import", str(EXAMPLES / "purge.xml"), "--delivered", str(EXAMPLES / "album.xml")])
    assert (purged.exit_code, len(purged.stdout.splitlines())) == (1, 9)


def test_a_table_without_a_mapping_is_wrong_usage(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,title\n1,Rain\n", encoding="utf-8")
    done = run(app, ["import", str(table)])
    assert done.exit_code == 2
    assert "--mapping" in done.output


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["album", "video", "oddities", "purge"]), st.integers(0, 20_000), st.binary(max_size=12)
)
def test_no_damage_to_a_message_breaks_the_reader(name: str, at: int, damage: bytes) -> None:
    message = example(name)
    try:
        read(message[:at] + damage + message[at + len(damage) :])
    except UnreadableInput:
        return
