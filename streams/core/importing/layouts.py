"""Layouts cut cells that hold several things (`{artist} - {title}`); templates put columns together."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz

from streams.core.normalize import fold_diacritics, normalize_text

_FIELD = re.compile(r"\{([^{}]+)\}")
_ON_A_SIDE = re.compile(r"^0*[a-z]{1,2}(?=\d{1,2}$)")
"""The side of a record before a number: A1."""
SAME_NAME = 80
"""The ratio from which two texts are one with typing errors, as for the words of versions."""


class Layout(NamedTuple):
    """Fields and the signs between them: ``signs[0]`` is before the first field, the last after the last."""

    fields: tuple[str, ...]
    signs: tuple[str, ...]


@lru_cache(maxsize=1024)
def read_layout(text: str) -> Layout | None:
    """Read ``{artist} - {title}``; None where two fields touch, one is named twice, or there is none."""
    parts = _FIELD.split(text)
    fields, signs = tuple(parts[1::2]), tuple(parts[0::2])
    if not fields or len(set(fields)) < len(fields) or not all(sign.strip() for sign in signs[1:-1]):
        return None
    if any(brace in sign for sign in signs for brace in "{}"):
        return None
    return Layout(fields, signs)


def split_by_layout(
    text: str, layout: Layout, *, known: Mapping[str, str], reads: Callable[[str, str], bool]
) -> dict[str, str] | None:
    """Split a cell.

    Where its signs stand more than once, the split is taken whose parts other columns say too; a part
    that another column contradicts is no such part.

    Parameters
    ----------
    text : str
    layout : Layout
    known : mapping
        what other columns say of the fields
    reads : callable
        (field, part): whether the part can be read as that field, or is a word for nothing

    Returns
    -------
    dict or None
        the text of each field, which may be empty; None where the layout does not fit
    """
    first: dict[str, str] | None = None
    for parts in _splits(text.strip(), layout.signs):
        found = dict(zip(layout.fields, parts, strict=True))
        if not any(found.values()) or not all(reads(field, part) for field, part in found.items() if part):
            continue
        told = [field for field, part in found.items() if part and known.get(field)]
        if all(_agree(found[field], known[field]) for field in told):
            if told:
                return found
            first = first or found
    return first


def _splits(text: str, signs: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Give every way to cut a text at the signs, those further left first."""
    start, end = signs[0].strip(), signs[-1].strip()
    if not text.startswith(start) or not text.endswith(end) or len(text) < len(start) + len(end):
        return
    inner = text[len(start) : len(text) - len(end)]
    for parts in _cuts(inner, signs[1:-1]):
        if not _balanced(text) or all(_balanced(part) for part in parts):
            yield parts


def _cuts(text: str, signs: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not signs:
        yield (text.strip(),)
        return
    # A part may be missing at either end, and the space beside the sign with it.
    padded, sign, at = f" {text} ", signs[0], -1
    while (at := padded.find(sign, at + 1)) >= 0:
        for rest in _cuts(padded[at + len(sign) :], signs[1:]):
            yield (padded[:at].strip(), *rest)


def _balanced(text: str) -> bool:
    """Say whether every bracket that opens is closed, and none closes that was not opened."""
    open_now = 0
    for character in text:
        open_now += (character in "([（") - (character in ")]）")
        if open_now < 0:
            return False
    return open_now == 0


def _agree(one: str, other: str) -> bool:
    """Say whether two cells name the same, typing errors aside; numbers must be equal."""
    a, b = (
        _ON_A_SIDE.sub("", fold_diacritics(normalize_text(text)).replace(" ", "")) for text in (one, other)
    )
    if a.isdigit() and b.isdigit():
        return int(a) == int(b) or (len(a) == 2 and b.endswith(a)) or (len(b) == 2 and a.endswith(b))
    return a == b or fuzz.ratio(a, b) >= SAME_NAME


def columns_of(template: str) -> tuple[str, ...]:
    """Name the columns that a template asks for."""
    return tuple(_FIELD.findall(template))


def fill_template(template: str, value_of: Callable[[str], str]) -> str:
    """Put values of columns into a template."""
    return _FIELD.sub(lambda match: value_of(match[1]), template)
