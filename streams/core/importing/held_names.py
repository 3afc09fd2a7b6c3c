"""Names that a table holds in columns of their own: how a name that slipped into another cell is known."""

import re
from collections import defaultdict
from typing import Final, NamedTuple

from streams.core.importing.mapping import NAMED_BY_THE_TABLE, Stray
from streams.core.normalize import clean_text

_SHORTEST: Final = 2
"""Letters: one is no name that could be told from a word."""
_EDITION: Final = re.compile(r"(?:\s*(?:\([^()]*\)|\[[^\[\]]*\])|\s-\s(?:EP|Single))+$", re.IGNORECASE)
"""What sellers write behind the name of an album: the same album elsewhere is without it."""
_STILL_OPEN: Final = re.compile(
    r"[(\[][^)\]]*$|(?:\b(?:feat|ft|featuring|with|by|vs|and|x)\b\s?\.?|[&,+/-])\s*$", re.I
)
"""Before a name that still belongs to the title: a bracket is open, or a word is that asks for a name."""


class Between(NamedTuple):
    """A text with the name of an artist inside it, cut in three."""

    before: str
    artist: str
    after: str


class HeldNames:
    """The values of the columns that name artists and albums, over all rows of a table."""

    def __init__(self) -> None:
        self._values: dict[Stray, set[str]] = defaultdict(set)
        self._longest: dict[Stray, int] = defaultdict(int)

    def add(self, kind: Stray, text: str) -> None:
        """Take note of what stands in a cell of its own."""
        if kind in NAMED_BY_THE_TABLE and len(name := _key(kind, text)) >= _SHORTEST:
            self._values[kind].add(name)
            self._longest[kind] = max(self._longest[kind], name.count(" ") + 1)

    def at_the_end(self, kind: Stray, text: str) -> str | None:
        """Give the longest value that a text ends with, with the edition behind it; never the whole text."""
        bare = _bare(kind, text)
        words, behind = bare.split(" "), text[len(bare) :]
        for count in range(min(self._longest[kind], len(words) - 1), 0, -1):
            found, before = " ".join(words[-count:]), " ".join(words[:-count])
            if _key(kind, found) in self._values[kind] and not _STILL_OPEN.search(before):
                return found + behind
        return None

    def artist_within(self, text: str) -> Between | None:
        """Cut a text at the longest name of an artist that stands inside it, with words before and behind.

        Of several as long the last counts: titles hold names of artists more often than albums do.
        """
        words = text.split(" ")
        for count in range(min(self._longest[Stray.artist], len(words) - 2), 0, -1):
            for start in range(len(words) - count - 1, 0, -1):
                name, before = " ".join(words[start : start + count]), " ".join(words[:start])
                if _key(Stray.artist, name) in self._values[Stray.artist] and not _STILL_OPEN.search(before):
                    return Between(before, name, " ".join(words[start + count :]))
        return None


def _bare(kind: Stray, text: str) -> str:
    return _EDITION.sub("", text) if kind is Stray.album else text


def _key(kind: Stray, text: str) -> str:
    return " ".join(clean_text(_bare(kind, text)).casefold().split())
