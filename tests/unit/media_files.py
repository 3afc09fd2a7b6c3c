"""Small media for tests, made on the spot."""

import io
import struct
import zlib
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

RATE = 22_050


def melody(seconds: float, *, seed: int = 0) -> NDArray[np.float32]:
    """Make notes of a quarter second with overtones: float32 [shape=(n,)]."""
    rng = np.random.default_rng(seed)
    notes = 220.0 * 2.0 ** (rng.integers(0, 24, size=int(seconds * 4) + 1) / 12.0)
    t = np.arange(int(seconds * RATE)) / RATE
    pitch = notes[(t * 4).astype(int)]
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    y = sum(np.sin(phase * k) / k for k in (1, 2, 3, 5)) * np.exp(-2 * (t * 4 % 1.0))
    return (0.3 * y + 0.001 * rng.standard_normal(len(t))).astype(np.float32)


def chords(seed: int, *, semitones: int = 0, tempo: float = 1.0, harmonics: int = 4) -> NDArray[np.float32]:
    """Play chords that a seed draws, two a second, in a key at a tempo by a sound of so many harmonics."""
    rng = np.random.default_rng(seed)
    parts = []
    for chord in rng.choice(24, size=(90, 3)):
        t = np.arange(round(0.5 * RATE / tempo)) / RATE
        pitches = 130.8 * 2.0 ** ((chord + semitones) / 12)
        tones = [np.sin(2 * np.pi * k * pitch * t) / k for pitch in pitches for k in range(1, harmonics + 1)]
        parts.append(np.sum(tones, axis=0) * np.minimum(1.0, 40.0 * (t[-1] - t)))
    return np.asarray(0.1 * np.concatenate(parts), dtype=np.float32)


def encoded(
    y: NDArray[np.float32],
    *,
    container: str,
    codec: str,
    rate: int = RATE,
    tags: dict[str, str] | None = None,
) -> bytes:
    """Encode a mono signal."""
    out = io.BytesIO()
    with av.open(out, mode="w", format=container) as file:
        file.metadata.update(tags or {})
        stream: Any = file.add_stream(codec, rate=rate)
        stream.layout = "mono"
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or 1024
        )
        whole = av.AudioFrame.from_ndarray(y[None, :], format="flt", layout="mono")
        whole.sample_rate = RATE
        for frame in (*resampler.resample(whole), *resampler.resample(None)):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def wav(y: NDArray[np.float32], **options: object) -> bytes:
    """Encode as 16-bit wave."""
    return encoded(y, container="wav", codec="pcm_s16le", **options)  # type: ignore[arg-type]


def with_latin1_title(wave: bytes) -> bytes:
    """Give a wave file the title "Caf\xe9", written as old programs do: not in UTF-8."""
    info = b"INFO" + b"INAM" + (4).to_bytes(4, "little") + b"Caf\xe9"
    whole = wave + b"LIST" + len(info).to_bytes(4, "little") + info
    return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]


def ogg(y: NDArray[np.float32], **options: object) -> bytes:
    """Encode as Opus."""
    return encoded(y, container="ogg", codec="libopus", rate=48_000, **options)  # type: ignore[arg-type]


def video(seconds: int, *, y: NDArray[np.float32] | None = None, side: tuple[int, int] = (96, 64)) -> bytes:
    """Make a video whose colour changes every second, with a key frame each second."""
    out = io.BytesIO()
    with av.open(out, mode="w", format="mp4") as file:
        pictures: Any = file.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = *side, "yuv420p"
        pictures.codec_context.gop_size = 10
        pictures.codec_context.time_base = Fraction(1, 10)
        sound: Any = None
        if y is not None:
            sound = file.add_stream("aac", rate=RATE)
            sound.layout = "mono"
        for number in range(seconds * 10):
            pixels = np.zeros((side[1], side[0], 3), dtype=np.uint8)
            pixels[..., number // 10 % 3] = 200
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
        if sound is not None and y is not None:
            resampler = av.AudioResampler(format=sound.format, layout="mono", rate=RATE, frame_size=1024)
            whole = av.AudioFrame.from_ndarray(y[None, :], format="flt", layout="mono")
            whole.sample_rate = RATE
            for part in (*resampler.resample(whole), *resampler.resample(None)):
                file.mux(sound.encode(part))
            file.mux(sound.encode(None))
    return out.getvalue()


def picture(width: int, height: int, *, kind: str = "PNG") -> bytes:
    """Make a picture of two colours."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, width // 2, height))
    out = io.BytesIO()
    image.save(out, format=kind)
    return out.getvalue()


def silent_hours(hours: int) -> bytes:
    """Make a medium of many hours and few bytes: FLAC keeps silence in almost nothing."""
    sr, minute = 8000, np.zeros((1, 8000 * 60), dtype=np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=sr, layout="mono")
        for number in range(60 * hours):
            frame = av.AudioFrame.from_ndarray(minute, format="s16", layout="mono")
            frame.sample_rate, frame.pts = sr, number * minute.shape[1]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def image_bomb(side: int) -> bytes:
    """Make a PNG of ``side`` by ``side`` black pixels, one bit each, that pack to almost nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = bytes(1 + (side + 7) // 8)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(row * side, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
