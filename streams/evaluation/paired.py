"""Labelled pairs compared: what `samesong compare` would answer, and how right it is."""

import dataclasses
import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from encoders.evaluation.calibration import calibration_scores
from encoders.evaluation.intervals import bootstrap
from encoders.evaluation.pairs import (
    at_threshold,
    average_precision,
    average_precision_interval,
    best_threshold,
    pair_counts,
    scores_of,
)
from streams.core.bundle import Bundle
from streams.core.compare import compare_uploads
from streams.core.scoring import Scorer, stratum_of
from streams.evaluation.cases import FALSE, MISSED, Judge, Wrong
from streams.evaluation.figures import Figure, SetReport, Stratum
from streams.evaluation.folds import FOLDS, components, folds, units
from streams.evaluation.labelled import LabelledPair, LabelledPairs

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

LEAST_IN_STRATUM = 500
_FEWEST = 20  # units: of fewer, a draw of them says nothing
_SMALLEST = 1e-12
_ROUNDING = 1e-9  # answers are probabilities


def online_thresholds(bundle: Bundle, level: str) -> tuple[float, float]:
    """Give the log-odds from which a pair is matched, and looked at, while a catalogue is resolved."""
    if level == "recording":
        return bundle.recording_match - _ROUNDING, bundle.recording_review - _ROUNDING
    return bundle.work_match - _ROUNDING, bundle.work_review - _ROUNDING


def compared_from(bundle: Bundle) -> float:
    """Give the log-odds from which `compare` says the same; as likely as not is not the same."""
    return bundle.compare_above + _ROUNDING


def answers(pairs: Sequence[LabelledPair], scorer: Scorer, level: str) -> FloatArray:
    """Give the log-odds of each pair as `compare` would; minus infinity where a side could not be read."""
    said = np.full(len(pairs), -np.inf)
    for number, pair in enumerate(pairs):
        if pair.left is not None and pair.right is not None:
            answer = compare_uploads(pair.left, pair.right, None, scorer).probability
            p = min(max(getattr(answer, level), _SMALLEST), 1 - _SMALLEST)
            said[number] = np.log(p / (1 - p))
    return said


def evaluate_pairs(labelled: LabelledPairs, bundle: Bundle) -> SetReport:
    """Score a set of pairs: as `compare` answers, as an order, by other folds, and as decided online."""
    started = time.perf_counter()
    scorer = Scorer(bundle)
    pairs, level = labelled.pairs, labelled.level
    log_odds = answers(pairs, scorer, level)
    labels = np.array([pair.label for pair in pairs])
    least = compared_from(bundle)
    match, review = online_thresholds(bundle, level)
    said = log_odds >= least
    figures = [
        *_at(log_odds, labels, least, units(pairs)),
        Figure(name="F1, threshold of the other folds", value=_by_folds(log_odds, labels, folds(pairs))),
        Figure(name="F1 as decided online", value=at_threshold(log_odds, labels, match).f1),
        Figure(name="review share online", value=float(np.mean((log_odds >= review) & (log_odds < match)))),
        Figure(name="false matches", value=float((said & ~labels).sum()), count=int(said.sum())),
    ]
    published = _published(pairs, log_odds, labels, least)
    cases, groups = Judge(scorer, level).cases(_wrong(pairs, said))
    return SetReport(
        name=labelled.name,
        how=f"compared, {level} level",
        size=len(pairs),
        figures=(*figures, *published),
        strata=_strata(pairs, log_odds, labels, least),
        calibration=_calibration(pairs, log_odds, labels),
        cases=cases,
        groups=groups,
        seconds=time.perf_counter() - started,
        notes=_notes(pairs),
    )


def evaluate_folds(labelled: LabelledPairs, bundles: Sequence[Bundle]) -> list[Figure]:
    """Score each fold as a bundle that was fitted on the other ones compares; pooled.

    Parameters
    ----------
    bundles : sequence of Bundle [shape=(FOLDS,)]
        the first was fitted without the first fold of :func:`streams.evaluation.folds.folds`, and so on
    """
    pairs, level = labelled.pairs, labelled.level
    fold, labels = np.array(folds(pairs)), np.array([pair.label for pair in pairs])
    # Beside their own threshold, so that folds can be put in one order.
    over = np.full(len(pairs), -np.inf)
    for number, bundle in enumerate(bundles):
        inside = np.flatnonzero(fold == number)
        said = answers([pairs[at] for at in inside], Scorer(bundle), level)
        over[inside] = said - compared_from(bundle)
    return [
        dataclasses.replace(figure, name=f"{figure.name}, fitted on the other folds")
        for figure in _at(over, labels, 0.0, units(pairs))
    ]


def _at(log_odds: FloatArray, labels: BoolArray, least: float, parts: Sequence[int]) -> list[Figure]:
    """Score what is said from some log-odds on; and the order."""
    counts = pair_counts(log_odds >= least, labels)
    groups = np.zeros((max(parts) + 1, 3))
    np.add.at(groups, np.asarray(parts), counts)
    figures = []
    for name, field in (("precision", "precision"), ("recall", "recall"), ("F1", "f1")):

        def statistic(sums: FloatArray, field: str = field) -> float:
            return float(getattr(scores_of(sums), field))

        interval = bootstrap(groups, statistic) if len(groups) >= _FEWEST else None
        figures.append(Figure.of(name, statistic(counts.sum(axis=0)), interval, len(labels)))
    if labels.any():
        interval = average_precision_interval(log_odds, labels, parts) if len(groups) >= _FEWEST else None
        figures.append(Figure.of("AP", average_precision(log_odds, labels), interval, len(labels)))
    return figures


def _by_folds(log_odds: FloatArray, labels: BoolArray, fold: Sequence[int]) -> float | None:
    """Score each fold at the threshold that is best on the other ones; pooled."""
    places = np.asarray(fold)
    found = np.zeros(len(labels), dtype=bool)
    for number in range(FOLDS):
        inside, others = places == number, places != number
        if not labels[others].any():
            return None
        found[inside] = log_odds[inside] >= best_threshold(log_odds[others], labels[others])
    return scores_of(pair_counts(found, labels).sum(axis=0)).f1


def _published(
    pairs: Sequence[LabelledPair], log_odds: FloatArray, labels: BoolArray, least: float
) -> list[Figure]:
    """Score the part that papers score: as compared, and at the best threshold of the train part."""
    valid = np.array(["split:valid" in pair.tags for pair in pairs])
    train = np.array(["split:train" in pair.tags for pair in pairs])
    if not (valid.any() and labels[train].any()):
        return []
    fitted = best_threshold(log_odds[train], labels[train])
    return [
        Figure(
            name="F1, published split",
            value=at_threshold(log_odds[valid], labels[valid], least).f1,
            count=int(valid.sum()),
        ),
        Figure(
            name="F1, published split, threshold of its train part",
            value=at_threshold(log_odds[valid], labels[valid], fitted).f1,
            count=int(valid.sum()),
        ),
    ]


def _strata(
    pairs: Sequence[LabelledPair], log_odds: FloatArray, labels: BoolArray, least: float
) -> tuple[Stratum, ...]:
    members: dict[str, list[int]] = defaultdict(list)
    for number, pair in enumerate(pairs):
        for tag in pair.tags:
            members[tag].append(number)
    parts = units(pairs)
    told = []
    for tag, numbers in sorted(members.items()):
        inside = np.asarray(numbers)
        own = {part: place for place, part in enumerate(dict.fromkeys(parts[n] for n in numbers))}
        figures = _at(log_odds[inside], labels[inside], least, [own[parts[n]] for n in numbers])
        told.append(Stratum(name=tag, count=len(numbers), figures=tuple(figures)))
    return tuple(told)


def _calibration(
    pairs: Sequence[LabelledPair], log_odds: FloatArray, labels: BoolArray
) -> tuple[Stratum, ...]:
    from streams.core.features import featurize

    names = [
        stratum_of(featurize(pair.left), featurize(pair.right)) if pair.left and pair.right else None
        for pair in pairs
    ]
    return calibration_strata(names, log_odds, labels)


def calibration_strata(
    names: Sequence[str | None], log_odds: FloatArray, labels: BoolArray
) -> tuple[Stratum, ...]:
    """Say how well probabilities hold, for all pairs and for each stratum with enough of them."""
    scored = np.isfinite(log_odds)
    members = {"all": scored} | {
        name: np.array([each == name for each in names]) & scored
        for name in sorted({*names} - {None}, key=str)
    }
    told = []
    for name, inside in members.items():
        count = int(inside.sum())
        if (count < LEAST_IN_STRATUM and name != "all") or not count:
            continue
        scores = calibration_scores(log_odds[inside], labels[inside])
        figures = (
            Figure(name="slope", value=scores.slope, count=scores.true),
            Figure(name="shift", value=scores.shift),
            Figure(name="ECE", value=scores.error),
        )
        told.append(Stratum(name=str(name), count=count, figures=figures))
    return tuple(told)


def _wrong(pairs: Sequence[LabelledPair], said: BoolArray) -> list[Wrong]:
    wrong = []
    for pair, same in zip(pairs, said, strict=True):
        if pair.left is None or pair.right is None or same == pair.label:
            continue
        kind = MISSED if pair.label else FALSE
        wrong.append(Wrong(kind, pair.left, pair.right, pair.left_group, pair.right_group))
    return wrong


def _notes(pairs: Sequence[LabelledPair]) -> tuple[str, ...]:
    notes = []
    unread = sum(pair.left is None or pair.right is None for pair in pairs)
    if unread:
        notes.append(f"{unread} pairs with a side that could not be read: never found")
    if units(pairs) != components(pairs):
        notes.append("nearly all pairs hang together: folds and intervals draw left records")
    return tuple(notes)
