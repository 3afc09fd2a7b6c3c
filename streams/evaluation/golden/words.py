"""The word lists of the golden catalogue, and what is put together from them."""

import importlib.resources
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from streams.evaluation.golden.chance import Chance

ENGLISH = "en"


class Name(NamedTuple):
    """A name in its own script and in Latin letters."""

    native: str
    latin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The words of one language.

    Attributes
    ----------
    first, second : tuple of (word, English)
    marks : mapping of str to tuple of str
        how a version of each type is written; English where the language has no words of its own
    """

    code: str
    patterns: tuple[str, ...]
    first: tuple[tuple[str, str], ...]
    second: tuple[tuple[str, str], ...]
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]
    bands: tuple[Name, ...]
    places: tuple[str, ...]
    marks: Mapping[str, tuple[str, ...]]

    @property
    def is_spaced(self) -> bool:
        """Whether words stand apart, and a given name first."""
        return self.code not in {"ja", "ko", "zh"}

    def title(self, chance: Chance) -> tuple[str, str]:
        """Make a title, and what it means in English."""
        pattern = chance.pick(self.patterns)
        first, second = chance.pick(self.first), chance.pick(self.second)
        title = pattern.format(first=first[0], second=second[0])
        english = title if self.code == ENGLISH else f"{first[1]} of {second[1]}"
        return title[0].upper() + title[1:], english

    def artist(self, chance: Chance) -> Name:
        """Make the name of a person or of a band."""
        if chance.roll(0.35):
            band = chance.pick(self.bands)
            first, second = chance.pick(self.first), chance.pick(self.second)
            native = band.native.format(first=first[0], second=second[0])
            plain = not self.is_spaced or self.code == "ru"
            latin = band.latin.format(first=first[1], second=second[1]) if plain else native
            return Name(native[0].upper() + native[1:], latin[0].upper() + latin[1:])
        given, family = chance.pick(self.given), chance.pick(self.family)
        native = f"{given[0]} {family[0]}" if self.is_spaced else f"{family[0]}{given[0]}"
        return Name(native, f"{given[1]} {family[1]}")


@cache
def words() -> Mapping[str, Any]:
    """Read the lists."""
    return tomllib.loads(
        importlib.resources.files("streams.evaluation.golden").joinpath("words.toml").read_text("utf-8")
    )


@cache
def languages() -> tuple[Language, ...]:
    """Give the languages, in the order of the file."""
    lists = words()
    return tuple(
        _language(code, table, lists[ENGLISH]) for code, table in lists.items() if "patterns" in table
    )


_NO_MARKS = frozenset({"patterns", "first", "second", "given", "family", "bands", "bands_latin", "places"})


def _language(code: str, table: Mapping[str, Any], english: Mapping[str, Any]) -> Language:
    latin: Sequence[str] = table.get("bands_latin", table["bands"])
    return Language(
        code=code,
        patterns=tuple(table["patterns"]),
        first=_pairs(table["first"]),
        second=_pairs(table["second"]),
        given=_pairs(table["given"]),
        family=_pairs(table["family"]),
        bands=tuple(Name(*both) for both in zip(table["bands"], latin, strict=True)),
        places=tuple(table["places"]),
        marks={name: tuple(table.get(name, english[name])) for name in english.keys() - _NO_MARKS},
    )


def _pairs(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((native, latin) for native, latin in rows)
