"""What two names are to each other: one person's, perhaps one person's, or two people's."""

from rapidfuzz import fuzz

from streams.core.names.forms import NameForm
from streams.core.names.readings import can_be_read_as
from streams.core.names.words import OTHERS

SAME = ("equal", "near", "contained")
"""Levels of names that are taken for one, best first."""
CLOSE, WITHIN, DIFFERENT = "close", "within", "different"
NEAR_RATIO = 86
_LONG_WORD = 6
"""From this length on one letter is a typing error; in a shorter word it tells people apart (John, Joan)."""
_TYPING_ERROR = 75


def compare_names(left: NameForm, right: NameForm) -> str:
    """Compare two names.

    Returns
    -------
    level : str
        equal; near (spelt otherwise); contained (initials or words left out); close (a letter apart in a
        short word: a typing error, or somebody else); within (one is a part of the other, and says too
        little); different
    """
    if left.written == right.written:
        return "equal"
    if _are_strangers(left, right):
        return DIFFERENT
    if left.generation != right.generation:
        rest = left.latin == right.latin or left.sounds == right.sounds
        return WITHIN if rest else DIFFERENT
    if left.key == right.key:
        return "equal"
    both_han = left.script == right.script == "han"
    if not both_han and _sound_alike(left, right):
        return "near"
    if both_han:
        return DIFFERENT
    if _is_read_as(left, right) or _is_read_as(right, left):
        return "near"
    if left.ensemble and right.ensemble:
        return _compare_ensembles(left, right)
    small, large = (left, right) if len(left.words) <= len(right.words) else (right, left)
    if (left.initials or right.initials) and _initials_fit(small.words, large.words):
        return "contained"
    if fuzz.ratio(left.latin, right.latin, score_cutoff=NEAR_RATIO):
        return _spelling(left, right)
    if small.word_set <= large.word_set:
        return WITHIN if large.ensemble else _contained(small, large)
    return DIFFERENT


def _are_strangers(left: NameForm, right: NameForm) -> bool:
    """Say at once what holds of nearly every pair: two names in Latin letters with nothing in common."""
    return (
        left.script == right.script == "latin"
        and left.word_set.isdisjoint(right.word_set)
        and left.sounds != right.sounds
        and left.sound != right.sound
        and not fuzz.ratio(left.latin, right.latin, score_cutoff=NEAR_RATIO)
    )


def _sound_alike(left: NameForm, right: NameForm) -> bool:
    if left.sound == right.sound or left.sounds == right.sounds:
        return True
    # Arabic, Hebrew and kana do not write the vowels that Latin spellings do.
    other = (left.script == "consonants") != (right.script == "consonants")
    return other and len(left.skeleton) >= 3 and left.skeleton == right.skeleton


def _is_read_as(one: NameForm, other: NameForm) -> bool:
    """Say whether a name in Han is that in Latin letters as Japanese read it."""
    return one.in_han is not None and other.script == "latin" and can_be_read_as(one.in_han, other.words)


def _compare_ensembles(left: NameForm, right: NameForm) -> str:
    if left.word_set == right.word_set:
        return "near"
    if left.word_set < right.word_set or right.word_set < left.word_set:
        return WITHIN
    if len(left.words) != len(right.words):
        return DIFFERENT
    return _spelling(left, right) if fuzz.ratio(left.latin, right.latin) >= NEAR_RATIO else DIFFERENT


def _initials_fit(small: tuple[str, ...], large: tuple[str, ...]) -> bool:
    """Say whether two names have the same words, some by their first letter; middle ones may lack."""
    if len(small) < 2 or not _fits(small[0], large[0]) or not _fits(small[-1], large[-1]):
        return False
    if not any(len(one) > 1 and one in large for one in small):
        return False  # all but letters
    middle = list(large[1:-1])
    for word in small[1:-1]:
        while middle and not _fits(word, middle[0]):
            middle.pop(0)
        if not middle:
            return False
        middle.pop(0)
    return True


def _fits(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def _spelling(left: NameForm, right: NameForm) -> str:
    """Say of two names that are nearly written alike whether what differs is a typing error."""
    if len(left.words) != len(right.words):
        return "near"
    for one, other in zip(left.words, right.words, strict=True):
        if one != other and (
            min(len(one), len(other)) < _LONG_WORD or fuzz.ratio(one, other) < _TYPING_ERROR
        ):
            return CLOSE
    return "near"


def _contained(small: NameForm, large: NameForm) -> str:
    """Say whether a name that lacks words of another is that person's all the same."""
    if len(small.words) < 2 or not OTHERS.isdisjoint(large.word_set - small.word_set):
        return WITHIN if sum(map(len, small.words)) >= 4 else DIFFERENT
    return "contained"
