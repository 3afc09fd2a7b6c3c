"""Titles of videos that set artist and title apart without a spaced separator.

All of it is a guess, so these readings stand behind the whole title: "Blue Door by Ana Rio", "ANA RIO blue
door", "Ana Rio: Blue Door", "Ana Rio- Blue Door", "Ana Rio-Blue Door", "Ana Lago. Blue Door", "Ana
Rio...Blue Door".
"""

import re
from collections.abc import Iterator
from typing import Final

Stretch = tuple[int, int]

_BY: Final = re.compile(
    r"\s(?:performed |sung |cover(?:ed)? )?by (?=[^\Wa-z]\S*\s+[^\Wa-z_])(?!(?:Me|My|You|Your)\b)"
)
"""Two words behind it begin with capitals, as in no "Step by Step", "Down by the River" or "Stand by Me"."""
_SHOUTED: Final = re.compile(r"^(?:[A-Z][A-Z'.&-]*\s+){2,6}(?=[a-z]{2})(?!by\b)")
"""Two words or more in capitals before small letters."""
_HALF_SPACED: Final = re.compile(
    r"(?<=\w)-\s+(?=\w)|(?<=\w)\s+-(?=[^\W\d])|(?<=[^\W\d]):\s+(?=[^\W\d])|\s+[~*]\s+"
    r"|(?<=\w)\s*\.{3,}\s*(?=\w)|(?<=[^\W\d_]{4})['\"]?\.\s+(?=[^\Wa-z\d_])"
)
_GLUED: Final = re.compile(r"(?<=[^\W\d_])-(?=[^\Wa-z\d_])")
"""A dash without spaces before a capital: it sets apart what begins with two words."""


def loose_stretches(text: str, start: int, end: int) -> Iterator[tuple[Stretch, Stretch]]:
    """Give what may be the title and what may be the artist.

    Parameters
    ----------
    text : str
        cleaned, with what was understood blanked
    start, end : int
        where the title stands in it

    Yields
    ------
    title, artist : (int, int)
    """
    by = list(_BY.finditer(text, start, end))
    if by:
        yield (start, by[-1].start()), (by[-1].end(), end)
    shouted = _SHOUTED.match(text[start:end])
    if shouted:
        cut = start + shouted.end()
        yield (cut, end), (start, cut)
    halves = list(_HALF_SPACED.finditer(text, start, end))
    glued = list(_GLUED.finditer(text, start, end))
    if not halves and len(glued) == 1 and " " in text[start : glued[0].start()].strip():
        halves = glued
    if len(halves) == 1 and start < halves[0].start() and halves[0].end() < end:
        left, right = (start, halves[0].start()), (halves[0].end(), end)
        yield right, left
        yield left, right
