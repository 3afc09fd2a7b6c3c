"""A piece of a catalogue: its numbers there, its place within them, and the words beside, in one language.

What one sender writes as "Klaviersonate Nr. 8 c-Moll, op. 13: II. Adagio" another calls "Piano Sonata in C
minor, Op. 13: Adagio". The catalogue number and the place tell the piece; the words only where a place lacks.
Where no catalogue number is shared, the same composer's "Symphony No. 5" or "Suite bergamasque: IV." is one.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz

from streams.core.normalize import clean_text, fold_diacritics, normalize_text
from streams.core.records import TypedNumber
from streams.core.titles.keys import keys_in
from streams.core.titles.numbers import CATALOGUED, numbers_in, roman_value
from streams.core.titles.stripping import brackets_in
from streams.core.titles.terms import FORMS, INSTRUMENTS, TERMS, UNTOLD

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
_LONG: Final = 5
"""A word of fewer letters is not another with a typing error."""
_QUOTED: Final = re.compile(r'"[^"]*"')
_WRITTEN: Final = re.compile(r"[^\W_]")
_AGAIN: Final = frozenset({"capo"})
"""Words of a tail that make another piece of it: an aria and its da capo."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_FARTHEST: Final = 5
"""Words between a form and its number: "Sonata for violin and piano in G, No. 3"."""

Numbered = tuple[TypedNumber, int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """What a title says of a catalogued piece.

    Attributes
    ----------
    ids : frozenset of (str, str)
        scheme and number in a catalogue, letters behind a number left out
    letters : frozenset of (str, str)
        the same with their letters, where there are any
    forms : frozenset of str
        forms and their numbers, as "symphony 5": a composer has one of them for each set of instruments
    keys : frozenset of str
        musical keys
    path : tuple of str
        places within what the catalogue counts: a number within an opus, then a movement
    head, tail : frozenset of str
        words before and behind numbers and places, as :mod:`.terms` writes them
    half : str, optional
        which half of a pair such as prelude and fugue is named last
    """

    ids: frozenset[tuple[str, str]]
    letters: frozenset[tuple[str, str]]
    forms: frozenset[str]
    keys: frozenset[str]
    path: tuple[str, ...]
    head: frozenset[str]
    tail: frozenset[str]
    half: str | None


@lru_cache(maxsize=8_192)
def read_piece(text: str, base: str) -> Piece | None:
    """Read what a title says of a catalogued piece; none where no number or place tells any.

    Parameters
    ----------
    text : str
        as it was written
    base : str
        the title in it, normalised: other words are not looked at
    """
    words = frozenset(base.split())
    cleaned = _without_qualifiers(clean_text(text), words)
    found = numbers_in(cleaned)
    numbered = [each for each in found if is_catalogued(each[0].scheme)]
    begin = min((start for _, start, _ in numbered), default=len(cleaned))
    # Behind the number of a collection a counted form is a place in it: "Preludes, Op. 28: Prelude No. 4".
    forms = [each for each in _forms(cleaned, found) if each[1] < begin]
    colon = cleaned.find(": ") + 1
    if not numbered and not forms and not colon:
        return None
    ids = frozenset((number.scheme, number.value.rstrip("abcdefgh")) for number, _, _ in numbered)
    letters = frozenset(
        (number.scheme, number.value) for number, _, _ in numbered if not number.value[-1:].isdigit()
    )
    taken = [(start, end) for _, start, end in (*numbered, *forms)]
    keys = list(keys_in(cleaned))
    begin = min((start for start, _ in taken), default=colon)
    last = max((end for _, end in taken), default=colon)
    rest = _blank(cleaned, taken + [(start, end) for _, start, end in keys])
    within = [each for each in found if each[0].scheme == "opus_number"]
    within += [each for _, _, end in numbered for each in _number_within(cleaned, end)]
    path = [within[-1][0].value] if within else []
    for match in _PLACE.finditer(rest, begin):
        if within and match["said"] and match.start() < within[-1][1]:
            continue  # "Etude No. 17, Op. 25 No. 5": counted in another way
        if (
            within
            and match["said"]
            and (match.start() < within[-1][2] or _form_before(rest[: match.start()]))
        ):
            rest, last = _blank(rest, [match.span()]), max(last, match.end())
            continue  # told already
        said = match["said"] or match["roman"] or match["plain"] or match["ordinal"]
        value = said if said.isdigit() else roman_value(said)
        if match["said"] and not ids and any(each[0].value.endswith(f" {value}") for each in forms):
            rest, last = _blank(rest, [match.span()]), max(last, match.end())
            continue  # "Eleventh Symphony, No. 11"
        if value is not None:
            path.append(str(int(value)))
            last = max(last, match.end())
            rest = _blank(rest, [match.span()])
    for number, start, end in found:
        # In other words, "1er mouvement" or "第4楽章"; what is blank was told above.
        if number.scheme == "movement" and start >= begin and _WRITTEN.search(rest[start:end]):
            path.append(number.value)
            rest, last = _blank(rest, [(start, end)]), max(last, end)
    if not ids and not forms and not path:
        return None
    # What a work is called beside its number has another word in each language: "Moonlight", "Clair de lune".
    named = [match.span() for match in _QUOTED.finditer(rest, 0, last)] if forms else []
    head, tail = _words(_blank(rest, named)[:last], words), _words(rest[last:], words)
    halves = [word for word in (*head, *tail) if word in _HALVES]
    return Piece(
        ids=ids,
        letters=letters,
        forms=frozenset(number.value for number, _, _ in forms),
        keys=frozenset(key for key, _, _ in keys),
        path=tuple(path[:3]),
        head=frozenset(head),
        tail=frozenset(tail),
        half=halves[-1] if halves else None,
    )


_WITHIN = re.compile(r"\s?/\s?(\d{1,2})(?![\w/])")


def _number_within(text: str, end: int) -> list[Numbered]:
    """Read "S. 541/3"."""
    match = _WITHIN.match(text, end)
    return [(TypedNumber(scheme="opus_number", value=match[1]), end, match.end())] if match else []


def is_catalogued(scheme: str) -> bool:
    """Say whether a number of a scheme names a work of a composer."""
    return scheme in CATALOGUED or scheme.startswith("catalogue:")


def _without_qualifiers(text: str, words: frozenset[str]) -> str:
    """Blank brackets that are no part of the title: a place or a day of a performance is no movement."""
    spans = [
        (start, end)
        for start, end in brackets_in(text)
        if not words.issuperset(fold_diacritics(normalize_text(text[start:end])).split())
    ]
    return _blank(text, spans)


def _forms(text: str, found: tuple[Numbered, ...]) -> list[Numbered]:
    """Find forms that are counted: "Symphony No. 5", "Sequenza VII", "Fifth Symphony"."""
    forms = []
    for number, start, end in found:
        if number.scheme != "number":
            continue
        behind = _WORD.match(text, end + 1) if text[start:end].isalpha() else None
        if behind and (form := _form(behind.group())) and roman_value(text[start:end]) is None:
            forms.append((_counted(form, number), start, behind.end()))
        elif form := _form_before(text[:start]):
            forms.append((_counted(form, number), start, end))
    return forms


def _counted(form: str, number: TypedNumber) -> TypedNumber:
    return TypedNumber(scheme="form", value=f"{form} {number.value.rstrip('abcdefgh')}")


def _form(word: str) -> str | None:
    plain = fold_diacritics(word.lower())
    form = TERMS.get(plain, plain).rsplit(" ", 1)[-1]
    return form if form in FORMS else None


def _form_before(text: str) -> str | None:
    """Give the form that a number counts: nothing but instruments and small words may stand between."""
    before = _WORD.findall(text)[-_FARTHEST:]
    if text.rstrip().endswith(":"):
        before = before[-1:]
    for word in reversed(before):
        if form := _form(word):
            return form
        plain = fold_diacritics(word.lower())
        if plain not in UNTOLD and TERMS.get(plain, plain) not in INSTRUMENTS and len(plain) > 1:
            return None
    return None


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
    if one_composer is False or _letters_differ(left, right, shared):
        return None
    if not shared and not (one_composer and _same_work(left, right)):
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
    small, large = sorted((left.path, right.path), key=len)
    if large[: len(small)] != small and not (large[-len(small) :] == small and left.forms & right.forms):
        return OTHER
    if not left.tail or not right.tail:
        return PART
    return PIECE if _agree(left.tail, right.tail) else OTHER


def _same_work(left: Piece, right: Piece) -> bool:
    """Say whether two pieces of one composer, of which no catalogue number is shared, are of one work."""
    if {scheme for scheme, _ in left.ids} & {scheme for scheme, _ in right.ids}:
        return False
    if left.keys and right.keys and left.keys.isdisjoint(right.keys):
        return False
    for group in (INSTRUMENTS, None):
        ours, theirs = (
            side.head & group if group else side.head - FORMS - INSTRUMENTS for side in (left, right)
        )
        if ours and theirs and not _agree(ours, theirs):
            return False
    if left.forms or right.forms:
        return not left.forms.isdisjoint(right.forms)
    named = (left.head & right.head) - FORMS - INSTRUMENTS
    if not any(len(word) >= _LONG for word in named):
        return False
    # A number alone ("Images: 1.") says too little.
    return left.path == right.path or bool(left.tail and right.tail and _agree(left.tail, right.tail))


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
    if one & _AGAIN != other & _AGAIN:
        return False
    small, large = sorted((one, other), key=lambda words: sum(map(len, words)))
    shared = sum(
        len(word)
        for word in small
        if word in large
        or (len(word) >= _LONG and any(fuzz.ratio(word, each) >= _SAME_WORD for each in large))
    )
    return shared > 0 and shared >= _MOST * sum(map(len, small))


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
