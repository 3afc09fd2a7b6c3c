"""The form in which a name is compared: Latin letters, long forms, one word for what ensembles are called."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import opencc
from anyascii import anyascii

from streams.core.names.words import (
    CITIES,
    ENSEMBLE_WORDS,
    ENSEMBLES,
    GENERATIONS,
    LEADING,
    ORCHESTRAL,
    SHORT_FORMS,
    SMALL_WORDS,
)
from streams.core.normalize import fold_diacritics

_HAN = re.compile(r"[\u3400-\u9fff]")
# Scripts that write no short vowels, or put vowels between consonants that have none.
_CONSONANTS = re.compile(r"[\u0590-\u06ff\u0750-\u077f\u3040-\u30ff]")
_LATIN = re.compile(r"[a-z0-9 ]*")
_SIMPLIFIED: Final = opencc.OpenCC("t2s")
_SOUNDS: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"tion\b", "sion"),
        (r"schtsch|shch", "s"),
        (r"tsch|tch", "k"),
        (r"sch|sh", "s"),
        (r"ch|kh|ck|c|q", "k"),
        (r"x", "ks"),
        (r"ph", "f"),
        (r"ae", "a"),
        (r"oe", "o"),
        (r"ue|ou|oo", "u"),
        (r"ee", "i"),
        (r"[yj]", "i"),
        (r"(?<![aeiou])w(?![aeiou])", "u"),
        (r"w", "v"),
        (r"(?<=[oe])f+\b", "v"),
        (r"(?<=[a-z])h", ""),
        (r"(.)\1+", r"\1"),
    )
)
_VOWELS: Final = re.compile(r"[aeiou ]")


@dataclass(frozen=True, slots=True)
class NameForm:
    """A name as it is compared.

    Attributes
    ----------
    written : str
        the name written together
    in_han : str, optional
        the same before Han is simplified, where there is any
    script : str
        latin, han, consonants (of which only those can be compared) or other
    words : tuple of str
        in Latin letters, without leading article, generation or small words of an ensemble
    key : str
        the words written together; of Han its characters, simplified
    latin : str
        the words written together, in Latin letters
    sound, sounds : str
        how it sounds, in order and with its words sorted
    skeleton : str
        the consonants of ``sound``
    generation : str, optional
        "2" of a junior
    ensemble : bool
        an orchestra, a choir, a quartet
    """

    written: str
    in_han: str | None
    script: str
    words: tuple[str, ...]
    word_set: frozenset[str]
    key: str
    latin: str
    sound: str
    sounds: str
    skeleton: str
    generation: str | None
    ensemble: bool
    initials: bool


def _script(name: str) -> str:
    if _LATIN.fullmatch(name):
        return "latin"
    if _CONSONANTS.search(name):
        return "consonants"
    if _HAN.search(name):
        return "han"
    return "latin" if all(c < "\u0250" or not c.isalpha() for c in name) else "other"


@lru_cache(maxsize=65_536)
def name_form(name: str) -> NameForm:
    """Make the form of a normalised name; it is made once for each name."""
    folded = fold_diacritics(name)
    script = _script(folded)
    in_han = folded.replace(" ", "") if _HAN.search(folded) else None
    if in_han is not None and script in {"han", "consonants"}:
        folded = _SIMPLIFIED.convert(folded)
    latin = folded if folded.isascii() else anyascii(folded.replace("γγ", "νγ")).lower()
    words = [SHORT_FORMS.get(word, word) for word in latin.replace("'", "").split()]
    while len(words) > 1 and words[0] in LEADING:
        words = words[1:]
    generation = GENERATIONS.get(words[-1]) if len(words) > 2 else None
    if generation:
        words = words[:-1]
    ensemble = [ENSEMBLES.get(word, word) for word in words]
    is_ensemble = len(words) > 1 and not ENSEMBLE_WORDS.isdisjoint(ensemble)
    if is_ensemble:
        words = [CITIES.get(word, word) for word in ensemble if word not in SMALL_WORDS]
        if not ORCHESTRAL.isdisjoint(words):
            words = [word for word in words if word != "orchestra"] or words
    together = "".join(words)
    sound = _sound(" ".join(words))
    return NameForm(
        written=folded.replace(" ", ""),
        in_han=in_han,
        script=script,
        words=tuple(words),
        word_set=frozenset(words),
        key=folded.replace(" ", "") if script == "han" else together,
        latin=together,
        sound=sound.replace(" ", ""),
        sounds=" ".join(sorted(sound.split())),
        skeleton=_VOWELS.sub("", sound),
        generation=generation,
        ensemble=is_ensemble,
        initials=len(words) > 1 and any(len(word) == 1 for word in words),
    )


def _sound(text: str) -> str:
    """Write a text as it sounds in the Latin spellings of several languages, roughly."""
    for pattern, to in _SOUNDS:
        text = pattern.sub(to, text)
    return text
