"""What two videos show: the same pictures, some of them, or others; by the marks of a few of them."""

from functools import lru_cache
from typing import Final

from streams.core.hearing import ABSENT
from streams.core.records import Pictures

SAME, SOME, OTHER = "same", "some", "different"
"""Levels of the comparison ``pictures``."""

_PART: Final = 64
# Signs of 512 that differ. Of 14 clips written anew in nine ways (few bits, small, cropped, framed, mirrored)
# half of the pictures were nearer to one of the other side than 134, of 91 pairs of strangers than 144, and
# none of theirs nearer than 133. The hardest of both are the abstract films of one program.
_NEAR: Final = 138
_SURELY_NEAR: Final = 128
# Of the pictures of either side.
_MOST: Final = 0.5
_HARDLY: Final = 0.1
_ENOUGH: Final = 3
# Pictures of a still video differ by no more than its encoder makes of them.
_STILL: Final = 16


def compare_pictures(left: Pictures | None, right: Pictures | None) -> str:
    """Say whether two videos show the same; symmetrical.

    Returns
    -------
    level : str
        ``same``: most pictures of one are in the other; ``different``: hardly any, of enough; ``some``:
        between; ``absent``: nothing is known of one, or their marks are not to be compared
    """
    if left is None or right is None or left.model != right.model:
        return ABSENT
    ours, theirs = _read(left.marks), _read(right.marks)
    if not ours or not theirs:
        return ABSENT
    if _share(ours, theirs, _NEAR) >= _MOST:
        return SAME
    found = _share(ours, theirs, _SURELY_NEAR)
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


def _share(ours: tuple[Mark, ...], theirs: tuple[Mark, ...], near: int) -> float:
    """Give the share of the pictures of one side that the other has; of the side where it is larger."""
    table = [[_distance(one, two) for two in theirs] for one in ours]
    mine = sum(min(row) <= near for row in table) / len(ours)
    yours = sum(min(column) <= near for column in zip(*table, strict=True)) / len(theirs)
    return float(max(mine, yours))


def _distance(one: Mark, two: Mark) -> int:
    """Compare the wholes, and each with the middle of the other, from which it may have been cut."""
    return min(_apart(one[0], two[0]), _apart(one[0], two[1]), _apart(one[1], two[0]))


def _apart(one: int, two: int) -> int:
    return (one ^ two).bit_count()
