"""Pieces of real music, damaged in ways that are heard outside of laboratories; not the code that trains."""

import io
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from encoders.features.audio import resample

SR = 22_050
Sound = NDArray[np.float32]


def coded(y: Sound, codec: str, container: str, bit_rate: int, rate: int) -> Sound:
    """Encode and decode."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as writer:
        stream: Any = writer.add_stream(codec, rate=rate)
        stream.bit_rate, stream.layout = bit_rate, "mono"
        pcm = (np.clip(resample(y, SR, rate), -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        for part in av.AudioResampler(format=stream.format, layout="mono", rate=rate).resample(frame):
            for packet in stream.encode(part):
                writer.mux(packet)
        for packet in stream.encode(None):
            writer.mux(packet)
    return decoded(io.BytesIO(out.getvalue()))


def decoded(source: Any, *, seconds: float = 1e9) -> Sound:
    """Read a file as mono at 22.05 kHz, up to so many seconds."""
    parts, samples = [], 0
    with av.open(source) as reader:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SR)
        for frame in reader.decode(audio=0):
            for part in resampler.resample(frame):
                parts.append(part.to_ndarray().reshape(-1))
                samples += len(parts[-1])
            if samples >= seconds * SR:
                break
    return np.concatenate(parts).astype(np.float32)[: int(min(seconds * SR, samples))]


def noisy(y: Sound, rng: np.random.Generator, decibels: float) -> Sound:
    """Add white noise at this ratio."""
    level = np.sqrt(np.mean(y.astype(np.float64) ** 2)) * 10 ** (-decibels / 20)
    return np.asarray(y + rng.standard_normal(len(y)) * level, dtype=np.float32)


def in_room(y: Sound, rng: np.random.Generator) -> Sound:
    """Play in a room that rings for 0.6 s, its echoes as loud as the direct sound."""
    tail = rng.standard_normal(int(0.6 * SR)) * np.exp(-6.9 * np.arange(int(0.6 * SR)) / (0.6 * SR))
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return np.asarray(signal.fftconvolve(y, tail)[: len(y)], dtype=np.float32)


def filtered(y: Sound, low: float | None, high: float) -> Sound:
    """Keep a band."""
    kind, edge = ("lowpass", high) if low is None else ("bandpass", (low, high))
    return np.asarray(signal.sosfilt(signal.butter(6, edge, kind, fs=SR, output="sos"), y), dtype=np.float32)


def faster(y: Sound, ratio: float) -> Sound:
    """Play faster, and higher with it."""
    return resample(y, SR, round(SR / ratio))


def echoing(y: Sound) -> Sound:
    """Add what comes back from two walls."""
    out = y.copy()
    for delay_s, gain in ((0.12, 0.6), (0.31, 0.35)):
        first = int(delay_s * SR)
        out[first:] += gain * y[:-first]
    return out


def at_tempo(y: Sound, ratio: float) -> Sound:
    """Play faster at the same pitch, by FFmpeg's filter."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="flt", sample_rate=SR, layout="mono", time_base=Fraction(1, SR))
    steps = [source, graph.add("atempo", repr(ratio)), graph.add("abuffersink")]
    for one, two in pairwise(steps):
        one.link_to(two)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(y[None], format="flt", layout="mono")
    frame.sample_rate, frame.pts = SR, 0
    graph.push(frame)
    graph.push(None)
    parts: list[Sound] = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray().reshape(-1).astype(np.float32))
        except (av.EOFError, av.BlockingIOError):
            return np.concatenate(parts)


def higher(y: Sound, semitones: int) -> Sound:
    """Play higher at the same tempo."""
    ratio = 2.0 ** (semitones / 12.0)
    return at_tempo(faster(y, ratio), 1.0 / ratio)


Damage = Callable[[Sound, np.random.Generator], Sound]
DAMAGES: Mapping[str, Damage] = {
    "clean": lambda y, rng: y,
    "mp3 32 kbit/s": lambda y, rng: coded(y, "libmp3lame", "mp3", 32_000, 22_050),
    "opus 16 kbit/s": lambda y, rng: coded(y, "libopus", "ogg", 16_000, 48_000),
    "noise 10 dB": lambda y, rng: noisy(y, rng, 10.0),
    "low-pass 2 kHz": lambda y, rng: filtered(y, None, 2_000.0),
    "room": in_room,
    "room and noise 10 dB": lambda y, rng: noisy(in_room(y, rng), rng, 10.0),
    "telephone and noise 20 dB": lambda y, rng: noisy(filtered(y, 300.0, 3_400.0), rng, 20.0),
    "echo": lambda y, rng: echoing(y),
    "2 % faster": lambda y, rng: faster(y, 1.02),
    "2 % slower": lambda y, rng: faster(y, 0.98),
    "6 % faster": lambda y, rng: faster(y, 1.06),
    "6 % slower": lambda y, rng: faster(y, 0.94),
    "20 % faster": lambda y, rng: faster(y, 1.2),
    "tempo +3 %": lambda y, rng: at_tempo(y, 1.03),
    "pitch +1 semitone": lambda y, rng: higher(y, 1),
}
SHORT = ("clean", "mp3 32 kbit/s", "noise 10 dB", "room")
