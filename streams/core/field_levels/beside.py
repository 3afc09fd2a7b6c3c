"""What stands beside a title in its own field: the artist or the album that the other side gives as such."""

from collections.abc import Sequence
from typing import Final

from rapidfuzz import fuzz

from streams.core.field_levels.prepared import LONG_ENOUGH_TO_FIND, Prepared
from streams.core.wording import SHORTEST_WORD

_LINKING: Final = (" the", " by", " from")
_NEAR: Final = 90
_FEWEST: Final = 8
"""Letters that two titles with a typing error must have."""


_NOTHING: Final[dict[int, str]] = {}


def what_stands_beside(left: Prepared, right: Prepared) -> "Beside | None":
    """Take the other side's artist and album off the titles of two records; none where neither has them."""
    if not _names(left, right) and not _names(right, left):
        return None  # what nearly every pair is
    return Beside(left, right)


def _names(own: Prepared, other: Prepared) -> bool:
    """Say whether titles of one side hold the artist of the other, or its album."""
    titles = own.all_bases
    for name in other.names:
        if name in titles:
            return True
    return not own.albums and any(name in titles for name in other.album_names)


class Beside:
    """Titles of two records once the other side's artist and album are taken off.

    Attributes
    ----------
    left, right : dict of int to str
        by reading, what is left of its title; only where something was taken off
    """

    __slots__ = ("_left", "_right", "left", "right")

    def __init__(self, left: Prepared, right: Prepared) -> None:
        self.left = _taken_off(left, right, right.given_names)
        self.right = _taken_off(right, left, left.given_names)
        # Whom a title alone names may be the title: that counts only where the rest agrees.
        self._left = self.left or _taken_off(left, right, right.names)
        self._right = self.right or _taken_off(right, left, left.names)

    def agreeing(self, left: Prepared, right: Prepared) -> tuple[int, int] | None:
        """Find two readings that are equal, typing errors aside, now that something was taken off one."""
        if not self._left and not self._right:
            return None
        ours = [(i, self._left.get(i, base).replace(" ", "")) for i, base in enumerate(left.bases[:3])]
        theirs = [(j, self._right.get(j, base).replace(" ", "")) for j, base in enumerate(right.bases[:3])]
        found = None
        for i, one in ours:
            for j, other in theirs:
                if i not in self._left and j not in self._right:
                    continue
                if left.with_artist[i] is not None and left.with_artist[i] == right.with_artist[j]:
                    continue  # both take one artist for the title
                if one == other:
                    return i, j
                if found is None and min(len(one), len(other)) >= _FEWEST and fuzz.ratio(one, other) >= _NEAR:
                    found = i, j
        return found


def is_glued(left: Prepared, right: Prepared) -> bool:
    """Say whether one title is the other with an artist or album glued to it: "BlueDoorAnaRio"."""
    own, other = (left, right) if len(left.squeezed[0]) > len(right.squeezed[0]) else (right, left)
    title, whole = other.squeezed[0], own.squeezed[0]
    if not LONG_ENOUGH_TO_FIND <= len(title) < len(whole) or title not in whole:
        return False
    artists = own.artists | other.artists
    if whole.startswith(title):
        rest = whole.removeprefix(title)
        return rest in artists or (not own.albums and rest in other.albums)
    return whole.endswith(title) and whole.removesuffix(title).removesuffix("the") in artists


def _taken_off(own: Prepared, other: Prepared, names: Sequence[str]) -> dict[int, str]:
    """Cut titles before the other side's artist or album; a name that opens the title is taken off it.

    A side that names its own album keeps that of the other: it is a word of the title.
    """
    albums = () if own.albums else other.album_names
    if not any(name in own.all_bases for name in (*names, *albums)):
        return _NOTHING
    found = {}
    for number, base in enumerate(own.bases[:3]):
        rest = _rest(base, names, albums)
        if rest and any(len(word) >= SHORTEST_WORD for word in rest.split()):
            found[number] = rest
    return found


def _rest(base: str, names: Sequence[str], albums: Sequence[str]) -> str | None:
    padded, begin = f" {base} ", 0
    for name in names:
        if base.startswith(name) and padded.startswith(f" {name} "):
            begin = len(name) + 1
            break
    end = len(base)
    for name in (*names, *albums):
        if name in base and (at := padded.find(f" {name} ", begin + 1)) > begin:
            end = min(end, at)
    rest = base[begin:end].strip()
    for word in _LINKING:
        rest = rest.removesuffix(word)
    return rest if rest != base else None
