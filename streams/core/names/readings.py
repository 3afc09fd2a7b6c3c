"""How a Japanese name in Han is read: whether "宇多田ヒカル" can be "Hikaru Utada".

Each character has a few readings, most names are made of them, and the table holds them. That one spelling
fits is all that is asked: which of several readings a person's name has, nobody but the person knows.
"""

import importlib.resources
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from anyascii import anyascii

TABLE: Final = "readings.txt"
LONGEST: Final = 4
"""Characters of a name that is read as a whole, such as 長谷川."""
_MOST: Final = 10
"""Characters of a name; what is longer is a sentence."""
_KANA: Final = re.compile(r"[\u3041-\u30ff]")
_SMALL: Final = frozenset("ゃゅょャュョ")
_OF_KANA: Final = {"ヶ": ("ga", "ka"), "ケ": ("ke", "ga"), "ッ": ("",), "っ": ("",), "ー": ("",)}
_SPELLINGS: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        ("l", "r"),
        ("tch", "ch"),
        ("sy", "sh"),
        ("[tc]y", "ch"),
        ("[zj]y", "j"),
        ("(?<=[sc]h)y", ""),
        ("si", "shi"),
        ("ti", "chi"),
        ("tu", "tsu"),
        ("(?<![cs])hu", "fu"),
        ("[zd]i", "ji"),
        ("dz?u", "zu"),
        ("m(?=[bmp])", "n"),
        ("oh(?![aeiouy])", "o"),
        ("ou", "o"),
        (r"(.)\1+", r"\1"),
    )
)
_VOICED: Final = tuple({"sh": "j", "ts": "z", "k": "g", "s": "z", "t": "d", "h": "b", "f": "b"}.items())


@lru_cache(maxsize=16_384)
def spelt(latin: str) -> str:
    """Write Latin letters of Japanese words in one spelling: "Ohno", "Ōno" and "Oono" are "ono".

    Hepburn and the official spelling become one; long vowels and doubled consonants are short.
    """
    for pattern, to in _SPELLINGS:
        latin = pattern.sub(to, latin)
    return latin


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    text = (importlib.resources.files(__package__) / TABLE).read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {name: tuple(readings) for name, *readings in rows}


@lru_cache(maxsize=16_384)
def can_be_read_as(name: str, latin: tuple[str, ...]) -> bool:
    """Say whether a name in Japanese characters may be read as one in Latin letters.

    Parameters
    ----------
    name : str
        Han and kana, with at least one of Han, without spaces
    latin : tuple of str
        words in Latin letters, in either order: family name first or last
    """
    if not 2 <= len(name) <= _MOST or not 1 <= len(latin) <= 3:
        return False
    lattice = _lattice(name)
    orders = {spelt("".join(latin)), spelt("".join((*latin[1:], latin[0]))), spelt("".join(reversed(latin)))}
    return any(_leads_through(lattice, letters) for letters in orders)


_Lattice = tuple[tuple[tuple[int, str], ...], ...]


def _leads_through(lattice: _Lattice, letters: str) -> bool:
    """Say whether some readings, one after the other, spell all the letters."""
    reached: list[set[int]] = [{0}, *(set[int]() for _ in lattice)]
    for begins, ways in zip(reached, lattice, strict=False):
        for begin in begins:
            before = letters[begin - 1 : begin]
            for end, reading in ways:
                # Written together a long vowel and a doubled consonant are short.
                joined = reading[1:] if reading[:1] == before or before + reading[:1] == "ou" else reading
                if letters.startswith(joined, begin) and (joined or end < len(lattice)):
                    reached[end].add(begin + len(joined))
    return len(letters) in reached[-1]


@lru_cache(maxsize=4_096)
def _lattice(name: str) -> _Lattice:
    """Give for each place of a name the readings from there, and where each of them ends."""
    name = re.sub("(.)々", r"\1\1", name)
    return tuple(tuple(dict.fromkeys(_readings(name, at))) for at in range(len(name)))


def _readings(name: str, at: int) -> Iterator[tuple[int, str]]:
    """Give how a name goes on, and where that ends."""
    sign = name[at]
    if sign in _OF_KANA:
        yield from ((at + 1, reading) for reading in _OF_KANA[sign])
    elif _KANA.match(sign):
        end = at + 2 if name[at + 1 : at + 2] in _SMALL else at + 1
        yield end, _of_kana(name[at:end])
    else:
        table = _table()
        for end in range(at + 1, min(at + LONGEST, len(name)) + 1):
            for reading in table.get(name[at:end], ()):
                yield end, reading
                if at:
                    yield from ((end, voiced) for voiced in voiced(reading))


def _of_kana(signs: str) -> str:
    first = anyascii(signs[0]).lower()
    return spelt(first if len(signs) == 1 else first[:-1] + anyascii(signs[1]).lower())


def voiced(reading: str) -> Iterator[str]:
    """Give the readings that a character has behind another: "hori" is "bori" there, "hei" is "pei"."""
    for plain, voiced in _VOICED:
        if reading.startswith(plain):
            yield voiced + reading[len(plain) :]
            break
    if reading[:1] in {"h", "f"}:
        yield "p" + reading[1:]
