"""Which lines of speed and pitch two sounds may run along each other on, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from encoders.alignment.coincidence import ByPitch
from encoders.alignment.pitch import likely_shifts
from encoders.alignment.place import Place, beside, shift_at
from encoders.alignment.tempo import STEP, Line, free_line, steady_line, strength, tied_line
from encoders.landmarks import Landmarks

# A line that stands out this far needs no other to be tried; one that stands out less than the second is not
# looked at further. Copies in another speed reach 12 and more, strangers 6 and seldom 8.
_CLEAR: Final = 14.0
WORTH_A_LOOK: Final = 7.0
_SHIFTS: Final = 3
# The right shift is among the first two in 98 of 100 copies of 10 s and more; the third adds one (measured).
_SHIFTS_AT_ANY_TEMPO: Final = 2
# Pitch and tempo that differ by less than this (10 cents) are tied: a tape, or a player, ran faster.
TIED_CENTS: Final = 12.0
_SAME_PITCH: Final = 10.0


def likely_lines(left: ByPitch, right: Landmarks, place: Place | None) -> Iterator[Line]:
    """Give the ways in which the two may run along each other; equal speed is always one.

    A later one is only asked for where those before explain too little.

    Parameters
    ----------
    left : ByPitch
    right : Landmarks
    place : Place, optional
        where one lies on the other, as far as a fingerprint knows
    """
    if place is not None:
        there = beside(left.points, right, place)
        cents = shift_at(left.points, there, place)
        if cents is not None:
            tied = tied_line(left, there, cents if abs(cents) >= _SAME_PITCH else 0.0)
            yield _likelier(tied, steady_line(left, there, tied.cents, place.ratio))
            yield from _lines(left, there)
    yield from _lines(left, right)


def _lines(left: ByPitch, right: Landmarks) -> Iterator[Line]:
    same = tied_line(left, right, 0.0)
    if same.strength >= _CLEAR:
        yield same
        yield from _at_another_tempo(left, right, same)
        return
    others = []
    for rank, (about, _) in enumerate(likely_shifts(left.points, right, most=_SHIFTS)):
        # So small a shift is measured better by the drift.
        cents = about if abs(about) >= _SAME_PITCH else 0.0
        tied = tied_line(left, right, cents) if cents else same
        if tied.strength < _CLEAR and rank < _SHIFTS_AT_ANY_TEMPO:
            tied = _likelier(tied, free_line(left, right, cents))
        others.append(tied)
    best = max(others, key=strength, default=same)
    if best.strength < WORTH_A_LOOK or best == same or _is_equal(best):
        yield same
        return
    yield from sorted((same, best), key=strength, reverse=True)
    if best.strength >= _CLEAR:
        yield from _at_another_tempo(left, right, best)


def _at_another_tempo(left: ByPitch, right: Landmarks, known: Line) -> Iterator[Line]:
    """Search for another tempo at a known difference of pitch, where one stands out."""
    free = free_line(left, right, known.cents)
    if free.strength >= WORTH_A_LOOK and _apart(free.ratio, known.ratio):
        yield free


def _likelier(tied: Line, free: Line) -> Line:
    """Choose between the tempo that goes with the pitch and one that was searched for.

    One no further away than a step of the search is the tied one: on a piece of 10 s of music that repeats
    itself 0.6 or 1 % beside it stood out more. What is measured along a longer sound (`fitted`) tells such
    a difference from none.
    """
    if _apart(tied.ratio, free.ratio):
        return max(tied, free, key=strength)
    return tied._replace(strength=max(tied.strength, free.strength))


def _is_equal(line: Line) -> bool:
    """Say whether a line is no other than that of equal speed."""
    return abs(line.cents) <= TIED_CENTS and not _apart(line.ratio, 1.0)


def _apart(one: float, other: float) -> bool:
    return abs(float(np.log(one / other))) > STEP
