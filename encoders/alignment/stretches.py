"""Stretches: which part of one sound lies on which diagonal, by the likeliest path through them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.diagonals import Diagonals
from encoders.alignment.votes import ROW

FloatArray = NDArray[np.float64]

_CELL: Final = 8
# What going from one diagonal to another must be worth in log-odds. Music repeats itself: at 6 a path went
# over to a repetition that agreed a little better by chance.
_CHANGE: Final = 12.0
# What finding a diagonal, or losing it, must be worth.
_BEGIN: Final = 9.0
# What a stretch must be worth by itself. Of strangers one pair in a hundred reaches 16.
WORTH: Final = 20.0
# What another one must be worth that holds the same part of the right side: a loop that was heard once comes
# again.
_WORTH_AGAIN: Final = 9.0
_LEAST_MATCHED: Final = 7
# Ends are looked for among the points within 1.5 s of the cell where the path leaves.
_EDGE: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the left side on one diagonal, in frames; `end` is behind its last point."""

    diagonal: int
    begin: int
    end: int
    agreement: float
    worth: float


def stretches(lines: Diagonals, frames: NDArray[np.int32]) -> list[Stretch]:
    """Walk through the left side and say on which diagonal each part lies.

    Parameters
    ----------
    lines : Diagonals
    frames : int32 [shape=(n,)]
        times of the points of the left side

    Returns
    -------
    stretches : list of Stretch
        ascending, never overlapping; what lies on none is left out
    """
    if not len(lines) or not len(frames):
        return []
    gains = _gains(lines, frames)
    # Most offsets of strangers hold no part that is worth enough: no path needs to lead over them.
    before = np.cumsum(gains, axis=1)
    before -= gains
    rise = (before + gains - np.minimum.accumulate(before, axis=1)).max(axis=1)
    if rise.max() < WORTH:
        return []
    states = np.concatenate([[0], 1 + np.flatnonzero(rise >= _WORTH_AGAIN)])
    cell = frames // _CELL
    none = np.zeros(len(frames))
    per_cell = [np.bincount(cell, weights=gains[state - 1] if state else none) for state in states]
    path = states[_path(np.stack(per_cell, axis=1))]
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
        partners, worth = int(matched[line, first:last].sum()), float(gains[line, first:last].sum())
        if partners >= _LEAST_MATCHED and worth >= _WORTH_AGAIN:
            found.append(
                Stretch(
                    diagonal=line,
                    begin=begin,
                    end=end,
                    agreement=float(partners / max(1, last - first)),
                    worth=worth,
                )
            )
    sure = [each for each in found if each.worth >= WORTH]
    return [each for each in found if each in sure or any(_again(each, one, lines.offsets) for one in sure)]


def _again(each: Stretch, other: Stretch, offsets: FloatArray) -> bool:
    """Say whether two stretches hold one part of the right side."""
    (begin, end), (first, last) = (
        (one.begin - offsets[one.diagonal], one.end - offsets[one.diagonal]) for one in (each, other)
    )
    return bool(min(end, last) - max(begin, first) >= 0.5 * min(end - begin, last - first))


def _gains(lines: Diagonals, frames: NDArray[np.int32]) -> FloatArray:
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
    gains: FloatArray = np.where(matched, hit + lines.closeness, miss)
    return gains


def _path(per_cell: FloatArray) -> NDArray[np.intp]:
    """Choose a state for every cell, 0 for no diagonal, so that gains less changes are largest."""
    cells, states = per_cell.shape
    back = np.empty((cells, states), dtype=np.intp)
    value = np.full(states, -_BEGIN)
    value[0] = 0.0
    stay = np.arange(states)
    moved, source = np.empty(states), np.empty(states, dtype=np.intp)
    for cell, gain in enumerate(per_cell):
        line = 1 + int(value[1:].argmax())
        begun, changed = value[0] - _BEGIN, value[line] - _CHANGE
        moved[:], source[:] = (changed, line) if changed > begun else (begun, 0)
        moved[0], source[0] = value[line] - _BEGIN, line
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
