"""Performances of works: other key, tempo, instruments, voices and sections, all drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.training.composing import BASS, CHORDS, MELODY
from encoders.training.works import Work

SOUND: Final = np.dtype(
    [("start", "<f4"), ("length", "<f4"), ("pitch", "u1"), ("program", "u1"), ("velocity", "u1")]
)
"""One sounding note: seconds, MIDI number, General MIDI programme, loudness."""
DRUMS: Final = 128
"""The "programme" whose pitches are drums."""

# Families of General MIDI that carry a voice: piano to reed, pipes and leads; no effects.
SUSTAINED: Final = (
    16,
    18,
    19,
    21,
    22,
    40,
    41,
    42,
    44,
    48,
    49,
    50,
    52,
    53,
    56,
    57,
    58,
    60,
    61,
    62,
    64,
    65,
    66,
    68,
    70,
    71,
    73,
    75,
    79,
    80,
    81,
    88,
    89,
)
STRUCK: Final = (0, 1, 2, 4, 5, 6, 8, 11, 12, 24, 25, 26, 27, 28, 29, 30, 45, 46, 104, 105)
BASSES: Final = (32, 33, 34, 35, 38, 39, 43, 58)
PROGRAMS: Final = tuple(sorted({*SUSTAINED, *STRUCK, *BASSES}))
DRUM_KEYS: Final = (35, 36, 38, 39, 40, 42, 44, 46, 49, 51, 54)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freedom:
    """How far a performance may be from the score.

    Attributes
    ----------
    semitones : int
        transposed by at most so many, up or down
    tempo : pair of float
        least and most times the tempo of 120 beats a minute
    drop_voice : float
        chance that each voice but one is left out
    edits : float
        chance of each edit of the structure: cut start, cut end, repeated section
    drums : float
        chance of drums
    dropped_notes : float
        share of notes left out
    """

    semitones: int = 6
    tempo: tuple[float, float] = (0.6, 1.5)
    drop_voice: float = 0.2
    edits: float = 0.4
    drums: float = 0.4
    dropped_notes: float = 0.08


AS_TRAINED: Final = Freedom()


def performance(
    work: Work, rng: np.random.Generator, *, seconds: float, freedom: Freedom = AS_TRAINED
) -> NDArray[np.void]:
    """Perform a work.

    Parameters
    ----------
    work : Work
    rng : Generator
        decides everything
    seconds : float > 0 [s]
        most that is kept
    freedom : Freedom

    Returns
    -------
    notes : SOUND [shape=(n,)]
        in order of time
    """
    notes = _structured(work, rng, freedom.edits)
    voices = np.unique(notes["voice"])
    kept = [voice for voice in voices if rng.random() >= freedom.drop_voice]
    # Without its melody a song is any song on the same chords.
    song = len(voices) == 3 and set(voices.tolist()) == {MELODY, CHORDS, BASS}
    if not kept or (song and MELODY not in kept and rng.random() < 0.9):
        kept = [voices[0], *kept]
    out = []
    shift = int(rng.integers(-freedom.semitones, freedom.semitones + 1))
    one_program = int(rng.choice(STRUCK)) if rng.random() < 0.3 else None
    for voice in kept:
        part = notes[notes["voice"] == voice]
        part = part[rng.random(len(part)) >= freedom.dropped_notes]
        pitch = part["pitch"].astype(int) + shift + 12 * int(rng.choice([-1, 0, 0, 0, 0, 1]))
        low = float(np.median(pitch)) < 48 if len(pitch) else False
        program = (
            one_program
            if one_program is not None
            else int(rng.choice(BASSES if low and rng.random() < 0.7 else (*SUSTAINED, *STRUCK)))
        )
        start, length = part["start"].astype(float), part["length"].astype(float)
        if voice == CHORDS and len(voices) == 3 and rng.random() < 0.6:
            start, length, pitch = _broken(start, length, pitch, rng)
        row = np.empty(len(start), dtype=SOUND)
        row["start"], row["length"] = start, length * rng.uniform(0.6, 1.0)
        row["pitch"] = np.clip(pitch, 21, 108)
        row["program"] = program
        loud = rng.uniform(45, 110)
        row["velocity"] = np.clip(loud + rng.normal(0, 8, len(start)), 20, 127)
        out.append(row)
    if rng.random() < freedom.drums:
        out.append(_drums(float(notes["start"].max()) + 4.0 if len(notes) else 4.0, rng))
    sounds = np.concatenate(out)
    return _timed(sounds, rng, seconds, freedom.tempo)


def _structured(work: Work, rng: np.random.Generator, chance: float) -> NDArray[np.void]:
    """Cut, repeat: in whole bars of four beats."""
    notes, bars = work.notes, max(1, int(work.beats // 4))
    order = list(range(bars))
    if bars >= 12:
        if rng.random() < chance:
            order = order[int(rng.integers(1, bars // 3)) :]
        if rng.random() < chance:
            order = order[: -int(rng.integers(1, len(order) // 3))]
        if rng.random() < chance:
            begin, width = int(rng.integers(0, len(order) - 4)), int(rng.integers(2, max(3, len(order) // 3)))
            order = [*order[: begin + width], *order[begin:]]
        if rng.random() < chance and len(order) > 16:
            begin, width = int(rng.integers(2, len(order) - 4)), int(rng.integers(2, max(3, len(order) // 4)))
            order = [*order[:begin], *order[begin + width :]]
    bar_of = np.minimum(notes["start"] // 4, bars - 1).astype(int)
    first = np.searchsorted(bar_of, np.arange(bars + 1))
    parts = []
    for at, bar in enumerate(order):
        part = notes[first[bar] : first[bar + 1]].copy()
        part["start"] += np.float32(4.0 * (at - bar))
        parts.append(part)
    return np.concatenate(parts)


def _broken(
    start: NDArray[np.float64],
    length: NDArray[np.float64],
    pitch: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Play chords as repeated or as one note after the other."""
    step = float(rng.choice([0.5, 1.0, 2.0]))
    arpeggio = rng.random() < 0.5
    times = max(1, round(float(length.max()) / step)) if len(length) else 1
    order = np.arange(len(start)) % 3
    starts, lengths, pitches = [], [], []
    for k in range(times):
        chosen = order == k % 3 if arpeggio else np.ones(len(start), dtype=bool)
        chosen &= k * step < length
        starts.append(start[chosen] + k * step)
        lengths.append(np.full(int(chosen.sum()), step))
        pitches.append(pitch[chosen])
    return np.concatenate(starts), np.concatenate(lengths), np.concatenate(pitches)


def _drums(beats: float, rng: np.random.Generator) -> NDArray[np.void]:
    """Beat one bar again and again."""
    rows = []
    loud = rng.uniform(40, 110)
    for key in rng.choice(DRUM_KEYS, size=int(rng.integers(2, 5)), replace=False):
        grid = np.flatnonzero(rng.random(8) < rng.uniform(0.15, 0.7)) * 0.5
        rows += [(at, 0.2, key, DRUMS, loud * rng.uniform(0.6, 1.1)) for at in grid]
    bars = int(beats // 4)
    bar = np.array([(a, b, c, d, min(127, e)) for a, b, c, d, e in rows], dtype=SOUND)
    if not len(bar) or not bars:
        return np.empty(0, dtype=SOUND)
    out = np.tile(bar, bars)
    out["start"] += np.repeat(4.0 * np.arange(bars, dtype=np.float32), len(bar))
    return out


def _timed(
    sounds: NDArray[np.void], rng: np.random.Generator, seconds: float, tempo: tuple[float, float]
) -> NDArray[np.void]:
    """Turn beats into seconds, with a tempo that sways, and onsets that are not quite together."""
    factor = float(np.exp(rng.uniform(np.log(tempo[0]), np.log(tempo[1]))))
    last = float((sounds["start"] + sounds["length"]).max()) if len(sounds) else 1.0
    # Beats a minute wander by some percent over a dozen beats.
    knots = np.arange(0.0, last + 24.0, 12.0)
    pace = 0.5 / factor * np.exp(rng.normal(0.0, rng.uniform(0.0, 0.06), len(knots)))
    clock = np.concatenate([[0.0], np.cumsum(0.5 * (pace[1:] + pace[:-1]) * 12.0)])
    out = sounds.copy()
    start = np.interp(sounds["start"], knots, clock)
    end = np.interp(sounds["start"] + sounds["length"], knots, clock)
    out["start"] = np.maximum(0.0, start + rng.normal(0.0, 0.012, len(out)))
    out["length"] = np.maximum(0.05, end - start)
    out = out[out["start"] < seconds]
    out["length"] = np.minimum(out["length"], seconds - out["start"])
    return out[np.argsort(out["start"], kind="stable")]
