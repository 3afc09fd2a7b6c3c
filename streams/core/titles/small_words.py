"""Titles that are one but for small words: "Just Give Me a Reason" and "Give Me a Reason"."""

from typing import Final

SMALL_WORDS: Final = frozenset(
    # What senders leave out or put in, in the languages that titles are most often in; no word that denies.
    "a an the and or of in on to for from with at by as just oh ooh ah hey yeah yes well so now then that"
    " this when if but my your our his her i you we he it is am are be do will let me"
    " le la les l un une et de du des d el los las y una der die das und ein eine il lo e di da o os dos"
    " das".split()
)
_FEWEST_WORDS: Final = 2
_FEWEST_LETTERS: Final = 8


def what_it_tells(base: str) -> str | None:
    """Give the words of a title that are not small; none where they are too few to tell it.

    Parameters
    ----------
    base : str
        normalised, as titles are compared
    """
    words = [word for word in base.split() if word not in SMALL_WORDS]
    if len(words) < _FEWEST_WORDS or sum(map(len, words)) < _FEWEST_LETTERS:
        return None
    return " ".join(words)


def only_leaves_out(one: str, other: str) -> bool:
    """Say whether a title, of two that tell the same, is the other with words left out.

    "Before I Leave Home" and "Before You Leave Home" have one word each that the other has not.
    """
    short, long = sorted((one.split(), other.split()), key=len)
    rest = iter(long)
    return all(word in rest for word in short)
