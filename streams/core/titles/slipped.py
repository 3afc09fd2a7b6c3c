"""Values of other columns that stand behind a title in its cell: price, rights, genres, length, date.

A price or a notice of rights is part of no title, so a title ends before the first of them. Names of artists
and albums cannot be told from words of the title here; the comparison looks for them.
"""

import re
from typing import Final, NamedTuple

_COMPANY: Final = (
    r"Records?|Recordings?|Entertainment|Corporation|Productions?|Publishing|LLC|L\.L\.C|Inc|Ltd|Limited|GmbH|Company"
    r"|S\.A|B\.V"
)
RIGHTS: Final = (
    rf"(?:[©℗]|\(\s?[CcPp]\s?\))\s*\d{{4}}\b|(?:19|20)\d{{2}}\s+(?=(?:\S+\s+){{0,8}}?(?:{_COMPANY})\b)"
)
"""How a notice of rights begins."""
_FORMS: Final = (
    r"[$€£¥]\s?\d{1,3}[.,]\d{2}\b",
    rf"(?:{RIGHTS})",
    # Lists of genres as shops write them.
    r"[\w&'/-]+(?:\s?/\s?[\w-]+)?\s,\sMusic(?=\s*(?:,|$|[$€£¥©℗(\d]))",
    r"(?:Rap & Hip-Hop|Dance & Electronic|Gangsta & Hardcore)(?=\s*(?:,|$|[$€£¥©℗(\d]))",
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r"\s\d{1,2}\s?,\s?(?:19|20)\d{2}\s*$",
)
_SLIPPED: Final = re.compile("|".join(rf"(?<=\s){form}" for form in _FORMS))
_MAY_HOLD_ONE: Final = re.compile(r"[$€£¥©℗&,(]|\d{4}")
_LENGTH: Final = re.compile(r"(?<![\d:])(\d{1,2}):([0-5]\d)(?![\d:])")


class Slipped(NamedTuple):
    """A title, and what stood behind it.

    Attributes
    ----------
    title, rest : str
        the rest is empty where nothing slipped
    """

    title: str
    rest: str

    @property
    def duration_ms(self) -> int | None:
        """The length in the rest, where there is one and no other."""
        found = _LENGTH.findall(self.rest)
        return (int(found[0][0]) * 60 + int(found[0][1])) * 1_000 or None if len(found) == 1 else None


def without_slipped(text: str) -> Slipped:
    """Cut a title before the first value that belongs to another column."""
    found = _SLIPPED.search(text) if len(text) > 12 and _MAY_HOLD_ONE.search(text) else None
    if found is None or not text[: found.start()].strip():
        return Slipped(text, "")
    return Slipped(text[: found.start()].rstrip(), text[found.start() :])
