"""Single cells: numbers, flags, languages and identifiers; a wrong one is absent and says why."""

import re
from uuid import UUID

import langcodes

from streams.core.identifiers import READERS
from streams.core.importing.readings import Reading
from streams.core.languages import NO_LANGUAGE
from streams.core.normalize import clean_text
from streams.core.upload_json import MAX_INT

_WHOLE = re.compile(
    r"(?:(?:#|n[or]|num|track|trk|dis[ck]|cd|piste|pista|traccia|faixa|трек)[.:]?\s*)?"
    r"[+]?0*(\d{1,10})(?:[.,]0*)?(?:\s*(?:/|of)\s*\d+)?",
    re.IGNORECASE,
)
_ON_A_SIDE = re.compile(r"0*[A-Z]{1,2}0*([1-9]\d?)", re.IGNORECASE)
_FLOAT_TAIL = re.compile(r"[.,]0+$")
_SEVERAL = re.compile(r"[;/,|&+]|\s(?:and|und|et|y|e)\s", re.IGNORECASE)
_YES = frozenset("1 true t yes y x ja j oui o si sí s sim да evet はい 是 예".split())
_NO = frozenset("0 false f no n nein non não nao нет hayır hayir いいえ 否 아니요".split())

_EXPLICIT = frozenset({"e", "explicit", "parentaladvisory"})
_NOT_EXPLICIT = frozenset({"clean", "cleaned", "notexplicit", "nonexplicit"})


def read_whole(text: str) -> Reading[int]:
    """Read a number above zero: ``3``, ``003``, ``3.0``, ``3/12``, ``No. 3``; of ``A3``, that on the side."""
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
    written = _FLOAT_TAIL.sub("", clean_text(text).casefold())
    if not written:
        return Reading()
    if written in _YES:
        return Reading(True)
    return Reading(False) if written in _NO else Reading(problem="neither yes nor no: declare its words")


def read_explicit(text: str) -> Reading[bool]:
    """Read whether words are explicit, as shops say it: ``E``, ``explicit``, ``clean``; or yes and no."""
    written = re.sub(r"[^a-z]", "", clean_text(text).casefold())
    if written in _EXPLICIT:
        return Reading(True)
    return Reading(False) if written in _NOT_EXPLICIT else read_flag(text)


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
            return Reading() if tag in NO_LANGUAGE else Reading(tag)
    parts = [part for part in _SEVERAL.split(written) if part.strip()]
    if len(parts) > 1 and all(map(_named, parts)):
        return Reading(problem="several languages: declare split")
    found = _named(written)
    return Reading(found) if found else Reading(problem="no language that is known: declare its words")


def _named(text: str) -> str | None:
    """Find a language by its name in any language, or by its three letters."""
    try:
        return langcodes.find(text.strip()).to_tag()
    except LookupError:
        tag = text.strip().lower()
        return tag if len(tag) == 3 and langcodes.tag_is_valid(tag) else None


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
