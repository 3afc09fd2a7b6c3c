"""The other titles of a title: "Blue Door (The Long Way)" is known as either half."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from streams.core.normalize import clean_text, fold_diacritics, normalize_text
from streams.core.titles.spelling import in_one_spelling, without_article
from streams.core.titles.stripping import brackets_in

MAY_HAVE_ONE: Final = re.compile(r"[(\[（［【「『]| / ")
_NO_TITLE: Final = frozenset(
    "reprise interlude intro introduction outro skit theme prelude prologue epilogue finale overture medley"
    " part pt parts vol volume no nr act scene chapter movement suite instrumental version mix".split()
)
"""A bracket with one of these words tells a piece of its own, and a number does."""
_FEWEST: Final = 4
"""Letters of a title that is told by itself."""


class Halves(NamedTuple):
    """The two titles that a title consists of.

    Attributes
    ----------
    first, second : str
        normalised: what stands outside the bracket, and in it; both parts of "One / Other"
    bracketed : bool
        whether the second is a subtitle, which senders leave out
    """

    first: str
    second: str
    bracketed: bool

    @property
    def squeezed(self) -> tuple[str, str]:
        """Both written together, as titles are compared."""
        return self.first.replace(" ", ""), self.second.replace(" ", "")


@lru_cache(maxsize=8_192)
def halves_of(text: str, base: str) -> Halves | None:
    """Give the two titles that a title consists of; none where it is but one.

    Parameters
    ----------
    text : str
        as it was written
    base : str
        the title in it, normalised: what was taken off is no title
    """
    cleaned, words = clean_text(text), frozenset(base.split())
    parts: list[str] = []
    for start, end in brackets_in(cleaned):
        parts += [cleaned[:start] + cleaned[end:], cleaned[start + 1 : end - 1]]
    bracketed = bool(parts)
    if not bracketed:
        parts = cleaned.split(" / ")
    written = [fold_diacritics(normalize_text(part)).split() for part in parts]
    if len(written) != 2 or not all(written) or not words.issuperset(written[0] + written[1]):
        return None
    if any(word in _NO_TITLE or word.isdigit() for word in written[1]):
        return None
    first, second = (without_article(in_one_spelling(" ".join(part))) for part in written)
    halves = Halves(first, second, bracketed)
    return halves if min(map(len, halves.squeezed)) >= _FEWEST else None


def share_a_title(one: Halves, other: Halves) -> bool:
    """Say whether two titles in halves have one in common; two brackets behind one title tell two songs."""
    ours, theirs = one.squeezed, other.squeezed
    return ours[1] in theirs or theirs[1] in ours
