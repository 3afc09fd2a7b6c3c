"""Constant-Q spectrograms of single notes, which performances are put together from.

A soundfont is played once, note by note; a performance then is a sum of powers
(`encoders.training.note_bank`), a thousand times faster than playing it and hearing it. What is lost is how
partials of different notes beat with each other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.features.audio import FloatArray
from encoders.features.cqt import HOP, N_BINS, cqt_magnitude
from encoders.features.cqt import SAMPLE_RATE as CQT_RATE
from encoders.training.arranging import DRUM_KEYS, DRUMS, PROGRAMS, SOUND
from encoders.training.playing import SAMPLE_RATE, Player

_FRAME_S: Final = HOP / CQT_RATE
# The longest kernels begin to hear a note this many frames before it.
BEFORE: Final = 8
HELD: Final = 30
LONG: Final = BEFORE + HELD
_SLOT_S: Final = (LONG + BEFORE) * _FRAME_S
# Every third pitch is played; the two beside it are its neighbours, moved by three bins.
_PITCHES: Final = tuple(range(24, 109, 3))
# Decibels from full scale to 0 in one byte.
_RANGE_DB: Final = 96.0
_TOP: Final = 10.0
# What is left of a note in the frames after it was let go.
FADE: Final = (0.5, 0.16, 0.04, 0.01)


class Templates:
    """Note spectrograms of one soundfont.

    Parameters
    ----------
    coded : uint8 [shape=(k, 38, 252)]
        magnitudes in decibels
    programs, pitches : uint8 [shape=(k,)]
        what each one is; drums have the "programme" `DRUMS`
    """

    def __init__(
        self, coded: NDArray[np.uint8], programs: NDArray[np.uint8], pitches: NDArray[np.uint8]
    ) -> None:
        self.coded, self.programs, self.pitches = coded, programs, pitches
        scale = np.arange(256, dtype=np.float64)
        self._scale = _TOP * 10.0 ** ((scale / 255.0 - 1.0) * _RANGE_DB / 20.0)
        self._scale[0] = 0.0
        self._at = {(int(p), int(k)): i for i, (p, k) in enumerate(zip(programs, pitches, strict=True))}

    @classmethod
    def record(cls, soundfont: Path) -> Templates:
        """Play every note of a soundfont once: two minutes on one core."""
        player = Player(soundfont)
        coded, programs, pitches = [], [], []
        for program in (*PROGRAMS, DRUMS):
            keys = DRUM_KEYS if program == DRUMS else _PITCHES
            notes = np.zeros(len(keys), dtype=SOUND)
            notes["start"] = np.arange(len(keys)) * _SLOT_S + BEFORE * _FRAME_S
            notes["length"] = HELD * _FRAME_S * 0.9
            notes["pitch"], notes["program"], notes["velocity"] = keys, program, 100
            heard = cqt_magnitude(player.play(notes), sr=SAMPLE_RATE)
            for number, key in enumerate(keys):
                begin = round(number * _SLOT_S / _FRAME_S)
                part = np.zeros((LONG, N_BINS), dtype=np.float32)
                got = heard[begin : begin + LONG]
                part[: len(got)] = got
                # Every note of every instrument equally loud: velocities decide.
                part /= max(float(part.max()), 1e-9)
                coded.append(_coded(part))
                programs.append(program)
                pitches.append(key)
        return cls(np.stack(coded), np.array(programs, np.uint8), np.array(pitches, np.uint8))

    def save(self, path: Path) -> None:
        """Write to one ``.npz``."""
        np.savez_compressed(path, coded=self.coded, programs=self.programs, pitches=self.pitches)

    @classmethod
    def load(cls, path: Path) -> Templates:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["coded"], arrays["programs"], arrays["pitches"])

    def number(self, program: int, key: int) -> int:
        """Tell which template a note is."""
        return self._at[program, key]

    def magnitudes(self) -> FloatArray:
        """Give all notes: float32 [shape=(k, 38, 252)]."""
        return np.asarray(self._scale.astype(np.float32)[self.coded])


def _coded(magnitude: FloatArray) -> NDArray[np.uint8]:
    db = 20.0 * np.log10(np.maximum(magnitude / _TOP, 1e-9))
    return np.asarray(np.clip(np.rint((db / _RANGE_DB + 1.0) * 255.0), 0, 255), dtype=np.uint8)
