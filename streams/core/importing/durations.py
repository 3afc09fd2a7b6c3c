"""Durations as people and programs write them: clocks, numbers of some unit, words, ISO 8601."""

import datetime
import re
from enum import StrEnum

import msgspec

from streams.core.importing.readings import Reading
from streams.core.normalize import clean_text, fold_diacritics
from streams.core.upload_json import MAX_DURATION_MS


class DurationUnit(StrEnum):
    """The unit of a number that names none."""

    auto = "auto"
    milliseconds = "ms"
    seconds = "s"
    minutes = "min"


_FACTORS = {DurationUnit.milliseconds: 1, DurationUnit.seconds: 1_000, DurationUnit.minutes: 60_000}
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,6})?)")
_PRIMES = re.compile(r"(\d{1,4})'\s*(\d{1,2}(?:[.,]\d{1,6})?)?(?:\"|'')?")
_ISO = re.compile(r"p(?:0+[ymwd])*t")
"""How ISO 8601 begins; some write down that it is no years, months and days."""
_AROUND = re.compile(r"^(?:[(\[~≈]|ca?\.\s?|circa\s|approx\.?\s)+\s*|[)\]]+$")
"""Brackets, and what says that it is about so long."""
_NUMBER = re.compile(r"\d{1,12}(?:[.,]\d{1,15})?")
_QUANTITY = re.compile(r"(\d{1,12}(?:[.,]\d{1,6})?)\s*([^\W\d_]*)\.?")
_BETWEEN = re.compile(r"(?:[\s,]|\b(?:and|y|e|et|und|en|i|og|och|ve)\b|и)*")

_UNITS: dict[int, str] = {
    3_600_000: (
        "h hr hrs hour hours hora horas heure heures std stunde stunden ora ore uur uren timme timmar"
        " time timer час часа часов ч godz godzina godziny godzin saat sa 時間 小时 小時 时 時 시간"
    ),
    60_000: (
        "m min mins minute minutes minuto minutos minuten minuta minuty minut minuti minuut minuter minutter"
        " мин минута минуту минуты минут м dk dakika 分 分钟 分鐘 분"
    ),
    1_000: (
        "s sec secs second seconds seg segundo segundos seconde secondes sek sekunde sekunden secondo secondi"
        " seconden sekund sekunda sekundy sekunder сек секунда секунду секунды секунд с sn saniye 秒 초"
    ),
    1: "ms msec msecs millisecond milliseconds milisegundos millisecondes millisekunden мс 毫秒 밀리초",
}
_WORDS = {word: factor for factor, words in _UNITS.items() for word in fold_diacritics(words).split()}
_SMALLER = {3_600_000: 60_000, 60_000: 1_000, 1_000: 1}

LEAST_MS_AS_NUMBER = 10_000
"""A whole number without a unit is milliseconds from here: as seconds it would be close to three hours."""
LEAST_SECONDS_AS_NUMBER = 30
"""Below, a bare number may be minutes: with a decimal point it is taken for them, else asked for."""


def read_duration(text: str, *, unit: DurationUnit = DurationUnit.auto) -> Reading[int]:
    """Read a duration.

    Parameters
    ----------
    text : str
        ``215``, ``215000``, ``3:35``, ``0:03:35``, ``3.58``, ``3m 35s``, ``3 minutes 35 seconds``, ``PT215S``
    unit : DurationUnit
        of a bare number; ``auto`` goes by its size

    Returns
    -------
    Reading of int
        milliseconds, above 0 and at most 24 hours
    """
    written = _bare(fold_diacritics(clean_text(text).casefold()))
    if not written:
        return Reading()
    milliseconds = _iso(written)
    if milliseconds is None:
        milliseconds = _clock(written)
    if milliseconds is None and _NUMBER.fullmatch(written):
        found = _number(written, unit)
        if found.value is None:
            return Reading(problem=found.problem)
        milliseconds = found.value
    if milliseconds is None:
        milliseconds = _in_words(written)
    if milliseconds is None:
        return Reading(problem="no duration")
    rounded = round(milliseconds)
    if rounded == 0:
        return Reading(problem="zero, which says nothing")
    if rounded > MAX_DURATION_MS:
        return Reading(problem="longer than 24 hours")
    return Reading(rounded)


def _bare(written: str) -> str:
    """Take off what stands around a duration; not around a mere number, which may be a year: "(2005)"."""
    bare = re.sub(r"(?<=\d)\.$", "", _AROUND.sub("", written))
    return written if _NUMBER.fullmatch(bare) and bare != written.rstrip(".") else bare


def says_duration(text: str) -> bool:
    """Say whether a text is a duration whatever column it stands in: a clock or units, not a bare number."""
    return not _NUMBER.fullmatch(clean_text(text).rstrip(".")) and read_duration(text).value is not None


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))


def _iso(text: str) -> float | None:
    begin = _ISO.match(text)
    if begin is None:
        return None
    try:
        return msgspec.convert(f"PT{text[begin.end() :].upper()}", datetime.timedelta).total_seconds() * 1_000
    except (msgspec.ValidationError, OverflowError):
        return None


def _clock(text: str) -> float | None:
    """Read ``3:35``, ``1:03:35`` and ``3'35"``; 60 seconds or more are none."""
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = match[1], int(match[2]), _decimal(match[3])
        if seconds >= 60 or (hours is not None and minutes >= 60):
            return None
        return (int(hours or 0) * 3_600 + minutes * 60 + seconds) * 1_000
    if match := _PRIMES.fullmatch(text):
        seconds = _decimal(match[2] or "0")
        return (int(match[1]) * 60 + seconds) * 1_000 if seconds < 60 else None
    return None


def _number(text: str, unit: DurationUnit) -> Reading[float]:
    whole, comma, rest = text.partition(",")
    if comma and len(rest) == 3 and unit in {DurationUnit.auto, DurationUnit.milliseconds}:
        if unit is DurationUnit.auto:
            return Reading(problem="the comma may stand before decimals or thousands: declare the unit")
        return Reading(float(whole + rest))
    value = _decimal(text)
    if unit is not DurationUnit.auto:
        return Reading(value * _FACTORS[unit])
    if value >= LEAST_MS_AS_NUMBER:
        return Reading(value)
    if value >= LEAST_SECONDS_AS_NUMBER or value == 0:
        return Reading(value * 1_000)
    if re.search(r"[.,]", text):
        return Reading(value * 60_000)
    return Reading(problem="may be minutes or seconds: declare the unit")


def _in_words(text: str) -> float | None:
    """Add up quantities with units that get smaller; a last one without its unit has the next smaller."""
    total, at, smallest = 0.0, 0, 0
    while at < len(text):
        match = _QUANTITY.match(text, at)
        if match is None:
            return None
        factor = _WORDS.get(match[2]) if match[2] else _SMALLER.get(smallest)
        if factor is None or (smallest and factor >= smallest):
            return None
        total, smallest = total + _decimal(match[1]) * factor, factor
        between = _BETWEEN.match(text, match.end())
        at = between.end() if between else match.end()
    return total if smallest else None
