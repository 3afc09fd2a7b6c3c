"""The numbers of a title that belong to identity, each with its scheme; and musical keys."""

import re

from streams.core.markers import NUMBERED, NUMBERS
from streams.core.phrases import Words
from streams.core.records import TypedNumber
from streams.core.titles.keys import keys_in

_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10,
          "xi": 11, "xii": 12, "xiii": 13, "xiv": 14, "xv": 15, "xvi": 16, "xvii": 17, "xviii": 18,
          "xix": 19, "xx": 20}  # fmt: skip
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
          "ten": 10, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
          "十": 10}  # fmt: skip
_VALUE = r"(\d+[a-z]?|[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten)"
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
    _before("opus", r"(\d+[a-z]?)", spaces=r"\.?\s*(?:posth\.?,?\s*)?"),
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
    ("catalogue:hob", re.compile(r"\bhob\.?\s*([ivx]+[:/-]\s?\d+)\b", re.IGNORECASE)),
    ("catalogue:rv", re.compile(r"\brv\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:hwv", re.compile(r"\bhwv\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:l", re.compile(r"\bL\.\s?(\d+)\b")),
    ("catalogue:s", re.compile(r"\bS\.\s?(\d{2,3}[a-z]?)\b")),
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
    r"(?<![^\W_])(?:bwv|kv?|d|hob|rv|hwv|l|s|woo|buxwv|twv|wq|sz|wab|kk)\.?\s?[\divx]", re.IGNORECASE
)
_MAY_BE_AROUND = re.compile(r"[楽樂乐章番号號首部話集巻卷辑輯장번부권]|satz|mouvement|часть", re.IGNORECASE)
_OPUS_NUMBER = re.compile(r"^(?:\s*/\s*|[\s,:]*(?:(?:nos?|nr|n)\b[.°]?|№|#)\s*)(\d+)\b", re.IGNORECASE)


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
    if not _MAY_HOLD_ONE.search(text):
        return tuple(found.values())
    taken: set[int] = set()
    patterns = _NUMBERS
    if _MAY_BE_CATALOGUED.search(text):
        patterns += _CATALOGUES
    if _MAY_BE_AROUND.search(text):
        patterns += _AROUND
    for scheme, pattern in patterns:
        for match in pattern.finditer(text):
            if scheme == "number" and match.start(1) in taken:
                continue
            add(scheme, _value(match.group(1)), *match.span())
            if scheme == "opus" and (second := _OPUS_NUMBER.match(text[match.end() :])):
                at = match.end()
                taken.add(at + second.start(1))
                add("opus_number", _value(second.group(1)), at + second.start(), at + second.end())
    return tuple(found.values())


def _value(text: str) -> str:
    value = re.sub(r"[/-]", ":", text.lower().replace(" ", ""))
    number = _ROMAN.get(value) or _WORDS.get(value)
    return str(number) if number else value.lstrip("0") or "0"
