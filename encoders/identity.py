"""What a recording sounds like: a vector per 10 s, the same through codecs, noise, rooms and wires."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import IDENTITY_CARD, card_path
from encoders.cards import EncoderCard
from encoders.errors import CardMismatch, InvalidSignal
from encoders.features.audio import Resampler, blocks_of, energy, mono
from encoders.features.mel import HOP, LEVEL, N_FFT, N_MELS, SAMPLE_RATE, log_mel, window_input
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]

WINDOW_S: Final = 10
HOP_S: Final = 5
# Frames of a window: those that lie inside of it as a whole.
_WINDOW: Final = (WINDOW_S * SAMPLE_RATE - N_FFT) // HOP + 1
# Three quarters of a second: fewer frames are a sound, not a piece of music.
_LEAST_FRAMES: Final = 16
# Windows given to the network at a time: its first layer's maps take 9 MB then.
_BATCH: Final = 16
# -70 dB of full scale.
_SILENT_RMS: Final = 3e-4
_DECIBELS: Final = 10.0 / np.log(10.0)


class IdentityEncoder:
    """Encode audio as one vector per 10 s window.

    Parameters
    ----------
    model : OnnxModel
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.card = model.card

    @classmethod
    def load(cls, models_dir: Path, *, threads: int = 1) -> IdentityEncoder:
        """Load the model and run it once.

        Raises
        ------
        ModelUnavailable, CardMismatch
            the model is missing or not the one its card describes
        """
        card = EncoderCard.load(card_path(models_dir, IDENTITY_CARD))
        encoder = cls(OnnxModel(models_dir, card, threads=threads, arena=True))
        # A vector of nothing: what the model makes of it is checked, and thrown away.
        nothing = np.zeros((1, N_MELS, _WINDOW), dtype=np.float32)
        try:
            card.check(unit_rows(encoder._model.run(nothing)))
        except InvalidSignal as exc:
            raise CardMismatch(f"{card.key} takes an input of another shape than sound has: {exc}") from exc
        return encoder

    def windows(self, y: NDArray[np.floating], sr: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Encode a signal.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
        sr : int > 0 [Hz]
            11,025 or more loses nothing

        Returns
        -------
        starts_ms : int32 [shape=(w,)]
            where each window begins: every 5 s while a whole window fits; one
            window for a shorter signal
        vectors : float32 [shape=(w, 256)]
            of unit length; all zero where nothing sounds: never index such a row

        Raises
        ------
        InvalidSignal
            see `encoders.features.audio.mono`
        """
        samples = mono(y)
        meter = LevelMeter(sr)
        for block in blocks_of(samples):
            meter.push(block)
        stream = self.stream(sr, level=meter.finish())
        for block in blocks_of(samples):
            stream.push(block)
        return stream.finish()

    def stream(self, sr: int, *, level: float) -> IdentityStream:
        """Begin to encode a signal that comes in blocks.

        Parameters
        ----------
        sr : int > 0 [Hz]
            of what is pushed
        level : float >= 0
            what `LevelMeter` says of the whole signal
        """
        return IdentityStream(self._model, sr=sr, level=level)


class LevelMeter:
    """Root mean square of a signal that comes in blocks, at the network's rate.

    Parameters
    ----------
    sr : int > 0 [Hz]
        of what is pushed
    """

    def __init__(self, sr: int) -> None:
        self._resampler = Resampler(sr, SAMPLE_RATE)
        self._energy = 0.0
        self._samples = 0

    def push(self, block: FloatArray) -> None:
        """Take samples: mono, finite."""
        self._add(self._resampler.push(block))

    def finish(self) -> float:
        """Give the level; 0 for an empty signal."""
        self._add(self._resampler.finish())
        return float(np.sqrt(self._energy / self._samples)) if self._samples else 0.0

    def _add(self, samples: FloatArray) -> None:
        self._energy += energy(samples)
        self._samples += len(samples)


class IdentityStream:
    """Encode a signal that comes in blocks; it keeps bands of 10 s. Made by `IdentityEncoder.stream`."""

    def __init__(self, model: OnnxModel, *, sr: int, level: float) -> None:
        self._model = model
        self._resampler = Resampler(sr, SAMPLE_RATE)
        self._silent = level < _SILENT_RMS
        # Quiet pressings are heard as loud ones are: only what is near the floor of the bands knows of it.
        self._gain = np.float32(0.0 if self._silent else LEVEL / level)
        self._held = np.empty(0, dtype=np.float32)  # samples of no whole frame yet
        self._samples = 0
        self._bands = np.empty((0, N_MELS), dtype=np.float32)
        self._bands_first = 0  # frame at which what is kept of the bands begins
        self._frames = 0  # heard so far
        self._sum = np.zeros(N_MELS)
        self._cut = 0  # windows cut so far
        self._waiting: list[FloatArray] = []
        self._found: list[FloatArray] = []
        # Energy of each 5 s: two of them are a window.
        self._energies = [0.0]
        self._filled = 0

    def push(self, block: FloatArray) -> None:
        """Take samples: mono, finite."""
        if not self._silent:
            self._take(self._resampler.push(block))

    def finish(self) -> tuple[NDArray[np.int32], FloatArray]:
        """Give the windows, as `IdentityEncoder.windows` does."""
        if not self._silent:
            self._take(self._resampler.finish())
        count = max(1, (self._samples - WINDOW_S * SAMPLE_RATE) // (HOP_S * SAMPLE_RATE) + 1)
        starts = (np.arange(count) * (HOP_S * 1000)).astype(np.int32)
        length = min(_WINDOW, self._frames)
        if length < _LEAST_FRAMES:
            return starts, np.zeros((count, self._model.card.dimension), dtype=np.float32)
        while self._cut < count:
            self._cut_at(min(_first_frame(self._cut), self._frames - length), length)
        self._run()
        # The frames of one more may be there though its last samples are not.
        vectors = np.concatenate(self._found)[:count]
        # A silent window would look like every other silence in the catalogue.
        vectors[self._quiet(count)] = 0.0
        self._model.card.check(vectors)
        return starts, vectors

    def colour(self) -> FloatArray:
        """Give the average spectrum of what was heard: float32 [shape=(64,)], dB at one level; 0 for silence.

        The windows are blind to it: an equaliser moves no vector.
        """
        colour: FloatArray = (_DECIBELS * self._sum / max(1, self._frames)).astype(np.float32)
        return colour

    def _take(self, samples: FloatArray) -> None:
        self._measure(samples)
        self._samples += len(samples)
        self._held = np.concatenate([self._held, samples * self._gain])
        bands = log_mel(self._held)
        self._held = self._held[len(bands) * HOP :].copy()
        self._frames += len(bands)
        self._sum += bands.sum(axis=0, dtype=np.float64)
        self._bands = np.concatenate([self._bands, bands])
        while self._frames >= (first := _first_frame(self._cut)) + _WINDOW:
            self._cut_at(first, _WINDOW)

    def _measure(self, samples: FloatArray) -> None:
        """Add up the energy of every 5 s."""
        hop = HOP_S * SAMPLE_RATE
        while len(samples):
            part, samples = samples[: hop - self._filled], samples[hop - self._filled :]
            self._energies[-1] += energy(part)
            self._filled += len(part)
            if self._filled == hop:
                self._energies.append(0.0)
                self._filled = 0

    def _quiet(self, count: int) -> NDArray[np.bool_]:
        """Say which windows are silent: bool [shape=(count,)]."""
        sums = np.array([*self._energies, 0.0])
        length = min(WINDOW_S * SAMPLE_RATE, self._samples)
        quiet: NDArray[np.bool_] = sums[:count] + sums[1 : count + 1] < _SILENT_RMS**2 * length
        return quiet

    def _cut_at(self, first: int, length: int) -> None:
        """Cut the next window and let go of what no later one looks at."""
        begin = first - self._bands_first
        self._waiting.append(window_input(self._bands[begin : begin + length]))
        self._cut += 1
        if len(self._waiting) == _BATCH:
            self._run()
        # The last window may begin a frame earlier than its place.
        kept = max(self._bands_first, _first_frame(self._cut) - 1)
        self._bands = self._bands[kept - self._bands_first :].copy()
        self._bands_first = kept

    def _run(self) -> None:
        if self._waiting:
            self._found.append(unit_rows(self._model.run(np.stack(self._waiting))))
            self._waiting = []


def _first_frame(window: int) -> int:
    """Give where a window begins: windows are cut at whole frames, at most 23 ms from the nominal start."""
    return round(window * HOP_S * SAMPLE_RATE / HOP)
