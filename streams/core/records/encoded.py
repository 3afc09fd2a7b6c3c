"""What encode makes of an upload."""

from streams.core.records.common import ItemKey, Kind, Operation, SourceKind
from streams.core.records.record import Record
from streams.core.records.upload import Upload


class Origin(Record, frozen=True, kw_only=True):
    """Where in the upload log an event stands."""

    topic: str
    partition: int
    offset: int


class Refusal(Record, frozen=True, kw_only=True):
    """Why an event cannot be resolved; the arbiter turns it into `rejected` and a dead letter."""

    code: str
    reason: str
    body: bytes = b""  # the raw record up to 256 KB; of a longer one the first 4 KB
    body_sha256: str | None = None
    body_bytes: int = 0
    body_blob: str | None = None  # digest in the feature store when the body is longer than `body`
    attempt: int = 1  # 2 and more: a refused record that was replayed
    replay_of: Origin | None = None  # the refused record that was replayed


class IdentifierProblem(Record, frozen=True, kw_only=True):
    """An identifier that is ignored as evidence, or doubted (`year`), and why."""

    scheme: str
    value: str
    problem: str


class TypedNumber(Record, frozen=True, kw_only=True):
    """A number that may be part of identity: conflict only inside one scheme."""

    scheme: str  # part, volume, act, scene, movement, opus, opus_number, number, catalogue:<name>, key
    value: str


class VersionPart(Record, frozen=True, kw_only=True):
    """A typed version statement read from a title or declared."""

    type: str  # see streams.core.versions
    text: str = ""
    detail: str | None = None  # year, place, remixer, language


class TitleReading(Record, frozen=True, kw_only=True):
    """One reading of a title; the parser gives the best few."""

    base: str  # normalised base title, the key of comparison
    versions: tuple[VersionPart, ...] = ()
    numbers: tuple[TypedNumber, ...] = ()
    credits: tuple[str, ...] = ()  # normalised names found in the title
    artist: str | None = None  # normalised, of an "Artist - Title" reading
    media_kind: str | None = None  # official_video, lyric_video, visualizer, audio
    source_text: str = ""


class Pictures(Record, frozen=True, kw_only=True):
    """Marks by which pictures of a video are known again."""

    model: str  # name-version of what made them
    starts_ms: tuple[int, ...]
    marks: bytes  # of each picture 64 bytes for the whole and 64 for its middle


class ShownText(Record, frozen=True, kw_only=True):
    """Words read in pictures of a video: title cards, captions."""

    reader: str  # name-version of what read them
    starts_ms: tuple[int, ...]  # of the picture that each line was first read in
    lines: tuple[str, ...]


class LinkageRecord(Record, frozen=True, kw_only=True, weakref=True):
    """An upload as record linkage sees it: immutable, all that pair scores depend on but the sound."""

    kind: Kind
    source_kind: SourceKind | None
    readings: tuple[TitleReading, ...]
    artists: tuple[str, ...] = ()  # normalised main and featured names
    contributors: tuple[str, ...] = ()  # normalised composers, conductors, orchestras, remixers
    albums: tuple[str, ...] = ()
    label: str | None = None
    year: int | None = None
    duration_ms: int | None = None
    languages: tuple[str, ...] = ()
    isrcs: tuple[str, ...] = ()
    iswcs: tuple[str, ...] = ()
    gtins: tuple[str, ...] = ()
    mbid: str | None = None
    acoustid: str | None = None
    proprietary: tuple[str, ...] = ()  # "namespace=value"
    video_ids: tuple[str, ...] = ()  # "platform=id"
    track_number: int | None = None
    explicit: bool | None = None
    declared_cover: bool | None = None
    instrumental: bool | None = None
    artist_ids: tuple[str, ...] = ()  # "scheme=value" of main and featured artists
    doubtful_isrcs: tuple[str, ...] = ()  # of `isrcs`: older than the recording
    guests: tuple[str, ...] = ()  # of `artists`: featured, by their role or by what is written
    pictures: Pictures | None = None  # of a video that was seen
    shown: ShownText | None = None  # of a video in whose pictures words were read


class VectorRow(Record, frozen=True, kw_only=True):
    """One embedding of an upload."""

    modality: str  # text, identity, version, frames, artwork
    model: str  # name-version of the card
    window: int
    start_ms: int
    values: bytes  # float16, little-endian


class SoundFacts(Record, frozen=True, kw_only=True):
    """What was measured on the decoded sound."""

    duration_ms: int
    silent_share: float
    rms_dbfs: float
    features: str  # digest in the feature store: fingerprint, chroma, window vectors
    content_sha256: str  # of the decoded sound, the `audio` level of identity


class EncodedUpload(Record, frozen=True, kw_only=True):
    """An upload after encode (`upload.encoded.v1`); a refused one carries `refusal` and little else."""

    origin: Origin
    source: str
    item_id: str
    revision: int | None  # None: a withdrawal that names none
    operation: Operation
    digest: str  # sha256 of the canonical upload without uploaded_at
    received_ms: int  # broker time of the upload record
    kind: Kind = Kind.recording
    refusal: Refusal | None = None
    upload: Upload | None = None
    record: LinkageRecord | None = None
    blocking_keys: tuple[str, ...] = ()
    vectors: tuple[VectorRow, ...] = ()
    sound: SoundFacts | None = None
    identifier_problems: tuple[IdentifierProblem, ...] = ()
    rule_version: str = ""
    traceparent: str | None = None
    sound_track: str | None = None  # of a video with media: heard | silent | absent
    gap: int = 0  # how many offsets right before `origin` hold no record
    reembedded: bool = False  # vectors of other models for what was decided at `origin`
    retired: tuple[str, ...] = ()  # models whose rows of a re-embedded upload go

    @property
    def key(self) -> ItemKey:
        """The item this is about."""
        return ItemKey(self.source, self.item_id)
