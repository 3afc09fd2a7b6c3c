"""Works that nobody wrote, sewn from sections of scores: as many as training wants, woven like real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from encoders.training.works import NOTE, Work

_BEATS: Final = 220.0
_VOICES: Final = 6


def excerpt(work: Work, begin: float, beats: float) -> Work:
    """Cut a piece out of a work."""
    notes = work.notes
    part = notes[(notes["start"] >= begin) & (notes["start"] < begin + beats)].copy()
    part["start"] -= np.float32(begin)
    return Work(name=work.name, source=work.source, notes=part)


def quilt(pieces: Sequence[Work], rng: np.random.Generator) -> Work:
    """Sew three to five sections together, some of them again.

    Parameters
    ----------
    pieces : sequence of Work
        scores for several voices
    rng : Generator
        decides everything: which sections, moved to which key, which upside down or backwards, in which order
    """
    sections = [
        each for each in (_section(pieces, rng) for _ in range(int(rng.integers(3, 6)))) if len(each[0])
    ]
    order = list(range(len(sections)))
    order += [int(i) for i in rng.integers(0, max(1, len(sections)), size=int(rng.integers(0, 4)))]
    parts, at = [np.empty(0, dtype=NOTE)], 0.0
    for index in order if sections else []:
        notes = sections[index][0].copy()
        notes["start"] += np.float32(at)
        parts.append(notes)
        at += sections[index][1]
        if at > _BEATS:
            break
    notes = np.concatenate(parts)
    return Work(name="quilt", source="quilts", notes=notes[np.argsort(notes["start"], kind="stable")])


def _section(pieces: Sequence[Work], rng: np.random.Generator) -> tuple[np.ndarray, float]:
    work = pieces[int(rng.integers(len(pieces)))]
    bars = int(rng.integers(4, 13))
    last = max(0, int(work.beats // 4) - bars)
    beats = 4.0 * bars
    notes = excerpt(work, 4.0 * int(rng.integers(0, last + 1)), beats).notes
    pitch = notes["pitch"].astype(int)
    if rng.random() < 0.3:
        pitch = 128 - pitch
    pitch += int(rng.integers(-5, 7))
    if rng.random() < 0.2:
        notes["start"] = np.maximum(0.0, beats - notes["start"] - notes["length"])
    notes["pitch"] = np.clip(pitch, 28, 100)
    notes["voice"] %= _VOICES
    return notes[np.argsort(notes["start"], kind="stable")], beats
