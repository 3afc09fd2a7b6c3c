"""Wrong pairs: the worst ones with their ledgers, and all of them grouped by what they have in common."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.core.features import featurize
from streams.core.records import HeadScore, LinkageRecord, PairScore, Upload
from streams.core.scoring import Scorer
from streams.evaluation.figures import Case, Group, Side

WORST = 30
MOST_GROUPS = 12
FALSE, MISSED, DOUBTED = "false match", "missed", "missed, in review"


class Wrong(NamedTuple):
    """A pair that was judged wrongly; ``left_of`` and ``right_of`` say what each side is a record of."""

    kind: str
    left: Upload
    right: Upload
    left_of: str
    right_of: str


class Judge:
    """Scores wrong pairs again, at one level, to say why."""

    def __init__(self, scorer: Scorer, level: str) -> None:
        self._scorer = scorer
        self._level = level
        self._records: dict[int, LinkageRecord] = {}

    def cases(self, wrong: Sequence[Wrong]) -> tuple[tuple[Case, ...], tuple[Group, ...]]:
        """Give the worst pairs, those that were judged wrongly with most certainty, and groups of all."""
        scored = [(each, self._score(each)) for each in wrong]
        groups = Counter((each.kind, self._signature(score)) for each, score in scored)
        scored.sort(key=lambda both: self._how_bad(*both), reverse=True)
        cases = [self._case(each) for each, _ in _one_of_each(scored)]
        told = [
            Group(kind=kind, levels=levels, count=count)
            for (kind, levels), count in sorted(groups.items(), key=lambda each: (-each[1], each[0]))
        ]
        return tuple(cases[:WORST]), tuple(told[:MOST_GROUPS])

    def _score(self, wrong: Wrong) -> PairScore:
        return self._scorer.score(self._record(wrong.left), self._record(wrong.right))

    def _record(self, upload: Upload) -> LinkageRecord:
        if id(upload) not in self._records:
            self._records[id(upload)] = featurize(upload)
        return self._records[id(upload)]

    def _head(self, score: PairScore) -> HeadScore:
        return score.recording if self._level == "recording" else score.work

    def _guard(self, score: PairScore) -> str | None:
        return score.cannot_link if self._level == "recording" else score.work_cannot_link

    def _how_bad(self, wrong: Wrong, score: PairScore) -> float:
        log_odds = self._head(score).log_odds
        return log_odds if wrong.kind == FALSE else -log_odds

    def _case(self, wrong: Wrong) -> Case:
        score = self._scorer.explain(self._record(wrong.left), self._record(wrong.right))
        return Case(
            kind=wrong.kind,
            left=side(wrong.left, wrong.left_of),
            right=side(wrong.right, wrong.right_of),
            score=self._head(score),
            guard=self._guard(score),
        )

    def _signature(self, score: PairScore) -> str:
        """Name what told most for and against, or the hard fact."""
        guard = self._guard(score)
        if guard is not None:
            return f"ruled out by {guard.partition(':')[0]}"
        lines = sorted(self._head(score).lines, key=lambda line: (-abs(line.contribution), line.name))
        return (
            ", ".join(f"{line.name} {line.level}".replace("_", " ") for line in lines[:3])
            or "nothing compared"
        )


def _one_of_each(scored: Iterable[tuple[Wrong, PairScore]]) -> list[tuple[Wrong, PairScore]]:
    """Keep one pair of the same two things: a person learns nothing from the next ones."""
    seen: set[tuple[str, frozenset[str]]] = set()
    kept = []
    for each, score in scored:
        what = (each.kind, frozenset((each.left_of, each.right_of)))
        if what not in seen:
            seen.add(what)
            kept.append((each, score))
    return kept


def side(upload: Upload, of: str) -> Side:
    """Show an upload."""
    return Side(
        title=upload.title,
        artists=tuple(artist.name for artist in upload.artists)
        or ((upload.video.channel,) if upload.video and upload.video.channel else ()),
        version=upload.version,
        duration_ms=upload.duration_ms,
        of=of,
    )
