"""Scores of a pair, line by line."""

from streams.core.records.record import Record


class LedgerLine(Record, frozen=True, kw_only=True):
    """One line of an evidence ledger, in log-odds."""

    name: str  # comparison (title, artist, duration, ...), interaction, calibration, aggregation, guard
    level: str  # comparison level reached, or "skipped", "absent"
    contribution: float
    left: str | None = None
    right: str | None = None


class HeadScore(Record, frozen=True, kw_only=True):
    """A score of one head: `log_odds` = `prior` + the sum of the lines, exactly to 1e-9."""

    prior: float
    lines: tuple[LedgerLine, ...]
    log_odds: float
    probability: float


class PairScore(Record, frozen=True, kw_only=True):
    """Both heads for one pair of uploads, and what kind of pair it is."""

    recording: HeadScore
    work: HeadScore
    relation: str | None = None  # left to right: live_version_of, remix_of, sped_up_of, music_video_of ...
    cannot_link: str | None = None  # recording level: version:live|studio, number:opus, sound, ...
    work_cannot_link: str | None = None
    contradiction: str | None = None  # e.g. same_isrc_other_sound
    reading_left: int = 0
    reading_right: int = 0


class LevelScores(Record, frozen=True, kw_only=True):
    """How two uploads of one recording relate below it; each score holds given the level above."""

    master: HeadScore
    audio: HeadScore
