"""How far one title is found in another: as a phrase, word by word, or in part.

How rare a word is nobody counts here: the longer it is, the more it says.
"""

CONTAINMENTS = ("partly", "word", "mostly", "contained", "short_phrase", "phrase")
"""What is told of two titles, from the least to the most."""

PHRASE_WORDS, PHRASE_LETTERS = 3, 12
"""A shorter phrase ("only you") is part of too many other titles, and three short words of many."""
FEWEST_LETTERS, SHORTEST_WORD = 6, 3
MOST_LETTERS, SOME_LETTERS = 0.65, 0.45


def containment(one: str, other: str, words: frozenset[str], others: frozenset[str]) -> str | None:
    """Say how much of the shorter of two titles stands in the longer.

    Parameters
    ----------
    one, other : str
    words, others : frozenset of str
        their words

    Returns
    -------
    str or None
        one of ``CONTAINMENTS``, the last first: all its words stand together there, and are long; or are
        but many; all stand there; most of its letters do, in two words or more; it is one short word; some of
        its letters do
    """
    shared = words & others
    if not shared or (len(shared) < 2 <= min(len(words), len(others))):
        return None
    if len(words) > len(others):
        one, other, words, others = other, one, others, words
    letters = sum(map(len, words))
    if len(shared) == len(words):
        if len(words) < 2 and letters < FEWEST_LETTERS:
            return "word" if letters >= SHORTEST_WORD else None
        if (len(words) >= PHRASE_WORDS or letters >= PHRASE_LETTERS) and f" {one} " in f" {other} ":
            return "phrase" if letters >= PHRASE_LETTERS else "short_phrase"
        return "contained"
    share = sum(map(len, shared)) / min(letters, sum(map(len, others)))
    return "mostly" if share >= MOST_LETTERS else "partly" if share >= SOME_LETTERS else None
