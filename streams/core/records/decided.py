"""What the arbiter says: decisions, changes, reviews, contradictions, dead letters."""

from streams.core.records.common import Kind, Outcome
from streams.core.records.encoded import IdentifierProblem, Origin
from streams.core.records.found import Lookup
from streams.core.records.record import Record
from streams.core.records.scores import HeadScore, LedgerLine
from streams.core.records.state import MemberPlace


class Level(Record, frozen=True, kw_only=True):
    """Where an upload stands at one level of identity.

    The levels are nested, and so are their probabilities: audio <= master <= recording <= work.
    """

    id: str | None
    probability: float | None = (
        None  # of sharing this level with the deciding upload; null: nobody to share with
    )
    threshold: float | None = None  # in log-odds
    ledger: HeadScore | None = None  # audio and master: given that the level above is shared
    deciding_source: str | None = None  # audio and master: the upload that the ledger compares with
    deciding_item_id: str | None = None


class ComparedSpan(Record, frozen=True, kw_only=True):
    """Where two sounds were compared, in the time of the upload and in that of the other one."""

    start_ms: int
    end_ms: int
    other_start_ms: int
    other_end_ms: int
    bit_error: float | None = None
    speed_ratio: float | None = None  # of the upload against the other


class RelationClaim(Record, frozen=True, kw_only=True):
    """A typed relation to another recording."""

    relation: str
    to_entity: str
    to_source: str
    to_item_id: str
    probability: float
    offset_ms: int | None = None
    overlap_ms: int | None = None
    speed_ratio: float | None = None
    span: ComparedSpan | None = None
    pitch_cents: float | None = None  # how much higher the upload is than the other
    pitch_tied: bool | None = None  # whether pitch moved with tempo, as on a tape
    spans: tuple[ComparedSpan, ...] = ()  # every part that is the same, the longest few


class ConsideredCandidate(Record, frozen=True, kw_only=True):
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


class Flip(Record, frozen=True, kw_only=True):
    """The smallest change that would flip a decision."""

    to: str
    change: str
    log_odds: float


class Decision(Record, frozen=True, kw_only=True):
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
    audio_id: str | None = None
    master_id: str | None = None
    recording_id: str | None = None  # the same as entity_id
    work_id: str | None = None
    audio: Level | None = None
    master: Level | None = None
    recording: Level | None = None
    work: Level | None = None
    video_id: str | None = None
    sound_recording_id: str | None = None
    sound_track: str | None = None  # of a video with media: heard | silent | absent | replaced
    deciding_source: str | None = None
    deciding_item_id: str | None = None
    deciding_models: tuple[str, ...] = ()  # encoder versions of the deciding upload's rows in the index
    heard: ComparedSpan | None = None  # where its sound and the upload's were compared
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
    part: int = 0  # n of m, from 1; 0: written before decisions were counted
    parts: int = 0


class EntitySide(Record, frozen=True, kw_only=True):
    """One entity as it stands after a change."""

    entity_id: str
    kind: str  # recording | music_video | work
    status: str  # live | retired | redirected
    members: tuple[str, ...]  # ItemKey.text() for recordings and videos, entity ids for works
    redirect_to: str | None = None
    work_id: str | None = None
    title: str | None = None
    artist: str | None = None
    places: tuple[MemberPlace, ...] = ()  # in the order of members; none for works


class EntityChanged(Record, frozen=True, kw_only=True):
    """A change of entities; all touched sides in one event (`entity.changed.v1`)."""

    event_id: str
    sequence: int
    part: int
    parts: int
    change: str  # minted | joined | left | merged | split | restored | retired | moved
    sides: tuple[EntitySide, ...]
    cause: str = ""  # decision id, verdict id or command id


class RelationChanged(Record, frozen=True, kw_only=True):
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
    pitch_cents: float | None = None  # how much higher the one side is than the other
    pitch_tied: bool | None = None  # whether pitch moved with tempo, as on a tape
    spans: tuple[ComparedSpan, ...] = ()  # the parts that are the same, in the time of each side


Carrier = Decision | EntityChanged | RelationChanged
"""What carries a sequence; everything else that is said names the one that it belongs to."""


class ReviewRequested(Record, frozen=True, kw_only=True):
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


class Contradiction(Record, frozen=True, kw_only=True):
    """What the sender said against what was found (`upload.contradiction.v1`)."""

    event_id: str
    sequence: int
    source: str
    item_id: str
    revision: int
    code: str  # wrong_identifier | same_isrc_other_{sound,version,number} | heard_against_declared
    message: str
    subject: str | None = None


class DeadLetter(Record, frozen=True, kw_only=True):
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
    attempt: int = 1  # 2 and more: a refused record that was replayed
    replay_of: Origin | None = None  # the refused record that was replayed
