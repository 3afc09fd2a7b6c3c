"""An upload as its sender writes it: the public contract."""

import msgspec

from streams.core.records.common import ItemKey, Kind, Operation, SourceKind
from streams.core.records.record import Record


class AlternativeTitle(Record, frozen=True, kw_only=True):
    """Another title of the same upload."""

    text: str
    language: str | None = None
    script: str | None = None
    type: str | None = None


class Artist(Record, frozen=True, kw_only=True):
    """One credit."""

    name: str
    role: str = "main"
    credited_as: str | None = None
    join_phrase: str | None = None
    ids: dict[str, str | None] = msgspec.field(default_factory=dict)


class Writer(Record, frozen=True, kw_only=True):
    """One writer of a work."""

    name: str
    ipi: str | None = None


class Work(Record, frozen=True, kw_only=True):
    """A composition the sender names."""

    title: str | None = None
    iswc: str | None = None
    writers: tuple[Writer, ...] = ()


class Release(Record, frozen=True, kw_only=True):
    """A release the upload appears on."""

    title: str | None = None
    gtin: str | None = None
    date: str | None = None
    label: str | None = None
    track_number: int | None = None
    disc_number: int | None = None


class ProprietaryId(Record, frozen=True, kw_only=True):
    """An identifier in the sender's own namespace."""

    namespace: str
    value: str


class Identifiers(Record, frozen=True, kw_only=True):
    """Identifiers as sent (validated later, a wrong one never refuses the upload)."""

    isrc: tuple[str, ...] = ()
    mbid: str | None = None
    acoustid: str | None = None
    proprietary: tuple[ProprietaryId, ...] = ()


class Declared(Record, frozen=True, kw_only=True):
    """What the sender says of the sound."""

    instrumental: bool | None = None
    explicit: bool | None = None
    cover: bool | None = None
    vocals: bool | None = None


class Recorded(Record, frozen=True, kw_only=True):
    """When and where it was recorded."""

    date: str | None = None
    place: str | None = None


class Rights(Record, frozen=True, kw_only=True):
    """Rights lines."""

    p_line: str | None = None
    c_line: str | None = None


class Segment(Record, frozen=True, kw_only=True):
    """A span of time."""

    start_ms: int
    end_ms: int


class Related(Record, frozen=True, kw_only=True):
    """A relation the sender declares."""

    relation: str
    identifiers: Identifiers = msgspec.field(default_factory=Identifiers)
    segment: Segment | None = None


class Video(Record, frozen=True, kw_only=True):
    """Where a video was published."""

    platform: str | None = None
    video_id: str | None = None
    channel: str | None = None
    channel_id: str | None = None
    topic_channel: bool | None = None
    description: str | None = None
    published_at: str | None = None


class Media(Record, frozen=True, kw_only=True):
    """One file of an upload; ``role`` is audio, video or artwork."""

    role: str
    uri: str
    sha256: str | None = None
    bytes: int | None = None
    content_type: str | None = None


class Upload(Record, frozen=True, kw_only=True):
    """One upload event, the public contract (`catalog.upload.v1`)."""

    source: str
    item_id: str
    source_kind: SourceKind | None = None
    revision: int | None = None  # not said: 1 for an upsert, the highest so far for a withdrawal
    operation: Operation = Operation.upsert
    kind: Kind = Kind.recording
    title: str | None = None
    version: str | None = None
    version_types: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    genre: str | None = None
    alternative_titles: tuple[AlternativeTitle, ...] = ()
    artists: tuple[Artist, ...] = ()
    works: tuple[Work, ...] = ()
    releases: tuple[Release, ...] = ()
    duration_ms: int | None = None
    identifiers: Identifiers = msgspec.field(default_factory=Identifiers)
    declared: Declared = msgspec.field(default_factory=Declared)
    recorded: Recorded = msgspec.field(default_factory=Recorded)
    rights: Rights = msgspec.field(default_factory=Rights)
    related: tuple[Related, ...] = ()
    video: Video | None = None
    media: tuple[Media, ...] = ()
    ext: str | None = None  # canonical JSON text of the namespaced extension object; stored, never read
    uploaded_at: str | None = None

    @property
    def key(self) -> ItemKey:
        """The item this upload is a revision of."""
        return ItemKey(self.source, self.item_id)
