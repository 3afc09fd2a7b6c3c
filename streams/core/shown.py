"""What is written in the pictures of a video beside the names of another upload."""

from functools import lru_cache
from typing import Final

from rapidfuzz.fuzz import ratio
from rapidfuzz.process import extractOne

from streams.core.hearing import ABSENT
from streams.core.normalize import fold_diacritics, normalize_text
from streams.core.records import LinkageRecord

BOTH, TITLE, ARTIST, NEITHER = "title_and_artist", "title", "artist", "neither"
"""Levels of the comparison ``shown``: which names of the other side are written in the pictures."""
_RANKED: Final = (BOTH, TITLE, ARTIST, NEITHER)
# Read from pictures a letter or two are wrong; names shorter than this are in every text by chance.
_LEAST_LETTERS: Final = 4
_LONG: Final = 8
_ALIKE: Final = 88.0


def compare_shown(left: LinkageRecord, right: LinkageRecord) -> str:
    """Say which names of one side are written in the pictures of the other; the more telling side counts.

    Returns
    -------
    level : str
        ``absent`` where no words were read on either side, or the other has no name to look for
    """
    found = [
        level
        for one, other in ((left, right), (right, left))
        if one.shown is not None and (level := _named(" ".join(one.shown.lines), other)) is not None
    ]
    return min(found, key=_RANKED.index, default=ABSENT)


def _named(text: str, other: LinkageRecord) -> str | None:
    titles = [name for reading in other.readings if len(name := _plain(reading.base)) >= _LEAST_LETTERS]
    artists = [name for artist in other.artists if len(name := _plain(artist)) >= _LEAST_LETTERS]
    if not titles and not artists:
        return None
    words = f" {_plain(text)} "
    title, artist = (any(_written(name, words) for name in names) for names in (titles, artists))
    if title:
        return BOTH if artist else TITLE
    return ARTIST if artist else NEITHER


def _plain(text: str) -> str:
    return fold_diacritics(normalize_text(text))


def _written(name: str, words: str) -> bool:
    """Find a name as whole words; a long one also with a letter misread."""
    if f" {name} " in words:
        return True
    if len(name) < _LONG:
        return False
    places = _places(words, len(name.split()))
    return extractOne(name, places, scorer=ratio, score_cutoff=_ALIKE) is not None


@lru_cache(maxsize=256)
def _places(words: str, count: int) -> tuple[str, ...]:
    """Give each so many words that follow each other; one video is compared with many others."""
    read = words.split()
    return tuple(" ".join(read[at : at + count]) for at in range(len(read) - count + 1))
