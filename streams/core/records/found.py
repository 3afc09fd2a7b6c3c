"""What find makes of it, and everything else that the arbiter decides on."""

from streams.core.records.common import ItemKey
from streams.core.records.encoded import EncodedUpload
from streams.core.records.record import Record


class HeardSpan(Record, frozen=True, kw_only=True):
    """A part of the left sound that is a part of the right one, each in its own time."""

    start_ms: int
    end_ms: int
    other_start_ms: int
    other_end_ms: int
    agreement: float  # share of the landmarks in it that both sides have


class HeardLayer(Record, frozen=True, kw_only=True):
    """What one of two sounds has on top of the other, or what both share."""

    share: float  # of the time in which both are heard
    points: int  # landmarks of it
    scattered: float  # 0 all pitches on one scale, 1 anywhere: glides, noise
    harmonic: float  # how many more pairs of points are partials of one pitch than by chance


class SoundAlignment(Record, frozen=True, kw_only=True):
    """Which parts of two sounds are the same, at whatever speed and pitch."""

    spans: tuple[HeardSpan, ...]  # the longest few, ascending
    speed_ratio: float  # how many times faster the left side plays
    pitch_cents: float  # how much higher the left side is
    pitch_tied: bool  # pitch moved with tempo, as on a tape
    coverage_left: float  # share of the left side inside spans
    coverage_right: float
    longest_left: float  # share of the left side inside its longest span
    longest_right: float
    log_odds: float  # of the spans being no chance
    only_left: HeardLayer | None = None  # none unless the two run along each other
    only_right: HeardLayer | None = None
    in_both: HeardLayer | None = None

    def offset(self, span: HeardSpan) -> float:
        """Left time less right time in the left's clock, at a span."""
        return span.start_ms - span.other_start_ms / self.speed_ratio


class HeardLine(Record, frozen=True, kw_only=True):
    """The straight line along which the harmonies of two sounds go together best: one key, one tempo."""

    score: float  # about 1 for strangers, 3 and more for versions
    speed_ratio: float  # how many times faster the left side plays
    semitones: int  # how much higher the left side is, -5..6
    start_ms: int  # of the part that goes together, in left time
    end_ms: int
    other_start_ms: int  # of the same part, in right time
    other_end_ms: int  # likewise
    coverage_left: float  # share of the left side inside the part
    coverage_right: float


class SoundEvidence(Record, frozen=True, kw_only=True):
    """How two sounds relate: fingerprint alignment, window similarity, harmonic alignment."""

    bit_error: float | None = None  # of the aligned overlap, 0..0.5
    offset_ms: int | None = None  # left time minus right time
    overlap_ms: int | None = None
    start_ms: int | None = None  # where the overlap begins, in left time
    coverage_left: float | None = None
    coverage_right: float | None = None
    speed_ratio: float | None = None  # of left against right; 1.0 when not re-timed
    pitch_shift: float | None = None  # semitones
    windows: float | None = None  # best identity window cosine
    harmony: float | None = None  # Qmax score, normalised
    same_content: bool = False  # equal digest of the decoded sound
    alignment: SoundAlignment | None = None  # none where nothing is the same, or landmarks are missing
    line: HeardLine | None = None  # none where either blob is of before it was kept, or too short
    colour_db: float | None = None  # between the average spectra, 100-5,000 Hz, both at one level


class Candidate(Record, frozen=True, kw_only=True):
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


class Lookup(Record, frozen=True, kw_only=True):
    """Which index answered."""

    build: str
    watermark: int  # next offset of index.row.v1 that the build has not folded
    rows: int
    attempt: int = 0


class Found(Record, frozen=True, kw_only=True):
    """An encoded upload with the candidates of the vector look-up."""

    encoded: EncodedUpload
    candidates: tuple[Candidate, ...] = ()
    lookup: Lookup | None = None
    truncated: bool = False


class Verdict(Record, frozen=True, kw_only=True):
    """A reviewer's or operator's judgement on a pair; `withdrawn` takes the pair's verdict back."""

    verdict_id: str
    left_source: str
    left_item_id: str
    right_source: str
    right_item_id: str
    judgement: str  # match | non_match | withdrawn
    by: str = ""
    note: str | None = None


class AdminCommand(Record, frozen=True, kw_only=True):
    """An operator's command: merge or split entities, each with an inverse."""

    command_id: str
    command: str  # merge | split | unmerge
    entity_ids: tuple[str, ...]
    members: tuple[str, ...] = ()  # ItemKey.text() of members to split off
    by: str = ""
    note: str | None = None


class Promotion(Record, frozen=True, kw_only=True):
    """A change of the parameter bundle or of a model: the only way either changes."""

    promotion_id: str
    subject: str  # bundle | catalogue_size | model:<modality>
    version: str  # of the bundle; of a catalogue_size the number of entities
    payload: bytes = b""  # canonical JSON of the bundle
    sha256: str = ""
    by: str = ""


class ArbiterInput(Record, frozen=True, kw_only=True):
    """The one log that is decided on (`arbiter.input.v1`): exactly one field is set."""

    found: Found | None = None
    verdict: Verdict | None = None
    command: AdminCommand | None = None
    promotion: Promotion | None = None
