"""One written form for text that people type in many: width, dashes, quotes, case, names."""

import html
import re
import unicodedata
from functools import lru_cache

_TRANSLATE: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-"),
    **dict.fromkeys(map(ord, "‘’‚‛′`´ʼʹ＇"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»＂"), '"'),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u00ad"), None),
    **dict.fromkeys(map(ord, "【〔［"), "["),
    **dict.fromkeys(map(ord, "】〕］"), "]"),
    **dict.fromkeys(map(ord, "「」『』《》〈〉"), '"'),  # quotes and marks of titles
    **dict.fromkeys(map(ord, "｜¦│"), "|"),
    **dict.fromkeys(map(ord, "〜∼～"), "~"),
    ord("・"): "·",
    ord("•"): "·",
}
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_DROPPED_G = re.compile(r"in'(?!\w)")
_LEADING_ARTICLE = re.compile(r"^the (?=\w)")
_TRAILING_ARTICLE = re.compile(r"^(.+), the$")
_COMBINING = ("Mn",)
_FOLD = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})


def clean_text(text: str) -> str:
    """NFKC, one kind of dash, quote, bracket and space; entities of HTML are decoded, case is kept."""
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    if text.isascii():
        return _SPACES.sub(" ", text.replace("`", "'")).strip()
    return _SPACES.sub(
        " ",
        unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).translate(_TRANSLATE)),
    ).strip()


@lru_cache(maxsize=65536)
def normalize_text(text: str) -> str:
    """Give the key form: cleaned, case folded, `&` as "and", words apart by one space.

    A text of signs alone keeps its signs, so that it never becomes empty by normalising.
    """
    folded = unicodedata.normalize("NFKC", clean_text(text).casefold())
    words = _DROPPED_G.sub("ing", folded).replace("&", " and ")
    # NFKC again: two Korean letters that an apostrophe kept apart may now be one syllable.
    words = unicodedata.normalize("NFKC", _APOSTROPHE.sub("", words))
    return _NOT_WORD.sub(" ", words).strip() or folded


@lru_cache(maxsize=65536)
def fold_diacritics(text: str) -> str:
    """Drop accents of Latin, Greek and Cyrillic letters; other scripts stay as they are."""
    if text.isascii():
        return text
    parts = []
    for character in text:
        plain = unicodedata.normalize("NFD", character)
        if len(plain) > 1 and plain[0] < "\u0590":
            parts.append("".join(c for c in plain if unicodedata.category(c) not in _COMBINING))
        else:
            parts.append(character)
    return "".join(parts).translate(_FOLD)


def remnant(text: str) -> str | None:
    """Give what is left of a normalised text, written together, where a sender drops what is not Latin.

    None where nothing would be dropped, or less than two signs be left.
    """
    folded = fold_diacritics(text)
    if folded.isascii():
        return None
    left = "".join(sign for sign in folded if sign.isascii() and sign.isalnum())
    return left if len(left) > 1 else None


_PLATFORM = re.compile(r"(?<=\w)VEVO$| - Topic$")
_LETTERS = re.compile(r"(?<=\w)[!@](?=\w)|(?<=\w)\$|\$(?=\w)")
_LETTER = {"!": "i", "$": "s", "@": "a"}


def _letter(match: re.Match[str]) -> str:
    """Read a sign that stands for a letter in a name: P!nk, Ke$ha."""
    return _LETTER[match.group()]


@lru_cache(maxsize=65536)
def normalize_name(text: str) -> str:
    """Give the key form of a name: without a leading or trailing "The"; "Last, First" turned round."""
    cleaned = _LETTERS.sub(_letter, _PLATFORM.sub("", clean_text(text)))
    trailing = _TRAILING_ARTICLE.match(cleaned.casefold())
    if trailing:
        cleaned = trailing.group(1)
    else:
        parts = cleaned.split(", ")
        if len(parts) == 2 and all(len(part.split()) == 1 for part in parts):
            cleaned = f"{parts[1]} {parts[0]}"
    name = normalize_text(cleaned)
    return _LEADING_ARTICLE.sub("", name) or name


_NAME_JOIN = re.compile(
    r"\s*(?:;|,|、|\s/\s|\s[x×]\s|\s\+\s|\s&\s"
    r"|\s(?:and|y|et|und|и|feat\.?|ft\.?|featuring|f/|vs\.?|with|con|avec|mit|part\.|при участии"
    r"|aka|a\.k\.a\.|formerly|conducted by|directed by|dirigé par|dirigiert von|unter der leitung von"
    r"|diretta da|dirigida por|дирижёр)\s)\s*",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"^(?:conductor|dirigent|directora?|direttore|chef d'orchestre|дирижёр|piano|violin|cello|guitar|vocals?"
    r"|soprano|tenor|baritone|narrator|orchestra|choir)\s*:\s*",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]\s*")
_SAYS_WHO = re.compile(r"(?i)^(?:feat\.?|ft\.?|featuring|f/|with|aka|a\.k\.a\.|formerly|=)\s*")


def split_names(text: str) -> tuple[str, ...]:
    """Split a credit such as "A feat. B & C" into normalised names, the whole credit not among them."""
    cleaned = clean_text(text)
    if _TRAILING_ARTICLE.match(cleaned.casefold()):
        return (normalize_name(cleaned),)
    aside: list[str] = []
    for match in _BRACKETED.finditer(cleaned):
        # In brackets: others, the name in another script, or what tells it from namesakes, which is no name.
        inside, outside = match.group(1), cleaned[: match.start()]
        if _SAYS_WHO.match(inside) or (outside and inside.isascii() != outside.isascii()):
            aside.append(_SAYS_WHO.sub("", inside))
    plain = _BRACKETED.sub(" ", cleaned).strip() or cleaned
    parts = [part for each in (plain, *aside) for part in _NAME_JOIN.split(each)]
    names = (normalize_name(_ROLE.sub("", part)) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name and name != "the"))
