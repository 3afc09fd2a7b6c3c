"""The numbers of a title that belong to identity, each with its scheme; and musical keys."""

import re
from typing import NamedTuple

from streams.core.markers import NUMBERED, NUMBERS
from streams.core.records import TypedNumber
from streams.core.titles.catalogues import CATALOGUES, LETTERS, is_range
from streams.core.titles.keys import MODE_WORDS, keys_in
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

_LETTER_RUN = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_IN_HAN = re.compile(r"[一二三四五六七八九十][番楽樂乐部号號首]")
_ROMAN_IN = re.compile(r"(?<![^\W_])[IVXL]+[a-d]?(?![^\W_])")
_COUNTING = frozenset("part pt vol teil akt act часть том".split())
"""Words behind which a number may be written in letters."""
_ORDINAL_WORDS = frozenset(run for word in ORDINALS for run in _LETTER_RUN.findall(word))
_ROMANS = frozenset(number + letter for number in _ROMAN for letter in ("", *"abcd"))
_TELLING = MODE_WORDS | _ORDINAL_WORDS | _COUNTING | _ROMANS
"""Words of which a title without digits holds one, or no number at all."""


class _Pattern(NamedTuple):
    """What finds the numbers of a scheme, and words of which one must be there; none: always tried."""

    scheme: str
    pattern: re.Pattern[str]
    words: frozenset[str] | None = None


def _before(scheme: str, value: str = _VALUE, *, spaces: str = r"\.?\s*") -> _Pattern:
    words = sorted({word for each in NUMBERS[scheme].values() for word in each.split("|")})
    either = "|".join(map(re.escape, words))
    pattern = re.compile(rf"(?<![^\W_])(?:{either})(?![^\W\d_]){spaces}{value}\b", re.IGNORECASE)
    return _Pattern(scheme, pattern, frozenset(words))


_NUMBERS: tuple[_Pattern, ...] = (
    _before("part"),
    _before("volume"),
    _before("act", spaces=r"\s+"),
    _before("scene", spaces=r"\s+"),
    _before("book"),
    _before("variation"),
    _before("opus", r"(\d+(?:[a-z]\b|\s?bis\b)?)", spaces=r"\.?\s*(?:posth\.?,?\s*)?"),
    _before("number", r"(\d+[a-z]?)"),
    _Pattern("number", re.compile(r"(?:№|n[°º]|#)\s*(\d+[a-z]?)\b", re.IGNORECASE)),
    _before("movement", r"(\d+|[ivx]+)"),
    _Pattern("movement", re.compile(r"(?:^|[:,\-/]\s+)([IVX]{1,5})\.\s+(?=\w)")),
    _Pattern("movement", re.compile(r":\s+(\d{1,2})\.\s+(?=\w)")),
)
_CATALOGUES = tuple(_Pattern(scheme, pattern) for scheme, pattern in CATALOGUES)
_AROUND = tuple(
    _Pattern(scheme, re.compile(pattern, re.IGNORECASE))
    for scheme, words in NUMBERED.items()
    for pattern in words.values()
)
_MAY_BE_AROUND = re.compile(r"[楽樂乐章番号號首部話集巻卷辑輯장번부권]|satz|mouvement|часть", re.IGNORECASE)
# A bracket between an opus and its number says how much is played: "Op. 25 (Excerpts): No. 5".
_OPUS_NUMBER = re.compile(
    r"^(?:\s*/\s*|,(?=\d)|(?:\s*\([^()]*\))?[\s,:.-]*(?:(?:nos?|nr|n)\b[.°]?|№|#)\s*)(\d+)\b", re.IGNORECASE
)
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
    words = frozenset(_LETTER_RUN.findall(text.lower()))
    counted = _DIGIT.search(text) is not None
    if not counted and words.isdisjoint(_TELLING) and text.isascii():
        return ()  # what nearly every title is
    found: dict[tuple[str, str], tuple[TypedNumber, int, int]] = {}

    def add(scheme: str, value: str, start: int, end: int) -> None:
        found.setdefault((scheme, value), (TypedNumber(scheme=scheme, value=value), start, end))

    if not words.isdisjoint(MODE_WORDS) or not text.isascii():
        for key, start, end in keys_in(text):
            add("key", key, start, end)
    if not words.isdisjoint(_ORDINAL_WORDS):
        for match in _ORDINAL.finditer(text):
            if is_form(match[1]):
                add("number", str(ORDINALS[match[0].lower()]), *match.span())
    roman = not words.isdisjoint(_ROMANS) and _ROMAN_IN.search(text) is not None
    if roman:
        for match in _COUNTED_FORM.finditer(text):
            if is_form(match[1]) and (value := roman_value(match[2])) is not None:
                add("number", f"{value}{match[3]}", match.start(2), match.end())
    if not (counted or roman or not words.isdisjoint(_COUNTING) or _IN_HAN.search(text)):
        return tuple(found.values())
    taken: set[int] = set()
    patterns = _NUMBERS if words.isdisjoint(LETTERS) else _CATALOGUES + _NUMBERS
    if _MAY_BE_AROUND.search(text):
        patterns += _AROUND
    for scheme, pattern, needed in patterns:
        if needed is not None and words.isdisjoint(needed):
            continue
        for match in pattern.finditer(text):
            if scheme == "number" and match.start(1) in taken:
                continue
            if scheme.startswith("catalogue:"):
                if is_range(text, match.end()):
                    continue
                taken.update(range(*match.span()))
            add(scheme, _value(match.group(1)), *match.span())
            if scheme == "opus" and (second := _OPUS_NUMBER.match(text[match.end() :])):
                at = match.end()
                taken.add(at + second.start(1))
                add("opus_number", _value(second.group(1)), at + second.start(), at + second.end())
    return tuple(found.values())


_ANHANG = re.compile(r"^anh(?:ang)?\.?(?:[iv]+[.,/]?)?(?=\d)")


def _value(text: str) -> str:
    value = _ANHANG.sub("anh", text.lower().replace(" ", ""))
    value = re.sub(r"[/-]|no\.?(?=\d)", ":", value).replace("bis", "a")
    number = _ROMAN.get(value) or _WORDS.get(value)
    return str(number) if number else value.lstrip("0") or "0"
