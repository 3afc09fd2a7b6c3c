"""Performances to sound, through a soundfont."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.errors import ModelUnavailable
from encoders.features.audio import FloatArray
from encoders.training.arranging import DRUMS

SAMPLE_RATE: Final = 22_050
# MIDI has sixteen channels and keeps the tenth for drums.
_DRUM_CHANNEL: Final = 9
_TAIL_S: Final = 0.5


def default_soundfont() -> Path:
    """Give the small soundfont that ``pretty_midi`` brings.

    Raises
    ------
    ModelUnavailable
        it is not installed
    """
    try:
        import pretty_midi
    except ImportError as exc:
        raise ModelUnavailable("training needs pretty_midi: install samesong[train]") from exc
    return Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"


class Player:
    """One soundfont, loaded once.

    Parameters
    ----------
    soundfont : Path
        ``.sf2`` or ``.sf3``

    Raises
    ------
    ModelUnavailable
        ``tinysoundfont`` is not installed
    """

    def __init__(self, soundfont: Path) -> None:
        try:
            import tinysoundfont
        except ImportError as exc:
            raise ModelUnavailable(
                "playing scores needs tinysoundfont: pip install --no-deps tinysoundfont"
            ) from exc
        self._synth: Any = tinysoundfont.Synth(samplerate=SAMPLE_RATE, gain=-6.0)
        self._font = self._synth.sfload(str(soundfont))

    def play(self, notes: NDArray[np.void]) -> FloatArray:
        """Play a performance.

        Parameters
        ----------
        notes : SOUND [shape=(n,)]
            `encoders.training.arranging.performance`

        Returns
        -------
        y : float32 [shape=(m,)]
            mono at 22.05 kHz, its peak at 0.5
        """
        channels: dict[int, int] = {DRUMS: _DRUM_CHANNEL}
        self._synth.program_select(_DRUM_CHANNEL, self._font, 128, 0, True)
        free = [number for number in range(16) if number != _DRUM_CHANNEL]
        for program in np.unique(notes["program"]):
            if int(program) not in channels and free:
                channels[int(program)] = free.pop(0)
                self._synth.program_select(channels[int(program)], self._font, 0, int(program))
        events = sorted(
            (
                round(float(time) * SAMPLE_RATE),
                on,
                channels.get(int(note["program"]), 0),
                int(note["pitch"]),
                int(note["velocity"]),
            )
            for note in notes
            for time, on in ((note["start"], 1), (note["start"] + note["length"], 0))
        )
        out, at = [], 0
        for when, on, channel, key, velocity in events:
            if when > at:
                out.append(self._samples(when - at))
                at = when
            if on:
                self._synth.noteon(channel, key, velocity)
            else:
                self._synth.noteoff(channel, key)
        out.append(self._samples(round(_TAIL_S * SAMPLE_RATE)))
        self._synth.notes_off()
        self._synth.sounds_off()
        y = np.concatenate(out)
        peak = float(np.abs(y).max())
        return y * np.float32(0.5 / peak) if peak > 0 else y

    def _samples(self, count: int) -> FloatArray:
        stereo = np.frombuffer(bytes(self._synth.generate(count)), dtype=np.float32)
        return np.asarray(stereo.reshape(-1, 2).mean(axis=1), dtype=np.float32)
