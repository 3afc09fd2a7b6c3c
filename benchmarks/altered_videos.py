"""Near-copies of real clips, written anew by a seed."""

import io
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

VIDEOS: Final = "SAMESONG_BENCH_VIDEOS"
"""A folder of more clips beside those of ../shared/data/video-clips."""
_CLIPS: Final = Path(__file__).resolve().parents[1] / "../shared/data/video-clips"
_SUFFIXES: Final = {".mp4", ".webm", ".mkv"}
_WIDTH: Final = 480
_MOST_FRAMES: Final = 24 * 12

Frames = list[NDArray[np.uint8]]


class Copy(NamedTuple):
    """How a clip is written anew."""

    edit: Callable[[Image.Image], Image.Image]
    codec: str = "libx264"
    container: str = "mp4"
    gop: int = 250
    options: dict[str, str] = {"crf": "26", "preset": "veryfast"}  # noqa: RUF012 - of a tuple


def _as_it_is(image: Image.Image) -> Image.Image:
    return image


def _cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    def crop(image: Image.Image) -> Image.Image:
        width, height = image.size
        across, down = round(width * (1 - share) / 2), round(height * (1 - share) / 2)
        return image.crop((across, down, width - across, height - down))

    return crop


def _letterboxed(image: Image.Image) -> Image.Image:
    width, height = image.size
    framed = Image.new("RGB", (width, round(height * 1.33)))
    framed.paste(image, (0, round(height * 0.165)))
    return framed


def _mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _small(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 2 // 5, image.height * 2 // 5))


COPIES: Final = {
    "h264, few bits": Copy(_as_it_is, options={"crf": "34", "preset": "veryfast"}),
    "mpeg-4, 400 kbit/s": Copy(_as_it_is, "mpeg4", "avi", 12, {"b": "400000"}),
    "vp8, other key frames": Copy(
        _as_it_is, "libvpx", "webm", 71, {"b": "400000", "deadline": "realtime", "cpu-used": "8"}
    ),
    "192 pixels wide": Copy(_small, gop=48),
    "cropped to 0.8": Copy(_cropped(0.8)),
    "cropped to 0.7": Copy(_cropped(0.7)),
    "letterboxed": Copy(_letterboxed, gop=100),
    "mirrored": Copy(_mirrored, gop=120),
    "mirrored, cropped to 0.85": Copy(lambda image: _mirrored(_cropped(0.85)(image)), gop=60),
}


def clips() -> list[Path]:
    """Name the clips, those with a truth first."""
    folders = [_CLIPS, *([Path(os.environ[VIDEOS])] if VIDEOS in os.environ else [])]
    return [
        path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _SUFFIXES
    ]


def frames_of(path: Path) -> tuple[Frames, Fraction]:
    """Decode twelve seconds of a clip, 480 pixels wide, with its frames per second."""
    with av.open(str(path), mode="r") as file:
        stream = file.streams.video[0]
        height = round(_WIDTH * stream.height / stream.width / 2) * 2
        decoded = islice(file.decode(stream), _MOST_FRAMES)
        frames = [
            np.asarray(each.to_ndarray(format="rgb24", width=_WIDTH, height=height), dtype=np.uint8)
            for each in decoded
        ]
        return frames, Fraction(stream.average_rate or 25)


def copied(frames: Frames, rate: Fraction, how: Copy) -> bytes:
    """Write a clip anew."""
    images = (how.edit(Image.fromarray(each)) for each in frames)
    return film(images, rate, codec=how.codec, container=how.container, gop=how.gop, options=how.options)


def film(
    images: Iterator[Image.Image],
    rate: Fraction,
    *,
    codec: str,
    container: str,
    gop: int,
    options: dict[str, str],
) -> bytes:
    """Write a video without a sound."""
    out = io.BytesIO()
    with av.open(out, mode="w", format=container) as file:
        pictures: Any = file.add_stream(codec, rate=rate, options=options)
        pictures.pix_fmt, pictures.codec_context.gop_size = "yuv420p", gop
        pictures.codec_context.thread_count = 1
        for number, image in enumerate(images):
            if not number:
                pictures.width, pictures.height = image.width // 2 * 2, image.height // 2 * 2
            shown = image.crop((0, 0, pictures.width, pictures.height))
            frame = av.VideoFrame.from_ndarray(np.asarray(shown), format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
    return out.getvalue()
