"""Invented works: as many compositions as training wants, each from its number alone.

They are simple on purpose. What they teach is what stays when everything else changes: the melody and the
chords under it, in sections that come back.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.training.works import NOTE, Work

MELODY: Final = 0
CHORDS: Final = 1
BASS: Final = 2

_MAJOR: Final = np.array([0, 2, 4, 5, 7, 9, 11])
_MINOR: Final = np.array([0, 2, 3, 5, 7, 8, 10])
_DORIAN: Final = np.array([0, 2, 3, 5, 7, 9, 10])
_MIXOLYDIAN: Final = np.array([0, 2, 4, 5, 7, 9, 10])
_SCALES: Final = (_MAJOR, _MAJOR, _MINOR, _MINOR, _DORIAN, _MIXOLYDIAN)
# How often a chord on each step of the scale follows one on another: a few well-trodden ways, no rules.
_NEXT: Final = np.array(
    [
        [1, 2, 1, 4, 4, 4, 0.3],
        [1, 0.5, 0.5, 1, 5, 1, 0.5],
        [1, 1, 0.3, 3, 1, 4, 0.2],
        [4, 2, 0.5, 0.7, 4, 1, 0.3],
        [5, 0.5, 0.5, 2, 0.7, 3, 0.2],
        [1, 3, 1.5, 4, 2, 0.5, 0.3],
        [3, 0.3, 1, 0.5, 1, 1, 0.1],
    ]
)
_RHYTHMS: Final = (
    (1, 1, 1, 1),
    (2, 1, 1),
    (1, 1, 2),
    (0.5, 0.5, 1, 1, 1),
    (1.5, 0.5, 1, 1),
    (1, 0.5, 0.5, 0.5, 0.5, 1),
    (0.5, 0.5, 0.5, 0.5, 1, 1),
    (3, 1),
    (4,),
    (1.5, 1.5, 1),
    (0.75, 0.75, 0.5, 1, 1),
)


def invented(number: int) -> Work:
    """Compose one work.

    Parameters
    ----------
    number : int >= 0
        which; the same number is always the same work

    Returns
    -------
    work : Work
        three voices: melody, chords and bass
    """
    rng = np.random.default_rng([number, 0x50EC])
    scale = _SCALES[rng.integers(len(_SCALES))] + int(rng.integers(12))
    sections = [_section(rng, scale) for _ in range(int(rng.integers(2, 5)))]
    order = [int(i) for i in rng.integers(len(sections), size=int(rng.integers(4, 8)))]
    parts, at = [], 0.0
    for index in order:
        notes = sections[index].copy()
        notes["start"] += at
        parts.append(notes)
        at += 4.0 * round(float((sections[index]["start"] + sections[index]["length"]).max()) / 4.0)
    notes = np.concatenate(parts)
    return Work(
        name=f"invented/{number}", source="invented", notes=notes[np.argsort(notes["start"], kind="stable")]
    )


def _section(rng: np.random.Generator, scale: NDArray[np.int64]) -> NDArray[np.void]:
    """Compose four or eight bars, the second half much like the first."""
    half = int(rng.choice([2, 4]))
    degree, degrees = int(rng.choice([0, 0, 0, 3, 5, 1])), []
    for _ in range(half):
        degrees.append(degree)
        degree = int(rng.choice(7, p=_NEXT[degree] / _NEXT[degree].sum()))
    ending = [*degrees[:-1], int(rng.choice([0, 4, 3, 5]))]
    motifs = [_RHYTHMS[i] for i in rng.integers(len(_RHYTHMS), size=2)]
    low = 60 + int(rng.integers(-3, 8))
    rows: list[tuple[float, float, int, int]] = []
    step = int(rng.integers(7))
    melody: list[list[tuple[float, float, int]]] = []
    for bar, on in enumerate([*degrees, *ending]):
        root, third, fifth = (int(scale[(on + k) % 7]) % 12 for k in (0, 2, 4))
        start = 4.0 * bar
        rows += [(start, 4.0, 48 + pitch, CHORDS) for pitch in (root, third, fifth)]
        rows.append((start, 4.0, 36 + root, BASS))
        if bar >= half and rng.random() < 0.7:
            line = melody[bar - half]
            if bar == 2 * half - 1:
                line = [*line[:-1], (line[-1][0], line[-1][1], _nearest(line[-1][2], root))]
        else:
            line, at = [], 0.0
            for number, length in enumerate(motifs[bar % 2]):
                step += int(rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]))
                step = min(max(step, -2), 11)
                pitch = low - low % 12 + int(scale[step % 7]) % 12 + 12 * (step // 7)
                if number == 0 and rng.random() < 0.7:
                    pitch = _nearest(pitch, int(rng.choice([root, third, fifth])))
                line.append((at, float(length), pitch))
                at += length
        melody.append(line)
        rows += [(start + at, length, pitch, MELODY) for at, length, pitch in line]
    rows.sort()
    return np.array(rows, dtype=NOTE)


def _nearest(pitch: int, pitch_class: int) -> int:
    """Move a note to the nearest one of a pitch class."""
    return pitch + (pitch_class - pitch + 6) % 12 - 6


def harmonised(work: Work) -> Work:
    """Put chords and a bass under a single melody, two beats at a time; other works are left as they are.

    The chord is the triad of the tune's own scale that most of what sounds belongs to.
    """
    if len(np.unique(work.notes["voice"])) > 1:
        return work
    notes = work.notes
    weights = np.zeros(12)
    np.add.at(weights, notes["pitch"] % 12, notes["length"])
    fits = [
        (weights[(scale + key) % 12].sum(), key, minor)
        for key in range(12)
        for minor, scale in ((0, _MAJOR), (1, _MINOR))
    ]
    # A key and its relative minor fit alike: the chords of major are those of most tunes.
    _, key, minor = max(fits, key=lambda fit: (fit[0], -fit[2]))
    scale = (_MINOR if minor else _MAJOR) + key
    triads = [[int(scale[(on + k) % 7]) % 12 for k in (0, 2, 4)] for on in (0, 1, 3, 4, 5, 2)]
    rows = [(float(n["start"]), float(n["length"]), int(n["pitch"]), MELODY) for n in notes]
    for at in np.arange(0.0, work.beats, 2.0):
        here = np.zeros(12)
        overlap = np.minimum(notes["start"] + notes["length"], at + 2.0) - np.maximum(notes["start"], at)
        sounding = overlap > 0
        np.add.at(here, notes["pitch"][sounding] % 12, overlap[sounding])
        if not here.any():
            continue
        # Ties go to the chords that are met first: tonic, then the others.
        root, third, fifth = max(triads, key=lambda triad: here[triad].sum() + 0.3 * here[triad[0]])
        rows += [(float(at), 2.0, 48 + pitch, CHORDS) for pitch in (root, third, fifth)]
        rows.append((float(at), 2.0, 36 + root, BASS))
    rows.sort()
    return Work(name=work.name, source=work.source, notes=np.array(rows, dtype=NOTE))
