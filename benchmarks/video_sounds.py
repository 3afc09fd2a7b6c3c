"""Sound tracks of videos, made of real recordings by a seed: where each part is, to the sample."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import signal

from benchmarks.altered_pairs import Part
from benchmarks.damaged_queries import SR, Sound

QUIET: Final = float("inf")
"""Level of the music over a crowd that is not there, in dB."""
_APART_S: Final = 8.0
_GAP_S: Final = (3.0, 8.0)
_VOICES: Final = signal.butter(1, (400, 2_000), "bandpass", fs=SR, output="sos")


class SoundTrack(NamedTuple):
    """The sound of a video.

    Attributes
    ----------
    y : float32 [shape=(n,)]
        with the crowd
    clean : float32 [shape=(n,)]
        without it
    parts : tuple of Part
        ascending in the video; `start` is in the recording, `other_start` in the video
    told : str
        how it was made
    """

    y: Sound
    clean: Sound
    parts: tuple[Part, ...]
    told: str


def sound_track(
    recording: Sound, others: Sequence[Sound], rng: np.random.Generator, crowd_db: float
) -> SoundTrack:
    """Make the sound of a music video.

    An intro of 0 to 20 s, up to two places at which something is left out or put in, in one of three an end
    that is left out, in one of two an outro; all over it a crowd.

    Parameters
    ----------
    recording : float32 [shape=(n,)]
    others : sequence of float32
        what intro, skits and outro are taken from
    rng : Generator
        decides everything
    crowd_db : float
        level of the music over the crowd
    """
    length = len(recording) / SR
    end = length - float(rng.uniform(3, 10)) if rng.random() < 1 / 3 else length
    head, how = _between(float(rng.uniform(0, 20)), others, rng)
    pieces, told = [head], [f"intro {len(head) / SR:.1f} s ({how})"]
    parts: list[Part] = []
    at, begin = len(head) / SR, 0.0
    for place, left_out, gap in _edits(end, rng):
        _add(pieces, parts, recording, begin, place, at)
        at += parts[-1].other_end - parts[-1].other_start
        if left_out:
            begin = place + gap
            told.append(f"{gap:.1f} s left out")
        else:
            begin = place
            skit, how = _between(gap, others, rng)
            pieces.append(skit)
            at += len(skit) / SR
            told.append(f"{gap:.1f} s put in ({how})")
    _add(pieces, parts, recording, begin, end, at)
    if end < length:
        told.append(f"last {length - end:.1f} s left out")
    if rng.random() < 0.5:
        outro, how = _between(float(rng.uniform(3, 10)), others, rng)
        pieces.append(outro)
        told.append(f"outro ({how})")
    clean = np.concatenate(pieces)
    y = clean
    if crowd_db != QUIET:
        y = clean + crowd(len(clean), rng) * np.float32(level(clean) * 10 ** (-crowd_db / 20))
    return SoundTrack(y=_within(y), clean=clean, parts=tuple(parts), told=", ".join(told))


def _edits(end: float, rng: np.random.Generator) -> list[tuple[float, bool, float]]:
    """Draw where something is left out or put in, and how much; ascending, well apart."""
    found: list[tuple[float, bool, float]] = []
    begin = _APART_S
    for left in range(int(rng.integers(0, 3)), 0, -1):
        latest = end - left * (_APART_S + _GAP_S[1])
        if latest <= begin:
            break
        place, left_out, gap = (
            float(rng.uniform(begin, latest)),
            rng.random() < 0.5,
            float(rng.uniform(*_GAP_S)),
        )
        found.append((place, left_out, gap))
        begin = place + (gap if left_out else 0.0) + _APART_S
    return found


def _add(
    pieces: list[Sound], parts: list[Part], recording: Sound, begin: float, end: float, at: float
) -> None:
    """Add a part of the recording."""
    first, last = round(begin * SR), round(end * SR)
    pieces.append(recording[first:last])
    parts.append(Part(start=first / SR, end=last / SR, other_start=at, other_end=at + (last - first) / SR))


def _between(seconds: float, others: Sequence[Sound], rng: np.random.Generator) -> tuple[Sound, str]:
    """Make what is not the recording: other music, nothing, or the noise of a street."""
    samples = round(seconds * SR)
    kind = rng.choice(["other music", "other music", "silence", "noise"])
    if kind == "silence":
        return np.zeros(samples, dtype=np.float32), str(kind)
    if kind == "noise":
        return np.float32(0.05) * crowd(samples, rng), str(kind)
    other = others[int(rng.integers(len(others)))]
    first = int(rng.integers(0, max(1, len(other) - samples)))
    return other[first : first + samples], str(kind)


def crowd(samples: int, rng: np.random.Generator) -> Sound:
    """Make voices and clapping that swell and fall; at a level of 1."""
    if samples < SR // 10:
        return np.zeros(samples, dtype=np.float32)
    voices = signal.sosfilt(_VOICES, rng.standard_normal(samples).astype(np.float32))
    hands = np.zeros(samples, dtype=np.float32)
    count = max(1, samples * 30 // SR)
    hands[rng.integers(0, samples, count)] = rng.uniform(0.2, 1.0, count)
    clap = rng.standard_normal(SR // 50) * np.exp(-np.arange(SR // 50) / (SR / 250))
    clapping = signal.oaconvolve(hands, clap)[:samples]
    places = max(2, samples // (2 * SR))
    swell = np.interp(np.arange(samples), np.linspace(0, samples, places), rng.uniform(0.3, 1.0, places))
    noise = (voices / level(voices) + 0.5 * clapping / level(clapping)) * swell
    return np.asarray(noise / level(noise), dtype=np.float32)


def level(y: Sound) -> float:
    """Give the root of the mean power."""
    return float(np.sqrt(np.mean(y.astype(np.float64) ** 2)))


def _within(y: Sound) -> Sound:
    """Play it so that nothing is cut off."""
    peak = float(np.abs(y).max())
    return y if peak <= 1.0 else np.asarray(y / peak, dtype=np.float32)
