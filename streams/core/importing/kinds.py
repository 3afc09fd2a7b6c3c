"""One reader for each kind of field, and what cells say whatever column they stand in."""

from collections.abc import Callable
from typing import Any

from streams.core.importing.cells import (
    read_explicit,
    read_flag,
    read_identifier,
    read_language,
    read_uuid,
    read_whole,
)
from streams.core.importing.dates import read_date, says_date
from streams.core.importing.durations import read_duration, says_duration
from streams.core.importing.fields import FieldKind
from streams.core.importing.mapping import FieldSpec, ReadSpec
from streams.core.importing.readings import Reading
from streams.core.normalize import clean_text

_NOTHING = frozenset(
    "- -- — ? . none nan na nil unknown (unknown) undefined unbekannt inconnu desconocido".split()
)
_PLAIN: dict[FieldKind, Callable[[str], Reading[Any]]] = {
    FieldKind.whole: read_whole,
    FieldKind.flag: read_flag,
    FieldKind.explicit: read_explicit,
    FieldKind.languages: read_language,
    FieldKind.uuid: read_uuid,
}
_IDENTIFIERS = frozenset({FieldKind.isrc, FieldKind.iswc, FieldKind.gtin, FieldKind.isni, FieldKind.ipi})


def read_kind(
    kind: FieldKind, text: str, *, read: ReadSpec, spec: FieldSpec, latest_year: int
) -> Reading[Any]:
    """Read a cell as a kind of field; a text is itself."""
    if kind is FieldKind.duration:
        reading = read_duration(text, unit=spec.unit or read.duration_unit)
        if reading.value is not None and reading.value > read.longest_s * 1_000:
            return Reading(problem=f"longer than {read.longest_s} s (read.longest_s)")
        return reading
    if kind is FieldKind.date:
        order = spec.order or read.date_order
        return read_date(text, latest_year=latest_year, earliest_year=read.earliest_year, order=order)
    if kind in _IDENTIFIERS:
        return read_identifier(text, kind.value)
    return _PLAIN[kind](text) if kind in _PLAIN else Reading(text)


def can_be(kind: FieldKind, text: str, *, latest_year: int) -> bool:
    """Say whether a text can stand in a field of a kind, with any unit or order."""
    if is_nothing(text):
        return True
    reading = read_kind(kind, text, read=ReadSpec(), spec=FieldSpec(), latest_year=latest_year)
    return reading.value is not None


def is_plainly(kind: FieldKind, text: str, *, latest_year: int) -> bool:
    """Say whether a text is of a kind whatever column it stands in: its form leaves no doubt."""
    if kind is FieldKind.duration:
        return says_duration(text)
    if kind is FieldKind.date:
        return says_date(text, latest_year=latest_year)
    return not is_nothing(text) and can_be(kind, text, latest_year=latest_year)


def is_nothing(text: str) -> bool:
    """Say whether a text means nothing where a number, a date or an identifier is expected.

    A title or a name may be such a word.
    """
    return clean_text(text).casefold() in _NOTHING
