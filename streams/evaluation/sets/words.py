"""How the truth of a set is read from its words: by rules of its own, not by those that are measured."""

import re
import unicodedata

_JOINED = re.compile(r"\s+(?:feat\.?|ft\.?|featuring|with|&|and|vs\.?|x)\s+|,|;", re.IGNORECASE)
_SHORTEST = 4
_UNSPACED = "\u2e80"  # Chinese, Japanese and Korean begin here


def folded(text: str) -> str:
    """Write a text without case, accents and signs."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("’", "'").replace("$", "s")
    kept = "".join(c for c in plain if not unicodedata.combining(c) and c != "'")
    return " ".join(re.findall(r"\w+", kept))


def leading_artist(text: str) -> str:
    """Name the first of several artists, without an article."""
    return folded(_JOINED.split(text)[0]).removeprefix("the ").replace(" ", "")


def words_of(text: str) -> frozenset[str]:
    """Give the words of a folded text that say something; of scripts without spaces, pairs of signs."""
    found: set[str] = set()
    for word in text.split():
        if any(sign >= _UNSPACED for sign in word):
            found.update(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        elif len(word) >= _SHORTEST:
            found.add(word)
    return frozenset(found)


def shares_a_word(left: str, right: str) -> bool:
    """Say whether two folded texts share a word that says something."""
    return not words_of(left).isdisjoint(words_of(right))
