"""What a recording sounds like: SoundNet conv5, averaged over 10 s windows."""

from __future__ import annotations

import importlib.resources
import io
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.build import IDENTITY_CARD, card_path
from encoders.cards import EncoderCard
from encoders.errors import CardMismatch
from encoders.features.audio import Resampler, blocks_of, energy, mono
from encoders.runtime import OnnxModel, unit_rows

FloatArray = NDArray[np.float32]

SAMPLE_RATE: Final = 22_050
WINDOW_S: Final = 10
HOP_S: Final = 5
# One frame of conv5 per 2,048 samples.
_FRAME: Final = 2_048
# Frames in a window.
_WINDOW: Final = round(WINDOW_S * SAMPLE_RATE / _FRAME)
# Half the receptive field is about 5,700 samples; three frames cover it.
_MARGIN: Final = 3
# Frames computed at a time: 30 s keep the first layer's maps at 25 MB.
_CHUNK: Final = 323
# The network is not blind to level. Every track is brought to this level
# first, so that a gain, or a quieter pressing, does not move its vectors.
_LEVEL: Final = 0.1
_SCALE: Final = 256.0
# -70 dB of full scale.
_SILENT_RMS: Final = 3e-4
# All means are positive and share a large common part (cosine of strangers
# 0.90). The root, less 0.8 of the average over music, spreads them (0.37) and
# finds more noisy copies: top-1 among 47 tracks at 10 dB white noise 0.85 ->
# 0.92, low-pass 2 kHz 0.968 -> 0.997. Taking all of it away gives 0.90.
_COMMON_SHARE: Final = 0.8
_CENTRE_FILE: Final = "identity_centre.npy"


class IdentityEncoder:
    """Encode audio as one vector per 10 s window.

    Parameters
    ----------
    model : OnnxModel

    References
    ----------
    Aytar, Vondrick, Torralba, "SoundNet: Learning Sound Representations from
    Unlabeled Video", NIPS 2016.
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.card = model.card
        source = importlib.resources.files("encoders").joinpath("data", _CENTRE_FILE)
        centre = np.load(io.BytesIO(source.read_bytes()), allow_pickle=False)
        if centre.shape != (self.card.dimension,):
            raise CardMismatch(f"{self.card.key}: {_CENTRE_FILE} has shape {centre.shape}")
        self._common = centre.astype(np.float64) * _COMMON_SHARE

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
        encoder.windows(np.zeros(SAMPLE_RATE, dtype=np.float32), SAMPLE_RATE)
        return encoder

    def windows(self, y: NDArray[np.floating], sr: int) -> tuple[NDArray[np.int32], FloatArray]:
        """Encode a signal.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
        sr : int > 0 [Hz]

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
        return IdentityStream(self._model, self._common, sr=sr, level=level)


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
    """Encode a signal that comes in blocks; it keeps 40 s of it. Made by `IdentityEncoder.stream`."""

    def __init__(self, model: OnnxModel, common: NDArray[np.float64], *, sr: int, level: float) -> None:
        self._model = model
        self._common = common
        self._resampler = Resampler(sr, SAMPLE_RATE)
        self._silent = level < _SILENT_RMS
        self._gain = np.float32(0.0 if self._silent else _SCALE * _LEVEL / level)
        self._held = np.empty(0, dtype=np.float32)
        self._first = 0  # frame at which what is held begins
        self._samples = 0
        self._done = 0  # frames of the network so far
        self._frames = np.empty((0, model.card.dimension), dtype=np.float32)
        self._frames_first = 0
        self._means: list[NDArray[np.float64]] = []
        # Energy of each 5 s: two of them are a window.
        self._energies = [0.0]
        self._filled = 0

    def push(self, block: FloatArray) -> None:
        """Take samples: mono, finite."""
        if not self._silent:
            self._take(self._resampler.push(block))

    def finish(self) -> tuple[NDArray[np.int32], FloatArray]:
        """Give the windows, as `IdentityEncoder.windows` does."""
        if self._silent:
            return np.zeros(1, dtype=np.int32), np.zeros((1, self._model.card.dimension), dtype=np.float32)
        self._take(self._resampler.finish())
        total = max(1, self._samples // _FRAME)
        while self._done < total:
            self._run(min(self._done + _CHUNK, total))
        count = max(1, (self._samples - WINDOW_S * SAMPLE_RATE) // (HOP_S * SAMPLE_RATE) + 1)
        while len(self._means) < count:
            self._average(min(_first_frame(len(self._means)) + _WINDOW, total))
        # The frames of one more may be there though its last samples are not.
        means = np.stack(self._means[:count])
        vectors = unit_rows(np.sqrt(np.maximum(means, 0.0)) - self._common)
        # A silent window would look like every other silence in the catalogue.
        vectors[self._quiet(count)] = 0.0
        self._model.card.check(vectors)
        return (np.arange(count) * (HOP_S * 1000)).astype(np.int32), vectors

    def _take(self, samples: FloatArray) -> None:
        self._measure(samples)
        self._samples += len(samples)
        self._held = np.concatenate([self._held, samples * self._gain])
        while self._samples >= (self._done + _CHUNK + _MARGIN) * _FRAME:
            self._run(self._done + _CHUNK)

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

    def _run(self, end: int) -> None:
        """Run conv5 up to a frame.

        Each chunk carries a margin on both sides that is cut off again, so the
        result does not depend on where the chunks lie.
        """
        begin = self._done
        low, high = begin - _MARGIN, end + _MARGIN
        piece = self._held[(max(0, low) - self._first) * _FRAME : (high - self._first) * _FRAME]
        before = max(0, -low) * _FRAME
        after = (high - low) * _FRAME - before - len(piece)
        padded = np.pad(piece, (before, after))[None, None, :]
        found = self._model.run(padded)[0]
        self._frames = np.concatenate([self._frames, found[:, _MARGIN : _MARGIN + end - begin].T])
        self._done = end
        kept = max(0, end - _MARGIN)
        self._held = self._held[(kept - self._first) * _FRAME :].copy()
        self._first = kept
        # A window whose frames are all there has all its samples too.
        while (last := _first_frame(len(self._means)) + _WINDOW) <= end:
            self._average(last)

    def _average(self, last: int) -> None:
        """Average the next window, up to a frame, and let go of what no later one looks at."""
        first = _first_frame(len(self._means))
        part = self._frames[first - self._frames_first : last - self._frames_first]
        self._means.append(part.sum(axis=0, dtype=np.float64) / max(last - first, 1))
        following = _first_frame(len(self._means))
        self._frames = self._frames[following - self._frames_first :].copy()
        self._frames_first = following


def _first_frame(window: int) -> int:
    """Give where a window begins: windows are cut at whole frames, at most 46 ms from the nominal start."""
    return round(window * HOP_S * SAMPLE_RATE / _FRAME)
