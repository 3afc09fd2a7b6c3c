"""What another bundle would change: decisions that flip, entities that merge and split, and how many."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from encoders.evaluation.partitions import partition_counts
from streams.core.bundle import Bundle
from streams.core.features import featurize
from streams.core.records import HeadScore
from streams.core.scoring import Scorer
from streams.evaluation.cases import side
from streams.evaluation.figures import Side
from streams.evaluation.labelled import LabelledPairs
from streams.evaluation.paired import answers, online_thresholds
from streams.evaluation.streamed import LEVELS, deciding
from streams.evaluation.streaming import Encoded, Resolved, partitions

MOST_SHOWN = 30
SAYS = ("no match", "review", "match")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One upload, or one pair, that is decided otherwise.

    Attributes
    ----------
    before, after : str
        outcomes
    other : Side, optional
        the other of the pair, or whom the decision that has one hangs on
    before_score, after_score : HeadScore, optional
        the ledgers of the two by both bundles
    truth : bool, optional
        whether the two are one, where that is known
    """

    before: str
    after: str
    upload: Side
    other: Side | None = None
    before_score: HeadScore | None = None
    after_score: HeadScore | None = None
    truth: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDiff:
    """What changes on one set.

    Attributes
    ----------
    flips : mapping of (before, after) to int
        outcomes that differ
    right, wrong : int, optional
        of pairs put together or apart anew: those the truth agrees with, and those it does not
    merges, splits, rearranged : int
        entities that become one, come apart, or exchange members
    touched : int
        uploads whose entity has other members after than before: the blast radius
    """

    name: str
    size: int
    flips: Mapping[tuple[str, str], int]
    right: int | None = None
    wrong: int | None = None
    merges: int = 0
    splits: int = 0
    rearranged: int = 0
    touched: int = 0
    examples: tuple[Flip, ...] = ()


def diff_pairs(labelled: LabelledPairs, before: Bundle, after: Bundle) -> SetDiff:
    """Compare what two bundles would decide of pairs online."""
    said = []
    for bundle in (before, after):
        match, review = online_thresholds(bundle, labelled.level)
        log_odds = answers(labelled.pairs, Scorer(bundle), labelled.level)
        said.append((log_odds >= review).astype(int) + (log_odds >= match))
    scorers = Scorer(before), Scorer(after)
    flips: Counter[tuple[str, str]] = Counter()
    examples: list[Flip] = []
    right = wrong = 0
    for pair, one, two in zip(labelled.pairs, *said, strict=True):
        if one == two or pair.left is None or pair.right is None:
            continue
        flips[SAYS[one], SAYS[two]] += 1
        if (one == 2) != (two == 2):
            right += (two == 2) == pair.label
            wrong += (two == 2) != pair.label
        records = featurize(pair.left), featurize(pair.right)
        scores = [getattr(scorer.explain(*records), labelled.level) for scorer in scorers]
        examples.append(
            Flip(
                before=SAYS[one],
                after=SAYS[two],
                upload=side(pair.left, pair.left_group),
                other=side(pair.right, pair.right_group),
                before_score=scores[0],
                after_score=scores[1],
                truth=pair.label,
            )
        )
    return SetDiff(
        name=labelled.name,
        size=len(labelled.pairs),
        flips=dict(flips),
        right=right,
        wrong=wrong,
        touched=sum(flips.values()),
        examples=_furthest(examples),
    )


def diff_stream(encoded: Encoded, before: Bundle, after: Bundle) -> SetDiff:
    """Compare what two bundles make of a catalogue that comes in one order."""
    runs = encoded.resolve(before), encoded.resolve(after)
    flips = Counter(
        (one.outcome.value, two.outcome.value)
        for one, two in ((runs[0].decisions[key], runs[1].decisions[key]) for key in runs[0].order)
        if one.outcome is not two.outcome
    )
    merges, splits, rearranged, touched = _changes(runs[0].recording, runs[1].recording)
    right, wrong = _judged(encoded, runs)
    return SetDiff(
        name=encoded.stream.name,
        size=len(runs[0].order),
        flips=dict(flips),
        right=right,
        wrong=wrong,
        merges=merges,
        splits=splits,
        rearranged=rearranged,
        touched=touched,
        examples=_furthest(_flipped(encoded, runs, before, after)),
    )


def _changes(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> tuple[int, int, int, int]:
    """Count merges, splits and exchanges of entities, and the uploads in them."""
    keys = [key for key in before if before[key] is not None and after[key] is not None]
    old: dict[str | None, int] = {}
    new: dict[str | None, int] = {}
    left = [old.setdefault(before[key], len(old)) for key in keys]
    right = [new.setdefault(after[key], len(new)) for key in keys]
    size = len(old) + len(new)
    if not keys:
        return 0, 0, 0, 0
    graph = coo_matrix((np.ones(len(keys)), (left, np.array(right) + len(old))), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    olds, news = Counter(labels[: len(old)].tolist()), Counter(labels[len(old) :].tolist())
    members = Counter(int(labels[each]) for each in left)
    merges = splits = rearranged = touched = 0
    for part, count in members.items():
        if olds[part] == news[part] == 1:
            continue
        touched += count
        merges += news[part] == 1
        splits += olds[part] == 1
        rearranged += olds[part] > 1 and news[part] > 1
    return merges, splits, rearranged, touched


def _judged(encoded: Encoded, runs: tuple[Resolved, Resolved]) -> tuple[int | None, int | None]:
    """Count pairs that are put together or apart anew, by the truth."""
    for level in LEVELS:
        old, new = (partitions(encoded, run, level) for run in runs)
        if old is None or new is None:
            continue
        both = {key: f"{old[1][key]} {new[1][key]}" for key in old[1]}
        kept = partition_counts(old[0], both)
        was, now = partition_counts(*old), partition_counts(*new)
        joined_right, joined = now.right_pairs - kept.right_pairs, now.found_pairs - kept.found_pairs
        parted_right = was.right_pairs - kept.right_pairs  # true pairs that come apart
        parted = was.found_pairs - kept.found_pairs
        return joined_right + parted - parted_right, joined - joined_right + parted_right
    return None, None


def _flipped(encoded: Encoded, runs: tuple[Resolved, Resolved], before: Bundle, after: Bundle) -> list[Flip]:
    scorers = Scorer(before), Scorer(after)
    found = []
    for key in runs[0].order:
        one, two = runs[0].decisions[key], runs[1].decisions[key]
        if one.outcome is two.outcome:
            continue
        labelled = encoded.labelled[key]
        other = deciding(encoded.labelled, two) or deciding(encoded.labelled, one)
        scores: Sequence[HeadScore | None] = (None, None)
        if other is not None:
            records = featurize(labelled.upload), featurize(other.upload)
            scores = [scorer.explain(*records).recording for scorer in scorers]
        known = other is not None and labelled.recording is not None and other.recording is not None
        found.append(
            Flip(
                before=one.outcome.value,
                after=two.outcome.value,
                upload=side(labelled.upload, labelled.recording or labelled.work or ""),
                other=side(other.upload, other.recording or other.work or "") if other else None,
                before_score=scores[0],
                after_score=scores[1],
                truth=labelled.recording == other.recording if known and other else None,
            )
        )
    return found


def _furthest(flips: Sequence[Flip]) -> tuple[Flip, ...]:
    """Keep those whose scores moved most, some of each kind of flip."""
    by_kind: dict[tuple[str, str], list[Flip]] = defaultdict(list)
    for flip in sorted(flips, key=_moved, reverse=True):
        by_kind[flip.before, flip.after].append(flip)
    turns = [kind[turn] for turn in range(MOST_SHOWN) for kind in by_kind.values() if turn < len(kind)]
    return tuple(turns[:MOST_SHOWN])


def _moved(flip: Flip) -> float:
    if flip.before_score is None or flip.after_score is None:
        return 0.0
    return abs(flip.after_score.log_odds - flip.before_score.log_odds)
