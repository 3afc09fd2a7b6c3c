"""Diagonals: offsets at which stretches of two sounds coincide, however short the stretches are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.coincidence import Coincidences
from encoders.alignment.nearness import log_odds_by_distance, log_odds_by_level
from encoders.alignment.votes import ROW, WIDTH, Votes, voted

FloatArray = NDArray[np.float64]

# Deviations above chance at which an offset is looked at. Of strangers one row in three has one that high;
# what is no stretch of its own falls out when stretches are measured.
_WORTH_A_LOOK: Final = 5.0
_MOST: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diagonals:
    """Offsets that are worth a look, and which points lie on each.

    Attributes
    ----------
    offsets : float [shape=(k,)]
        left frames less right frames in the left's clock
    pairs : int [shape=(m,)]
        the coincidences that lie on one
    closeness : float32 [shape=(k, n)]
        log-odds by the pitch of each left point's partner there; -inf without one
    likeness : float32 [shape=(k, n)], optional
        the same by pitch and level, where levels are known
    chance : float [shape=(n,)]
        how likely each point is to have one by chance, where its row coincides most by chance
    """

    offsets: FloatArray
    pairs: NDArray[np.intp]
    closeness: NDArray[np.float32]
    likeness: NDArray[np.float32] | None
    chance: FloatArray

    @property
    def matched(self) -> NDArray[np.bool_]:
        """Whether each point has a partner on each diagonal."""
        return np.isfinite(self.closeness)

    def __len__(self) -> int:
        """Count the offsets."""
        return len(self.offsets)


def diagonals(found: Coincidences, *, ratio: float, at: Sequence[float] | None = None) -> Diagonals:
    """Find the offsets at which some stretch of the left side coincides with the right.

    Parameters
    ----------
    found : Coincidences
    ratio : float
        how many times faster the right side plays
    at : sequence of float, optional
        the offsets to look at, where they are known
    """
    frames = found.frames_left
    row = frames // ROW
    nearness = log_odds_by_distance(found)
    votes = voted(found, nearness, ratio=ratio)
    mean, spread, chance, places = votes.mean, votes.spread, votes.chance, votes.places
    rows, size = votes.summed.shape
    if at is None:
        chosen = _standing_out(votes)
    else:
        chosen = sorted({min(max(0, round(each + votes.shift)), ROW * rows + size - 1) for each in at})
    member = np.full(ROW * rows + size, -1, dtype=np.int16)
    for number, place in reversed(list(enumerate(chosen))):
        member[max(0, place - 1) : place + 2] = number
    table = np.lib.stride_tricks.sliding_window_view(member, size)[: ROW * rows : ROW]
    on = table.reshape(-1)[places]
    pairs = np.flatnonzero(on >= 0)
    line, left = on[pairs].astype(np.intp), found.left[pairs]
    near = nearness[found.apart(pairs)]
    closeness = np.full((len(chosen), len(frames)), -np.inf, dtype=np.float32)
    np.maximum.at(closeness, (line, left), near)
    even, likeness = log_odds_by_level(found, pairs, line, near), None
    if even is not None:
        likeness = np.full_like(closeness, -np.inf)
        np.maximum.at(likeness, (line, left), near + even)
    scatter = 1.0 + spread / np.maximum(mean, 1.0)
    return Diagonals(
        offsets=np.array(chosen, dtype=np.float64) - votes.shift,
        pairs=pairs,
        closeness=closeness,
        likeness=likeness,
        chance=np.minimum(chance * scatter[row], 0.6),
    )


def _standing_out(votes: Votes) -> list[int]:
    """Choose offsets that stand out of chance in some row."""
    bar = votes.mean + _WORTH_A_LOOK * votes.spread
    row, column = np.nonzero(votes.summed >= bar[:, None].astype(np.float32))
    excess = (votes.summed[row, column] - votes.mean[row]) / votes.spread[row]
    # From the columns of each row to the one count of all offsets.
    return _peaks(np.bincount(column + ROW * row, weights=excess))


def _peaks(given: NDArray[np.number[Any]]) -> list[int]:
    """Choose the offsets that stand out most, no two within a diagonal's width."""
    strength = given.astype(np.float64)
    chosen = []
    for _ in range(_MOST if len(strength) else 0):
        best = int(np.argmax(strength))
        if strength[best] <= 0.0:
            break
        chosen.append(best)
        strength[max(0, best - WIDTH) : best + WIDTH + 1] = 0.0
    return chosen
