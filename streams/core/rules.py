"""What is in force while a record is decided: a scorer, its thresholds, and how sounds are compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from streams.core.records import LinkageRecord, PairScore, SoundEvidence, SoundFacts


class PairScorer(Protocol):
    """A frozen bundle at work: a pure function of two uploads' features."""

    def score(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        """Score one pair at recording and at work level."""
        ...

    def explain(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        """Score a pair as ``score`` does, with the compared values on every line."""
        ...


Confirm = Callable[[SoundFacts, SoundFacts], SoundEvidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where scores become decisions, all in log-odds."""

    recording_match: float
    recording_review: float
    work_match: float
    work_review: float
    guard: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force: changed only by a record of the arbiter's log."""

    scorer: PairScorer
    thresholds: Thresholds
    confirm: Confirm
    bundle_version: str
