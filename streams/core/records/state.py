"""What the arbiter keeps (compacted topics), and the rows of the index."""

from streams.core.records.common import ItemKey, Kind
from streams.core.records.encoded import LinkageRecord, Origin, SoundFacts
from streams.core.records.found import SoundEvidence
from streams.core.records.record import Record


class ModelWindows(Record, frozen=True, kw_only=True):
    """How many rows of one model an upload has in the index."""

    modality: str
    model: str
    windows: int


class FoundedId(Record, frozen=True, kw_only=True):
    """An id at audio or master level that an item founded, and when."""

    id: str
    sequence: int


class UploadState(Record, frozen=True, kw_only=True):
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
    minted: tuple[str, ...] = ()  # entity ids this item founded, or is the heir of, in order
    former: tuple[str, ...] = ()  # ids founded by others, merged into those that it is in now
    master: FoundedId | None = None  # the master id this item founded, if it did
    audio: FoundedId | None = None

    @property
    def key(self) -> ItemKey:
        """The item."""
        return ItemKey(self.source, self.item_id)


class MemberPlace(Record, frozen=True, kw_only=True):
    """Where a member of a recording or video stands below it: members that share an id share that level."""

    member: str  # ItemKey.text()
    master_id: str
    audio_id: str


class EntityState(Record, frozen=True, kw_only=True):
    """An entity as the fold stands (`entity.state.v1`)."""

    entity_id: str
    kind: str  # recording | music_video | work
    status: str  # live | retired | redirected
    founder: str  # ItemKey.text()
    minted_sequence: int
    members: tuple[str, ...] = ()
    redirect_to: str | None = None
    work_id: str | None = None
    places: tuple[MemberPlace, ...] = ()  # in the order of members; none for works
    heir: str | None = None  # ItemKey.text() of who holds the id since the founder left


class PairState(Record, frozen=True, kw_only=True):
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


class RelationState(Record, frozen=True, kw_only=True):
    """A relation as the fold stands (`relation.state.v1`)."""

    relation_id: str
    relation: str
    from_entity: str
    to_entity: str
    status: str
    probability: float
    left: str  # the pair that supports it
    right: str


class OriginRange(Record, frozen=True, kw_only=True):
    """Offsets [first, end) of one input partition that were decided."""

    topic: str
    partition: int
    first: int
    end: int


class ArbiterHead(Record, frozen=True, kw_only=True):
    """The arbiter's scalar state (`arbiter.head.v1`, one key)."""

    sequence: int = 0
    input_offset: int = 0  # next offset of arbiter.input.v1
    bundle_version: str = ""
    bundle: bytes = b""  # canonical JSON of the bundle in force; empty: the packaged default
    origins: tuple[OriginRange, ...] = ()
    live_uploads: int = 0
    settled: tuple[str, ...] = ()  # last verdicts, commands and promotions acted on, as digests
    catalogue_size: int = 0  # entities for which a bundle was asked for last; 0: never


class IndexRow(Record, frozen=True, kw_only=True):
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
    sound: SoundFacts | None = None  # of the upload, on each of its rows: what confirming a hit needs


class IndexWatermark(Record, frozen=True, kw_only=True):
    """How far an index build has folded (`index.watermark.v1`)."""

    build: str
    watermark: int
    rows: int
    checksum: str
    active: bool = True
    at_ms: int = 0
