"""Pictures out of a video: key frames where they are enough, else what lies between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import av

from streams.errors import MediaError

# Longest side of a picture that is handed on: the model looks at 224 x 224.
PICTURE_SIDE: Final = 640
# A short video has fewer pictures to give.
_LEAST_APART_S: Final = 1.0
# So many of the places asked for are enough to know a video by.
_ENOUGH: Final = 0.5
# What may be decoded between key frames: 5 s of one core at 1080p, where 150 frames take a second.
_PIXELS_BETWEEN: Final = 1_500_000_000
# Containers whose times begin where the film begins; in the others they begin anywhere.
_FROM_ZERO: Final = frozenset({"mov", "matroska"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """RGB pixels as they lie in the output: rows of ``width * 3`` bytes."""

    start_ms: int
    width: int
    height: int


def beginning(container: Any) -> float:
    """Give the time at which a player begins, in seconds of the file's own clock."""
    start = container.start_time
    if start is None or container.format.name.split(",")[0] in _FROM_ZERO:
        return 0.0
    return float(start) / 1e6


def moving(container: Any) -> list[Any]:
    """Give the streams of pictures: an embedded cover is none."""
    return [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]


def pictures_of(container: Any, *, most: int, max_pixels: int) -> Iterator[tuple[Picture, bytes]]:
    """Decode pictures near evenly spaced times, ascending; a place that cannot be read is left out.

    Key frames cost a fortieth of what all frames do. Where a video has too few of them for the times asked
    for, frames between them are decoded instead, up to a bound.

    Raises
    ------
    MediaError
        ``media_image_bomb``
    """
    readable = [stream for stream in moving(container) if stream.codec_context is not None]
    if not readable or not most:
        return
    stream = readable[0]
    context = stream.codec_context
    check_pixels(context.width, context.height, max_pixels)
    context.thread_count = 1
    start, length = beginning(container), (container.duration or 0) / 1e6
    times = _times(length, most)
    found: dict[int, tuple[Picture, bytes]] = {}
    for frame in (
        _key_frames(container, stream, start, times) if times else _first_ones(container, stream, most)
    ):
        _add(found, frame, start, max_pixels)
    if len(found) < _ENOUGH * len(times):
        between: dict[int, tuple[Picture, bytes]] = {}
        for frame in _between(container, stream, start, times):
            _add(between, frame, start, max_pixels)
        reached = max(between, default=-1)
        found = between | {at: each for at, each in found.items() if at > reached}
    yield from (each for _, each in sorted(found.items()))


def check_pixels(width: int, height: int, most: int) -> None:
    """Refuse what would take too much memory.

    Raises
    ------
    MediaError
        ``media_image_bomb``
    """
    if width * height > most:
        text = f"{width} x {height} pixels are more than {most} allowed"
        raise MediaError(text, code="media_image_bomb")


def _times(length: float, most: int) -> list[float]:
    """Space times evenly; none in a video of unknown length."""
    count = min(most, max(1, int(length / _LEAST_APART_S))) if length > 0 else 0
    return [(number + 0.5) / count * length for number in range(count)]


def _key_frames(container: Any, stream: Any, start: float, times: list[float]) -> Iterator[Any]:
    """Decode the key frame before each time."""
    stream.codec_context.skip_frame = "NONKEY"
    for at in times:
        try:
            container.seek(int((start + at) * 1e6))
            frame = next(iter(container.decode(stream)), None)
        except (av.FFmpegError, OSError):
            continue
        if frame is not None and frame.time is not None:
            yield frame


def _first_ones(container: Any, stream: Any, most: int) -> Iterator[Any]:
    """Decode key frames from the beginning on: a recording off the air does not say how long it is."""
    stream.codec_context.skip_frame = "NONKEY"
    wanted, reached = most, float("-inf")
    try:
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= reached + _LEAST_APART_S:
                wanted, reached = wanted - 1, frame.time
                yield frame
            if not wanted:
                return
    except (av.FFmpegError, OSError):
        return


def _between(container: Any, stream: Any, start: float, times: list[float]) -> Iterator[Any]:
    """Decode from the beginning on and take what is shown at each time, as far as the bound goes."""
    stream.codec_context.skip_frame = "DEFAULT"
    size = max(1, stream.codec_context.width * stream.codec_context.height)
    waiting = list(times)
    try:
        container.seek(int(start * 1e6))
        for frame in islice(container.decode(stream), _PIXELS_BETWEEN // size):
            if frame.time is not None and waiting and frame.time - start >= waiting[0]:
                waiting = [at for at in waiting if at > frame.time - start]
                yield frame
            if not waiting:
                return
    except (av.FFmpegError, OSError):
        return


def _add(found: dict[int, tuple[Picture, bytes]], frame: Any, start: float, max_pixels: int) -> None:
    """Scale a frame down and keep it as RGB bytes, if its time is a new one."""
    start_ms = max(0, round((frame.time - start) * 1000))
    if start_ms in found:
        return
    check_pixels(frame.width, frame.height, max_pixels)
    scale = min(1.0, PICTURE_SIDE / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    pixels = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA").to_ndarray()
    found[start_ms] = Picture(start_ms=start_ms, width=width, height=height), pixels.tobytes()
