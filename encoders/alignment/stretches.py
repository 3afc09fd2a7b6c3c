"""Stretches: which part of one sound lies on which diagonal, by the likeliest path through them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.diagonals import Diagonals
from encoders.alignment.votes import ROW

FloatArray = NDArray[np.float64]

_CELL: Final = 8
# What going from one diagonal to another must be worth in log-odds. Music repeats itself: at 6 a path went
# over to a repetition that agreed a little better by chance.
_CHANGE: Final = 12.0
WORTH: Final = 20.0
"""What a stretch must be worth by itself, by the pitches of its points. Of strangers one pair in a hundred
reaches 16."""
_LEAST_MATCHED: Final = 7
_LEAST_FRAMES: Final = 24
_CENTS_OF_A_PITCH: Final = 25
# Ends are looked for among the points within 1.5 s of the cell where the path leaves.
_EDGE: Final = 48


class _Asked(NamedTuple):
    """What is asked of a stretch, in log-odds.

    Attributes
    ----------
    begin : float
        what finding a diagonal, or losing it, must be worth
    alone : float
        what a stretch must be worth by itself
    once : float
        what it must be worth where a pitch that is heard again tells less each time
    again : float
        what another one must be worth that holds the same part of the right side: a loop that was heard once
        comes again
    """

    begin: float
    alone: float
    once: float
    again: float

    def less(self) -> _Asked:
        """Give what is asked where a repeat is expected."""
        return self._replace(begin=0.5 * self.begin, again=0.5 * self.again)


_BY_PITCH: Final = _Asked(begin=9.0, alone=WORTH, once=0.0, again=9.0)
# Levels double what a loop is worth (median 56 and 116); of 117 pairs of strangers the best reached 24 and
# once 18, of 50 pairs of drum machines with one pattern two reached 26 and 20, ten 20 by pitch (measured).
_BY_LEVEL: Final = _Asked(begin=5.5, alone=26.0, once=20.0, again=12.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the left side on one diagonal, in frames; `end` is behind its last point.

    Attributes
    ----------
    diagonal : int
    offset : float
        of the diagonal
    begin, end : int
    agreement : float
    worth : float
        by the pitches of its points alone
    sure : bool
        whether it needs no other one that holds the same
    """

    diagonal: int
    offset: float
    begin: int
    end: int
    agreement: float
    worth: float
    sure: bool


def stretches(
    lines: Diagonals, frames: NDArray[np.int32], cents: NDArray[np.int32], *, expected: bool = False
) -> list[Stretch]:
    """Walk through the left side and say on which diagonal each part lies.

    Parameters
    ----------
    lines : Diagonals
    frames, cents : int32 [shape=(n,)]
        times and pitches of the points of the left side
    expected : bool
        whether the diagonals were chosen because something is to be met there: then less is asked of it

    Returns
    -------
    stretches : list of Stretch
        ascending, never overlapping; what lies on none, or says too little, is left out
    """
    if not len(lines) or not len(frames):
        return []
    by_pitch = _gains(lines, frames, lines.closeness)
    gains, asked = by_pitch, _BY_PITCH
    if lines.likeness is not None:
        gains, asked = _gains(lines, frames, lines.likeness), _BY_LEVEL
    if expected:
        asked = asked.less()
    # Most offsets of strangers hold no part that is worth enough: no path needs to lead over them.
    before = np.cumsum(gains, axis=1)
    before -= gains
    rise = (before + gains - np.minimum.accumulate(before, axis=1)).max(axis=1)
    if rise.max() < asked.again:
        return []
    states = np.concatenate([[0], 1 + np.flatnonzero(rise >= asked.again)])
    cell = frames // _CELL
    none = np.zeros(len(frames))
    per_cell = [np.bincount(cell, weights=gains[state - 1] if state else none) for state in states]
    path = states[_path(np.stack(per_cell, axis=1), asked.begin)]
    bounds = np.flatnonzero(np.diff(path, prepend=-1, append=-1))
    found: list[Stretch] = []
    spans = [(int(path[a]) - 1, int(a) * _CELL, int(b) * _CELL) for a, b in pairwise(bounds)]
    edges = [
        spans[0][1],
        *(_edge(gains, frames, one, two) for one, two in pairwise(spans)),
        spans[-1][2],
    ]
    matched = lines.matched
    for (line, _, _), begin, end in zip(spans, edges, edges[1:], strict=False):
        if line < 0:
            continue
        first, last = np.searchsorted(frames, (begin, end))
        partners, gained = int(matched[line, first:last].sum()), gains[line, first:last]
        worth = float(by_pitch[line, first:last].sum())
        if partners < _LEAST_MATCHED or end - begin < _LEAST_FRAMES or gained.sum() < asked.again:
            continue
        # Notes of one loudness are alike in level whatever they are.
        if worth < min(_BY_PITCH.again, asked.again):
            continue
        found.append(
            Stretch(
                diagonal=line,
                offset=float(lines.offsets[line]),
                begin=begin,
                end=end,
                agreement=float(partners / max(1, last - first)),
                worth=worth,
                sure=bool(
                    gained.sum() >= asked.alone and _said_once(gained, cents[first:last]) >= asked.once
                ),
            )
        )
    return found


def _said_once(gained: FloatArray, cents: NDArray[np.int32]) -> float:
    """Add up what points say, the second at a pitch half as much as the first, the third a third.

    Two that play one pattern on one grid in one key agree in little, over and over.
    """
    pitch = np.maximum(cents, 0) // _CENTS_OF_A_PITCH
    counts, sums = np.bincount(pitch), np.bincount(pitch, weights=gained)
    heard = counts > 0
    shares = np.cumsum(1.0 / np.arange(1, counts.max() + 1))[counts[heard] - 1]
    return float((sums[heard] / counts[heard] * shares).sum())


def _gains(lines: Diagonals, frames: NDArray[np.int32], closeness: NDArray[np.float32]) -> FloatArray:
    """Log-odds of each point lying on each diagonal, not meeting a partner by chance; [shape=(k, n)]."""
    row = frames // ROW
    counts = np.bincount(row)
    matched = lines.matched
    sums = np.stack([np.bincount(row, weights=each, minlength=len(counts)) for each in matched])
    shares = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
    # A copy agrees nearly as well everywhere as where it agrees best; other music on top costs some.
    best = np.maximum(0.7 * shares.max(axis=1), 0.12)[:, None]
    chance = np.minimum(lines.chance[None, :], best * 0.9)
    hit, miss = np.log(best / chance), np.log((1.0 - best) / (1.0 - chance))
    gains: FloatArray = np.where(matched, hit + closeness, miss)
    return gains


def _path(per_cell: FloatArray, begin: float) -> NDArray[np.intp]:
    """Choose a state for every cell, 0 for no diagonal, so that gains less changes are largest."""
    cells, states = per_cell.shape
    back = np.empty((cells, states), dtype=np.intp)
    value = np.full(states, -begin)
    value[0] = 0.0
    stay = np.arange(states)
    moved, source = np.empty(states), np.empty(states, dtype=np.intp)
    for cell, gain in enumerate(per_cell):
        line = 1 + int(value[1:].argmax())
        begun, changed = value[0] - begin, value[line] - _CHANGE
        moved[:], source[:] = (changed, line) if changed > begun else (begun, 0)
        moved[0], source[0] = value[line] - begin, line
        keep = value >= moved
        back[cell] = np.where(keep, stay, source)
        value = np.where(keep, value, moved) + gain
    path = np.empty(cells, dtype=np.intp)
    state = int(value.argmax())
    for cell in range(cells - 1, -1, -1):
        path[cell] = state
        state = int(back[cell, state])
    return path


def _edge(
    gains: FloatArray, frames: NDArray[np.int32], one: tuple[int, int, int], two: tuple[int, int, int]
) -> int:
    """Place the change from one span to the next between two points; the frame at which the second begins."""
    at = two[1]
    low, high = max(one[1], at - _EDGE), min(two[2], at + _EDGE)
    first, last = np.searchsorted(frames, (low, high))
    before = gains[one[0], first:last] if one[0] >= 0 else np.zeros(last - first)
    after = gains[two[0], first:last] if two[0] >= 0 else np.zeros(last - first)
    total = np.concatenate([[0.0], np.cumsum(before - after)])
    place = first + int(np.argmax(total))
    if place <= 0 or place >= len(frames):
        return at
    return (int(frames[place - 1]) + int(frames[place])) // 2
