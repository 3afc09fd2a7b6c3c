"""Nearness: what it says that two coinciding points are so near to each other in pitch."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.alignment.coincidence import CENTS, Coincidences

# Of loops under other music half of the partners lie within a cent and 95 in 100 within five; a codec or a
# room spreads them. So: half of them narrow, three in ten wide, the rest anywhere.
_NARROW, _NARROW_SHARE = 2.0, 0.5
_WIDE, _WIDE_SHARE = 7.0, 0.3
# So many pairs say well enough how near points of two sounds are by chance.
_ASKED: Final = 50_000


def log_odds_by_distance(found: Coincidences) -> NDArray[np.float32]:
    """Give the log-odds of each distance in whole cents being no chance; [shape=(CENTS + 1,)].

    Nearly all coincidences are chance, so they say themselves how near chance comes: of two sounds that are
    tuned alike, closer than of others.
    """
    every = np.arange(0, len(found), max(1, len(found) // _ASKED))
    by_chance = np.bincount(found.apart(every), minlength=CENTS + 1) + 1.0
    log_odds: NDArray[np.float32] = np.log(_OF_ONE_SOUND * by_chance.sum() / by_chance).astype(np.float32)
    return log_odds


def _of_one_sound() -> NDArray[np.float64]:
    """How often partners are so far apart; sums to one."""
    distance = np.arange(CENTS + 1)
    sides = np.where(distance == 0, 1.0, 2.0)
    shares = np.zeros(CENTS + 1)
    for width, share in (
        (_NARROW, _NARROW_SHARE),
        (_WIDE, _WIDE_SHARE),
        (np.inf, 1.0 - _NARROW_SHARE - _WIDE_SHARE),
    ):
        bell = sides * np.exp(-0.5 * (distance / width) ** 2)
        shares += share * bell / bell.sum()
    return shares


_OF_ONE_SOUND: Final = _of_one_sound()
