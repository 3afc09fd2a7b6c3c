"""Sound and pictures of a film stand where a player shows them, whatever its file says of the beginning."""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streams.edges.media_decode import MediaDecoder
from streams.errors import MediaError
from tests.unit.media_files import RATE, video
from tests.unit.test_media_decode import hear, make, samples

CLICK_S = 2.0
LENGTH_S = 4
# A codec smears a click over a frame.
NEAR_S = 0.03


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaDecoder]:
    made = make(tmp_path_factory.mktemp("decoder"))
    yield made
    made.close()


def _clicking() -> NDArray[np.float32]:
    """A click in near silence."""
    y = (0.001 * np.random.default_rng(1).standard_normal(LENGTH_S * RATE)).astype(np.float32)
    y[round(CLICK_S * RATE) :][:60] += 0.8
    return y


def film(
    container: str,
    codec: str,
    *,
    sound_at: float = 0.0,
    pictures_at: float = 0.0,
    silent: tuple[float, float] | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """Make a film whose streams begin at given times, with no sound at all in a part."""
    out = io.BytesIO()
    with av.open(out, mode="w", format=container, options=options or {}) as file:
        pictures: Any = file.add_stream("mpeg2video" if container == "mpegts" else "mpeg4", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 96, 64, "yuv420p"
        pictures.codec_context.gop_size = 25
        rate = 48_000 if codec == "libopus" else 44_100
        sound: Any = file.add_stream(codec, rate=rate)
        sound.layout = "mono"
        for number in range(LENGTH_S * 25):
            pixels = np.full((64, 96, 3), number % 200, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number + round(pictures_at * 25), Fraction(1, 25)
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
        resampler = av.AudioResampler(
            format=sound.format, layout="mono", rate=rate, frame_size=sound.codec_context.frame_size or 1024
        )
        whole = av.AudioFrame.from_ndarray(_clicking()[None, :], format="flt", layout="mono")
        whole.sample_rate = RATE
        at = 0
        for part in (*resampler.resample(whole), *resampler.resample(None)):
            part.pts, part.time_base = at + round(sound_at * rate), Fraction(1, rate)
            at += part.samples
            if silent is None or not silent[0] <= part.pts / rate < silent[1]:
                file.mux(sound.encode(part))
        file.mux(sound.encode(None))
    return out.getvalue()


def click(y: NDArray[np.float32]) -> float:
    """Say when the click is heard."""
    return float(np.argmax(np.abs(y))) / RATE


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "aac"), ("mov", "aac"), ("mp4", "mp3"), ("matroska", "libopus"), ("matroska", "aac")],
)
@pytest.mark.parametrize("late", [0.0, 0.7, 3.0])
def test_a_sound_that_begins_later_begins_with_silence(
    decoder: MediaDecoder, container: str, codec: str, late: float
) -> None:
    heard = hear(decoder, film(container, codec, sound_at=late), pictures=4)
    assert click(samples(heard)) == pytest.approx(CLICK_S + late, abs=NEAR_S)
    assert heard.pictures[0].start_ms < 1_000


def test_the_clock_of_a_broadcast_begins_anywhere(decoder: MediaDecoder) -> None:
    data = film("mpegts", "mp2", sound_at=5.5, pictures_at=5.0)
    with av.open(io.BytesIO(data), mode="r") as container:
        assert container.start_time is not None
        assert container.start_time > 1_000_000
    heard = hear(decoder, data, pictures=4)
    assert click(samples(heard)) == pytest.approx(CLICK_S + 0.5, abs=NEAR_S)
    assert [int(each.pixels.mean()) for each in heard.pictures] == pytest.approx(
        [each.start_ms // 40 for each in heard.pictures], abs=4
    )


def test_what_an_edit_list_cuts_off_is_not_heard(decoder: MediaDecoder) -> None:
    options = {"use_editlist": "1", "avoid_negative_ts": "disabled"}
    data = film("mp4", "aac", sound_at=-1.0, options=options)
    assert b"elst" in data
    assert click(samples(hear(decoder, data, pictures=1))) == pytest.approx(CLICK_S - 1.0, abs=NEAR_S)


def test_a_gap_in_the_sound_is_silence_as_long(decoder: MediaDecoder) -> None:
    heard = hear(decoder, film("matroska", "mp3", silent=(0.5, 1.5)), pictures=1)
    assert click(samples(heard)) == pytest.approx(CLICK_S, abs=0.06)


def test_pictures_that_begin_later_say_so(decoder: MediaDecoder) -> None:
    heard = hear(decoder, film("mp4", "aac", pictures_at=1.0), pictures=4)
    assert click(samples(heard)) == pytest.approx(CLICK_S, abs=NEAR_S)
    assert heard.pictures[0].start_ms == pytest.approx(1_000, abs=50)


def test_a_sound_that_never_begins_is_too_long(decoder: MediaDecoder) -> None:
    data = film("matroska", "libopus", sound_at=100_000.0)
    with pytest.raises(MediaError) as refused:
        hear(decoder, data, pictures=1)
    assert refused.value.refusal_code == "media_too_long"


def test_a_film_without_a_sound_track_gives_its_pictures(decoder: MediaDecoder) -> None:
    mute = hear(decoder, video(4), pictures=4)
    assert (mute.has_sound, mute.duration_ms) == (False, 0)
    assert len(mute.pictures) == 4
    with pytest.raises(MediaError) as refused:
        hear(decoder, video(4))  # as the sound of a recording it is none
    assert refused.value.refusal_code == "media_not_audio"


def test_few_key_frames_are_not_enough(decoder: MediaDecoder) -> None:
    out = io.BytesIO()
    with av.open(out, mode="w", format="mp4") as file:
        pictures: Any = file.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 96, 64, "yuv420p"
        pictures.codec_context.gop_size = 600
        for number in range(200):
            pixels = np.full((64, 96, 3), number, dtype=np.uint8)
            file.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(pictures.encode(None))
    with av.open(io.BytesIO(out.getvalue()), mode="r") as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0)) < 5
    seen = hear(decoder, out.getvalue(), pictures=10).pictures
    assert [round(each.start_ms / 2_000 - 0.5) for each in seen] == list(range(10))
    assert [int(each.pixels.mean()) for each in seen] == pytest.approx(
        [each.start_ms // 100 for each in seen], abs=4
    )
