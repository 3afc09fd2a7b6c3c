"""What is said of a piece and of recordings that it may be of, by the comparison and the rules that serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scipy import stats

from benchmarks.alignment import FAST
from benchmarks.identity_gallery import Track
from streams.core.acceptance import BestWrong
from streams.core.hearing import MIN_OVERLAP_MS, Heard, hear
from streams.core.sound_evidence import placed
from streams.edges.sound_blobs import SoundFeatures
from streams.edges.sound_comparison import compare_features

# Tracks whose sound is compared with a piece: those with the nearest windows. Find compares twenty.
CONFIRMED: Final = 3
RATIO_ERROR: Final = 0.005
# One sound, all of it or a piece of it.
_COPY: Final = frozenset({"same_audio", "same_master", "speed", "excerpt", "part"})
_RELATED: Final = _COPY | {"retimed", "shares"}
# How much faster a piece plays, and what the relation must be where it is no longer the same recording.
SPEEDS: Final = {
    "2 % faster": (1.02, None),
    "2 % slower": (0.98, None),
    "6 % faster": (1.06, "sped_up_of"),
    "6 % slower": (0.94, "has_sped_up"),
    "20 % faster": (1.2, "sped_up_of"),
    "tempo +3 %": (1.03, "sped_up_of"),
    "pitch +1 semitone": (1.0, "derived_of"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a piece is to one recording, how many times faster the piece plays, and how well the two agree.

    Attributes
    ----------
    agreement : float
        1 less the bit error, over 5 s and more
    worth : float
        log-odds of an alignment; 0 where there is none
    """

    track: int
    heard: Heard
    ratio: float | None
    agreement: float
    worth: float


def kin(one: Track, other: Track) -> bool:
    """Say whether two tracks are a normal and a fast version of one: what is heard of them is right."""
    return other.name == FAST.get(one.name) or one.name == FAST.get(other.name)


def compared(piece: SoundFeatures, candidates: Sequence[int], tracks: Sequence[Track]) -> list[Said]:
    """Compare a piece with recordings; gives those that it has anything to do with."""
    said = []
    for number in candidates:
        evidence = compare_features(piece, tracks[number].features)
        long = evidence.bit_error is not None and (evidence.overlap_ms or 0) >= MIN_OVERLAP_MS
        said.append(
            Said(
                track=number,
                heard=hear(evidence),
                ratio=placed(evidence).speed_ratio,
                agreement=1.0 - (evidence.bit_error or 0.0) if long else 0.5,
                worth=evidence.alignment.log_odds if evidence.alignment is not None else 0.0,
            )
        )
    return said


def related(said: Sequence[Said]) -> list[Said]:
    """Keep the recordings that the piece was heard in."""
    return [each for each in said if each.heard.level in _RELATED]


@dataclass(slots=True, kw_only=True)
class Decisions:
    """What was said of the pieces of one kind.

    Attributes
    ----------
    right : list of bool
        whether the recording was heard in the piece; where it is re-timed, with the relation and the ratio
    relations : Counter
        what was said of piece and right recording
    wrong, shared : int
        pieces of which another recording was taken for the same sound; for a source of some material
    """

    kind: str
    tracks: Sequence[Track]
    right: list[bool] = field(default_factory=list)
    relations: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    shared: int = 0

    def add(self, said: Sequence[Said], number: int) -> None:
        """Count what was said of one piece."""
        own = next((each for each in said if each.track == number), None)
        self.relations["not compared" if own is None else own.heard.relation or own.heard.level] += 1
        self.right.append(own is not None and self._right(own))
        others = [
            each.heard.level
            for each in related(said)
            if each.track != number and not kin(self.tracks[each.track], self.tracks[number])
        ]
        self.wrong += any(level != "shares" for level in others)
        self.shared += "shares" in others

    def _right(self, own: Said) -> bool:
        ratio, relation = SPEEDS.get(self.kind, (1.0, None))
        near = abs((own.ratio or 1.0) / ratio - 1.0) <= RATIO_ERROR
        return near and (own.heard.level in _COPY if relation is None else own.heard.relation == relation)

    def figures(self) -> dict[str, Any]:
        """Give rates and counts."""
        return {
            "decided_right": round(sum(self.right) / max(1, len(self.right)), 4),
            "another_taken_for_it": self.wrong,
            "material_shared_with_another": self.shared,
            "said_of_the_right_one": dict(self.relations.most_common()),
        }


def best_wrong(scores: Sequence[float], tracks: int) -> BestWrong:
    """Fit how well the best wrong recording agrees with a query whose own is not there."""
    shape, location, scale = stats.genextreme.fit(scores)
    return BestWrong(
        location=round(float(location), 4),
        scale=round(float(scale), 4),
        shape=round(float(shape), 4),
        measured_at=tracks,
    )
