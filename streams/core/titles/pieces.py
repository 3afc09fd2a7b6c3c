"""A piece of a catalogue: its numbers there, its place within them, and the words beside, in one language.

What one sender writes as "Klaviersonate Nr. 8 c-Moll, op. 13: II. Adagio" another calls "Piano Sonata in C
minor, Op. 13: Adagio". The catalogue number and the place tell the piece; the words only where a place lacks.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz

from streams.core.normalize import clean_text, fold_diacritics, normalize_text
from streams.core.titles.keys import keys_in
from streams.core.titles.numbers import CATALOGUED, numbers_in, roman_value
from streams.core.titles.terms import TERMS, UNTOLD

PIECE, PART, OTHER = "piece", "piece_part", "piece_other"
"""One piece; one of them is but a part of the other; two pieces of one work, or of one opus."""

_PLACE = re.compile(
    r"(?:\b(?:no|nr|num|var|variation|variatio|mvt|movt|movement)\b\.?|№|n[°º]|#)\s*(?P<said>\d{1,3}|[ivxl]+)\b"
    r"|(?<![^\W_])(?P<roman>[IVXL]{1,7})(?:[.:)](?=\s|$)|(?=\s*$))"
    r"|(?:(?<=[:,;/-]\s)|(?<=^\s)|^)(?P<plain>\d{1,2})\s?[.:)](?=\s|[^\W\d]|$)"
    r"|(?P<ordinal>\d{1,2})\. (?i:satz)",
    re.IGNORECASE,
)
_SAME_WORD: Final = 80
_HALVES: Final = frozenset({"prelude", "fugue", "toccata", "fantasy"})
_MOST: Final = 0.5
"""Share of the letters of the shorter of two wordings that have to stand in the other."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a title says of a catalogued piece.

    Attributes
    ----------
    ids : frozenset of (str, str)
        scheme and number in a catalogue, letters behind a number left out
    letters : frozenset of (str, str)
        the same with their letters, where there are any
    path : tuple of str
        places within what the catalogue counts: a number within an opus, then a movement
    head, tail : frozenset of str
        words before and behind numbers and places, as :mod:`.terms` writes them
    half : str, optional
        which half of a pair such as prelude and fugue is named last
    """

    ids: frozenset[tuple[str, str]]
    letters: frozenset[tuple[str, str]]
    path: tuple[str, ...]
    head: frozenset[str]
    tail: frozenset[str]
    half: str | None


@lru_cache(maxsize=8_192)
def read_piece(text: str, base: str) -> Piece | None:
    """Read what a title says of a catalogued piece; none where it names no number of a catalogue.

    Parameters
    ----------
    text : str
        as it was written
    base : str
        the title in it, normalised: other words are not looked at
    """
    cleaned = clean_text(text)
    found = numbers_in(cleaned)
    numbered = [
        each for each in found if each[0].scheme in CATALOGUED or each[0].scheme.startswith("catalogue:")
    ]
    if not numbered:
        return None
    ids = frozenset((number.scheme, number.value.rstrip("abcdefgh")) for number, _, _ in numbered)
    letters = frozenset(
        (number.scheme, number.value) for number, _, _ in numbered if not number.value[-1:].isdigit()
    )
    spans = [(start, end) for _, start, end in numbered]
    spans += [(start, end) for _, start, end in keys_in(cleaned)]
    begin = min(start for _, start, _ in numbered)
    rest = _blank(cleaned, spans)
    path: list[str] = []
    last = max(end for _, start, end in numbered)
    for match in _PLACE.finditer(rest, begin):
        said = match["said"] or match["roman"] or match["plain"] or match["ordinal"]
        value = said if said.isdigit() else roman_value(said)
        if value is not None:
            path.append(str(int(value)))
            last = max(last, match.end())
            rest = _blank(rest, [match.span()])
    words = frozenset(base.split())
    head, tail = _words(rest[:last], words), _words(rest[last:], words)
    halves = [word for word in (*head, *tail) if word in _HALVES]
    return Piece(
        ids=ids,
        letters=letters,
        path=tuple(path[:3]),
        head=frozenset(head),
        tail=frozenset(tail),
        half=halves[-1] if halves else None,
    )


def compare_pieces(left: Piece, right: Piece, *, one_composer: bool | None) -> str | None:
    """Say what two pieces are to each other.

    Parameters
    ----------
    one_composer : bool, optional
        whether both name a composer, and the same; none: one of them names nobody

    Returns
    -------
    level : str or None
        ``PIECE``, ``PART`` or ``OTHER``; none where they share no number of a catalogue, or it may be that of
        two composers
    """
    shared = left.ids & right.ids
    if not shared or _letters_differ(left, right, shared):
        return None
    if one_composer is False:
        return None
    if left.half and right.half and left.half != right.half:
        return OTHER
    opus_alone = all(scheme == "opus" for scheme, _ in shared)
    if one_composer is None and opus_alone and (left.head | left.tail).isdisjoint(right.head | right.tail):
        return None
    if left.path == right.path:
        if left.path:
            return PIECE
        return _by_words(left, right)
    length = min(len(left.path), len(right.path))
    if left.path[:length] != right.path[:length]:
        return OTHER
    if not left.tail or not right.tail:
        return PART
    return PIECE if _agree(left.tail, right.tail) else OTHER


def _by_words(left: Piece, right: Piece) -> str:
    """Compare two pieces without a place by the words behind their numbers."""
    if left.tail and right.tail:
        return PIECE if _agree(left.tail, right.tail) else OTHER
    if not left.tail and not right.tail:
        return PIECE
    told, other = (left, right) if left.tail else (right, left)
    return PIECE if _agree(told.tail, other.head) else PART


def _agree(one: frozenset[str], other: frozenset[str]) -> bool:
    """Say whether most of the shorter wording stands in the other, typing errors aside."""
    small, large = sorted((one, other), key=lambda words: sum(map(len, words)))
    shared = sum(
        len(word)
        for word in small
        if word in large
        or (len(word) >= _LONG and any(fuzz.ratio(word, each) >= _SAME_WORD for each in large))
    )
    return shared > 0 and shared >= _MOST * sum(map(len, small))


_LONG: Final = 5
"""A word of fewer letters is not another with a typing error."""


def _letters_differ(left: Piece, right: Piece, shared: frozenset[tuple[str, str]]) -> bool:
    """Say whether a shared number has two letters: 29a beside 29b, but not beside 29."""
    for scheme, value in shared:
        ours = {text for name, text in left.letters if name == scheme and text.startswith(value)}
        theirs = {text for name, text in right.letters if name == scheme and text.startswith(value)}
        if ours and theirs and ours.isdisjoint(theirs):
            return True
    return False


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _words(text: str, wanted: frozenset[str]) -> list[str]:
    """Give the words of a stretch that belong to the title, as one language writes them, in their order."""
    found: list[str] = []
    for word in fold_diacritics(normalize_text(text)).split() if text.strip() else ():
        if word in wanted and word not in UNTOLD and not word.isdigit() and len(word) > 1:
            found += TERMS.get(word, word).split()
    return found
