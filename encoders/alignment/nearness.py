"""Nearness: what it says that two coinciding points are so near to each other in pitch, and even in level."""

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


# One sound on another has one gain. Of loops under other music half of the partners keep to it within half a
# decibel and 9 in 10 within 1.5; chance scatters by 10 dB, one pattern on two drum machines by 4 (measured).
# A compressor or an equaliser on the loop moves some: they cost no more than 1.2.
_EVEN, _EVEN_SHARE = 1.5, 0.45
_UNEVEN, _UNEVEN_SHARE = 5.0, 0.25
_WIDEST: Final = 60
_LEVELS: Final = 256


def log_odds_by_level(
    found: Coincidences, pairs: NDArray[np.intp], line: NDArray[np.intp], near: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Give the log-odds of each pair's difference in level, one gain for each diagonal; none without levels.

    Parameters
    ----------
    found : Coincidences
    pairs, line : int [shape=(m,)]
        coincidences, and on which diagonal each lies
    near : float32 [shape=(m,)]
        log-odds by their distance in pitch: who is near says more of the gain
    """
    louder = found.louder(pairs)
    asked = found.louder(np.arange(0, len(found), max(1, len(found) // _ASKED)))
    if louder is None or asked is None:
        return None
    by_chance = np.bincount(asked + _LEVELS, minlength=2 * _LEVELS) + 1.0
    by_chance = np.convolve(by_chance / by_chance.sum(), np.full(9, 1 / 9), mode="same")
    difference = louder + _LEVELS
    weight = np.maximum(near + 1.0, 0.0)
    gain = np.empty(int(line.max(initial=-1)) + 1, dtype=np.intp)
    for each in range(len(gain)):
        on = line == each
        votes = np.bincount(difference[on], weights=weight[on], minlength=2 * _LEVELS)
        gain[each] = np.convolve(votes, _GAIN, mode="same").argmax()
    apart = np.minimum(np.abs(difference - gain[line]), _WIDEST)
    rest = 1.0 - _EVEN_SHARE - _UNEVEN_SHARE
    log_odds: NDArray[np.float32] = np.log(_OF_ONE_GAIN[apart] / by_chance[difference] + rest).astype(
        np.float32
    )
    return log_odds


def _of_one_gain() -> NDArray[np.float64]:
    """How often partners differ from the gain by so many half decibels."""
    steps = np.arange(-_WIDEST, _WIDEST + 1)
    shares = np.zeros(_WIDEST + 1)
    for width, share in ((_EVEN, _EVEN_SHARE), (_UNEVEN, _UNEVEN_SHARE)):
        bell = np.exp(-0.5 * (steps / width) ** 2)
        shares += share * (bell / bell.sum())[_WIDEST:]
    return shares


_OF_ONE_GAIN: Final = _of_one_gain()
_GAIN: Final = np.exp(-0.5 * (np.arange(-4, 5) / _EVEN) ** 2)
