"""Decoding hostile media in the limited child."""

import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.core.records import Origin
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_tags import read_tags
from streams.errors import MediaError, TransientError
from streams.ports import DecodedMedium
from tests.unit.media_files import RATE, encoded, melody, ogg, picture, video, wav, with_latin1_title

ORIGIN = Origin(topic="catalog.upload.v1", partition=0, offset=7)


def make(tmp_path: Path, *, timeout_s: float = 30.0, max_seconds: int = 60) -> MediaDecoder:
    return MediaDecoder(
        marks=AttemptMarks(tmp_path / "marks"),
        scratch=tmp_path / "scratch",
        max_seconds=max_seconds,
        max_pixels=1_000_000,
        timeout_s=timeout_s,
        memory_mb=1024,
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaDecoder]:
    decoder = make(tmp_path_factory.mktemp("decoder"))
    yield decoder
    decoder.close()


def hear(decoder: MediaDecoder, data: bytes, *, pictures: int = 0, sound: bool = True) -> DecodedMedium:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return decoder.medium(file, origin=ORIGIN, sound=sound, pictures=pictures)


def samples(heard: DecodedMedium) -> NDArray[np.float32]:
    return np.asarray(heard.sound.read(0, heard.sound.samples) / np.float32(32768), dtype=np.float32)


def see(decoder: MediaDecoder, data: bytes) -> tuple[int, ...]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return decoder.picture(file, origin=ORIGIN).shape


def refusal(decoder: MediaDecoder, data: bytes, **options: int) -> str:
    with pytest.raises(MediaError) as caught:
        hear(decoder, data, **options)  # type: ignore[arg-type]
    return caught.value.refusal_code


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", RATE),
        ("wav", "pcm_f32le", 44_100),
        ("flac", "flac", 48_000),
        ("mp3", "libmp3lame", 44_100),
        ("ogg", "libopus", 48_000),
        ("mp4", "aac", 44_100),
        ("matroska", "libopus", 48_000),
    ],
)
def test_decodes(shared: MediaDecoder, container: str, codec: str, rate: int) -> None:
    y = melody(3.0)
    heard = hear(shared, encoded(y, container=container, codec=codec, rate=rate, tags={"title": "Wasser é"}))
    assert heard.sound.sr == RATE
    assert heard.sound.samples == len(samples(heard))
    assert abs(heard.duration_ms - 3000) < 120
    assert abs(float(np.std(samples(heard))) - float(np.std(y))) < 0.03
    if container != "wav":
        assert heard.tags["title"] == "Wasser é"


def test_a_tag_that_is_not_utf8_does_not_keep_the_sound_away(shared: MediaDecoder, tmp_path: Path) -> None:
    data = with_latin1_title(wav(melody(1.0)))
    assert hear(shared, data).tags["title"] == "Caf\N{REPLACEMENT CHARACTER}"
    path = tmp_path / "old.wav"
    path.write_bytes(data)
    assert read_tags(path).tags["title"] == "Caf\N{REPLACEMENT CHARACTER}"


def test_the_same_bytes_give_the_same_samples(shared: MediaDecoder) -> None:
    data = ogg(melody(2.0))
    assert np.array_equal(samples(hear(shared, data)), samples(hear(shared, data)))


def test_lossless_copies_give_equal_samples(shared: MediaDecoder) -> None:
    y = melody(2.0)
    flac = encoded(y, container="flac", codec="flac")
    assert np.array_equal(samples(hear(shared, wav(y))), samples(hear(shared, flac)))


def test_a_long_medium_is_handed_over_in_pieces(tmp_path: Path) -> None:
    decoder = make(tmp_path, max_seconds=2_000)
    second = (melody(1.0) * 32767).astype("<i2").tobytes()
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
    size = len(second) * 1_800
    head = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + fmt + b"data" + struct.pack("<I", size)
    try:
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(head)
            for _ in range(1_800):
                file.write(second)
            tracemalloc.start()
            try:
                heard = decoder.medium(file, origin=ORIGIN)
                total = sum(len(heard.sound.read(at, RATE)) for at in range(0, heard.sound.samples, RATE))
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert total == heard.sound.samples == 1_800 * RATE
        # As float32 the half hour would be 159 MB.
        assert peak < 1 << 20
        heard.sound.close()
        with pytest.raises(TransientError):
            heard.sound.read(0, 1)
    finally:
        decoder.close()


def test_the_end_of_a_sound_is_its_end(shared: MediaDecoder) -> None:
    sound = hear(shared, wav(melody(1.0))).sound
    assert len(sound.read(RATE - 5, 100)) == 5
    assert len(sound.read(RATE, 100)) == 0
    assert len(sound.read(RATE + 5, 100)) == 0


def test_stereo_is_averaged(shared: MediaDecoder) -> None:
    y = (melody(1.0) * 32767).astype("<i2")
    both = np.repeat(y, 2).tobytes()
    header = (
        b"RIFF"
        + struct.pack("<I", 36 + len(both))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 2, RATE, RATE * 4, 4, 16)
    )
    heard = hear(shared, header + b"data" + struct.pack("<I", len(both)) + both)
    assert np.abs(samples(heard) - y / 32768).max() < 1e-3


def test_takes_sound_and_key_frames_of_a_video(shared: MediaDecoder) -> None:
    heard = hear(shared, video(6, y=melody(6.0)), pictures=3)
    assert abs(heard.duration_ms - 6000) < 120
    assert [p.start_ms for p in heard.pictures] == [1000, 3000, 5000]
    assert [int(p.pixels.mean(axis=(0, 1)).argmax()) for p in heard.pictures] == [1, 0, 2]
    assert heard.pictures[0].pixels.shape == (64, 96, 3)


def test_a_cover_inside_a_sound_file_is_no_video(shared: MediaDecoder) -> None:
    assert hear(shared, wav(melody(1.0)), pictures=3).pictures == ()


def test_sound_in_an_unknown_form_is_refused_and_the_decoder_lives(tmp_path: Path) -> None:
    decoder = make(tmp_path)
    data = encoded(melody(1.0), container="matroska", codec="libopus", rate=48_000)
    try:
        with pytest.raises(MediaError, match="cannot be decoded") as caught:
            hear(decoder, data.replace(b"A_OPUS", b"A_OTHR"))
        assert caught.value.refusal_code == "media_not_audio"
        assert decoder._child is not None
    finally:
        decoder.close()


def test_pictures_in_an_unknown_form_are_left_out(shared: MediaDecoder) -> None:
    data = video(2, y=melody(2.0)).replace(b"mp4v", b"none").replace(b"esds", b"free", 1)
    heard = hear(shared, data, pictures=2)
    assert (heard.duration_ms // 100, heard.pictures) == (20, ())


def truncated_wav() -> bytes:
    data = wav(melody(10.0))
    return data[: len(data) // 2]


def long_header_wav(seconds: int) -> bytes:
    """Make a header that claims hours, with one second behind it."""
    y = (melody(1.0) * 32767).astype("<i2").tobytes()
    size = min(seconds * RATE * 2, 2**32 - 100)
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, RATE, RATE * 2, 2, 16)
    return b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + fmt + b"data" + struct.pack("<I", size) + y


def mp3(y: NDArray[np.float32]) -> bytes:
    return encoded(y, container="mp3", codec="libmp3lame", rate=44_100)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"this is a text, not a song\n" * 500, "media_not_audio"),
        (bytes(50_000), "media_not_audio"),
        (picture(64, 64), "media_not_audio"),
        (video(2), "media_not_audio"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "media_not_audio"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "media_not_audio"),
        (truncated_wav(), "media_truncated"),
        (half(ogg(melody(10.0))), "media_truncated"),
        (half(encoded(melody(10.0), container="flac", codec="flac")), "media_truncated"),
        (half(encoded(melody(10.0), container="mp4", codec="aac")), "media_truncated"),
        (half(encoded(melody(10.0), container="matroska", codec="libopus", rate=48_000)), "media_truncated"),
        (half(half(mp3(melody(10.0)))), "media_truncated"),
        (wav(melody(1.0))[:60], "media_truncated"),
        (wav(melody(61.0)), "media_too_long"),
        (long_header_wav(36_000), "media_truncated"),
        (b"", "media_not_audio"),
    ],
    ids=[
        "text", "zeros", "picture", "silent-film", "hls", "concat", "wav", "ogg", "flac", "mp4", "mka", "mp3",
        "header-only", "long", "claims-hours", "empty",
    ],
)  # fmt: skip
def test_refuses(shared: MediaDecoder, data: bytes, code: str) -> None:
    assert refusal(shared, data) == code


def test_refuses_a_video_of_too_many_pixels(shared: MediaDecoder) -> None:
    data = video(1, y=melody(1.0), side=(1200, 1000))
    assert refusal(shared, data, pictures=2) == "media_image_bomb"


def test_reads_pictures(shared: MediaDecoder) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        assert see(shared, picture(900, 600, kind=kind))[2] == 3
    assert see(shared, picture(900, 600)) == (427, 640, 3)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (picture(1100, 1000), "media_image_bomb"),
        (picture(3000, 3000), "media_image_bomb"),
        (half(picture(300, 300, kind="BMP")), "media_truncated"),
        (wav(melody(0.1)), "media_not_image"),
        (b"<svg onload=alert(1)>", "media_not_image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "media_not_image"),
    ],
)
def test_refuses_pictures(shared: MediaDecoder, data: bytes, code: str) -> None:
    with pytest.raises(MediaError) as caught:
        see(shared, data)
    assert caught.value.refusal_code == code


def test_a_refusal_leaves_no_mark_and_the_next_file_is_read(tmp_path: Path) -> None:
    decoder = make(tmp_path)
    try:
        assert refusal(decoder, b"no sound") == "media_not_audio"
        assert list((tmp_path / "marks").iterdir()) == []
        assert hear(decoder, wav(melody(1.0))).duration_ms == 1000
        assert list((tmp_path / "marks").iterdir()) == []
    finally:
        decoder.close()


def test_a_decoder_that_takes_too_long_is_replaced(tmp_path: Path) -> None:
    decoder = make(tmp_path, timeout_s=0.001)
    try:
        assert refusal(decoder, wav(melody(1.0))) == "media_decoder_died"
    finally:
        decoder.close()
    # The mark outlives the process: a replay says the same without trying again.
    again = make(tmp_path)
    try:
        assert refusal(again, wav(melody(1.0))) == "media_decoder_died"
        other = Origin(topic="catalog.upload.v1", partition=0, offset=8)
        with tempfile.TemporaryFile() as file:
            file.write(wav(melody(1.0)))
            file.flush()
            assert again.medium(file, origin=other).duration_ms == 1000
    finally:
        again.close()


def test_one_death_is_forgiven(tmp_path: Path) -> None:
    decoder = make(tmp_path)
    try:
        hear(decoder, wav(melody(1.0)))
        child = decoder._child
        assert child is not None
        os.kill(child._process.pid, signal.SIGKILL)
        assert hear(decoder, wav(melody(1.0))).duration_ms == 1000
    finally:
        decoder.close()


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    decoder = make(tmp_path)
    hear(decoder, wav(melody(0.6)))
    child = decoder._child
    assert child is not None
    child._channel.close()
    assert child._process.wait(timeout=20) == 0
    decoder.close()


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp3", "list.ffconcat", "list.m4a"])
def test_tags_of_a_playlist_are_not_those_of_the_file_it_names(tmp_path: Path, name: str) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(encoded(melody(1.0), container="mp3", codec="libmp3lame", rate=44_100))
    lists = (
        f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{song}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{song.name}'\n",
    )
    for text in lists:
        (tmp_path / name).write_text(text)
        found = read_tags(tmp_path / name)
        assert found.problem is not None
        assert not found.has_audio


ATTEMPTS = """
import os, socket, sys
from streams.edges.media_child import lock_files
channel = lock_files(int(sys.argv[1]))
# The two files of a request take the room that is left.
files = [os.dup(channel), os.dup(channel)]
passwd = "/etc/passwd"
for what in (lambda: os.open(passwd, os.O_RDONLY), socket.socket, os.pipe, lambda: open(passwd)):
    try:
        what()
    except OSError as exc:
        print(exc.errno)
    else:
        print("opened")
"""


def test_the_child_opens_no_file_and_reaches_no_address() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", ATTEMPTS, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == [str(errno.EMFILE)] * 4


def test_too_much_memory_is_the_mediums_fault(tmp_path: Path) -> None:
    marks = AttemptMarks(tmp_path / "marks")
    decoder = MediaDecoder(
        marks=marks, scratch=tmp_path, max_seconds=60, max_pixels=10**9, timeout_s=30, memory_mb=512
    )
    try:
        with pytest.raises(MediaError) as caught:
            see(decoder, picture(9_000, 9_000))
        assert caught.value.refusal_code in {"media_too_large", "media_decoder_died"}
    finally:
        decoder.close()


def test_attempts_that_never_ended_are_counted(tmp_path: Path) -> None:
    for _ in range(4):
        AttemptMarks(tmp_path).begin(ORIGIN)
    marks = AttemptMarks(tmp_path)
    with pytest.raises(MediaError):
        marks.begin(ORIGIN)


def test_a_mark_cut_off_counts_as_an_attempt(tmp_path: Path) -> None:
    marks = AttemptMarks(tmp_path)
    marks.begin(ORIGIN)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"")
    for _ in range(3):
        marks.begin(ORIGIN)
    with pytest.raises(MediaError):
        marks.begin(ORIGIN)


def test_marks_that_cannot_be_written_pause(tmp_path: Path) -> None:
    marks = AttemptMarks(tmp_path / "marks")
    (tmp_path / "marks").rmdir()
    with pytest.raises(TransientError):
        marks.begin(ORIGIN)
