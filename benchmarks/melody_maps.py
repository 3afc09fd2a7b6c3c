"""Melodies that are played anew in another piece, as far as maps of a trained network find them.

No stage asks this: `benchmarks.interpolations` says how often it would be right. A network
(`encoders.models.melody_net`) hears, every 0.37 s, which melodies may sound, whatever else does. A phrase of
the one side is laid on the other at every offset, key and tempo. What counts is by how much it fits better
than the same phrase does elsewhere and in other keys: held tones and scales fit everywhere.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy import fft

from benchmarks.melody_quotes import QuotedMelody
from encoders.features.cqt import cqt_magnitude
from encoders.features.semitones import FRAME_S, semitone_frames, version_input

FloatArray = NDArray[np.float32]

# Another graph that `samesong train melody` wrote.
NETWORK: Final = "SAMESONG_BENCH_MELODY"
_OURS: Final = Path(__file__).parent / "melody_net" / "samesong-melody.onnx"
_COLUMN_MS: Final = 2_000 * FRAME_S
_CLASSES: Final = 12
# 9 s: shorter phrases of strangers fit as well as many that are quoted.
_PHRASE: Final = 24
_HOP: Final = 4
_RATIOS: Final = np.exp(np.linspace(np.log(0.75), np.log(1.334), 13))
# A phrase that sounds for less than half of its time, as where a track fades out, fits nothing by chance.
_LEAST_EVEN: Final = 0.45
_FLOOR: Final = 1e-6
# So far from a line a phrase may lie that is asked for along it.
_SEMITONES: Final = 1
_OFF_TEMPO: Final = 0.05
_OFF_MS: Final = 2_000.0


@cache
def _network() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ.get(NETWORK) or str(_OURS), options)


def melody_maps(y: NDArray[np.float32], sr: int) -> NDArray[np.int8]:
    """Hear melodies: int8 [shape=(channels, 12, t)], 127 for 1, a column for each 0.37 s."""
    inputs = version_input(semitone_frames(cqt_magnitude(y, sr=sr)))
    maps = _network().run(None, {"semitones": inputs[None]})[0][0]
    return np.asarray(np.rint(127.0 * maps), dtype=np.int8)


def melody_on_maps(
    a: NDArray[np.int8], b: NDArray[np.int8], *, along: QuotedMelody | None = None
) -> QuotedMelody:
    """Find the phrase of 9 s that two sounds have in common most surely.

    Parameters
    ----------
    a, b : int8 [shape=(channels, 12, t)]
        `melody_maps`
    along : QuotedMelody, optional
        only what lies on this line: within a semitone, 5 % of the tempo and 2 s, where it sounds

    Returns
    -------
    found : QuotedMelody
        its score in standard deviations of how the phrase fits elsewhere; nothing where one is too short
    """
    over, under = a.astype(np.float32), b.astype(np.float32)
    count = under.shape[2] - _PHRASE + 1
    if count < 1:
        return QuotedMelody()
    windows = np.lib.stride_tricks.sliding_window_view(under, _PHRASE, axis=2)
    lengths = np.sqrt(np.maximum(np.square(windows).sum((0, 1, 3)), _FLOOR))
    even = _evenness(windows) >= _LEAST_EVEN
    # As waves around the circle of pitch classes every key is compared at once.
    waves = np.lib.stride_tricks.sliding_window_view(fft.rfft(under, axis=1), _PHRASE, axis=2)
    ground = np.ascontiguousarray(waves.transpose(1, 0, 3, 2)).reshape(_CLASSES // 2 + 1, -1, count)
    best = QuotedMelody()
    for ratio in _RATIOS.tolist():
        if along is not None and abs(ratio / along.ratio - 1.0) > _OFF_TEMPO:
            continue
        played = _at_tempo(over, ratio)
        if played.shape[2] < _PHRASE:
            continue
        parts = np.lib.stride_tricks.sliding_window_view(played, _PHRASE, axis=2)[:, :, ::_HOP]
        own = np.sqrt(np.maximum(np.square(parts).sum((0, 1, 3)), _FLOOR))
        asked = np.conj(fft.rfft(parts, axis=1)).transpose(1, 2, 0, 3).reshape(len(ground), len(own), -1)
        fits = fft.irfft(asked @ ground, _CLASSES, axis=0) / own[:, None] / lengths
        scores = fits / np.maximum(fits.std(axis=(0, 2)), _FLOOR)[:, None]
        scores *= (_evenness(parts) >= _LEAST_EVEN)[:, None] & even
        if along is not None:
            scores *= _on_line(along, ratio, len(own), count)
        key, row, place = (int(each) for each in np.unravel_index(int(scores.argmax()), scores.shape))
        if scores[key, row, place] > best.score:
            begin = row * _HOP
            best = QuotedMelody(
                score=float(scores[key, row, place]),
                ratio=ratio,
                semitones=key if key < 7 else key - _CLASSES,
                start_a_ms=round(begin * ratio * _COLUMN_MS),
                end_a_ms=round((begin + _PHRASE) * ratio * _COLUMN_MS),
                start_b_ms=round(place * _COLUMN_MS),
                end_b_ms=round((place + _PHRASE) * _COLUMN_MS),
            )
    return best


def _on_line(line: QuotedMelody, ratio: float, rows: int, places: int) -> NDArray[np.bool_]:
    """Say which phrases lie on a line: bool [shape=(12, rows, places)]."""
    keys = (np.arange(_CLASSES) - line.semitones + _CLASSES // 2) % _CLASSES - _CLASSES // 2
    half = _PHRASE / 2
    there = (np.arange(rows) * _HOP + half) * ratio * _COLUMN_MS
    here = (np.arange(places) + half) * _COLUMN_MS
    off = there[:, None] - line.start_a_ms - (here - line.start_b_ms) * line.ratio
    at_once = (here + half * _COLUMN_MS > line.start_b_ms) & (here - half * _COLUMN_MS < line.end_b_ms)
    near: NDArray[np.bool_] = (np.abs(off) <= _OFF_MS) & at_once
    return (np.abs(keys) <= _SEMITONES)[:, None, None] & near


def _evenness(windows: FloatArray) -> FloatArray:
    """Say in which share of its columns a window sounds: of (c, 12, n, w), n numbers in (0, 1]."""
    powers = np.square(windows).sum((0, 1))
    both = powers.sum(1) ** 2 / np.maximum(powers.shape[1] * np.square(powers).sum(1), _FLOOR)
    return np.asarray(both, dtype=np.float32)


def _at_tempo(maps: FloatArray, ratio: float) -> FloatArray:
    """Read every so many-th column."""
    where = np.arange(int((maps.shape[2] - 1) / ratio) + 1) * ratio
    low = np.minimum(where.astype(np.int64), max(0, maps.shape[2] - 2))
    part = (where - low).astype(np.float32)
    high = np.minimum(low + 1, maps.shape[2] - 1)
    return np.asarray(maps[:, :, low] * (1 - part) + maps[:, :, high] * part, dtype=np.float32)
