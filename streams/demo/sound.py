"""Decode, change and encode sound with PyAV: what the demo's variants are made of."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000
Sound = NDArray[np.float32]  # shape=(2, n), [-1, 1], 48 kHz


def decode(path: Path) -> Sound:
    """Decode a file's first sound to stereo at 48 kHz."""
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1).astype(np.float32)


def crop(y: Sound, *, start: float, share: float) -> Sound:
    """Keep a share of the sound from a relative start on."""
    n = y.shape[1]
    return y[:, int(start * n) : int((start + share) * n)]


def add_noise(y: Sound, *, snr_db: float, seed: int) -> Sound:
    """Add white noise at a distance below the sound's own level."""
    level = float(np.sqrt(np.mean(np.square(y)))) * 10 ** (-snr_db / 20)
    noise = np.random.default_rng(seed).standard_normal(y.shape, dtype=np.float32)
    return np.asarray(np.clip(y + level * noise, -1, 1), dtype=np.float32)


def speed_up(y: Sound, *, ratio: float) -> Sound:
    """Play faster and higher, as a record at the wrong speed."""
    at = np.arange(0, y.shape[1] - 1, ratio)
    steps = np.arange(y.shape[1])
    return np.stack([np.interp(at, steps, channel) for channel in y]).astype(np.float32)


def with_silence(y: Sound, *, seconds: float) -> Sound:
    """Put silence before the sound."""
    return np.concatenate([np.zeros((2, int(seconds * RATE)), dtype=np.float32), y], axis=1)


def encode(
    path: Path,
    y: Sound,
    *,
    codec: str,
    bit_rate: int | None = None,
    tags: Mapping[str, str],
    frames: NDArray[np.uint8] | None = None,
) -> None:
    """Write a tagged file; with pictures, a video.

    Parameters
    ----------
    path : Path
        its suffix names the container
    y : Sound
    codec : str
        such as ``flac``, ``libmp3lame``, ``aac``, ``libopus``
    bit_rate : int, optional [bit/s]
    tags : mapping
    frames : uint8 [shape=(k, h, w, 3)], optional
        spread evenly at 5 pictures a second; the last one is held
    """
    with av.open(str(path), mode="w") as container:
        container.metadata.update(tags)
        # Every stream is declared before the first packet: the header lists them.
        video = container.add_stream("mpeg4", rate=5) if frames is not None else None
        audio = container.add_stream(codec, rate=RATE)
        if not isinstance(audio, av.AudioStream):
            raise TypeError(f"{codec} is no sound codec")
        audio.layout = "stereo"
        if bit_rate is not None:
            audio.bit_rate = bit_rate
        if frames is not None and isinstance(video, av.VideoStream):
            _add_pictures(container, video, frames, seconds=y.shape[1] / RATE)
        for at in range(0, y.shape[1], RATE):
            chunk = np.ascontiguousarray(y[:, at : at + RATE])
            frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def _add_pictures(
    container: av.container.OutputContainer,
    video: av.VideoStream,
    frames: NDArray[np.uint8],
    *,
    seconds: float,
) -> None:
    """Encode the moving pictures."""
    video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
    for number in range(int(seconds * 5)):
        picture = av.VideoFrame.from_ndarray(frames[min(number, len(frames) - 1)], format="rgb24")
        picture.pts, picture.time_base = number, Fraction(1, 5)
        container.mux(video.encode(picture))
    container.mux(video.encode(None))
