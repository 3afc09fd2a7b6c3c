"""What two videos show: the same pictures, some of them, or others; by the marks of a few of them."""

from functools import lru_cache
from typing import Final

from streams.core.hearing import ABSENT
from streams.core.records import Pictures

SAME, SOME, OTHER = "same", "some", "different"
"""Levels of the comparison ``pictures``."""

_PART: Final = 64
# Signs of 512 that differ. Pictures of one video, encoded anew, cut to 0.7, framed or mirrored, differ by
# 40 to 110, those of strangers by 130 and more (benchmarks, `video`).
_NEAR: Final = 118
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
    found = max(_share(ours, theirs), _share(theirs, ours))
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
    """Give the share of our pictures that are among theirs."""
    return sum(any(_alike(one, two) for two in theirs) for one in ours) / len(ours)


def _alike(one: Mark, two: Mark) -> bool:
    """Compare the wholes, and each with the middle of the other, from which it may have been cut."""
    return (
        _apart(one[0], two[0]) <= _NEAR or _apart(one[0], two[1]) <= _NEAR or _apart(one[1], two[0]) <= _NEAR
    )


def _apart(one: int, two: int) -> int:
    return (one ^ two).bit_count()
