"""A whole message: its header, what surrounds its resources, and the uploads or withdrawals it stands for.

A message is read twice: first everything that resources refer to, then the resources one by one.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import orjson

from streams.core.ddex.nodes import Node, paths_of
from streams.core.ddex.parties import read_party
from streams.core.ddex.paths import packaged_paths
from streams.core.ddex.releases import read_release, release_keys
from streams.core.ddex.resources import RESOURCES, ResourceReader, Surroundings, isrcs_of
from streams.core.identifiers import read_dpid
from streams.core.importing.drafts import Draft, said
from streams.core.importing.readings import Report
from streams.core.importing.rows import RowResult
from streams.core.upload_json import parse_upload
from streams.errors import SchemaError, UnreadableInput

NEW_RELEASE, PURGE = "NewReleaseMessage", "PurgeReleaseMessage"
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
MOST_PARTS = 100_000
"""Parties, releases or resources of one message; a catalogue is sent as one message for each release."""


class MessageError(UnreadableInput):
    """A message cannot be read, or is of another version or kind."""

    code = "message_error"


class MessageReader:
    """Reads one message.

    Parameters
    ----------
    root : Node
        without children
    source, source_kind : str, optional
        who sends, where the message is not to say it
    latest_year : int
        the latest plausible year
    locate : callable
        address of a file as the message has it to one that can be read; None where there is none

    Raises
    ------
    MessageError
        of another kind than those that say something of recordings
    """

    def __init__(
        self,
        root: Node,
        *,
        source: str | None,
        source_kind: str | None,
        latest_year: int,
        locate: Callable[[str], str | None],
    ) -> None:
        if root.name not in {NEW_RELEASE, PURGE}:
            raise MessageError(f"a {root.name}: only {NEW_RELEASE} and {PURGE} become uploads")
        self.name = root.name
        self._source, self._source_kind = source, source_kind
        self._year, self._locate = latest_year, locate
        self._around = Surroundings(language=root.attributes.get("LanguageAndScriptCode"))
        self._given: Draft = {}
        self._unknown: set[str] = set()
        self._parts = 0
        self.opening = self._unknown_among(f"{root.name}/@{name}" for name in root.attributes)
        self.items: dict[str, set[str]] = {}
        """Names of releases to the items that were made of their resources."""

    def _unknown_among(self, paths: Iterable[str]) -> list[Report]:
        """Report each path that the table of paths does not have, once."""
        table, reports = packaged_paths(), []
        for path in paths:
            if path not in self._unknown and not table.knows(path):
                self._unknown.add(path)
                reports.append(Report(part=path, why="not in the table of paths: not read"))
        return reports

    def note(self, part: Node, *, above: str) -> RowResult:
        """Take in a part, in the first reading.

        Parameters
        ----------
        part : Node
        above : str
            path of what holds it

        Raises
        ------
        MessageError
            a test message, no sender, or too many parts
        """
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise MessageError(f"more than {MOST_PARTS} parties, resources and releases")
        result = RowResult(reports=self._unknown_among(paths_of(part, below=above)))
        if part.name == "MessageHeader":
            self._read_header(part)
        elif part.name == "Party":
            found = read_party(part)
            if found is None:
                why = "has no reference or no name: nobody can be it"
                result.reports.append(Report(part=_name_of(part), why=why))
            else:
                self._around.parties[found[0]] = found[1]
        elif part.name in RESOURCES:
            self._around.isrcs[part.said("ResourceReference") or ""] = isrcs_of(part)
        elif part.name in {"Release", "TrackRelease"}:
            release = read_release(
                part, self._around.parties, language=self._around.language, latest_year=self._year
            )
            (self._around.tracks if part.name == "TrackRelease" else self._around.releases).append(release)
        return result

    def check(self) -> None:
        """Check, after the first reading, that the message says what no upload can go without.

        Raises
        ------
        MessageError
        """
        if "source" not in self._given:
            raise MessageError("the message has no header")

    def _read_header(self, header: Node) -> None:
        control = header.said("MessageControlType")
        if control and "Test" in control:
            raise MessageError("a test message: it is no upload")
        sender = header.said("MessageSender", "PartyId")
        dpid = read_dpid(sender).value if sender else None
        source = self._source or dpid or sender or header.said("MessageSender", "PartyName", "FullName")
        if source is None:
            raise MessageError("the message names no sender: say who it is with --source")
        created = header.said("MessageCreatedDateTime")
        self._given = said(
            source=source,
            source_kind=self._source_kind,
            revision=_revision(created),
            uploaded_at=created,
        )

    def resource(self, part: Node) -> RowResult:
        """Make the uploads of a resource, in the second reading; other parts give none."""
        result = RowResult()
        if part.name not in RESOURCES:
            return result
        reader = ResourceReader(part, self._around, latest_year=self._year, locate=self._locate)
        if not reader.reference:
            result.reports.append(Report(part=_name_of(part), why="has no ResourceReference", refused=True))
            return result
        holding = [*self._around.holding(reader.reference)[0], *self._around.holding(reader.reference)[1]]
        for draft in reader.drafts():
            for key in (key for release in holding for key in release.keys):
                self.items.setdefault(key, set()).add(draft["item_id"])
            self._finish({**self._given, **draft}, part=_name_of(part), result=result)
        result.reports += [
            Report(part=_name_of(part), column=element, value=value, why=why)
            for element, value, why in dict.fromkeys(reader.problems)
        ]
        return result

    def purged(self, part: Node, *, delivered: Mapping[str, Set[str]]) -> RowResult:
        """Make the withdrawals of a purged release.

        Parameters
        ----------
        part : Node
            `PurgedRelease`
        delivered : mapping
            name of a release to the items that it was delivered with
        """
        result = RowResult()
        keys = release_keys(part)
        if not keys:
            result.reports.append(Report(part=part.name, why="names no release", refused=True))
            return result
        items = sorted({item for key in keys for item in delivered.get(key, ())})
        if not items:
            items = [keys[0]]
            why = "taken for a track release; for all tracks of a release, give its message with --delivered"
            result.reports.append(Report(part=part.name, value=keys[0], why=why))
        given = {name: value for name, value in self._given.items() if name != "source_kind"}
        for item in items:
            self._finish({**given, "item_id": item, "operation": "withdraw"}, part=part.name, result=result)
        return result

    @staticmethod
    def _finish(draft: dict[str, Any], *, part: str, result: RowResult) -> None:
        upload = orjson.dumps(draft)
        try:
            parse_upload(upload)
        except SchemaError as exc:
            result.reports.append(Report(part=part, why=str(exc), refused=True))
        else:
            result.uploads.append(upload)


def _name_of(part: Node) -> str:
    reference = part.said("ResourceReference") or part.said("PartyReference") or part.said("ReleaseReference")
    return f"{part.name} {reference}" if reference else part.name


def _revision(created: str | None) -> int | None:
    """Count the seconds from 2000 to when the message was made: a later message is a higher revision."""
    if created is None:
        return None
    try:
        when = datetime.datetime.fromisoformat(created)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    seconds = int((when - EPOCH).total_seconds())
    return seconds if seconds > 0 else None
