"""Which part of a work is its melody."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.training.works import Work

# A hook has so many notes a second and in all, and so many pitches.
_NOTES_PER_S: Final = 1.0
_LEAST_NOTES: Final = 8
_LEAST_PITCHES: Final = 4
# Of its notes so many are at another pitch than the one before: a tone that is repeated is no melody.
_LEAST_STEPS: Final = 0.6


def highest_voice(work: Work) -> int:
    """Say which voice of a work is the highest on average."""
    pitches, voices = work.notes["pitch"], work.notes["voice"]
    return int(max(np.unique(voices), key=lambda voice: float(np.mean(pitches[voices == voice]))))


def melody_of(work: Work, voice: int) -> NDArray[np.void]:
    """Give a voice of a work, one note at a time: of a chord its highest.

    Parameters
    ----------
    work : Work
    voice : int

    Returns
    -------
    notes : NOTE [shape=(n,)]
    """
    part: NDArray[np.void] = work.notes[work.notes["voice"] == voice]
    part = part[np.lexsort((-part["pitch"].astype(int), part["start"]))]
    part = part[np.concatenate([[True], np.diff(part["start"]) > 1e-3])]
    part["length"][:-1] = np.minimum(part["length"][:-1], np.diff(part["start"]))
    return part


def is_melody(notes: NDArray[np.void], seconds: float) -> bool:
    """Say whether notes that take so long are a melody: held tones and runs on one tone are none."""
    steps = np.count_nonzero(np.diff(notes["pitch"].astype(int)))
    return bool(
        len(notes) >= max(_LEAST_NOTES, _NOTES_PER_S * seconds)
        and len(np.unique(notes["pitch"])) >= _LEAST_PITCHES
        and steps >= _LEAST_STEPS * (len(notes) - 1)
    )
