"""Dates as people and programs write them, with no more precision than they have.

The grammar is our own: the general parsers of dates fill in what is missing from the clock, and take 03/04
for one of its two meanings without saying so.
"""

import calendar
import re
from enum import StrEnum
from functools import lru_cache

from streams.core.importing.readings import Reading
from streams.core.normalize import clean_text, fold_diacritics


class DateOrder(StrEnum):
    """The order of day and month in dates of numbers alone."""

    day_first = "dmy"
    month_first = "mdy"


EARLIEST_YEAR = 1857
"""The first machine that recorded sound is of this year; older ones are of a composition, or an error."""

_MONTHS: tuple[tuple[str, ...], ...] = tuple(
    tuple(fold_diacritics(names).split())
    for names in (
        "january januar januari janvier enero janeiro gennaio январь января styczen stycznia ocak",
        "february februar februari fevrier febrero fevereiro febbraio февраль февраля luty lutego subat",
        "march marz maart mars marzo marco март марта marzec marca mart",
        "april avril abril aprile апрель апреля kwiecien kwietnia nisan",
        "may mai mei mayo maio maggio maj май мая mayis",
        "june juni juin junio junho giugno июнь июня czerwiec czerwca haziran",
        "july juli juillet julio julho luglio июль июля lipiec lipca temmuz",
        "august augustus augusti aout agosto август августа sierpien sierpnia agustos",
        "september septembre septiembre setembro settembre сентябрь сентября wrzesien wrzesnia eylul",
        "october oktober octobre octubre outubro ottobre октябрь октября pazdziernik pazdziernika ekim",
        "november novembre noviembre novembro ноябрь ноября listopad listopada kasim",
        "december dezember decembre diciembre dezembro dicembre декабрь декабря grudzien grudnia aralik",
    )
)
_AROUND = re.compile(r"^(?:[(\[]?(?:℗|©|\(p\)|\(c\)|c\.|ca\.?|circa|um|vers)[)\]]?\s*)|^[(\[]|[)\]?]+$")
_YEAR = re.compile(r"'?(\d{2}|\d{4})(?:[.,]0+|\s?(?:年|년|г|год|года)\.?)?")
_ISO = re.compile(r"(\d{4})[-./](\d{1,2})(?:[-./](\d{1,2}))?(?:[t ]\d{1,2}:.*)?")
_CJK = re.compile(r"(\d{4})[年년]\s*(\d{1,2})[月월]\s*(?:(\d{1,2})[日일])?")
_ERA = re.compile(r"(明治|大正|昭和|平成|令和)\s*(元|\d{1,2})年(?:\s*(\d{1,2})月(?:\s*(\d{1,2})日)?)?")
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
"""The year before the first one of each, as Japan counts."""
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMBERS = re.compile(r"(\d{1,2})[-./ ]+(\d{1,2})[-./ ]+'?(\d{4}|\d{2})(?:[t ]\d{1,2}:.*)?")
_NAMED = re.compile(r"\d+|[^\W\d_]+")
_ORDINAL = frozenset("st nd rd th er º de del di of le den der".split())


def read_date(
    text: str, *, latest_year: int, earliest_year: int = EARLIEST_YEAR, order: DateOrder | None = None
) -> Reading[str]:
    """Read a date as ``2005``, ``2005-03`` or ``2005-03-01``.

    Parameters
    ----------
    text : str
        ``75``, ``'05``, ``2005``, ``(2005)``, ``2005-03-01``, ``1.3.2005``, ``18-May-15``, ``May 18 , 2015``,
        ``1999年``, ``平成11年``, ``1999 г.``
    latest_year, earliest_year : int
        plausible years; two digits mean the latest such year that is not after ``latest_year``
    order : DateOrder, optional
        of dates of numbers alone; without it, what may be read two ways gives only its year
    """
    written = fold_diacritics(clean_text(text).casefold())
    while (bare := _AROUND.sub("", written).strip()) != written:
        written = bare
    if not written or not written.strip("0-/. "):
        return Reading()
    found = _parts(written, order)
    if found is None:
        return Reading(problem="no date")
    year_text, month, day = found
    year = int(year_text)
    if len(year_text) == 2:
        year += latest_year // 100 * 100
        year -= 100 if year > latest_year else 0
    if not earliest_year <= year <= latest_year:
        return Reading(problem=f"a year before {earliest_year} or after {latest_year}")
    if day == _TWO_WAYS:
        return Reading(f"{year:04}", "day and month cannot be told apart: declare date_order")
    if not month:
        return Reading(f"{year:04}")
    if month > 12 or day > calendar.monthrange(year, month)[1]:
        return Reading(f"{year:04}", "no such day or month")
    return Reading(f"{year:04}-{month:02}-{day:02}" if day else f"{year:04}-{month:02}")


def says_date(text: str, *, latest_year: int) -> bool:
    """Say whether a text is a date whatever column it stands in: it names a month, or is a whole date."""
    found = read_date(text, latest_year=latest_year, order=DateOrder.day_first)
    return found.value is not None and "-" in found.value and found.problem is None


_TWO_WAYS = -1
_SHORTEST_MONTH = 3
_Parts = tuple[str, int, int]  # the year as written, month or 0, day or 0


def _parts(text: str, order: DateOrder | None) -> _Parts | None:
    if match := _YEAR.fullmatch(text):
        return match[1], 0, 0
    if match := _ISO.fullmatch(text) or _CJK.fullmatch(text) or _COMPACT.fullmatch(text):
        return match[1], int(match[2]), int(match[3] or 0)
    if match := _ERA.fullmatch(text):
        year = _ERAS[match[1]] + (1 if match[2] == "元" else int(match[2]))
        return str(year), int(match[3] or 0), int(match[4] or 0)
    if match := _NUMBERS.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        if order is None and first <= 12 and second <= 12 and first != second:
            return match[3], 0, _TWO_WAYS
        month_first = order is DateOrder.month_first if order else first <= 12
        day, month = (second, first) if month_first else (first, second)
        return match[3], month, day
    return _named_month(text)


def _named_month(text: str) -> _Parts | None:
    """Read dates that name the month: the year is last or has four digits."""
    months, numbers = [], []
    for word in _NAMED.findall(text):
        if word.isdigit():
            numbers.append(word)
        elif word not in _ORDINAL:
            months.append(_month(word))
    if len(months) != 1 or months[0] is None or not 1 <= len(numbers) <= 2:
        return None
    if len(numbers) == 2 and len(numbers[0]) == 4:
        numbers.reverse()
    year, day = numbers[-1], numbers[0] if len(numbers) == 2 else "0"
    if len(year) not in {2, 4} or len(day) > 2:
        return None
    return year, months[0], int(day)


@lru_cache(maxsize=4096)
def _month(word: str) -> int | None:
    """Find a month by its name in some language, or by how it starts where that names one month alone."""
    if len(word) < _SHORTEST_MONTH:
        return None
    found = {
        number
        for number, names in enumerate(_MONTHS, start=1)
        if any(name.startswith(word) for name in names)
    }
    return found.pop() if len(found) == 1 else None
