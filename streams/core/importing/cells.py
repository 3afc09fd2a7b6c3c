"""Single cells: numbers, flags, languages and identifiers; a wrong one is absent and says why."""

import re
from uuid import UUID

import langcodes

from streams.core.identifiers import READERS
from streams.core.importing.readings import Reading
from streams.core.normalize import clean_text
from streams.core.upload_json import MAX_INT

_WHOLE = re.compile(r"[+]?0*(\d{1,10})(?:[.,]0+)?(?:\s*(?:/|of)\s*\d+)?")
_ON_A_SIDE = re.compile(r"0*[A-Z]{1,2}0*([1-9]\d?)", re.IGNORECASE)
_FLOAT_TAIL = re.compile(r"[.,]0+$")
_YES = frozenset("1 true t yes y x ja j oui o si sí s sim да evet はい 是 예".split())
_NO = frozenset("0 false f no n nein non não nao нет hayır hayir いいえ 否 아니요".split())


def read_whole(text: str) -> Reading[int]:
    """Read a number above zero: ``3``, ``003``, ``3.0``, ``3/12``; of ``A3``, the number on the side."""
    written = clean_text(text)
    if not written:
        return Reading()
    match = _WHOLE.fullmatch(written)
    if match is None:
        on_a_side = _ON_A_SIDE.fullmatch(written)
        if on_a_side is not None:
            return Reading(int(on_a_side[1]), "names a side of a record: its number there is taken")
        return Reading(problem="no whole number")
    value = int(match[1])
    if value == 0:
        return Reading(problem="zero, which says nothing")
    return Reading(value) if value <= MAX_INT else Reading(problem="too large")


def read_flag(text: str) -> Reading[bool]:
    """Read yes or no, in a few languages or as 1 and 0."""
    written = clean_text(text).casefold()
    if not written:
        return Reading()
    if written in _YES:
        return Reading(True)
    return Reading(False) if written in _NO else Reading(problem="neither yes nor no: declare its words")


def read_language(text: str) -> Reading[str]:
    """Read a language tag, or the name of a language in any language, as a BCP 47 tag."""
    written = clean_text(text)
    if not written:
        return Reading()
    if not written.isprintable():  # the tables of names break on control characters
        return Reading(problem="no language that is known")
    # Tags first: there is a language whose name is "En".
    for code in (written, written.rstrip(".")):
        try:
            tag = langcodes.standardize_tag(code)
        except ValueError:
            continue
        if langcodes.tag_is_valid(tag):
            return Reading(tag)
    try:
        return Reading(langcodes.find(written).to_tag())
    except LookupError:
        return Reading(problem="no language that is known: declare its words")


def read_identifier(text: str, scheme: str) -> Reading[str]:
    """Read an identifier of the trade.

    A wrong check digit is said and the identifier kept as sent: the resolver lists it and gives it no weight.
    Anything else that has not the shape of one is absent.
    """
    written = _FLOAT_TAIL.sub("", clean_text(text))
    if not written:
        return Reading()
    if scheme == "gtin" and re.fullmatch(r"\d{10,11}", written):
        written = written.zfill(12)  # a spreadsheet has taken the zeros in front
    value, problem = READERS[scheme](written)
    if value is not None:
        return Reading(value)
    if problem == "check_digit":
        return Reading(clean_text(text), "the check digit is wrong: kept as sent, without weight")
    return Reading(problem=f"no {scheme.upper()}")


def read_uuid(text: str) -> Reading[str]:
    """Read a UUID, alone or at the end of an address."""
    written = clean_text(text).rstrip("/").rpartition("/")[2]
    if not written:
        return Reading()
    try:
        return Reading(str(UUID(written)))
    except ValueError:
        return Reading(problem="no UUID")
