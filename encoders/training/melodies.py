"""Melodies apart from what goes with them: what phrases are quoted from, and played anew over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.features.semitones import FRAME_S
from encoders.training.arranging import BASSES, SOUND, STRUCK, SUSTAINED
from encoders.training.note_bank import Names, Notation
from encoders.training.performers import Repertoire
from encoders.training.voices import highest_voice, is_melody, melody_of
from encoders.training.works import Work

CLIP_FRAMES: Final = 128
"""Frames of what is performed here: 24 s."""
CLIP_S: Final = CLIP_FRAMES * FRAME_S
LEAD, REST, AGAIN, DECOY = range(4)
"""The parts of `Tune.notation`."""
PARTS: Final = 4
SECOND_TEMPO: Final = (0.75, 1.33)
"""A melody that is played anew is so many times faster."""
_HOOK_S: Final = 12.0
_BEAT_S: Final = 0.5
_TEMPO: Final = (0.7, 1.4)
_JITTER_S: Final = 0.015
_SWAY: Final = 0.015
_NOT_THE_HIGHEST: Final = 0.25
_DROPPED: Final = 0.04
_LEAST_REST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Tune:
    """A melody of a work, what goes with it, the same melody anew, and another one in its rhythm.

    Attributes
    ----------
    origin : int
        the score it was cut from; tunes of one origin are no strangers of each other
    ratio : float
        how many times faster it is played anew
    semitones : int
        how much higher
    notation : Notation
        four performances: `LEAD` and `REST` together, `AGAIN`, and `DECOY` at the tempo of `AGAIN`
    """

    origin: int
    ratio: float
    semitones: int
    notation: Notation


def tune_of(number: int, repertoire: Repertoire, names: Names, seed: int) -> Tune:
    """Draw a melody and perform it twice.

    Parameters
    ----------
    number : int >= 0
        which tune; decides everything together with ``seed``
    repertoire : Repertoire
    names : Names
        of `CLIP_S`
    seed : int
    """
    rng = np.random.default_rng([0x3E10, seed, number])
    while True:
        origin, work = repertoire.draw(rng)
        found = _drawn(work, rng) if len(work.notes) else None
        if found is not None:
            ratio, semitones, parts = found
            return Tune(
                origin=origin if origin >= 0 else -1 - number,
                ratio=ratio,
                semitones=semitones,
                notation=names.written(parts, rng),
            )


def _drawn(work: Work, rng: np.random.Generator) -> tuple[float, int, list[NDArray[np.void]]] | None:
    voices = np.unique(work.notes["voice"])
    other = len(voices) > 1 and rng.random() < _NOT_THE_HIGHEST
    voice = int(rng.choice(voices)) if other else highest_voice(work)
    line = melody_of(work, voice)
    tempo = float(np.exp(rng.uniform(*np.log(_TEMPO))))
    ratio = float(np.exp(rng.uniform(*np.log(SECOND_TEMPO))))
    if not len(line):
        return None
    begin = float(line["start"][int(rng.integers(len(line)))])
    line = _from(line, begin, CLIP_S * max(tempo, tempo * ratio) / _BEAT_S)
    hook = line[line["start"] < _HOOK_S * tempo * ratio / _BEAT_S]
    rest = _from(work.notes[work.notes["voice"] != voice], begin, CLIP_S * tempo / _BEAT_S)
    if not is_melody(hook, _HOOK_S) or (0 < len(rest) < _LEAST_REST):
        return None
    sway = _clock(rng, tempo)
    first, second = (int(each) for each in rng.integers(-5, 7, size=2))
    lead = _played(line, rng, sway, first)
    beside = _played(_restruck(rest, rng), rng, sway, first) if len(rest) else lead[:1]
    anew = _clock(rng, tempo * ratio)
    again, decoy = (_played(part, rng, anew, second) for part in (line, _in_its_rhythm(line, rng)))
    return ratio, second - first, [lead, beside, again, decoy]


def _from(notes: NDArray[np.void], begin: float, beats: float) -> NDArray[np.void]:
    part: NDArray[np.void] = notes[(notes["start"] >= begin) & (notes["start"] < begin + beats)].copy()
    part["start"] -= np.float32(begin)
    return part


def _clock(rng: np.random.Generator, tempo: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give beats and their seconds, at a tempo that sways a little."""
    knots = np.arange(0.0, 160.0, 8.0)
    pace = _BEAT_S / tempo * np.exp(rng.normal(0.0, rng.uniform(0.0, _SWAY), len(knots)))
    # On average it is the tempo.
    pace *= _BEAT_S / tempo / pace[: max(1, int(CLIP_S * tempo / _BEAT_S / 8.0))].mean()
    return knots, np.concatenate([[0.0], np.cumsum(pace[:-1] * 8.0)])


def _played(
    notes: NDArray[np.void],
    rng: np.random.Generator,
    clock: tuple[NDArray[np.float64], NDArray[np.float64]],
    semitones: int,
) -> NDArray[np.void]:
    """Give each voice an instrument and a loudness, in seconds."""
    notes = notes[rng.random(len(notes)) >= _DROPPED] if len(notes) > _LEAST_REST else notes
    start, end = (np.interp(each, *clock) for each in (notes["start"], notes["start"] + notes["length"]))
    sounds = np.empty(len(notes), dtype=SOUND)
    sounds["start"] = np.maximum(0.0, start + rng.normal(0.0, _JITTER_S, len(notes)))
    pitch = notes["pitch"].astype(int) + semitones
    for voice in np.unique(notes["voice"]):
        own = notes["voice"] == voice
        pitch[own] += 12 * int(rng.choice([-1, 0, 0, 0, 0, 1]))
        low = float(np.median(pitch[own])) < 48
        sounds["program"][own] = rng.choice(BASSES if low and rng.random() < 0.7 else (*SUSTAINED, *STRUCK))
        sounds["length"][own] = np.maximum(0.06, (end - start)[own] * rng.uniform(0.4, 1.0))
        sounds["velocity"][own] = np.clip(rng.uniform(60, 105) + rng.normal(0, 8, int(own.sum())), 20, 127)
    sounds["pitch"] = np.clip(pitch, 21, 108)
    kept: NDArray[np.void] = sounds[sounds["start"] < CLIP_S]
    return kept


def _restruck(notes: NDArray[np.void], rng: np.random.Generator) -> NDArray[np.void]:
    """Play what is held again and again, of half of the voices."""
    parts = []
    for voice in np.unique(notes["voice"]):
        part = notes[notes["voice"] == voice]
        step = float(rng.choice([0.5, 1.0, 2.0]))
        if rng.random() < 0.5:
            times = np.maximum(1, np.ceil(part["length"] / step - 0.01)).astype(int)
            turn = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
            part = np.repeat(part, times)
            part["start"] += (turn * step).astype(np.float32)
            part["length"] = np.minimum(part["length"] - turn * step, step)
        parts.append(part)
    return np.concatenate(parts)


def _in_its_rhythm(line: NDArray[np.void], rng: np.random.Generator) -> NDArray[np.void]:
    """Walk through the pitches of a melody on other ways, with its rhythm."""
    decoy = line.copy()
    pitches = np.unique(line["pitch"])
    moves = rng.choice([-2, -1, -1, 0, 1, 1, 2], size=len(line))
    at, walk = int(rng.integers(len(pitches))), []
    for move in moves:
        at = int(np.clip(at + move, 0, len(pitches) - 1))
        walk.append(pitches[at])
    decoy["pitch"] = walk
    return decoy
