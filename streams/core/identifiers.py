"""Identifiers of the music trade: one written form each, and every check digit there is.

A wrong identifier never refuses an upload: it is reported and ignored as evidence.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from streams.core.records import IdentifierProblem, Upload

_ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEPARATORS = re.compile(r"[\s.\-‐-―−]+")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
# Codes that the list of countries leaves to its users; of these, ISRC agencies use QM to QZ and XK.
_NOBODYS = re.compile(r"AA|X[A-JL-Z]|ZZ")
_RECORDED = re.compile(r"(?:1[5-9]|20)\d\d")


class IdentifierReading(NamedTuple):
    """The written form of an identifier, or what is wrong with it."""

    value: str | None
    problem: str | None = None


_SHAPE = IdentifierReading(None, "shape")
_CHECK = IdentifierReading(None, "check_digit")


def _compact(text: str, *prefixes: str) -> str:
    value = _SEPARATORS.sub("", text).upper()
    for prefix in prefixes:
        value = value.removeprefix(prefix)
    return value


def _mod_10_weighted(digits: str, start: int) -> int:
    total = start + sum(i * int(digit) for i, digit in enumerate(digits, start=1))
    return (10 - total % 10) % 10


def _mod_37_36(body: str) -> str:
    """Compute the ISO 7064 MOD 37,36 check character."""
    rest = 36
    for character in body:
        total = (rest + _ALNUM.index(character)) % 36
        rest = (total or 36) * 2 % 37
    return _ALNUM[(37 - rest) % 36]


def read_isrc(text: str) -> IdentifierReading:
    """Read an ISRC as 12 characters; it has no check digit, but some are plainly made up."""
    value = _compact(text, "ISRC", ":")
    if not _ISRC.fullmatch(value):
        return _SHAPE
    if not value[5:].strip("0"):
        return IdentifierReading(None, "placeholder")
    return IdentifierReading(None, "registrant") if _NOBODYS.match(value) else IdentifierReading(value)


def isrc_year(isrc: str) -> int:
    """Give the year that a read ISRC says it was assigned in; from 1940 on, in two digits."""
    year = int(isrc[5:7])
    return 1900 + year if year >= 40 else 2000 + year


def doubtful_isrcs(isrcs: Iterable[str], recorded: str | None) -> tuple[str, ...]:
    """Name those that say they were assigned before the recording was made, as far as that is known."""
    year = _RECORDED.match(recorded or "")
    return tuple(isrc for isrc in isrcs if year and isrc_year(isrc) < int(year.group()))


def read_iswc(text: str) -> IdentifierReading:
    """Read an ISWC as `T` and ten digits (weights 1..9, starting from 1)."""
    value = _compact(text, "ISWC", ":")
    if not re.fullmatch(r"T[0-9]{10}", value):
        return _SHAPE
    return IdentifierReading(value) if _mod_10_weighted(value[1:10], 1) == int(value[10]) else _CHECK


def read_ipi_name(text: str) -> IdentifierReading:
    """Read an IPI name number as 11 digits (modulus 101)."""
    value = _compact(text, "IPI", ":")
    if not re.fullmatch(r"[0-9]{1,11}", value):
        return _SHAPE
    value = value.zfill(11)
    if not value.strip("0"):
        return _SHAPE
    rest = sum(int(d) * w for d, w in zip(value[:9], range(10, 1, -1), strict=True)) % 101
    check = 0 if rest == 0 else (101 - rest) % 100
    return IdentifierReading(value) if check == int(value[9:]) else _CHECK


def read_ipi_base(text: str) -> IdentifierReading:
    """Read an IPI base number as `I` and ten digits (as ISWC, starting from 2)."""
    value = _compact(text)
    if not re.fullmatch(r"I[0-9]{10}", value):
        return _SHAPE
    return IdentifierReading(value) if _mod_10_weighted(value[1:10], 2) == int(value[10]) else _CHECK


def read_isni(text: str) -> IdentifierReading:
    """Read an ISNI as 16 characters (ISO 7064 MOD 11-2)."""
    value = _compact(text, "ISNI", ":")
    if not re.fullmatch(r"[0-9]{15}[0-9X]", value):
        return _SHAPE
    total = 0
    for digit in value[:15]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return IdentifierReading(value) if value[15] == ("X" if check == 10 else str(check)) else _CHECK


def read_gtin(text: str) -> IdentifierReading:
    """Read UPC-A, EAN-13 or GTIN-14 as 14 digits; it names a release."""
    value = _compact(text)
    if not re.fullmatch(r"[0-9]{12,14}", value) or not value.strip("0"):
        return _SHAPE
    value = value.zfill(14)
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(value[:13]))
    return IdentifierReading(value) if (10 - total % 10) % 10 == int(value[13]) else _CHECK


def read_grid(text: str) -> IdentifierReading:
    """Read a Global Release Identifier as 18 characters (MOD 37,36)."""
    value = _compact(text, "GRID", ":")
    if not re.fullmatch(r"A1[0-9A-Z]{16}", value):
        return _SHAPE
    return IdentifierReading(value) if _mod_37_36(value[:17]) == value[17] else _CHECK


def read_dpid(text: str) -> IdentifierReading:
    """Read a DDEX party identifier as 18 characters (MOD 37,36)."""
    value = _compact(text)
    if not re.fullmatch(r"[A-Z]ADPIDA[0-9A-Z]{11}", value):
        return _SHAPE
    return IdentifierReading(value) if _mod_37_36(value[:17]) == value[17] else _CHECK


READERS: dict[str, Callable[[str], IdentifierReading]] = {
    "isrc": read_isrc,
    "iswc": read_iswc,
    "ipi": read_ipi_name,
    "ipi_base": read_ipi_base,
    "isni": read_isni,
    "gtin": read_gtin,
    "grid": read_grid,
    "dpid": read_dpid,
}


def check_identifiers(upload: Upload) -> tuple[IdentifierProblem, ...]:
    """List identifiers that are ignored as evidence or doubted, in the order of an upload's fields."""
    named: list[tuple[str, str]] = [("isrc", value) for value in upload.identifiers.isrc]
    for work in upload.works:
        if work.iswc:
            named.append(("iswc", work.iswc))
        named += [("ipi", writer.ipi) for writer in work.writers if writer.ipi]
    named += [("gtin", release.gtin) for release in upload.releases if release.gtin]
    for artist in upload.artists:
        named += [(scheme, value) for scheme, value in sorted(artist.ids.items()) if value]
    for related in upload.related:
        named += [("isrc", value) for value in related.identifiers.isrc]
    problems: dict[tuple[str, str], IdentifierProblem] = {}
    for scheme, value in named:
        reader = READERS.get(scheme)
        problem = reader(value).problem if reader else None
        if problem:
            problems[scheme, value] = IdentifierProblem(scheme=scheme, value=value, problem=problem)
    for value in upload.identifiers.isrc:
        if doubtful_isrcs(filter(None, [read_isrc(value).value]), upload.recorded.date):
            problems["isrc", value] = IdentifierProblem(scheme="isrc", value=value, problem="year")
    return tuple(problems.values())
