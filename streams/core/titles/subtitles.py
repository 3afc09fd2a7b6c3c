"""The other titles of a title: "Blue Door (The Long Way)" is known as either half."""

import re
from functools import lru_cache
from typing import Final

from streams.core.normalize import clean_text, fold_diacritics, normalize_text
from streams.core.titles.spelling import in_one_spelling
from streams.core.titles.stripping import brackets_in

MAY_HAVE_ONE: Final = re.compile(r"[(\[（［【「『]| / ")
_NO_TITLE: Final = frozenset(
    "reprise interlude intro introduction outro skit theme prelude prologue epilogue finale overture medley"
    " part pt parts vol volume no nr act scene chapter movement suite instrumental version mix".split()
)
"""A bracket with one of these words tells a piece of its own, and a number does."""
_FEWEST: Final = 4
"""Letters of a title that is told by itself."""


@lru_cache(maxsize=8_192)
def other_titles(text: str, base: str) -> tuple[str, ...]:
    """Give the two titles that a title consists of, written together; none where it is but one.

    Parameters
    ----------
    text : str
        as it was written
    base : str
        the title in it, normalised: what was taken off is no title

    Returns
    -------
    titles : tuple of str
        what stands outside the bracket, and what stands in it; both parts of "One / Other"
    """
    cleaned, words = clean_text(text), frozenset(base.split())
    parts: list[str] = []
    for start, end in brackets_in(cleaned):
        parts += [cleaned[:start] + cleaned[end:], cleaned[start + 1 : end - 1]]
    if not parts:
        parts = cleaned.split(" / ")
    written = [fold_diacritics(normalize_text(part)).split() for part in parts]
    if len(written) != 2 or not all(written) or not words.issuperset(written[0] + written[1]):
        return ()
    if any(word in _NO_TITLE or word.isdigit() for word in written[1]):
        return ()
    titles = tuple(in_one_spelling(" ".join(part)).replace(" ", "") for part in written)
    return titles if min(map(len, titles)) >= _FEWEST else ()


def share_a_title(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Say whether two titles in halves have one in common; two brackets behind one title tell two songs."""
    return bool(one and other) and (one[1] in other or other[1] in one)
