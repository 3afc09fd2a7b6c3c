"""Media in every container that is read, and ways to damage them: the same number gives the same file."""

import random
import struct
from collections.abc import Callable
from functools import cache

import numpy as np

from tests.unit.media_files import encoded, melody, picture, video

SECONDS = 1.0
# (name, muxer, codec, rate): all of the supported containers that the packaged FFmpeg can write.
_SOUNDS = (
    ("opus", "ogg", "libopus", 48_000),
    ("flac", "flac", "flac", 22_050),
    ("wav", "wav", "pcm_s16le", 22_050),
    ("wav-float", "wav", "pcm_f32le", 22_050),
    ("wav-adpcm", "wav", "adpcm_ms", 22_050),
    ("mp3", "mp3", "libmp3lame", 44_100),
    ("mp4", "mp4", "aac", 22_050),
    ("m4a-alac", "ipod", "alac", 22_050),
    ("mov", "mov", "pcm_s16be", 22_050),
    ("3gp", "3gp", "aac", 22_050),
    ("3g2", "3g2", "aac", 22_050),
    ("matroska", "matroska", "libopus", 48_000),
    ("matroska-mp3", "matroska", "libmp3lame", 44_100),
    ("webm", "webm", "libopus", 48_000),
    ("avi", "avi", "libmp3lame", 44_100),
    ("avi-pcm", "avi", "pcm_s16le", 22_050),
    ("mpegts", "mpegts", "mp2", 44_100),
    ("mpegts-aac", "mpegts", "aac", 44_100),
    ("mpeg", "mpeg", "mp2", 44_100),
    ("vob", "vob", "ac3", 48_000),
    ("aiff", "aiff", "pcm_s16be", 22_050),
    ("au", "au", "pcm_s16be", 22_050),
    ("caf", "caf", "pcm_s16be", 22_050),
    ("caf-alac", "caf", "alac", 22_050),
    ("w64", "w64", "pcm_s16le", 22_050),
    ("flv", "flv", "libmp3lame", 44_100),
    ("flv-aac", "flv", "aac", 44_100),
    ("asf", "asf", "libmp3lame", 44_100),
    ("aac", "adts", "aac", 22_050),
    ("ac3", "ac3", "ac3", 48_000),
    ("eac3", "eac3", "eac3", 48_000),
    ("tta", "tta", "tta", 22_050),
    ("wv", "wv", "wavpack", 22_050),
    ("amr", "amr", "libopencore_amrnb", 8_000),
)
PICTURES = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0x01000000)


@cache
def seeds() -> dict[str, bytes]:
    """Give one good file of each kind."""
    y = melody(SECONDS)
    found = {
        name: encoded(y, container=muxer, codec=codec, rate=rate) for name, muxer, codec, rate in _SOUNDS
    }
    found |= {f"picture-{kind.lower()}": picture(160, 120, kind=kind) for kind in PICTURES}
    return found | {"video": video(2, y=melody(2.0)), "dsf": dsf(), "ape": ape()}


def dsf() -> bytes:
    """Make a second of DSD, which FFmpeg reads and does not write."""
    block, blocks = 4_096, 86
    data = np.random.default_rng(0).integers(0, 256, block * blocks, dtype=np.uint8).tobytes()
    fmt = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, 2_822_400, 1, len(data) * 8, block, 0)
    body = fmt + struct.pack("<4sQ", b"data", len(data) + 12) + data
    return struct.pack("<4sQQQ", b"DSD ", 28, len(body) + 28, 0) + body


def ape() -> bytes:
    """Make the head of a Monkey's Audio file with noise behind it; FFmpeg does not write it."""
    noise = np.random.default_rng(1).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
    descriptor = struct.pack("<4sHHIIIIIII", b"MAC ", 3990, 0, 52, 24, 8, 0, len(noise), 0, 0) + bytes(16)
    header = struct.pack("<HHIIIHHI", 2000, 0, 73_728, 22_050, 2, 16, 1, 22_050)
    return descriptor + header + struct.pack("<II", 84, 10_000) + noise


def damaged(number: int) -> tuple[str, bytes]:
    """Give the kind and the bytes of one damaged file."""
    names = sorted(seeds())
    name = names[number % len(names)]
    rng = random.Random(number)  # noqa: S311 - a seed, so that a failure comes again
    data = bytearray(seeds()[name])
    for _ in range(rng.choice((1, 1, 2, 4, 8, 30))):
        rng.choice(_WAYS)(rng, data)
    return name, bytes(data)


def _place(rng: random.Random, data: bytearray) -> int:
    """Choose a place, half of the time in the head, where containers keep their numbers."""
    return rng.randrange(max(1, min(len(data), 400 if rng.random() < 0.5 else len(data))))


def _flip(rng: random.Random, data: bytearray) -> None:
    if data:
        data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _noise(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data)
    data[at : at + 64] = rng.randbytes(rng.randint(1, 64))


def _number(rng: random.Random, data: bytearray) -> None:
    at, size = _place(rng, data), rng.choice((1, 2, 4, 8))
    value = rng.choice(_EXTREMES) & (2 ** (8 * size) - 1)
    data[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))


def _cut(rng: random.Random, data: bytearray) -> None:
    del data[_place(rng, data) :]


def _drop(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data)
    del data[at : at + rng.randint(1, 2_000)]


def _double(rng: random.Random, data: bytearray) -> None:
    at, size = _place(rng, data), rng.randint(1, 2_000)
    data[at:at] = data[at : at + size] * rng.randint(1, 20)


def _splice(rng: random.Random, data: bytearray) -> None:
    other = seeds()[rng.choice(sorted(seeds()))]
    at = rng.randrange(len(other))
    data[_place(rng, data) :] = other[at : at + 20_000]


def _blank(rng: random.Random, data: bytearray) -> None:
    at, size = _place(rng, data), rng.randint(1, 4_000)
    data[at : at + size] = bytes([rng.choice((0, 0xFF))]) * len(data[at : at + size])


_WAYS: tuple[Callable[[random.Random, bytearray], None], ...] = (
    _flip, _flip, _noise, _number, _number, _number, _cut, _drop, _double, _splice, _blank,
)  # fmt: skip
