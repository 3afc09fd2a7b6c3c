"""Pairs of sounds of which one was made from the other in a way that is known to the millisecond."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.damaged_queries import SR, Sound, coded, faster
from benchmarks.drum_patterns import drummed, pattern

QUERY_S = 10.0
SPEEDS = (0.94, 0.98, 1.02, 1.06)
# Decibels of the loop against the music on top, and semitones by which it is played higher or lower.
SAMPLES = ((0.0, 0), (-6.0, 0), (-12.0, 0), (-6.0, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the original and where it is in what was made of it, in seconds."""

    start: float
    end: float
    other_start: float
    other_end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made of the original `of`, heard in it at `parts`, so much faster, under `over`."""

    of: int
    y: Sound
    parts: tuple[Part, ...]
    speed: float = 1.0
    over: int = -1


def retimed(tracks: Sequence[Sound], speed: float) -> Iterator[Made]:
    """Play 10 s of each track faster or slower, higher or lower with it."""
    for number, y in enumerate(tracks):
        rng = np.random.default_rng([round(1000 * speed), number])
        begin = float(rng.uniform(0, len(y) / SR - QUERY_S))
        piece = faster(cut(y, begin, begin + QUERY_S), speed)
        part = Part(start=begin, end=begin + QUERY_S, other_start=0.0, other_end=len(piece) / SR)
        yield Made(of=number, y=piece, parts=(part,), speed=speed)


def sampled(tracks: Sequence[Sound], decibels: float, semitones: int) -> Iterator[Made]:
    """Lay a loop of 3 to 8 s of each track, two to four times, under another one."""
    for number, y in enumerate(tracks):
        rng = np.random.default_rng([round(100 - decibels), semitones, number])
        top = (number + 1 + int(rng.integers(len(tracks) - 1))) % len(tracks)
        top = top if top != number else (number + 1) % len(tracks)
        length = float(rng.uniform(3.0, 8.0))
        begin = _loud(y, length, rng)
        speed = float(2.0 ** (rng.choice((-semitones, semitones)) / 12.0))
        loop = faster(cut(y, begin, begin + length), speed)
        mixed, times = _looped(tracks[top], loop, decibels, rng)
        parts = tuple(
            Part(start=begin, end=begin + length, other_start=at, other_end=at + len(loop) / SR)
            for at in times
        )
        yield Made(of=number, y=mixed, parts=parts, speed=speed, over=top)


def packed(tracks: Sequence[Sound]) -> Iterator[tuple[Made, Made]]:
    """Lay one loop, as of a pack that everybody buys, under two others: neither is of the other."""
    for number, y in enumerate(tracks):
        rng = np.random.default_rng([11, number])
        length = float(rng.uniform(3.0, 8.0))
        loop = cut(y, begin := _loud(y, length, rng), begin + length)
        one, other = (
            _looped(tracks[(number + step) % len(tracks)], loop, 0.0, rng)
            for step in (1 + len(tracks) // 3, 1 + 2 * len(tracks) // 3)
        )
        parts = tuple(
            Part(start=at, end=at + length, other_start=there, other_end=there + length)
            for at in one[1]
            for there in other[1]
        )
        yield Made(of=number, y=one[0], parts=parts), Made(of=number, y=other[0], parts=())


def remixed(tracks: Sequence[Sound]) -> Iterator[Made]:
    """Play half a minute of each track over a beat of its own."""
    for number, y in enumerate(tracks):
        rng = np.random.default_rng([13, number])
        beat = drummed(pattern(rng), rng)
        begin = float(rng.uniform(0, len(y) / SR - 30.0))
        piece = cut(y, begin, begin + 30.0)
        beat[5 * SR : 5 * SR + len(piece)] += piece * (level(beat) / max(level(piece), 1e-6))
        part = Part(start=begin, end=begin + 30.0, other_start=5.0, other_end=35.0)
        yield Made(of=number, y=np.clip(beat, -1, 1), parts=(part,))


def _looped(
    over: Sound, loop: Sound, decibels: float, rng: np.random.Generator
) -> tuple[Sound, tuple[float, ...]]:
    """Lay a loop two to four times under 40 s of music; with where it begins."""
    mixed = over[: 40 * SR].copy()
    loop = loop * (level(mixed) / max(level(loop), 1e-6) * 10 ** (decibels / 20))
    at, times = float(rng.uniform(2.0, 8.0)), []
    for _ in range(int(rng.integers(2, 5))):
        first = round(at * SR)
        if first + len(loop) > len(mixed):
            break
        mixed[first : first + len(loop)] += loop
        times.append(at)
        at += len(loop) / SR
    return np.clip(mixed, -1, 1), tuple(times)


def filmed(tracks: Sequence[Sound], decibels: float) -> Iterator[Made]:
    """Make the sound of a music video: an intro, a cut or a skit in the middle, a crowd, another codec."""
    for number, y in enumerate(tracks):
        rng = np.random.default_rng([7, number])
        other = tracks[(number + len(tracks) // 2) % len(tracks)]
        intro, middle, gap = (float(rng.uniform(*each)) for each in ((0, 20), (20, 30), (3, 8)))
        head = other[: round(intro * SR)]
        end = len(y) / SR
        if number % 2:
            pieces = [head, cut(y, 0, middle), cut(y, middle + gap, end)]
            second = Part(
                start=middle + gap, end=end, other_start=intro + middle, other_end=intro + end - gap
            )
        else:
            skit = other[len(other) // 2 :][: round(gap * SR)]
            pieces = [head, cut(y, 0, middle), skit, cut(y, middle, end)]
            second = Part(
                start=middle, end=end, other_start=intro + middle + gap, other_end=intro + end + gap
            )
        whole = np.concatenate(pieces)
        cheers = crowd(len(whole), rng) * (level(whole) * 10 ** (-decibels / 20))
        first = Part(start=0.0, end=middle, other_start=intro, other_end=intro + middle)
        loud = coded(whole + cheers, "libopus", "ogg", 48_000, 48_000)
        yield Made(of=number, y=loud, parts=(first, second))


def cut(y: Sound, begin: float, end: float) -> Sound:
    """Take the part between two times, in seconds."""
    return y[round(begin * SR) : round(end * SR)]


def level(y: Sound) -> float:
    """Give how loud a sound is on the whole."""
    return float(np.sqrt(np.mean(y.astype(np.float64) ** 2)))


def _loud(y: Sound, length: float, rng: np.random.Generator) -> float:
    """Find where a loop may be cut out: not where the track is nearly silent."""
    begins = rng.uniform(0, len(y) / SR - length, 8)
    return float(max(begins, key=lambda begin: level(cut(y, begin, begin + length)) > 0.5 * level(y)))


def crowd(samples: int, rng: np.random.Generator) -> Sound:
    """Clapping and voices: noise of the voices' band that swells and falls."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / SR)
    noise = np.fft.irfft(spectrum * np.exp(-((np.log((hz + 1) / 900)) ** 2)), samples)
    swell = np.interp(np.arange(samples), np.linspace(0, samples, 24), rng.uniform(0.3, 1.0, 24))
    noise *= swell
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)
