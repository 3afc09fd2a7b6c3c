"""One recording as others write it: typing errors, words left out or moved, names the other way round."""

from __future__ import annotations

import random
from typing import Final

from encoders.features.grams import latin

Telling = tuple[str, str]
"""A title and who performs it."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
# How one sound is written by those who put another script into Latin letters, and by those who write by ear.
_SPELLINGS: Final = (
    ("kh", "h"), ("sch", "sh"), ("ou", "u"), ("ph", "f"), ("ck", "k"), ("y", "i"), ("j", "y"), ("c", "k"),
    ("w", "v"), ("z", "s"), ("ae", "a"), ("oe", "o"), ("ue", "u"), ("ii", "i"), ("ts", "c"), ("zh", "j"),
)  # fmt: skip
_SMALL: Final = ("the", "a", "and", "of", "la", "le", "el", "die", "der")


def told_otherwise(telling: Telling, rng: random.Random) -> Telling:
    """Tell a recording as somebody else does."""
    title, artist = latin(telling[0]), latin(telling[1])
    if rng.random() < 0.5:
        title = mistyped(title, rng)
    if rng.random() < 0.2:
        title = mistyped(title, rng)
    if rng.random() < 0.25:
        title = _reworded(title, rng)
    if rng.random() < 0.25:
        artist = mistyped(artist, rng)
    if rng.random() < 0.3:
        artist = _renamed(artist, rng)
    title = title or artist
    drawn = rng.random()
    if drawn < 0.08:
        return title, ""
    if drawn < 0.16:
        return f"{artist} {title}", ""
    if drawn < 0.2:
        return f"{title} {artist}", artist
    return title, artist


def mistyped(text: str, rng: random.Random) -> str:
    """Make one typing error: a letter too few or too many, two that changed places, or another one."""
    if len(text) < 4:
        return text
    at = rng.randrange(len(text) - 1)
    match rng.randrange(6):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + text[at] + text[at:]
        case 2:
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        case 3:
            return text[:at] + rng.choice(_LETTERS) + text[at + 1 :]
        case 4:
            one, other = rng.choice(_SPELLINGS)
            return text.replace(one, other) if rng.random() < 0.5 else text.replace(other, one)
        case _:
            return text[:at] + text[at + 1 :] if text[at] == " " else text[:at] + " " + text[at:]


def _reworded(text: str, rng: random.Random) -> str:
    """Leave a word out, move one, add a small one, or cut the end off."""
    words = text.split()
    if len(words) < 2:
        return text
    at = rng.randrange(len(words))
    match rng.randrange(4):
        case 0:
            del words[at]
        case 1:
            words.insert(rng.randrange(len(words)), words.pop(at))
        case 2:
            words.insert(at, rng.choice(_SMALL))
        case _:
            words = words[: max(1, len(words) - 1)]
    return " ".join(words)


def _renamed(name: str, rng: random.Random) -> str:
    """Put the last name first, leave a name out, or give an initial for it."""
    words = name.split()
    if len(words) < 2:
        return f"the {name}" if name else name
    match rng.randrange(4):
        case 0:
            words = [*words[-1:], *words[:-1]]
        case 1:
            words = [*words[1:], words[0]]
        case 2:
            del words[rng.randrange(len(words))]
        case _:
            words[0] = words[0][:1]
    return " ".join(words)
