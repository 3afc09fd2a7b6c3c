"""What is heard of several sounds: voices on a backing track, medleys, mash-ups, and what is like them."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from benchmarks.altered_pairs import crowd, cut, sampled
from benchmarks.altered_pairs import level as loudness
from benchmarks.damaged_queries import SR, Sound, coded
from benchmarks.drum_patterns import drummed, pattern
from benchmarks.sung import sung
from streams.core.hearing import OF_VOICES, ONE_RECORDING, hear
from streams.core.records import SoundAlignment
from streams.core.several import MASHUP, MEDLEY, Source, of_several
from streams.edges.sound_blobs import SoundFeatures
from streams.edges.sound_comparison import compare_features

Features = Callable[[Sound], SoundFeatures]

SONG_S: Final = 30.0
# Decibels of a voice, where it sings, against the backing track.
VOICES: Final = (-3.0, 0.0, 4.0)
MASHED_S: Final = 40.0
EVERY: Final = 3  # tracks: one in so many


def voices(tracks: Sequence[Sound], features: Features) -> dict[str, Any]:
    """Tell a backing track, and a voice alone, from their song; beside what is laid over it and no voice."""
    right: dict[str, list[bool]] = {}
    taken: dict[str, list[bool]] = {}
    joined: dict[str, int] = {}
    for number, y in enumerate(tracks[::EVERY]):
        rng = np.random.default_rng([23, number])
        backing = cut(y, 0.0, SONG_S)
        voice = sung(SONG_S, rng)[: len(backing)]
        plain, alone = features(backing), features(voice)
        for decibels in VOICES:
            song = features(over(backing, voice, decibels))
            for name, one, relation in (
                ("instrumental", plain, "instrumental_of"),
                ("a cappella", alone, "a_cappella_of"),
            ):
                heard = hear(compare_features(one, song))
                key = f"{name}, voice at {decibels:g} dB"
                right.setdefault(key, []).append(heard.relation == relation)
                joined[key] = joined.get(key, 0) + (heard.level in ONE_RECORDING)
        for name, other in _no_voices(backing, tracks[(2 * number + 5) % len(tracks)], rng).items():
            heard = hear(compare_features(plain, features(other)))
            taken.setdefault(name, []).append(heard.relation in OF_VOICES)
            joined[name] = joined.get(name, 0) + (heard.level in ONE_RECORDING)
    return {
        "right": {
            name: {"of": len(each), "right": round(float(np.mean(each)), 4), "joined": joined[name]}
            for name, each in right.items()
        },
        "taken_for_voices": {
            name: {"of": len(each), "false": sum(each), "joined": joined[name]}
            for name, each in taken.items()
        },
    }


def over(backing: Sound, top: Sound, decibels: float) -> Sound:
    """Lay something over music, so loud where it sounds."""
    top = top[: len(backing)]
    sounding = top[np.abs(top) > 0.02 * np.abs(top).max()]
    mixed = backing[: len(top)] + top * (
        loudness(backing) / max(loudness(sounding), 1e-6) * 10 ** (decibels / 20)
    )
    return np.asarray(np.clip(0.5 * mixed, -1, 1), dtype=np.float32)


def _no_voices(backing: Sound, other: Sound, rng: np.random.Generator) -> dict[str, Sound]:
    """Change a backing track in ways that add no voice."""
    spectrum, hz = np.fft.rfft(backing), np.fft.rfftfreq(len(backing), 1 / SR)
    bright = np.fft.irfft(spectrum * (1 + hz / 1_500) / (1 + hz / 6_000), len(backing))
    return {
        "other music on top": over(backing, cut(other, 0.0, SONG_S), 0.0),
        "drums and a bass on top": over(backing, drummed(pattern(rng), rng), 0.0),
        "a keyboard on top": over(backing, _keyboard(len(backing), rng), 0.0),
        "a crowd on top": over(backing, crowd(len(backing), rng), 0.0),
        "equalised": np.asarray(0.3 * bright, dtype=np.float32),
        "compressed": np.asarray(np.sign(backing) * np.abs(backing) ** 0.6, dtype=np.float32),
        "opus 32 kbit/s": coded(backing, "libopus", "ogg", 32_000, 48_000),
    }


def _keyboard(samples: int, rng: np.random.Generator) -> Sound:
    """Play one note at a time, of a scale, with partials that fade."""
    y, at, key = np.zeros(samples), 0, int(rng.integers(0, 12))
    partials = rng.uniform(0.2, 1.0, 8) / np.arange(1, 9)
    while at < samples:
        length = int(rng.choice([0.125, 0.25, 0.5]) * 2 * SR)
        time = np.arange(min(length, samples - at)) / SR
        hz = 220.0 * 2.0 ** ((key + int(rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 14, 16]))) / 12.0)
        if rng.random() < 0.8:
            note = sum(each * np.sin(2 * np.pi * hz * n * time) for n, each in enumerate(partials, start=1))
            y[at : at + len(time)] += note * np.exp(-3 * time)
        at += length
    return np.asarray(y / np.abs(y).max(), dtype=np.float32)


def medleys(
    tracks: Sequence[Sound], originals: Sequence[SoundFeatures], features: Features
) -> dict[str, Any]:
    """Play pieces of three or four tracks one after the other; and two, or three that fill half of it."""
    right, pieces, false = [], [], {"two pieces": 0, "three that fill half": 0}
    count = len(tracks) // 3
    for number in range(count):
        rng = np.random.default_rng([29, number])
        chosen = [(number + step * count) % len(tracks) for step in range(3)]
        if number % 2:
            chosen.append((number + count + 1) % len(tracks))
        parts = [_piece(tracks[each], float(rng.uniform(12, 22)), rng) for each in chosen]
        told = _told(np.concatenate(parts), chosen, originals, features)
        pieces += [told.get(str(each)) == MEDLEY for each in chosen]
        right.append(all(told.get(str(each)) == MEDLEY for each in chosen))
        two = _told(np.concatenate(parts[:2]), chosen[:2], originals, features)
        false["two pieces"] += bool(two)
        own = _keyboard(sum(map(len, parts)), rng)
        half = _told(np.concatenate([*parts, 0.5 * own]), chosen, originals, features)
        false["three that fill half"] += MEDLEY in half.values()
    return {
        "medleys": {"of": len(right), "right": round(float(np.mean(right)), 4)},
        "pieces": {"of": len(pieces), "right": round(float(np.mean(pieces)), 4)},
        "false": {"of": count, **false},
    }


def mashups(
    tracks: Sequence[Sound], originals: Sequence[SoundFeatures], features: Features
) -> dict[str, Any]:
    """Play two tracks at once; and loops under other music, told of both."""
    right, false, of = [], 0, 0
    for number in range(0, len(tracks), EVERY):
        other = (number + len(tracks) // 2) % len(tracks)
        mixed = over(cut(tracks[number], 0.0, MASHED_S), cut(tracks[other], 0.0, MASHED_S), 0.0)
        told = _told(mixed, [number, other], originals, features)
        right.append(told == {str(number): MASHUP, str(other): MASHUP})
    for number, made in enumerate(sampled(tracks, 0.0, 0)):
        if number % EVERY:
            continue
        told = _told(made.y, [made.of, made.over], originals, features)
        of, false = of + 1, false + bool(told)
    return {
        "mashups": {"of": len(right), "right": round(float(np.mean(right)), 4)},
        "samples_taken_for_one": {"of": of, "false": false},
    }


def _piece(y: Sound, seconds: float, rng: np.random.Generator) -> Sound:
    begin = float(rng.uniform(0.0, max(0.1, len(y) / SR - seconds)))
    return cut(y, begin, begin + seconds)


def _told(
    y: Sound, chosen: Sequence[int], originals: Sequence[SoundFeatures], features: Features
) -> dict[str, str]:
    """Say what a sound is to some tracks, as the arbiter does: by those that it shares parts with."""
    own = features(y)
    sources = []
    for each in dict.fromkeys(chosen):
        said = compare_features(own, originals[each])
        found: SoundAlignment | None = said.alignment
        level = hear(said).level
        if found is not None and level in {"part", "shares", "excerpt"}:
            sources.append(Source(key=str(each), work=str(each), found=found, whole=level == "excerpt"))
    return of_several(own.duration_ms, None, sources)
