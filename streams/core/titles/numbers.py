"""The numbers of a title that belong to identity, each with its scheme; and musical keys."""

import re

from streams.core.markers import NUMBERED, NUMBERS
from streams.core.phrases import Words
from streams.core.records import TypedNumber
from streams.core.titles.keys import keys_in
from streams.core.titles.terms import ORDINALS, is_form

_UNITS = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_ROMAN = {
    tens + unit: 10 * ten + one
    for ten, tens in enumerate(("", "x", "xx", "xxx", "xl", "l", "lx", "lxx", "lxxx"))
    for one, unit in enumerate(_UNITS)
    if tens + unit
}
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
          "ten": 10, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
          "十": 10}  # fmt: skip
CATALOGUED = frozenset({"opus"})
"""Schemes beside those of catalogues that name a work of a composer."""
_VALUE = r"(\d+[a-z]?|[ivxl]+|one|two|three|four|five|six|seven|eight|nine|ten)"
_MAY_HOLD_ONE = re.compile(
    r"\d|(?<![^\W_])[IVX]+(?![^\W_])|(?i:(?<![^\W_])(?:p(?:ar)?t|vol|teil|akt|act|часть|том))|[一二三四五六七八九十][番楽樂乐部号號]"
)


def _alternatives(words: Words) -> str:
    return "|".join(re.escape(word) for each in words.values() for word in each.split("|"))


def _before(scheme: str, value: str = _VALUE, *, spaces: str = r"\.?\s*") -> tuple[str, re.Pattern[str]]:
    words = _alternatives(NUMBERS[scheme])
    return scheme, re.compile(rf"(?<![^\W_])(?:{words})(?![^\W\d_]){spaces}{value}\b", re.IGNORECASE)


_NUMBERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    _before("part"),
    _before("volume"),
    _before("act", spaces=r"\s+"),
    _before("scene", spaces=r"\s+"),
    _before("book"),
    _before("variation"),
    _before("opus", r"(\d+(?:[a-z]\b|\s?bis\b)?)", spaces=r"\.?\s*(?:posth\.?,?\s*)?"),
    _before("number", r"(\d+[a-z]?)"),
    ("number", re.compile(r"(?:№|n[°º]|#)\s*(\d+[a-z]?)\b", re.IGNORECASE)),
    _before("movement", r"(\d+|[ivx]+)"),
    ("movement", re.compile(r"(?:^|[:,\-/]\s+)([IVX]{1,5})\.\s+(?=\w)")),
    ("movement", re.compile(r":\s+(\d{1,2})\.\s+(?=\w)")),
)
_CATALOGUES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("catalogue:bwv", re.compile(r"\bbwv\.?\s*(\d+[a-z]?)\b", re.IGNORECASE)),
    ("catalogue:k", re.compile(r"\bkv?\.?\s?(\d{1,3}[a-z]?)\b", re.IGNORECASE)),
    ("catalogue:d", re.compile(r"\bD\.?\s?(\d{2,3})\b")),
    (
        "catalogue:hob",
        re.compile(r"\b(?:hob\.?|H\.)\s*([ivx]+(?:[:/-]\s?|\s+no\.?\s?)\d+)\b", re.IGNORECASE),
    ),
    ("catalogue:rv", re.compile(r"\brv\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:hwv", re.compile(r"\bhwv\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:l", re.compile(r"\bL\.\s?(\d+)\b")),
    ("catalogue:s", re.compile(r"\bS(?:\.\s?(?=\d\d)|(?=\d{3}))(\d{2,3}[a-z]?)\b")),
    ("catalogue:woo", re.compile(r"\bwoo\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:buxwv", re.compile(r"\bbuxwv\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:twv", re.compile(r"\btwv\.?\s*(\d+:\w+)\b", re.IGNORECASE)),
    ("catalogue:wq", re.compile(r"\bwq\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:sz", re.compile(r"\bsz\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:wab", re.compile(r"\bwab\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:kk", re.compile(r"\bkk\.?\s*(\d+)\b", re.IGNORECASE)),
)
_AROUND = tuple(
    (scheme, re.compile(pattern, re.IGNORECASE))
    for scheme, words in NUMBERED.items()
    for pattern in words.values()
)
_MAY_BE_CATALOGUED = re.compile(
    r"(?<![^\W_])(?:bwv|kv?|d|hob|h|rv|hwv|l|s|woo|buxwv|twv|wq|sz|wab|kk)\.?\s?[\divx]", re.IGNORECASE
)
_MAY_BE_AROUND = re.compile(r"[楽樂乐章番号號首部話集巻卷辑輯장번부권]|satz|mouvement|часть", re.IGNORECASE)
_OPUS_NUMBER = re.compile(r"^(?:\s*/\s*|[\s,:]*(?:(?:nos?|nr|n)\b[.°]?|№|#)\s*)(\d+)\b", re.IGNORECASE)


_RANGE = re.compile(r"\s?-\s?\d")
_ORDINAL = re.compile(
    r"(?<![^\W_])(?:" + "|".join(map(re.escape, sorted(ORDINALS, key=len, reverse=True))) + r")(?= +(\w+))",
    re.IGNORECASE,
)
_COUNTED_FORM = re.compile(r"(?<![^\W_])(\w+) ([IVXL]{1,6})([a-d]?)(?=$|[,:;(])")


def roman_value(text: str) -> int | None:
    """Read a Roman number up to 89."""
    return _ROMAN.get(text.lower())


def read_numbers(text: str) -> tuple[TypedNumber, ...]:
    """Find the numbers that belong to identity, each with its scheme."""
    return tuple(number for number, _, _ in numbers_in(text))


def numbers_in(text: str) -> tuple[tuple[TypedNumber, int, int], ...]:
    """Find them with where they stand."""
    found: dict[tuple[str, str], tuple[TypedNumber, int, int]] = {}

    def add(scheme: str, value: str, start: int, end: int) -> None:
        found.setdefault((scheme, value), (TypedNumber(scheme=scheme, value=value), start, end))

    for key, start, end in keys_in(text):
        add("key", key, start, end)
    for match in _ORDINAL.finditer(text):
        if is_form(match[1]):
            add("number", str(ORDINALS[match[0].lower()]), *match.span())
    for match in _COUNTED_FORM.finditer(text):
        if is_form(match[1]) and (counted := roman_value(match[2])) is not None:
            add("number", f"{counted}{match[3]}", match.start(2), match.end())
    if not _MAY_HOLD_ONE.search(text):
        return tuple(found.values())
    taken: set[int] = set()
    patterns = _NUMBERS
    if _MAY_BE_CATALOGUED.search(text):
        patterns = _CATALOGUES + patterns
    if _MAY_BE_AROUND.search(text):
        patterns += _AROUND
    for scheme, pattern in patterns:
        for match in pattern.finditer(text):
            if scheme == "number" and match.start(1) in taken:
                continue
            if scheme.startswith("catalogue:"):
                # "BWV 846-869" is a collection, and its numbers are those of its pieces.
                if _RANGE.match(text, match.end()):
                    continue
                taken.update(range(*match.span()))
            add(scheme, _value(match.group(1)), *match.span())
            if scheme == "opus" and (second := _OPUS_NUMBER.match(text[match.end() :])):
                at = match.end()
                taken.add(at + second.start(1))
                add("opus_number", _value(second.group(1)), at + second.start(), at + second.end())
    return tuple(found.values())


def _value(text: str) -> str:
    value = re.sub(r"[/-]|no\.?(?=\d)", ":", text.lower().replace(" ", "")).replace("bis", "a")
    number = _ROMAN.get(value) or _WORDS.get(value)
    return str(number) if number else value.lstrip("0") or "0"
