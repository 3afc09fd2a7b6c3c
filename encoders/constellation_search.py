"""The search for loops that are played higher or lower: the question is moved, the index stays as it is.

Pairs are told to a quarter of a semitone, so by whole semitones a question moves to other pairs exactly;
their times are told anew for the speed that goes with it.
"""

from __future__ import annotations

from typing import Final

from encoders.constellation_index import ConstellationIndex, Sharing
from encoders.constellations import constellations
from encoders.landmarks import Landmarks

# What samplers play a loop at, and what `encoders.alignment` looks for.
SEMITONES: Final = (-3, -2, -1, 1, 2, 3)


def search_at_other_pitches(index: ConstellationIndex, points: Landmarks, *, most: int) -> list[Sharing]:
    """Give the sounds that hold most of one as it is played higher or lower, the best first.

    Parameters
    ----------
    index : ConstellationIndex
    points : Landmarks
        of the sound that is asked for
    most : int > 0

    Returns
    -------
    sharing : list of Sharing
        each sound once; times of the question are those of what is played
    """
    found = [
        each
        for semitones in SEMITONES
        for each in index.search(constellations(points, semitones=semitones), most=most)
    ]
    best: dict[int, Sharing] = {}
    for each in sorted(found, key=lambda one: (-one.score, one.sound)):
        best.setdefault(each.sound, each)
    return list(best.values())[:most]
