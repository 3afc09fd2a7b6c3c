"""Who made a recording: displayed artists and what stands between their names, contributors, writers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.ddex.nodes import Node
from streams.core.ddex.parties import Party
from streams.core.ddex.titles import default_of
from streams.core.importing.drafts import said

_ROLES: dict[str, tuple[str, ...]] = {
    "MainArtist": ("main",),
    "Artist": ("main",),
    "FeaturedArtist": ("featured",),
    "Composer": ("composer",),
    "Lyricist": ("lyricist",),
    "Author": ("lyricist",),
    "Librettist": ("lyricist",),
    "ComposerLyricist": ("composer", "lyricist"),
    "Conductor": ("conductor",),
    "Orchestra": ("orchestra",),
    "Remixer": ("remixer",),
    "Producer": ("producer",),
    "StudioProducer": ("producer",),
    "CoProducer": ("producer",),
    **dict.fromkeys(
        (
            "AssociatedPerformer", "Band", "Choir", "Ensemble", "Musician", "PrimaryMusician", "Rapper",
            "Soloist", "StudioMusician", "Vocalist", "LeadVocalist", "BackgroundVocalist", "Instrumentalist",
            "Performer",
        ),
        ("performer",),
    ),
}  # fmt: skip
_WRITERS = frozenset({"Composer", "Lyricist", "ComposerLyricist", "Author", "Librettist"})


@dataclass(frozen=True, slots=True)
class Credits:
    """Artists and writers, as an upload has them, and references that lead nowhere."""

    artists: list[dict[str, Any]]
    writers: list[dict[str, Any]]
    dangling: list[str]


def read_credits(node: Node, parties: Mapping[str, Party]) -> Credits:
    """Read the credits of a resource."""
    displayed: list[tuple[Party, tuple[str, ...]]] = []
    dangling: list[str] = []
    for artist in _in_sequence(node, "DisplayArtist"):
        reference = artist.said("ArtistPartyReference")
        party = parties.get(reference or "")
        if party is None:
            dangling.append(reference or "(none)")
            continue
        displayed.append((party, _ROLES.get(artist.said("DisplayArtistRole") or "MainArtist", ("other",))))
    artists = [_artist(party, role) for party, roles in displayed for role in roles]
    name = default_of(node.all("DisplayArtistName"))
    if name is not None and name.text:
        if displayed:
            _join(artists, name.text)
        else:
            artists.append({"name": name.text, "role": "main"})
    writers: dict[str, dict[str, Any]] = {}
    for contributor in _in_sequence(node, "Contributor"):
        reference = contributor.said("ContributorPartyReference")
        party = parties.get(reference or "")
        if party is None:
            dangling.append(reference or "(none)")
            continue
        roles = [role.text for role in contributor.all("Role")]
        if _WRITERS & set(roles):
            writers.setdefault(party.name, said(name=party.name, ipi=party.ids.get("ipi")))
        for role in dict.fromkeys(ours for theirs in roles for ours in _ROLES.get(theirs, ("other",))):
            made = _artist(party, role)
            if (made["name"], made["role"]) not in {(one["name"], one["role"]) for one in artists}:
                artists.append(made)
    return Credits(artists, list(writers.values()), dangling)


def _in_sequence(node: Node, name: str) -> Iterator[Node]:
    """Give elements by their sequence number; those without one stand where they are, behind the others."""
    found = list(node.all(name))
    yield from sorted(found, key=lambda one: int(number) if (number := _number(one)).isdecimal() else 1 << 31)


def _number(node: Node) -> str:
    return node.attributes.get("SequenceNumber", "")


def _artist(party: Party, role: str) -> dict[str, Any]:
    return said(name=party.name, role=role, ids=dict(party.ids))


def _join(artists: list[dict[str, Any]], written: str) -> None:
    """Keep what stands between the names in the whole credit as written, if all are in it in this order."""
    ends, at = [], 0
    for artist in artists:
        start = written.find(artist["name"], at)
        if start < 0:
            return
        at = start + len(artist["name"])
        ends.append((start, at))
    for artist, (_, end), (start, _) in zip(artists, ends, ends[1:], strict=False):
        if written[end:start]:
            artist["join_phrase"] = written[end:start]
