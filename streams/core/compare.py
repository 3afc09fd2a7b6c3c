"""Compare two uploads: the answer of `samesong compare`."""

from dataclasses import dataclass

from msgspec.structs import replace

from streams.core.features import featurize
from streams.core.records import HeadScore, Kind, Pictures, SoundEvidence, Upload
from streams.core.scoring import Scorer, probability


@dataclass(frozen=True, slots=True, kw_only=True)
class PairProbability:
    """Probabilities at each level of identity; ``video`` only between two videos."""

    recording: float
    work: float
    video: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAnswer:
    """Whether two uploads are the same, at each level of identity; ``video`` only between two videos."""

    recording: bool
    work: bool
    video: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """One line of evidence of one head."""

    head: str  # recording | work
    name: str
    level: str
    contribution: float
    left: str | None = None
    right: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareResult:
    """What `compare` says of a pair; written as JSON under the same names."""

    probability: PairProbability
    same: PairAnswer
    relation: str | None
    evidence: tuple[EvidenceLine, ...]


Seen = tuple[Pictures | None, Pictures | None]
NOTHING_SEEN: Seen = (None, None)
_RULED_OUT = 1e-4
"""Probability left to a pair that a hard fact excludes."""


def _lines(head: str, score: HeadScore) -> tuple[EvidenceLine, ...]:
    prior = EvidenceLine(head=head, name="prior", level="prior", contribution=score.prior)
    return (
        prior,
        *(
            EvidenceLine(
                head=head,
                name=line.name,
                level=line.level,
                contribution=line.contribution,
                left=line.left,
                right=line.right,
            )
            for line in score.lines
        ),
    )


def compare_uploads(
    left: Upload, right: Upload, sound: SoundEvidence | None, scorer: Scorer, *, seen: Seen = NOTHING_SEEN
) -> CompareResult:
    """Compare two uploads.

    With a video on either side ``recording`` speaks of the sound; ``work`` includes same recording, so it
    is never below it. A hard exclusion shows as a guard line and leaves next to no probability. ``same``
    is yes or no: nobody reviews a pair that is compared alone, and nothing hangs on it but the answer.
    """
    one, two = (
        replace(featurize(upload), pictures=pictures)
        for upload, pictures in zip((left, right), seen, strict=True)
    )
    score = scorer.explain(one, two, sound)
    recording, work = score.recording.probability, score.work.probability
    guards: list[EvidenceLine] = []

    def guard(head: str, reason: str) -> None:
        guards.append(EvidenceLine(head=head, name="guard", level=reason, contribution=0.0))

    # A video is an entity of its own, but its sound may well be the recording's.
    if score.cannot_link and score.cannot_link not in {"kind", "media_kind", "pictures"}:
        recording = min(recording, _RULED_OUT)
        guard("recording", score.cannot_link)
    if score.work_cannot_link:
        work = min(work, _RULED_OUT)
        guard("work", score.work_cannot_link)
    video = None
    if left.kind is Kind.music_video and right.kind is Kind.music_video:
        video = min(recording, _RULED_OUT) if score.cannot_link else probability(score.recording.log_odds)
    evidence = (*_lines("recording", score.recording), *_lines("work", score.work), *guards)
    work = max(work, recording)
    above = probability(scorer.bundle.compare_above)
    return CompareResult(
        probability=PairProbability(recording=recording, work=work, video=video),
        same=PairAnswer(
            recording=recording > above,
            work=work > above,
            video=video > above if video is not None else None,
        ),
        relation=score.relation,
        evidence=evidence,
    )
