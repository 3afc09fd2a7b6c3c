"""Sound recordings and videos of a message, one draft of an upload for each of their editions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.core.ddex.credits import read_credits
from streams.core.ddex.nodes import Node
from streams.core.ddex.parties import Party
from streams.core.ddex.releases import Release, line_of
from streams.core.ddex.titles import default_of, read_titles, snake
from streams.core.importing.cells import read_identifier, read_language
from streams.core.importing.dates import read_date
from streams.core.importing.drafts import Draft, said
from streams.core.importing.durations import read_duration
from streams.core.importing.readings import Reading

RESOURCES = {"SoundRecording": "recording", "Video": "music_video"}
EDITIONS = {"SoundRecording": "SoundRecordingEdition", "Video": "VideoEdition"}
_OTHER_IDS = ("ISAN", "VISAN", "EIDR", "ProprietaryId", "CatalogNumber")
_EXPLICIT = {"Explicit": True, "NotExplicit": False, "ExplicitContentEdited": False}
_FILES = {"AudioFile": "audio", "VideoFile": "video"}


@dataclass(slots=True)
class Surroundings:
    """What a message says outside of its resources.

    Attributes
    ----------
    parties : mapping
        by reference
    releases, tracks : list of Release
        what holds resources, and what is one of them
    isrcs : mapping
        of each resource, by reference
    language : str, optional
        of texts that name none
    """

    parties: dict[str, Party] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)
    tracks: list[Release] = field(default_factory=list)
    isrcs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    language: str | None = None

    def holding(self, reference: str) -> tuple[list[Release], list[Release]]:
        """Give the releases and track releases with a resource."""
        return (
            [release for release in self.releases if reference in release.places],
            [track for track in self.tracks if reference in track.places],
        )


class ResourceReader:
    """Reads one resource.

    Parameters
    ----------
    node : Node
    around : Surroundings
    latest_year : int
    locate : callable
        address of a file as the message has it to the one that can be read; None where there is none
    """

    def __init__(
        self,
        node: Node,
        around: Surroundings,
        *,
        latest_year: int,
        locate: Callable[[str], str | None],
    ) -> None:
        self._node, self._around, self._year, self._locate = node, around, latest_year, locate
        self.reference = node.said("ResourceReference") or ""
        self.problems: list[tuple[str, str, str]] = []
        """Element, what it says, why it was not taken."""

    def drafts(self) -> Iterator[Draft]:
        """Give a draft for each edition, without source and revision."""
        editions = list(self._node.all(EDITIONS[self._node.name])) or [self._node]
        common = self._common()
        for number, edition in enumerate(editions, start=1):
            draft = {**common, **self._of_edition(edition, common)}
            if number > 1:  # the first keeps the item's name, whatever comes later
                isrcs = draft.get("identifiers", {}).get("isrc", [])
                draft["item_id"] += f"/{isrcs[0] if isrcs else number}"
            yield draft

    def _read(self, element: str, text: str | None, reader: Callable[[str], Reading[Any]]) -> Any:
        """Read a text; what is wrong with it is kept as a problem."""
        if not text:
            return None
        reading = reader(text)
        if reading.problem:
            self.problems.append((element, text, reading.problem))
        return reading.value

    def _common(self) -> Draft:
        node, around = self._node, self._around
        titles = read_titles(node, language=around.language)
        made_by = read_credits(node, around.parties)
        for reference in made_by.dangling:
            self.problems.append(("Party", reference, "no such party in the message"))
        releases, tracks = around.holding(self.reference)
        genres = [one.genre for one in (*tracks, *releases) if one.genre]
        return said(
            item_id=self._item_id(releases, tracks),
            kind=RESOURCES[node.name],
            title=titles.title,
            version=titles.version,
            version_types=self._version_types(),
            languages=[
                tag
                for one in node.all("LanguageOfPerformance")
                if (tag := self._read("LanguageOfPerformance", one.text, read_language))
            ],
            genre=genres[0] if genres else None,
            alternative_titles=titles.others,
            artists=made_by.artists,
            works=self._works(made_by.writers),
            releases=[self._appearance(release) for release in releases],
            duration_ms=self._read("Duration", node.said("Duration"), read_duration),
            declared=said(
                instrumental=node.says("IsInstrumental"),
                explicit=self._explicit(),
                cover=node.says("IsCover"),
                vocals=node.says("HasVocalPerformance"),
            ),
            recorded=said(date=self._read("CreationDate", node.said("CreationDate"), self._date)),
            rights={
                **(releases[0].rights if releases else {}),
                **said(p_line=line_of(node, "PLine"), c_line=line_of(node, "CLine")),
            },
            related=self._related(),
        )

    def _of_edition(self, edition: Node, common: Draft) -> Draft:
        isrcs = self._isrcs(edition)
        kinds = list(common.get("version_types", ()))
        if edition.said("Type") == "ImmersiveEdition":
            kinds.append("Immersive")
        line = line_of(edition, "PLine")
        return said(
            version_types=kinds,
            identifiers=said(isrc=isrcs, proprietary=self._other_ids(edition)),
            rights={**common.get("rights", {}), **said(p_line=line)},
            media=list(self._media(edition)),
        )

    def _item_id(self, releases: Sequence[Release], tracks: Sequence[Release]) -> str:
        """Name the item as the sender would: by its track release, else by release and resource."""
        if key := next((track.keys[0] for track in tracks if track.keys), None):
            return key
        isrcs = self._around.isrcs.get(self.reference, ())
        own = f"isrc:{isrcs[0]}" if isrcs else self.reference
        key = next((release.keys[0] for release in releases if release.keys), None)
        return f"{key}/{own}" if key else own

    def _version_types(self) -> list[str]:
        kinds = [
            one.attributes.get("UserDefinedValue") or one.text
            for one in self._node.all("VersionType")
            if one.text
        ]
        if self._node.says("IsRemastered"):
            kinds.append("Remastered")
        if self._node.said("CompositeMusicalWorkType") in {"Medley", "Potpourri"}:
            kinds.append("Medley")
        return list(dict.fromkeys(kinds))

    def _explicit(self) -> bool | None:
        warning = default_of(self._node.all("ParentalWarningType"))
        return _EXPLICIT.get(warning.text) if warning else None

    def _date(self, text: str) -> Reading[str]:
        return read_date(text, latest_year=self._year)

    def _works(self, writers: list[dict[str, Any]]) -> list[Draft]:
        iswc = self._read(
            "ISWC", self._node.said("WorkId", "ISWC"), lambda text: read_identifier(text, "iswc")
        )
        work = said(iswc=iswc, writers=writers)
        return [work] if work else []

    def _isrcs(self, edition: Node) -> list[str]:
        sent = [
            isrc.text
            for identifier in (*edition.all("ResourceId"), *self._node.all("ResourceId"))
            if identifier.attributes.get("IsReplaced") not in {"true", "1"}
            for isrc in identifier.all("ISRC")
        ]
        read = (
            self._read("ISRC", text, lambda one: read_identifier(one, "isrc")) for text in dict.fromkeys(sent)
        )
        return [isrc for isrc in read if isrc]

    def _other_ids(self, edition: Node) -> list[Draft]:
        holders = (edition,) if edition is self._node else (edition, self._node)
        return [
            {"namespace": one.attributes.get("Namespace") or element.lower(), "value": one.text}
            for element in _OTHER_IDS
            for holder in holders
            for one in holder.all("ResourceId", element)
            if one.text
        ]

    def _appearance(self, release: Release) -> Mapping[str, Any]:
        disc, track = release.places[self.reference]
        return {**release.release, **said(track_number=track, disc_number=disc)}

    def _media(self, edition: Node) -> Iterator[Draft]:
        for details in edition.all("TechnicalDetails"):
            if details.says("IsClip"):
                continue
            for delivered in details.all("DeliveryFile"):
                role = _FILES.get(delivered.said("Type") or "")
                uri = delivered.said("File", "URI")
                if role is None or uri is None:
                    continue
                located = self._locate(uri)
                if located is None:
                    self.problems.append(("URI", uri, "no such file beside the message: goes without it"))
                    continue
                size = delivered.said("File", "FileSize") or ""
                yield said(
                    role=role,
                    uri=located,
                    sha256=_sha256(delivered),
                    bytes=int(size) if size.isdecimal() else None,
                )

    def _related(self) -> list[Draft]:
        related = []
        for one in self._node.all("RelatedResource"):
            isrcs = [isrc.text for isrc in one.all("ResourceId", "ISRC") if isrc.text]
            isrcs += self._around.isrcs.get(one.said("ResourceRelatedResourceReference") or "", ())
            others = [
                {"namespace": other.attributes.get("Namespace") or "id", "value": other.text}
                for other in one.all("ResourceId", "ProprietaryId")
                if other.text
            ]
            kind = self._relation(one.said("ResourceRelationshipType"))
            if kind and (isrcs or others):
                related.append({"relation": kind, "identifiers": said(isrc=isrcs, proprietary=others)})
        return related

    def _relation(self, kind: str | None) -> str | None:
        """Name a relation: a video with the content of a recording is its music video."""
        if kind == "HasContentFrom" and self._node.name == "Video":
            return "music_video_of"
        if kind and "Sample" in kind:
            return "samples"
        return snake(kind).removeprefix("is_") if kind else None


def _sha256(delivered: Node) -> str | None:
    for total in delivered.all("File", "HashSum"):
        if (total.said("Algorithm") or "").replace("-", "").upper() == "SHA256":
            return total.said("HashSumValue")
    return None


def isrcs_of(node: Node) -> tuple[str, ...]:
    """Give the ISRCs that a resource is known by, those of its editions first."""
    nodes = (*node.all(EDITIONS[node.name], "ResourceId"), *node.all("ResourceId"))
    found = (
        read_identifier(isrc.text, "isrc").value
        for identifier in nodes
        if identifier.attributes.get("IsReplaced") not in {"true", "1"}
        for isrc in identifier.all("ISRC")
    )
    return tuple(dict.fromkeys(isrc for isrc in found if isrc))
