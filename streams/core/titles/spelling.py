"""One spelling for what is written in several: "gonna" and "going to", "Ev'ry" and "every", "4" and "four".

Only comparisons and blocking keys see it; a base title keeps the words of its sender.
"""

import re
from functools import lru_cache
from typing import Final

SPELLINGS: Final = {
    word: form
    for form, words in {
        # As spoken.
        "want to": "wanna", "going to": "gonna", "got to": "gotta", "have to": "hafta", "let me": "lemme",
        "give me": "gimme", "kind of": "kinda", "out of": "outta", "because": "cause cuz coz", "them": "em",
        "every": "evry", "over": "oer", "until": "til till", "through": "thru", "though": "tho", "and": "n",
        "you": "u", "your": "ur", "love": "luv", "night": "nite", "tonight": "tonite", "light": "lite",
        "them all": "emall", "never": "neer", "even": "een", "ever": "eer", "what you": "whatcha watcha",
        "do not know": "dunno", "about": "bout", "old": "auld ol", "going": "goin", "doing": "doin",
        # Drawn together, their apostrophes gone.
        "i am": "im", "it is": "its", "that is": "thats", "what is": "whats", "there is": "theres",
        "you are": "youre", "they are": "theyre", "he is": "hes", "she is": "shes", "cannot": "cant",
        "do not": "dont", "does not": "doesnt", "is not": "isnt", "i have": "ive", "you have": "youve",
        "let us": "lets", "where is": "wheres", "who is": "whos",
        # On either side of an ocean.
        "color": "colour", "colors": "colours", "gray": "grey", "favorite": "favourite", "honor": "honour",
        "neighbor": "neighbour", "theater": "theatre", "center": "centre", "harbor": "harbour",
        # Short.
        "part": "pt", "volume": "vol", "saint": "st", "mister": "mr", "doctor": "dr",
        "ok": "okay",
    }.items()
    for word in words.split()
}  # fmt: skip
_NUMBERS: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_COUNTS: Final = {
    **{str(number): word for number, word in enumerate(_NUMBERS, start=1)},
    **{
        str(10 * ten + one): f"{tens} {_NUMBERS[one - 1]}" if one else tens
        for ten, tens in enumerate(_TENS, start=2)
        for one in range(10)
    },
    **{
        f"{number}{'st nd rd'.split()[number - 1] if number < 4 else 'th'}": word
        for number, word in enumerate(
            "first second third fourth fifth sixth seventh eighth ninth tenth".split(), start=1
        )
    },
}
_ROMAN: Final = dict(zip("i ii iii iv v vi vii viii ix x".split(), _NUMBERS, strict=False))
_COUNTED: Final = frozenset("part volume number no nr act book chapter scene".split())
_SEVERAL: Final = frozenset(SPELLINGS) | frozenset(_COUNTS) | _COUNTED
_DROPPED_G: Final = re.compile(r"\b(\w{2,}[^\Waeiou\d_]in)\b")
"""A word that may have lost its last letter, as "lovin"; that "cabin" gets one as well does no harm."""
_ARTICLES: Final = frozenset("the a an la le les el los las il l der das het".split())
"""Articles that are left out before titles; "die" and "as" are words of titles in other languages."""


@lru_cache(maxsize=65_536)
def in_one_spelling(base: str) -> str:
    """Write a base title as all write it."""
    if "in" in base:
        base = _DROPPED_G.sub(r"\1g", base)
    words = base.split(" ")
    if _SEVERAL.isdisjoint(words):
        return base
    spelt: list[str] = []
    for word in words:
        form = SPELLINGS.get(word) or _COUNTS.get(word, word)
        if spelt and spelt[-1] in _COUNTED:
            form = _ROMAN.get(word, form)
        spelt.append(form)
    return " ".join(spelt)


def without_article(base: str) -> str:
    """Leave out the article before a title: "The Garden" and "Garden" are one, "La La La" is itself."""
    first, _, rest = base.partition(" ")
    return rest if rest and first in _ARTICLES and not rest.startswith(first) else base
