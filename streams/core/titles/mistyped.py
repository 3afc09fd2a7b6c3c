"""Titles that differ as typing does: a letter doubled, lost, changed with the next, or struck beside its key.

Four of five typing errors are one of these, once in a word; see Damerau, "A technique for computer detection
and correction of spelling errors", CACM 1964 (10.1145/363958.363994).
"""

from itertools import pairwise
from typing import Final

LETTERS_FOR_EACH: Final = 5
"""One error in a shorter title leaves too little that agrees."""
_SHORTEST: Final = 4
"""Letters of a word, with the one that was lost."""
_MANY_WORDS: Final = 3
_NUMERALS: Final = frozenset("ii iii iv vi vii viii ix xi xii xiii xiv xv xvi".split())
_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_FIRST_OF_SYLLABLES: Final = "\u1100"
"""From here on a sign is a syllable or a word (Hangul, kana, Han), and none is lost by accident."""


def _beside() -> frozenset[tuple[str, str]]:
    """Give the pairs of neighbouring keys, either way round: in a row, and to the lower left and right."""
    pairs = [pair for row in _ROWS for pair in pairwise(row)]
    for upper, lower in pairwise(_ROWS):
        pairs += [pair for at, key in enumerate(lower) for pair in ((upper[at], key), (upper[at + 1], key))]
    return frozenset(pairs) | {(key, other) for other, key in pairs}


_BESIDE: Final = _beside()


def is_mistyped(one: str, other: str) -> bool:
    """Say whether two normalised titles are one but for typing errors; the words are as many in both.

    A letter more at either end of a word is none: it makes another word (``girl``, ``girls``; ``rain``,
    ``train``). In a title of three words so much agrees that it is one all the same ("Song of the Rive"). A
    difference in numbers never is.
    """
    words, others = one.split(), other.split()
    if len(words) != len(others):
        return False
    apart = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    letters = min(sum(map(len, words)), sum(map(len, others)))
    if len(apart) * LETTERS_FOR_EACH > letters:
        return False
    at_ends = len(words) >= _MANY_WORDS
    return all(_slipped(*pair, at_ends=at_ends) for pair in apart)


def _slipped(one: str, other: str, *, at_ends: bool) -> bool:
    small, large = sorted((one, other), key=len)
    if len(large) < _SHORTEST or len(large) - len(small) > 1:
        return False
    if not (small.isalpha() and large.isalpha()) or max(small + large) >= _FIRST_OF_SYLLABLES:
        return False
    if small in _NUMERALS or large in _NUMERALS:
        return False
    at = next(
        (place for place, pair in enumerate(zip(small, large, strict=False)) if pair[0] != pair[1]),
        len(small),
    )
    if len(small) < len(large):
        doubled = at > 0 and large[at] == large[at - 1]
        return small[at:] == large[at + 1 :] and (doubled or at_ends or 0 < at < len(small))
    if small[at + 1 :] == large[at + 1 :]:
        return at > 0 and (small[at], large[at]) in _BESIDE
    changed = small[at : at + 2] == large[at : at + 2][::-1]
    return changed and small[at + 2 :] == large[at + 2 :]
