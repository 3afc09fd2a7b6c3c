"""What two videos show: the same pictures, some of them, or others; by the marks of a few of them."""

from functools import lru_cache
from typing import Final

from streams.core.hearing import ABSENT
from streams.core.records import Pictures

SAME, SOME, OTHER = "same", "some", "different"
"""Levels of the comparison ``pictures``."""

_PART: Final = 64
# Signs of 512 that differ. Of 76 copies (20 films made by code and 14 real clips: other codecs, few bits,
# cropped, framed, mirrored, coloured) 0.64 of the pictures and more were as near to one of the other side; of
# 20 pairs of films made by code without a kind of scene in common, and of 91 pairs of clips, 0.29 at most.
# With the centre of marks measured on the other half of the films: 0.70 and 0.38.
_NEAR: Final = 155
# Of the pictures of either side.
_MOST: Final = 0.5
_HARDLY: Final = 0.4
_ENOUGH: Final = 3
# Pictures of a still video differ by what its encoder makes of them: 8 of 12 by 55 at most, VP8 of few bits
# by up to 135; in films that move in one shot one differs from the first by 98 and more.
_STILL: Final = 64


def compare_pictures(left: Pictures | None, right: Pictures | None) -> str:
    """Say whether two videos show the same; symmetrical.

    Returns
    -------
    level : str
        ``same``: most pictures of one are in the other; ``different``: too few, of enough; ``some``: between;
        ``absent``: nothing is known of one, or their marks are not to be compared
    """
    if left is None or right is None or left.model != right.model:
        return ABSENT
    ours, theirs = _read(left.marks), _read(right.marks)
    if not ours or not theirs:
        return ABSENT
    found = _share(ours, theirs)
    if found >= _MOST:
        return SAME
    enough = min(len(ours), len(theirs)) >= _ENOUGH or still(left) or still(right)
    return OTHER if found <= _HARDLY and enough else SOME


@lru_cache(maxsize=4_096)
def still(pictures: Pictures | None) -> bool:
    """Say whether a video shows one picture all the time."""
    marks = _read(pictures.marks) if pictures is not None else ()
    return len(marks) >= _ENOUGH and all(_apart(marks[0][0], whole) <= _STILL for whole, _ in marks[1:])


Mark = tuple[int, int]


@lru_cache(maxsize=4_096)
def _read(marks: bytes) -> tuple[Mark, ...]:
    """Read the marks of pictures that have one: of the whole and of its middle."""
    found = []
    for at in range(0, len(marks) - 2 * _PART + 1, 2 * _PART):
        whole, middle = marks[at : at + _PART], marks[at + _PART : at + 2 * _PART]
        if any(whole):
            found.append((int.from_bytes(whole, "big"), int.from_bytes(middle, "big")))
    return tuple(found)


def _share(ours: tuple[Mark, ...], theirs: tuple[Mark, ...]) -> float:
    """Give the share of the pictures of one side that the other has; of the side where it is larger."""
    table = [[_distance(one, two) for two in theirs] for one in ours]
    mine = sum(min(row) <= _NEAR for row in table) / len(ours)
    yours = sum(min(column) <= _NEAR for column in zip(*table, strict=True)) / len(theirs)
    return float(max(mine, yours))


def _distance(one: Mark, two: Mark) -> int:
    """Compare the wholes, and each with the middle of the other, from which it may have been cut."""
    return min(_apart(one[0], two[0]), _apart(one[0], two[1]), _apart(one[1], two[0]))


def _apart(one: int, two: int) -> int:
    return (one ^ two).bit_count()
