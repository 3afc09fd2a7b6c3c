"""The values that flow between stages: frozen, typed, the same names as in the Avro schemas.

Every class here is a plain value. Tuples stand where Avro has arrays, ``None`` where a field is absent
(absent is never counter-evidence). Vectors travel as little-endian float16 bytes, features as references
into the feature store.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class ItemKey(NamedTuple):
    """What an uploader calls the thing: the unit of revisions and withdrawals."""

    source: str
    item_id: str

    def text(self) -> str:
        """Give the length-prefixed text form, unambiguous whatever the ids contain."""
        return f"{len(self.source)}:{self.source}{self.item_id}"

    @classmethod
    def parse(cls, text: str) -> "ItemKey":
        """Read what ``text`` wrote."""
        size, _, rest = text.partition(":")
        return cls(rest[: int(size)], rest[int(size) :])


class Operation(StrEnum):
    """What an upload event asks for."""

    upsert = "upsert"
    withdraw = "withdraw"


class Kind(StrEnum):
    """What an upload is."""

    recording = "recording"
    music_video = "music_video"


class SourceKind(StrEnum):
    """Who sends: a stratum of calibration."""

    label_feed = "label_feed"
    aggregator = "aggregator"
    reference_db = "reference_db"
    video_platform = "video_platform"
    user_upload = "user_upload"


class Outcome(StrEnum):
    """What became of an upload."""

    match = "match"
    new = "new"
    review = "review"
    duplicate = "duplicate"
    withdrawn = "withdrawn"
    rejected = "rejected"


# --- the upload, as in the public contract ---------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeTitle:
    """Another title of the same upload."""

    text: str
    language: str | None = None
    script: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artist:
    """One credit."""

    name: str
    role: str = "main"
    credited_as: str | None = None
    join_phrase: str | None = None
    ids: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One writer of a work."""

    name: str
    ipi: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A composition the sender names."""

    title: str | None = None
    iswc: str | None = None
    writers: tuple[Writer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release the upload appears on."""

    title: str | None = None
    gtin: str | None = None
    date: str | None = None
    label: str | None = None
    track_number: int | None = None
    disc_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProprietaryId:
    """An identifier in the sender's own namespace."""

    namespace: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """Identifiers as sent (validated later, a wrong one never refuses the upload)."""

    isrc: tuple[str, ...] = ()
    mbid: str | None = None
    acoustid: str | None = None
    proprietary: tuple[ProprietaryId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the sender says of the sound."""

    instrumental: bool | None = None
    explicit: bool | None = None
    cover: bool | None = None
    vocals: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """When and where it was recorded."""

    date: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Rights lines."""

    p_line: str | None = None
    c_line: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A span of time."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A relation the sender declares."""

    relation: str
    identifiers: Identifiers = field(default_factory=Identifiers)
    segment: Segment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """Where a video was published."""

    platform: str | None = None
    video_id: str | None = None
    channel: str | None = None
    channel_id: str | None = None
    topic_channel: bool | None = None
    description: str | None = None
    published_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One file of an upload; ``role`` is audio, video or artwork."""

    role: str
    uri: str
    sha256: str | None = None
    bytes: int | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
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
    identifiers: Identifiers = field(default_factory=Identifiers)
    declared: Declared = field(default_factory=Declared)
    recorded: Recorded = field(default_factory=Recorded)
    rights: Rights = field(default_factory=Rights)
    related: tuple[Related, ...] = ()
    video: Video | None = None
    media: tuple[Media, ...] = ()
    ext: str | None = None  # canonical JSON text of the namespaced extension object; stored, never read
    uploaded_at: str | None = None

    @property
    def key(self) -> ItemKey:
        """The item this upload is a revision of."""
        return ItemKey(self.source, self.item_id)


# --- what encode makes of it -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where in the upload log an event stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an event cannot be resolved; the arbiter turns it into `rejected` and a dead letter."""

    code: str
    reason: str
    body: bytes = b""  # at most the first 4 KB of the raw record
    body_sha256: str | None = None
    body_bytes: int = 0
    body_blob: str | None = None  # digest in the feature store when the body is longer than `body`


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierProblem:
    """An identifier that is ignored as evidence, and why."""

    scheme: str
    value: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedNumber:
    """A number that may be part of identity: conflict only inside one scheme."""

    scheme: str  # part, volume, movement, opus, number, catalogue:<name>, year, count, track
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPart:
    """A typed version statement read from a title or declared."""

    type: str  # see streams.core.versions
    text: str = ""
    detail: str | None = None  # year, place, remixer, language


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleReading:
    """One reading of a title; the parser gives the best few."""

    base: str  # normalised base title, the key of comparison
    versions: tuple[VersionPart, ...] = ()
    numbers: tuple[TypedNumber, ...] = ()
    credits: tuple[str, ...] = ()  # normalised names found in the title
    artist: str | None = None  # normalised, of an "Artist - Title" reading
    media_kind: str | None = None  # official_video, lyric_video, visualizer, audio
    source_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkageRecord:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRow:
    """One embedding of an upload."""

    modality: str  # text, identity, version, frames, artwork
    model: str  # name-version of the card
    window: int
    start_ms: int
    values: bytes  # float16, little-endian


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """What was measured on the decoded sound."""

    duration_ms: int
    silent_share: float
    rms_dbfs: float
    features: str  # digest in the feature store: fingerprint, chroma, window vectors
    content_sha256: str  # of the decoded sound, the `audio` level of identity


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedUpload:
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

    @property
    def key(self) -> ItemKey:
        """The item this is about."""
        return ItemKey(self.source, self.item_id)


# --- what find makes of it -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEvidence:
    """How two sounds relate: fingerprint alignment, window similarity, harmonic alignment."""

    bit_error: float | None = None  # of the aligned overlap, 0..0.5
    offset_ms: int | None = None  # left time minus right time
    overlap_ms: int | None = None
    coverage_left: float | None = None
    coverage_right: float | None = None
    speed_ratio: float | None = None  # of left against right; 1.0 when not re-timed
    pitch_shift: float | None = None  # semitones
    windows: float | None = None  # best identity window cosine
    harmony: float | None = None  # Qmax score, normalised
    same_content: bool = False  # equal digest of the decoded sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Another upload that may be the same, with who proposed it."""

    source: str
    item_id: str
    revision: int
    proposed_by: tuple[str, ...]  # blocker names: vector:text, vector:identity, isrc, title_artist ...
    similarity: float | None = None  # best cosine of the vector look-up
    sound: SoundEvidence | None = None

    @property
    def key(self) -> ItemKey:
        """The item this candidate is."""
        return ItemKey(self.source, self.item_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Which index answered."""

    build: str
    watermark: int  # next offset of index.row.v1 that the build has not folded
    rows: int
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An encoded upload with the candidates of the vector look-up."""

    encoded: EncodedUpload
    candidates: tuple[Candidate, ...] = ()
    lookup: Lookup | None = None
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A reviewer's or operator's judgement on a pair; `withdrawn` takes the pair's verdict back."""

    verdict_id: str
    left_source: str
    left_item_id: str
    right_source: str
    right_item_id: str
    judgement: str  # match | non_match | withdrawn
    by: str = ""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCommand:
    """An operator's command: merge or split entities, each with an inverse."""

    command_id: str
    command: str  # merge | split | unmerge
    entity_ids: tuple[str, ...]
    members: tuple[str, ...] = ()  # ItemKey.text() of members to split off
    by: str = ""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A change of the parameter bundle or of a model: the only way either changes."""

    promotion_id: str
    subject: str  # bundle | model:<modality>
    version: str
    payload: bytes = b""  # canonical JSON of the bundle
    sha256: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArbiterInput:
    """The one log that is decided on (`arbiter.input.v1`): exactly one field is set."""

    found: Found | None = None
    verdict: Verdict | None = None
    command: AdminCommand | None = None
    promotion: Promotion | None = None


# --- scores ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One line of an evidence ledger, in log-odds."""

    name: str  # comparison (title, artist, duration, ...), interaction, calibration, aggregation, guard
    level: str  # comparison level reached, or "skipped", "absent"
    contribution: float
    left: str | None = None
    right: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadScore:
    """A score of one head: `log_odds` = `prior` + the sum of the lines, exactly to 1e-9."""

    prior: float
    lines: tuple[LedgerLine, ...]
    log_odds: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairScore:
    """Both heads for one pair of uploads, and what kind of pair it is."""

    recording: HeadScore
    work: HeadScore
    relation: str | None = None  # left to right: live_version_of, remix_of, sped_up_of, music_video_of ...
    cannot_link: str | None = None  # recording level: version:live|studio, number:opus, sound, ...
    work_cannot_link: str | None = None
    contradiction: str | None = None  # e.g. same_isrc_other_sound
    reading_left: int = 0
    reading_right: int = 0


# --- what the arbiter writes -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Where an upload stands at one level of identity."""

    id: str | None
    probability: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationClaim:
    """A typed relation to another recording."""

    relation: str
    to_entity: str
    to_source: str
    to_item_id: str
    probability: float
    offset_ms: int | None = None
    overlap_ms: int | None = None
    speed_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsideredCandidate:
    """A candidate as the decision saw it."""

    source: str
    item_id: str
    entity_id: str | None
    proposed_by: tuple[str, ...]
    recording_log_odds: float | None
    work_log_odds: float | None
    cannot_link: str | None = None
    relation: str | None = None
    looked_up: str = "index"  # index | overlay | key


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """The smallest change that would flip a decision."""

    to: str
    change: str
    log_odds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of one upload, and why (`resolution.decided.v1`)."""

    decision_id: str
    sequence: int
    origin: Origin
    source: str
    item_id: str
    revision: int
    outcome: Outcome
    kind: Kind = Kind.recording
    code: str | None = None  # of a rejection or duplicate
    reason: str | None = None
    first_decision_id: str | None = None  # of a duplicate
    entity_id: str | None = None
    work_id: str | None = None
    audio: Level | None = None
    master: Level | None = None
    recording: Level | None = None
    work: Level | None = None
    video_id: str | None = None
    sound_recording_id: str | None = None
    deciding_source: str | None = None
    deciding_item_id: str | None = None
    recording_ledger: HeadScore | None = None
    work_ledger: HeadScore | None = None
    counter_evidence: LedgerLine | None = None
    flip: Flip | None = None
    candidates: tuple[ConsideredCandidate, ...] = ()
    truncated: bool = False
    relation: RelationClaim | None = None
    identifier_problems: tuple[IdentifierProblem, ...] = ()
    models: tuple[str, ...] = ()
    rule_version: str = ""
    bundle_version: str = ""
    lookup: Lookup | None = None
    overlay_rows: int = 0
    received_ms: int = 0
    trace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitySide:
    """One entity as it stands after a change."""

    entity_id: str
    kind: str  # recording | music_video | work
    status: str  # live | retired | redirected
    members: tuple[str, ...]  # ItemKey.text() for recordings and videos, entity ids for works
    redirect_to: str | None = None
    work_id: str | None = None
    title: str | None = None
    artist: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityChanged:
    """A change of entities; all touched sides in one event (`entity.changed.v1`)."""

    event_id: str
    sequence: int
    part: int  # n of m, from 1
    parts: int
    change: str  # minted | joined | left | merged | split | restored | retired | moved
    sides: tuple[EntitySide, ...]
    cause: str = ""  # decision id, verdict id or command id


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationChanged:
    """A typed relation appeared, changed or went (`relation.changed.v1`)."""

    event_id: str
    sequence: int
    part: int
    parts: int
    relation_id: str
    relation: str
    from_entity: str
    to_entity: str
    status: str  # asserted | retracted
    probability: float
    offset_ms: int | None = None
    overlap_ms: int | None = None
    speed_ratio: float | None = None
    evidence: tuple[str, ...] = ()
    visibility: str = "public"
    dispute: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequested:
    """A pair that people must settle (`review.requested.v1`)."""

    event_id: str
    sequence: int
    left_source: str
    left_item_id: str
    right_source: str
    right_item_id: str
    probability: float
    reason: str
    decision_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What the sender said against what was found (`upload.contradiction.v1`)."""

    event_id: str
    sequence: int
    source: str
    item_id: str
    revision: int
    code: str  # wrong_identifier | same_isrc_other_sound | heard_against_declared
    message: str
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that was refused (`deadletter.v1`), once per origin."""

    event_id: str
    sequence: int
    origin: Origin
    code: str
    reason: str
    body: bytes = b""
    body_sha256: str | None = None
    body_bytes: int = 0
    body_blob: str | None = None
    source: str | None = None
    item_id: str | None = None


# --- state (compacted) -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWindows:
    """How many rows of one model an upload has in the index."""

    modality: str
    model: str
    windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadState:
    """What the arbiter keeps of one item for ever (`upload.state.v1`)."""

    source: str
    item_id: str
    revision: int  # highest decided
    digest: str
    withdrawn_up_to: int  # 0: never
    live: bool
    decision_id: str
    origin: Origin
    kind: Kind = Kind.recording
    entity_id: str | None = None
    record: LinkageRecord | None = None
    blocking_keys: tuple[str, ...] = ()
    sound: SoundFacts | None = None
    rows: tuple[ModelWindows, ...] = ()
    title: str | None = None
    artist: str | None = None
    minted: tuple[str, ...] = ()  # entity ids this item founded, in order

    @property
    def key(self) -> ItemKey:
        """The item."""
        return ItemKey(self.source, self.item_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityState:
    """An entity as the fold stands (`entity.state.v1`)."""

    entity_id: str
    kind: str  # recording | music_video | work
    status: str  # live | retired | redirected
    founder: str  # ItemKey.text()
    minted_sequence: int
    members: tuple[str, ...] = ()
    redirect_to: str | None = None
    work_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """A discovered edge of the pair graph, left < right (`pair.state.v1`)."""

    left: str  # ItemKey.text()
    right: str
    recording_log_odds: float
    work_log_odds: float
    cannot_link: str | None = None
    work_cannot_link: str | None = None
    relation: str | None = None  # left to right
    verdict: str | None = None  # match | non_match
    verdict_id: str | None = None
    sound: SoundEvidence | None = None
    bundle_version: str = ""
    live: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationState:
    """A relation as the fold stands (`relation.state.v1`)."""

    relation_id: str
    relation: str
    from_entity: str
    to_entity: str
    status: str
    probability: float
    left: str  # the pair that supports it
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRange:
    """Offsets [first, end) of one input partition that were decided."""

    topic: str
    partition: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArbiterHead:
    """The arbiter's scalar state (`arbiter.head.v1`, one key)."""

    sequence: int = 0
    input_offset: int = 0  # next offset of arbiter.input.v1
    bundle_version: str = ""
    bundle: bytes = b""  # canonical JSON of the bundle in force; empty: the packaged default
    origins: tuple[OriginRange, ...] = ()
    live_uploads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """One vector of the index, immutable, naming the upload (`index.row.v1`)."""

    row_id: str
    source: str
    item_id: str
    revision: int
    modality: str
    model: str
    window: int
    start_ms: int
    values: bytes  # float16, little-endian; empty when deleted
    state: str = "live"  # live | deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexWatermark:
    """How far an index build has folded (`index.watermark.v1`)."""

    build: str
    watermark: int
    rows: int
    checksum: str
    active: bool = True
    at_ms: int = 0


# --- drift -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingSketch:
    """A summary of the embeddings of one fixed offset range (`embedding.sketch.v1`)."""

    sketch_id: str  # topic, partition, range, modality, model
    topic: str
    partition: int
    range_start: int
    modality: str
    model: str
    count: int
    mean: bytes = b""  # float32
    second_moment: bytes = b""  # float32, per dimension
    norm_histogram: tuple[int, ...] = ()
    projection_histograms: tuple[int, ...] = ()  # projections x bins, row-major
    reservoir: bytes = b""  # float16, a few vectors
    reservoir_count: int = 0
    heartbeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWindow:
    """One closed tumbling window (`drift.window.v1`)."""

    window_id: str
    modality: str
    model: str
    start_ms: int
    end_ms: int
    count: int
    distance: float
    threshold: float
    p_value: float
    reference: str
    late: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftAlert:
    """A window that left the reference distribution, or never closed (`drift.alert.v1`)."""

    alert_id: str
    modality: str
    model: str
    start_ms: int
    end_ms: int
    code: str  # shift | window_never_closed
    distance: float
    threshold: float
    p_value: float
    message: str
