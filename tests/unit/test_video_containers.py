"""Containers and codecs of videos, old ones too: each is heard and seen, or refused with a reason."""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy as np
import pytest

from streams.cli.tags import VIDEO_SUFFIXES
from streams.edges.media_decode import MediaDecoder
from streams.errors import MediaError
from tests.unit.media_files import RATE, melody
from tests.unit.test_media_decode import hear, make

SECONDS = 2


class Form(NamedTuple):
    """How a film is written; what was common when, and how files of it are called."""

    suffix: str
    container: str
    pictures: str
    sound: str
    side: tuple[int, int] = (176, 144)
    pixels: str = "yuv420p"
    rate: int = 44_100
    layout: str = "stereo"
    options: dict[str, str] = {}  # noqa: RUF012 - of a tuple

    def __str__(self) -> str:
        return f"{self.container}-{self.pictures}-{self.sound}"


FORMS = (
    Form("mp4", "mp4", "libx264", "aac"),
    Form("m4v", "mp4", "mpeg4", "aac"),
    Form("mp4", "mp4", "libx265", "aac", options={"x265-params": "pools=1:log-level=none"}),
    Form(
        "mp4", "mp4", "libsvtav1", "libopus", rate=48_000, options={"svtav1-params": "lp=1", "preset": "12"}
    ),
    Form("mov", "mov", "prores_ks", "pcm_s16le", pixels="yuv422p10le"),
    Form("mov", "mov", "mjpeg", "alac", pixels="yuvj420p"),
    Form("mov", "mov", "svq1", "adpcm_ima_qt", pixels="yuv410p", layout="mono"),
    Form("mov", "mov", "qtrle", "pcm_s16be", pixels="rgb24"),
    Form("3gp", "3gp", "h263", "libopencore_amrnb", rate=8_000, layout="mono"),
    Form("3g2", "3g2", "mpeg4", "aac"),
    Form("f4v", "f4v", "libx264", "aac"),
    Form("mkv", "matroska", "libx264", "ac3"),
    Form("mkv", "matroska", "ffv1", "wavpack"),
    Form("mkv", "matroska", "mpeg2video", "eac3"),
    Form("webm", "webm", "libvpx", "libopus", rate=48_000),
    Form("webm", "webm", "libvpx-vp9", "libopus", rate=48_000),
    Form("ogv", "ogg", "libvpx", "libopus", rate=48_000),
    Form("flv", "flv", "flv", "libmp3lame"),
    Form("flv", "flv", "libx264", "aac"),
    Form("flv", "flv", "flashsv", "nellymoser", pixels="bgr24", rate=22_050, layout="mono"),
    Form("avi", "avi", "mpeg4", "libmp3lame"),
    Form("avi", "avi", "msmpeg4v2", "mp2"),
    Form("avi", "avi", "msmpeg4", "adpcm_ms"),
    Form("avi", "avi", "mjpeg", "pcm_s16le", pixels="yuvj420p"),
    Form("avi", "avi", "cinepak", "pcm_u8", pixels="rgb24"),
    Form("avi", "avi", "huffyuv", "ac3", pixels="yuv422p"),
    Form("wmv", "asf", "wmv1", "wmav1"),
    Form("wmv", "asf", "wmv2", "wmav2"),
    Form("asf", "asf", "msmpeg4", "wmav2"),
    Form("mpg", "mpeg", "mpeg1video", "mp2"),
    Form("vob", "vob", "mpeg2video", "ac3", rate=48_000),
    Form("ts", "mpegts", "mpeg2video", "mp2"),
    Form("m2ts", "mpegts", "libx264", "aac"),
    Form("dv", "dv", "dvvideo", "pcm_s16le", side=(720, 576), rate=48_000),
    Form("mxf", "mxf", "mpeg2video", "pcm_s16le", rate=48_000),
    Form("rm", "rm", "rv10", "ac3"),
    Form("rm", "rm", "rv20", "ac3"),
)
REFUSED = (
    Form("nut", "nut", "mpeg4", "mp2"),
    Form("swf", "swf", "flv", "libmp3lame"),
)


# What nobody writes any more and old films are in: FFmpeg reads it and cannot write it.
READ_ONLY = (
    *("theora", "vp3", "vp5", "vp6", "vp6f", "vp6a"),  # ogv, the first Flash videos
    *("vc1", "wmv3", "mss2", "wmapro", "wmalossless", "wmavoice"),  # Windows Media
    *("rv30", "rv40", "cook", "sipr", "ra_144", "ra_288", "ralf", "atrac3"),  # RealMedia
    *("svq3", "rpza", "smc", "qdm2", "mace3"),  # QuickTime
    *("indeo2", "indeo3", "indeo4", "indeo5", "msvideo1", "msrle", "camstudio", "truemotion2"),  # AVI
    *("dca", "truehd"),  # discs
)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaDecoder]:
    made = make(tmp_path_factory.mktemp("decoder"))
    yield made
    made.close()


def film(form: Form) -> bytes:
    """Write two seconds of notes under a picture whose brightness rises."""
    out = io.BytesIO()
    with av.open(out, mode="w", format=form.container) as file:
        pictures: Any = file.add_stream(form.pictures, rate=25, options=dict(form.options))
        pictures.width, pictures.height, pictures.pix_fmt = *form.side, form.pixels
        pictures.codec_context.gop_size = 12
        sound: Any = file.add_stream(form.sound, rate=form.rate)
        sound.layout = form.layout
        if form.container == "asf":
            sound.bit_rate = 128_000
        for number in range(SECONDS * 25):
            pixels = np.full((form.side[1], form.side[0], 3), 40 + 4 * number, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
        resampler = av.AudioResampler(
            format=sound.format,
            layout=form.layout,
            rate=form.rate,
            frame_size=sound.codec_context.frame_size or (1_920 if form.side[0] == 720 else 1_024),
        )
        whole = av.AudioFrame.from_ndarray(melody(SECONDS)[None, :], format="flt", layout="mono")
        whole.sample_rate = RATE
        for part in (*resampler.resample(whole), *resampler.resample(None)):
            file.mux(sound.encode(part))
        file.mux(sound.encode(None))
    return out.getvalue()


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_is_heard_and_seen(decoder: MediaDecoder, form: Form) -> None:
    found = hear(decoder, film(form), pictures=2)
    assert found.has_sound
    assert found.duration_ms == pytest.approx(1_000 * SECONDS, abs=250)
    y = found.sound.read(0, found.sound.samples).astype(np.float64)
    assert np.abs(y).max() > 1_000
    assert found.pictures
    for each in found.pictures:
        assert 30 + 4 * each.start_ms // 40 - 25 < each.pixels.mean() < 40 + 4 * each.start_ms // 40 + 30
    assert f".{form.suffix}" in VIDEO_SUFFIXES


@pytest.mark.parametrize("form", REFUSED, ids=str)
def test_is_refused_with_a_reason(decoder: MediaDecoder, form: Form) -> None:
    with pytest.raises(MediaError) as refused:
        hear(decoder, film(form), pictures=2)
    assert refused.value.refusal_code == "media_not_audio"
    assert "no medium that can be read" in str(refused.value)


@pytest.mark.parametrize("codec", READ_ONLY)
def test_there_is_a_decoder(codec: str) -> None:
    assert av.Codec(codec, "r").name


def test_pictures_in_an_unknown_form_leave_the_sound(decoder: MediaDecoder) -> None:
    unknown = film(Form("avi", "avi", "mpeg4", "libmp3lame")).replace(b"FMP4", b"ZZZZ")
    found = hear(decoder, unknown, pictures=2)
    assert found.duration_ms == pytest.approx(1_000 * SECONDS, abs=250)
    assert not found.pictures


def test_a_sound_in_an_unknown_form_is_refused_with_a_reason(decoder: MediaDecoder) -> None:
    known = film(Form("mkv", "matroska", "mpeg4", "ac3"))
    assert b"A_AC3" in known
    with pytest.raises(MediaError) as refused:
        hear(decoder, known.replace(b"A_AC3", b"A_ZZ3"), pictures=2)
    assert refused.value.refusal_code == "media_not_audio"
    assert "cannot be decoded" in str(refused.value)
