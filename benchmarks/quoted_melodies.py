"""Interpolations made on purpose: a phrase of one work played anew over the accompaniment of another.

Everything is known of them: which part of the work is quoted, where it sounds, in which key and how fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.training.arranging import BASSES, SOUND, STRUCK, SUSTAINED
from encoders.training.composing import BASS, CHORDS, MELODY
from encoders.training.playing import SAMPLE_RATE, Player
from encoders.training.voices import highest_voice, is_melody, melody_of
from encoders.training.works import NOTE, Work

LENGTHS_S: Final = (6.0, 10.0, 15.0)
LEVELS_DB: Final = (6.0, 0.0, -6.0)
"""Of a quoted phrase over what plays under it: as a lead, as loud as the rest, half as loud."""
# What is played of each work.
_SECONDS: Final = 100.0
_BEAT_S: Final = 0.5
_TEMPO: Final = (0.8, 1.25)
_JITTER_S: Final = 0.012

Interval = tuple[float, float]


class Phrase(NamedTuple):
    """Part of the melody of a work, at the tempo that the work is played at.

    Attributes
    ----------
    notes : NOTE [shape=(n,)]
        one at a time, in beats of the work
    places : tuple of (float, float)
        where the work plays it, in seconds: once, or wherever it comes again note by note
    """

    notes: NDArray[np.void]
    places: tuple[Interval, ...]


class Quotation(NamedTuple):
    """A track that quotes a work.

    Attributes
    ----------
    level_db : float
    y : float32 [shape=(n,)]
    span : (float, float)
        where the phrase sounds, in seconds
    places : tuple of (float, float)
        where it stands in the work that is quoted
    ratio : float
        how many times faster the phrase is played than in the work
    semitones : int
        how much higher
    """

    level_db: float
    y: NDArray[np.float32]
    span: Interval
    places: tuple[Interval, ...]
    ratio: float
    semitones: int


def phrases(work: Work, seconds: float, rng: np.random.Generator) -> Iterator[Phrase]:
    """Give phrases of about a length, in an order that is drawn; held tones and runs on one tone are none."""
    line = melody_of(work, highest_voice(work))
    for first in rng.permutation(len(line)):
        begin = float(line["start"][first])
        inside = (line["start"] >= begin) & (line["start"] < begin + seconds / _BEAT_S - 0.01)
        notes = line[inside]
        end = begin + seconds / _BEAT_S
        if end * _BEAT_S > _SECONDS or not is_melody(notes, seconds):
            continue
        notes["length"] = np.minimum(notes["length"], end - notes["start"])
        # It ends with its last note, not with a rest.
        last = float((notes["start"] + notes["length"]).max())
        if (last - begin) * _BEAT_S >= 0.8 * seconds:
            yield Phrase(notes, tuple(_places(line, notes, last - begin)))


def _places(line: NDArray[np.void], notes: NDArray[np.void], beats: float) -> Iterator[Interval]:
    """Say where a line plays these notes, at any pitch."""
    count = len(notes)
    steps, times = np.diff(notes["pitch"].astype(int)), notes["start"] - notes["start"][0]
    for at in range(len(line) - count + 1):
        part = line[at : at + count]
        same = np.array_equal(np.diff(part["pitch"].astype(int)), steps)
        if same and np.allclose(part["start"] - part["start"][0], times, atol=0.01):
            begin = float(part["start"][0]) * _BEAT_S
            if begin + beats * _BEAT_S <= _SECONDS:
                yield begin, begin + beats * _BEAT_S


def performed(notes: NDArray[np.void], rng: np.random.Generator, *, ratio: float = 1.0) -> NDArray[np.void]:
    """Give each voice an instrument, and seconds at one tempo.

    Parameters
    ----------
    notes : NOTE [shape=(n,)]
    rng : Generator
    ratio : float
        times 120 beats a minute

    Returns
    -------
    sounds : SOUND [shape=(n,)]
    """
    sounds = np.empty(len(notes), dtype=SOUND)
    start = notes["start"].astype(float) * _BEAT_S / ratio
    sounds["start"] = np.maximum(0.0, start + rng.normal(0.0, _JITTER_S, len(notes)))
    sounds["length"] = np.maximum(
        0.05, notes["length"].astype(float) * _BEAT_S / ratio * rng.uniform(0.7, 1.0)
    )
    sounds["pitch"] = notes["pitch"]
    for voice in np.unique(notes["voice"]):
        own = notes["voice"] == voice
        low = float(np.median(notes["pitch"][own])) < 48
        sounds["program"][own] = rng.choice(BASSES if low else (*SUSTAINED, *STRUCK))
        sounds["velocity"][own] = np.clip(rng.uniform(60, 105) + rng.normal(0, 8, int(own.sum())), 20, 127)
    kept: NDArray[np.void] = sounds[sounds["start"] < _SECONDS]
    return kept[np.argsort(kept["start"], kind="stable")]


def played(work: Work, rng: np.random.Generator, player: Player) -> NDArray[np.float32]:
    """Play a work as the catalogue has it."""
    return player.play(performed(work.notes, rng))[: round(_SECONDS * SAMPLE_RATE)]


def quotations(
    phrase: Phrase, host: Work, rng: np.random.Generator, *, host_player: Player, player: Player
) -> Iterator[Quotation]:
    """Play a phrase over another work, at each level: other key, tempo and instrument.

    The highest voice of the other work pauses meanwhile, where it has others.

    Parameters
    ----------
    phrase : Phrase
    host : Work
    rng : Generator
        decides everything
    host_player, player : Player
        of the other work, and of the phrase
    """
    ratio = float(np.exp(rng.uniform(*np.log(_TEMPO))))
    semitones = int(rng.integers(-5, 7))
    beats = float((phrase.notes["start"] + phrase.notes["length"]).max() - phrase.notes["start"][0])
    seconds = beats * _BEAT_S / ratio
    begin = float(rng.uniform(5.0, max(6.0, min(_SECONDS, host.beats * _BEAT_S) - seconds - 5.0)))
    many = len(np.unique(host.notes["voice"])) > 1
    pause = (begin / _BEAT_S, (begin + seconds) / _BEAT_S)
    under = performed(_without_lead(host, pause) if many else host.notes, rng)
    notes = phrase.notes.copy()
    notes["start"] -= notes["start"][0]
    notes["pitch"] = np.clip(notes["pitch"].astype(int) + semitones, 21, 108)
    lead = player.play(performed(notes, rng, ratio=ratio))
    bed = host_player.play(under)[: round(_SECONDS * SAMPLE_RATE)]
    first = round(begin * SAMPLE_RATE)
    lead = lead[: max(0, len(bed) - first)]
    loud = _loudness(bed[first : first + len(lead)]) / max(_loudness(lead), 1e-9)
    for level in LEVELS_DB:
        y = bed.copy()
        y[first : first + len(lead)] += lead * np.float32(loud * 10 ** (level / 20))
        y *= np.float32(0.5 / max(float(np.abs(y).max()), 1e-9))
        yield Quotation(level, y, (begin, begin + seconds), phrase.places, ratio, semitones)


def _without_lead(host: Work, beats: Interval) -> NDArray[np.void]:
    """Leave out the highest voice for a while."""
    begins, ends = host.notes["start"], host.notes["start"] + host.notes["length"]
    kept = (host.notes["voice"] != highest_voice(host)) | (begins >= beats[1]) | (ends <= beats[0])
    notes: NDArray[np.void] = host.notes[kept]
    return notes


def _loudness(y: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(y, dtype=np.float64)))) if len(y) else 0.0


def common_songs(count: int) -> list[Work]:
    """Compose songs on I-V-vi-IV, and scales, all in C: alike but for their melodies; none quotes another."""
    return [_on_four_chords(number) if number % 4 else _scales(number) for number in range(count)]


def _on_four_chords(number: int) -> Work:
    """One melody of 8 bars, drawn from the chords and the steps between, over and over."""
    rng = np.random.default_rng([0x4C, number])
    rows: list[tuple[float, float, int, int]] = []
    roots, scale = (60, 67, 69, 65), np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
    line, at = [], 4
    for bar in range(8):
        time = 0.0
        while time < 4.0:
            length = float(rng.choice([0.5, 1.0, 1.0, 1.5, 2.0]))
            at = int(np.clip(at + rng.integers(-2, 3), 0, len(scale) - 1))
            line.append((4.0 * bar + time, min(length, 4.0 - time), 72 + int(scale[at]), MELODY))
            time += length
    for turn in range(6):
        rows += [(32.0 * turn + start, length, pitch, voice) for start, length, pitch, voice in line]
    for bar in range(48):
        root = roots[bar % 4]
        third = 3 if root == 69 else 4
        rows += [(4.0 * bar, 4.0, root - 12 + step, CHORDS) for step in (0, third, 7)]
        rows += [(4.0 * bar + beat, 1.0, root - 24, BASS) for beat in range(4)]
    rows.sort()
    return Work(name=f"four chords {number}", source="composed", notes=np.array(rows, dtype=NOTE))


def _scales(number: int) -> Work:
    """Play scales up and down, at one of a few speeds."""
    step = (0.25, 0.5, 1.0)[number // 4 % 3]
    tones = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79]
    order = [*tones, *tones[-2:0:-1]]
    count = int(190.0 / step)
    rows = [(step * at, step, order[at % len(order)], MELODY) for at in range(count)]
    return Work(name=f"scales {number}", source="composed", notes=np.array(rows, dtype=NOTE))


def paired(works: Sequence[Work]) -> list[tuple[Work, Work]]:
    """Let each work be quoted in the next one."""
    return list(zip(works, [*works[1:], *works[:1]], strict=True))
