"""Releases and track releases: what a resource appears on, where, and what the sender calls it there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.core.ddex.nodes import REPEATS, Node
from streams.core.ddex.parties import Party
from streams.core.ddex.titles import default_of, read_titles
from streams.core.identifiers import READERS
from streams.core.importing.cells import read_whole
from streams.core.importing.dates import read_date
from streams.core.importing.drafts import said

_SCHEMES = {
    "GRid": "grid",
    "ICPN": "icpn",
    "ISRC": "isrc",
    "ProprietaryId": "id",
    "CatalogNumber": "catalogue",
}
_READERS = {"GRid": "grid", "ICPN": "gtin", "ISRC": "isrc"}
Place = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Release:
    """What a release says of each of its tracks.

    Attributes
    ----------
    keys : tuple of str
        the sender's names for it, the same in every message, the most telling first
    release, genre, rights
        as an upload has them
    places : mapping
        reference of a resource to disc and track number
    """

    keys: tuple[str, ...]
    release: Mapping[str, Any]
    genre: str | None
    rights: Mapping[str, str]
    places: Mapping[str, Place] = field(default_factory=dict)


def release_keys(node: Node) -> tuple[str, ...]:
    """Give every name of a release, the most telling first, each with its scheme."""
    found = []
    for element, scheme in _SCHEMES.items():
        for one in node.all("ReleaseId", element):
            if not one.text:
                continue
            reader = READERS.get(_READERS.get(element, ""))
            value = (reader(one.text).value if reader else None) or one.text
            name = one.attributes.get("Namespace", "")
            found.append(":".join(part for part in (scheme, name, value) if part))
    return tuple(found)


def read_release(
    node: Node, parties: Mapping[str, Party], *, language: str | None, latest_year: int
) -> Release:
    """Read a `Release` or a `TrackRelease`."""
    titles = read_titles(node, language=language)
    label = parties.get(node.said("ReleaseLabelReference") or "")
    gtin = node.said("ReleaseId", "ICPN")
    date = node.said("ReleaseDate") or node.said("OriginalReleaseDate") or ""
    release = said(
        title=_with_version(titles.title, titles.version),
        gtin=(READERS["gtin"](gtin).value or gtin) if gtin else None,
        date=read_date(date, latest_year=latest_year).value,
        label=label.name if label else None,
    )
    genre = default_of(node.all("Genre"))
    places = dict(_places(node))
    if node.name == "TrackRelease" and (reference := node.said("ReleaseResourceReference")):
        places[reference] = (None, None)
    return Release(
        keys=release_keys(node),
        release=release,
        genre=genre.said("GenreText") if genre else None,
        rights=said(p_line=line_of(node, "PLine"), c_line=line_of(node, "CLine")),
        places=places,
    )


def line_of(node: Node, name: str) -> str | None:
    """Read a rights line; where it has no text, its year with its sign."""
    line = node.first(name)
    if line is None:
        return None
    year = line.said("Year")
    return line.said(f"{name}Text") or (f"({name[0]}) {year}" if year else None)


def _with_version(title: str | None, version: str | None) -> str | None:
    return f"{title} ({version})" if title and version else title


def _places(release: Node) -> Iterator[tuple[str, Place]]:
    """Give the place of each resource: groups within the outermost are discs."""
    for outermost in release.all(REPEATS):
        yield from _in_group(outermost, disc=None)
        for number, disc in enumerate(outermost.all(REPEATS), start=1):
            yield from _in_group(disc, disc=_whole(disc) or number, deep=True)


def _in_group(group: Node, *, disc: int | None, deep: bool = False) -> Iterator[tuple[str, Place]]:
    for item in group.all("ResourceGroupContentItem"):
        if reference := item.said("ReleaseResourceReference"):
            yield reference, (disc, _whole(item))
    if deep:
        for inner in group.all(REPEATS):
            yield from _in_group(inner, disc=disc, deep=True)


def _whole(node: Node) -> int | None:
    return read_whole(node.said("SequenceNumber") or "").value
