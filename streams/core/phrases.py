"""Finding the words of a table in a text: one look-up for each word of the text, however large the table is.

A table writes phrases between ``|``. In a phrase a word may have choices (``radio/single edit``), end
anywhere (``концерт*``; not a word of ASCII) or be a number (``take #``); ``$`` is the end of the text. What
stands between words (spaces, dashes, dots) is not looked at. Words in kana, Han, Hangul and the like, which
are written without spaces, are found inside longer runs of them.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

Words = Mapping[str, str]
"""Phrases by language; ``*`` holds what all languages borrow."""

_SPACED = "0-9A-Za-z°À-ÖØ-öø-ɏͰ-ԯḀ-ỿ"  # letters of scripts that write spaces
_TOKEN = re.compile(rf"[{_SPACED}]+(?:'[{_SPACED}]+)*|[^\W_{_SPACED}]+")
_IS_SPACED = re.compile(rf"[{_SPACED}]")


class Token(NamedTuple):
    """A word in lower case, and where it stands."""

    text: str
    start: int
    end: int


class Found(NamedTuple):
    """A phrase of the table, and where it stands."""

    name: str
    start: int
    end: int


class _Cut(NamedTuple):
    tokens: tuple[Token, ...]
    words: frozenset[str]  # with "#" where one is a number
    plain: bool  # of ASCII alone


@lru_cache(maxsize=16_384)
def _cut(text: str) -> _Cut:
    lower = text.lower()
    if len(lower) != len(text):  # few letters have two in lower case
        lower = "".join(c.lower()[0] for c in text)
    tokens = tuple([Token(m[0], *m.span()) for m in _TOKEN.finditer(lower)])
    words = {token.text for token in tokens}
    if any(map(str.isdigit, words)):
        words.add("#")
    return _Cut(tokens, frozenset(words), lower.isascii())


def tokens_of(text: str) -> tuple[Token, ...]:
    """Cut a cleaned text into words; a run in a script without spaces is one."""
    return _cut(text).tokens


class _Phrase(NamedTuple):
    name: str
    words: tuple[str, ...]


class Phrases:
    """A table ready to be looked up.

    Parameters
    ----------
    tables : mapping of str to mapping of str to str
        what phrases are called, and the phrases by language
    """

    def __init__(self, tables: Mapping[str, Words]) -> None:
        self._first: dict[str, list[_Phrase]] = {}
        self._stems: dict[str, list[_Phrase]] = {}
        inside: dict[str, str] = {}
        for name, words in tables.items():
            for phrase in _expanded(words):
                first = phrase[0]
                if len(phrase) == 1 and not _IS_SPACED.match(first):
                    inside.setdefault(first, name)
                elif first.endswith("*"):
                    self._stems.setdefault(first[:-1], []).append(_Phrase(name, phrase))
                else:
                    self._first.setdefault(first, []).append(_Phrase(name, phrase))
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._names = inside
        longest_first = sorted(inside, key=lambda word: (-len(word), word))
        self._inside = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def find(self, text: str) -> list[Found]:
        """Find every phrase, also those that overlap, in the order of the text."""
        cut = _cut(text)
        if cut.plain and cut.words.isdisjoint(self._first):
            return []
        tokens = cut.tokens
        found: list[Found] = []
        for index, token in enumerate(tokens):
            word = token.text
            if word in self._first:
                self._find_at(word, tokens, index, found)
            if word.isdigit():
                self._find_at("#", tokens, index, found)
            if not word.isascii():
                self._find_more(tokens, index, found)
        return found

    def _find_at(self, word: str, tokens: Sequence[Token], index: int, found: list[Found]) -> None:
        for phrase in self._first.get(word, ()):
            if last := _runs_on(phrase.words, tokens, index):
                found.append(Found(phrase.name, tokens[index].start, last.end))

    def _find_more(self, tokens: Sequence[Token], index: int, found: list[Found]) -> None:
        self._find_stems(tokens, index, found)
        token = tokens[index]
        if not _IS_SPACED.match(token.text):
            for match in self._inside.finditer(token.text):
                start, end = token.start + match.start(), token.start + match.end()
                found.append(Found(self._names[match.group()], start, end))

    def _find_stems(self, tokens: Sequence[Token], index: int, found: list[Found]) -> None:
        token = tokens[index]
        for length in self._lengths:
            for phrase in self._stems.get(token.text[:length], ()):
                if last := _runs_on(phrase.words, tokens, index):
                    found.append(Found(phrase.name, token.start, last.end))


def _expanded(words: Words) -> list[tuple[str, ...]]:
    return [
        tuple(choice)
        for language in words.values()
        for phrase in language.split("|")
        for choice in itertools.product(*(word.split("/") for word in phrase.split()))
    ]


def _runs_on(words: tuple[str, ...], tokens: Sequence[Token], index: int) -> Token | None:
    """Give the last token of a phrase that begins at one; none where it does not run on."""
    at = index
    for word in words:
        if word == "$":
            return tokens[at - 1] if at == len(tokens) else None
        if at == len(tokens):
            return None
        token = tokens[at].text
        if word == "#":
            if not token.isdigit():
                return None
        elif word.endswith("*"):
            if not token.startswith(word[:-1]):
                return None
        elif word != token:
            return None
        at += 1
    return tokens[at - 1]
