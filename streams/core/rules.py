"""What is in force while a record is decided: a scorer, its thresholds, and how sounds are compared."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from streams.core.records import LevelScores, LinkageRecord, PairScore, SoundEvidence, SoundFacts


class PairScorer(Protocol):
    """A frozen bundle at work: a pure function of two uploads' features."""

    def score(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        """Score one pair at recording and at work level."""
        ...

    def explain(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        """Score a pair as ``score`` does, with the compared values on every line."""
        ...

    def levels(
        self,
        left: LinkageRecord,
        right: LinkageRecord,
        sound: SoundEvidence | None,
        *,
        explained: bool = False,
    ) -> LevelScores:
        """Score two uploads of one recording at master and at audio level, with values where asked for."""
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
    master_match: float = 0.0
    audio_match: float = 0.0


def _unbounded(version: str) -> float:
    return math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force: changed only by a record of the arbiter's log.

    Attributes
    ----------
    scorer : PairScorer
    thresholds : Thresholds
    confirm : Confirm
    bundle_version : str
    fall : callable
        by how much in log-odds a pair can have fallen since the version of a bundle scored it; infinite where
        that is not known
    """

    scorer: PairScorer
    thresholds: Thresholds
    confirm: Confirm
    bundle_version: str
    fall: Callable[[str], float] = _unbounded
