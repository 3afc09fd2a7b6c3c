"""Which work a recording is of: what finds candidates, and what judges one.

`VersionEncoder` listens with a chord network and keeps twelve numbers every
half second, which `qmax` aligns in the best key to judge a pair. From the same
constant-Q spectrogram `encoders.work` makes one vector that ignores key and
position, for finding candidates, and `encoders.version_lines` keeps what ranks
them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.build import VERSION_CARD, card_path
from encoders.cards import EncoderCard
from encoders.errors import InvalidSignal
from encoders.features.audio import blocks_of, mono
from encoders.features.chroma import pool_time
from encoders.features.cqt import CqtStream, harmonic_db, harmonic_peaks
from encoders.features.semitones import joined_frames
from encoders.runtime import OnnxModel, unit_rows
from encoders.version_lines import LineClasses, line_classes
from encoders.work import WorkEncoder

FloatArray = NDArray[np.float32]
PitchSequence = NDArray[np.uint8]

RATE: Final = 2.0
_FRAME_MS: Final = 500
# Frames given to the network at a time (93 s) and what is cut off again at
# both sides: its recurrent layers have forgotten after a few seconds.
_CHUNK: Final = 1_000
_MARGIN: Final = 64

# Frames compared as one: 4.5 s of harmony.
_STACK: Final = 9
# Share of all frames that may be a frame's neighbours, as published.
_KAPPA: Final = 0.095
# Cost of leaving the diagonal, as published (onset and extension alike).
_GAP: Final = 0.5
_KEYS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMatch:
    """The best alignment of two pitch sequences.

    Attributes
    ----------
    score : float >= 0
        length of the aligned path over the length of the shorter side, about
        0.1 for strangers and up to 1
    semitones : int in [0, 12)
        how far ``b`` is raised to sound like ``a``
    start_a_ms, end_a_ms, start_b_ms, end_b_ms : int
        the aligned spans; all 0 when nothing aligned
    """

    score: float
    semitones: int
    start_a_ms: int
    end_a_ms: int
    start_b_ms: int
    end_b_ms: int


class HeardHarmony(NamedTuple):
    """What is kept of the harmony of one recording.

    Attributes
    ----------
    pitches : uint8 [shape=(12, t)]
        by the chord network, 2 columns per second, C first, 255 for certain
    classes : uint8 [shape=(12, u)]
        by no network, a column every 0.37 s; see `encoders.version_lines.line_classes`
    vector : float32 [shape=(1521,)]
        of unit length; zeros where nothing sounds
    """

    pitches: PitchSequence
    classes: LineClasses
    vector: FloatArray


class VersionEncoder:
    """Turn audio into a pitch-class sequence and a version vector.

    Parameters
    ----------
    model : OnnxModel
        hears pitch classes
    work : WorkEncoder
        makes the vector; its card is that of the rows in an index

    References
    ----------
    McFee, Bello, "Structured Training for Large-Vocabulary Chord Recognition",
    ISMIR 2017 (the network).
    """

    def __init__(self, model: OnnxModel, work: WorkEncoder) -> None:
        self._model, self._work = model, work
        self.card = work.card

    @classmethod
    def load(cls, models_dir: Path, *, threads: int = 1) -> VersionEncoder:
        """Load the models and run them once.

        Raises
        ------
        ModelUnavailable, CardMismatch
            the model is missing or not the one its card describes
        """
        card = EncoderCard.load(card_path(models_dir, VERSION_CARD))
        work = WorkEncoder.load(models_dir, threads=threads)
        encoder = cls(OnnxModel(models_dir, card, threads=threads, arena=True), work)
        encoder.hear(np.zeros(22_050, dtype=np.float32), 22_050)
        return encoder

    def pitches(self, y: NDArray[np.floating], sr: int) -> PitchSequence:
        """Hear which pitch classes sound.

        Parameters
        ----------
        y : float [shape=(n,) or (channels, n)]
        sr : int > 0 [Hz]
            22,050 loses nothing: the network listens up to 4.2 kHz

        Returns
        -------
        sequence : uint8 [shape=(12, t)]
            2 columns per second, C first, 255 for certain

        Raises
        ------
        InvalidSignal
            see `encoders.features.audio.mono`
        """
        return self._heard(y, sr).pitches()

    def hear(self, y: NDArray[np.floating], sr: int) -> HeardHarmony:
        """Return what is kept of the harmony of a signal.

        Parameters and errors as for `pitches`.
        """
        return self._heard(y, sr).finish()

    def stream(self, sr: int) -> VersionStream:
        """Begin to hear a signal that comes in blocks.

        Parameters
        ----------
        sr : int > 0 [Hz]
            of what is pushed
        """
        return VersionStream(self._model, self._work, sr=sr)

    def _heard(self, y: NDArray[np.floating], sr: int) -> VersionStream:
        stream = self.stream(sr)
        for block in blocks_of(mono(y)):
            stream.push(block)
        return stream


class VersionStream:
    """Hear a signal that comes in blocks. Made by `VersionEncoder.stream`.

    The network wants decibels under the maximum of the whole signal, so the magnitudes wait for its end:
    10.9 kB for each second, 39 MB an hour.
    """

    def __init__(self, model: OnnxModel, work: WorkEncoder, *, sr: int) -> None:
        self._model, self._work = model, work
        self._cqt = CqtStream(sr)
        self._parts: list[FloatArray] = []
        self._ended = False

    def push(self, block: FloatArray) -> None:
        """Take samples: mono, finite."""
        self._parts += self._cqt.push(block)

    def finish(self) -> HeardHarmony:
        """Give what `VersionEncoder.hear` gives."""
        pitches = self.pitches()
        frames = joined_frames(self._parts)
        return HeardHarmony(pitches=pitches, classes=line_classes(frames), vector=self._work.vector(frames))

    def pitches(self) -> PitchSequence:
        """Give what `VersionEncoder.pitches` gives; nothing can be pushed afterwards."""
        if not self._ended:
            self._parts += self._cqt.finish()
            self._ended = True
        tops = [harmonic_peaks(part) for part in self._parts]
        peaks = max(first for first, _ in tops), max(second for _, second in tops)
        total = sum(map(len, self._parts))
        found = []
        for begin in range(0, total, _CHUNK):
            end = min(begin + _CHUNK, total)
            low, high = max(0, begin - _MARGIN), min(total, end + _MARGIN)
            hcqt = harmonic_db(_rows(self._parts, low, high), peaks=peaks)
            found.append(self._model.run(hcqt[None])[0][begin - low : end - low])
        pooled = pool_time(np.ascontiguousarray(np.concatenate(found).T), rate=RATE)
        return np.asarray(np.clip(np.rint(pooled * 255.0), 0, 255), dtype=np.uint8)


def _rows(parts: list[FloatArray], low: int, high: int) -> FloatArray:
    """Give rows of parts that lie one behind the other."""
    found, at = [], 0
    for part in parts:
        found.append(part[max(0, low - at) : max(0, high - at)])
        at += len(part)
    return np.concatenate(found)


def _scaled(sequence: PitchSequence) -> FloatArray:
    """Check a sequence; float32 [shape=(12, t)] in [0, 1]."""
    if sequence.ndim != 2 or sequence.shape[0] != 12 or sequence.dtype != np.uint8:
        raise InvalidSignal(f"a pitch sequence is uint8 (12, t), got {sequence.dtype} {sequence.shape}")
    scaled: FloatArray = np.multiply(sequence, np.float32(1.0 / 255.0), dtype=np.float32)
    return scaled


def qmax(a: PitchSequence, b: PitchSequence) -> float:
    """Return how well two recordings follow the same harmony in any key.

    See `align_versions`; 0 when either is shorter than 5 s.
    """
    return align_versions(a, b).score


def align_versions(a: PitchSequence, b: PitchSequence) -> VersionMatch:
    """Align two pitch sequences in the best key.

    Parameters
    ----------
    a, b : uint8 [shape=(12, t)]

    Returns
    -------
    match : VersionMatch

    Raises
    ------
    InvalidSignal
        something other than a pitch sequence was given

    References
    ----------
    Serra, Serra, Andrzejak, "Cross recurrence quantification for cover song
    identification", New J. Phys. 11, 2009 (10.1088/1367-2630/11/9/093017).
    """
    left, right = _scaled(a), _scaled(b)
    if min(left.shape[1], right.shape[1]) < _STACK + 1 or not left.any() or not right.any():
        return VersionMatch(score=0.0, semitones=0, start_a_ms=0, end_a_ms=0, start_b_ms=0, end_b_ms=0)
    profile_a, profile_b = left.mean(axis=1), right.mean(axis=1)
    fit = [float(profile_a @ np.roll(profile_b, key)) for key in range(12)]
    keys = np.argsort(fit)[::-1][:_KEYS]
    stacked_a = _stack(left)
    alike = np.stack([_recurrence(stacked_a, _stack(np.roll(right, int(key), axis=0))) for key in keys])
    paths = _accumulate(alike)
    best, row, column = np.unravel_index(int(np.argmax(paths)), paths.shape)
    length = float(paths[best, row, column])
    first_row, first_column = _origin(paths[best], int(row), int(column))
    # Two rows and columns of padding stand before the first frame.
    return VersionMatch(
        score=length / (min(left.shape[1], right.shape[1]) - _STACK + 1),
        semitones=int(keys[best]),
        start_a_ms=(first_row - 2) * _FRAME_MS,
        end_a_ms=(int(row) - 2 + _STACK) * _FRAME_MS,
        start_b_ms=(first_column - 2) * _FRAME_MS,
        end_b_ms=(int(column) - 2 + _STACK) * _FRAME_MS,
    )


def _stack(chroma: FloatArray) -> FloatArray:
    """Join neighbouring frames and give each unit length; float32 [shape=(t, 12 * 9)]."""
    views = np.lib.stride_tricks.sliding_window_view(chroma, _STACK, axis=1)
    return unit_rows(views.transpose(1, 0, 2).reshape(views.shape[1], -1))


def _recurrence(a: FloatArray, b: FloatArray) -> NDArray[np.bool_]:
    """Mark pairs of frames that are among each other's nearest; bool [shape=(n, m)]."""
    close = a @ b.T
    in_row = max(1, round(_KAPPA * close.shape[1]))
    in_column = max(1, round(_KAPPA * close.shape[0]))
    row_bar = np.partition(close, close.shape[1] - in_row, axis=1)[:, -in_row, None]
    across = np.ascontiguousarray(close.T)
    column_bar = np.partition(across, across.shape[1] - in_column, axis=1)[:, -in_column]
    marked: NDArray[np.bool_] = (close >= row_bar) & (close >= column_bar[None, :])
    return marked


def _accumulate(alike: NDArray[np.bool_]) -> FloatArray:
    """Grow paths row by row; float32 [shape=(k, n + 2, m + 2)].

    A path gains 1 at a marked pair and loses `_GAP` elsewhere. Each cell
    depends on the two rows before it alone, so a row is one array operation.
    """
    keys, rows, columns = alike.shape
    paths = np.zeros((keys, rows + 2, columns + 2), dtype=np.float32)
    change = np.where(alike, np.float32(1.0), np.float32(-_GAP)).transpose(1, 0, 2)
    scratch = np.empty((keys, columns), dtype=np.float32)
    for row in range(rows):
        before, earlier = paths[:, row + 1], paths[:, row]
        np.maximum(before[:, 1:-1], earlier[:, 1:-1], out=scratch)
        np.maximum(scratch, before[:, :-2], out=scratch)
        scratch += change[row]
        np.maximum(scratch, 0.0, out=paths[:, row + 2, 2:])
    return paths


def _origin(paths: FloatArray, row: int, column: int) -> tuple[int, int]:
    """Walk back to where a path began."""
    while True:
        steps = ((row - 1, column - 1), (row - 2, column - 1), (row - 1, column - 2))
        values = [paths[step] for step in steps]
        best = int(np.argmax(values))
        if values[best] <= 0.0:
            return row, column
        row, column = steps[best]
