"""Labelled uploads resolved one after the other, and how right the partition and each decision are."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from encoders.evaluation.intervals import bootstrap, share_interval
from encoders.evaluation.partitions import MEASURES, measure, partition_counts
from streams.core.bundle import Bundle
from streams.core.features import featurize
from streams.core.records import Decision, ItemKey, Kind, Outcome
from streams.core.scoring import Scorer, stratum_of
from streams.evaluation.cases import DOUBTED, FALSE, MISSED, Judge, Wrong
from streams.evaluation.figures import Case, Figure, Group, SetReport, Stratum
from streams.evaluation.labelled import LabelledUpload
from streams.evaluation.paired import calibration_strata
from streams.evaluation.streaming import Encoded, Resolved, partitions

LEVELS = ("recording", "work")
_TITLES = {"pairs": "pair", "b_cubed": "B-cubed", "clusters": "cluster"}
_MOST_PAIRS = 20_000
_LEAST_IN_STRATUM = 5


def evaluate_stream(encoded: Encoded, bundle: Bundle, *, orders: int = 0) -> SetReport:
    """Resolve a stream and score it; with ``orders``, in so many random orders, of which the worst is told.

    The worst order is that with the lowest pair F1 at the first level that the set knows.
    """
    started = time.perf_counter()
    worst = encoded.resolve(bundle, order=1 if orders else None)
    f1 = [_first_f1(encoded, worst)]
    for number in range(2, orders + 1):
        run = encoded.resolve(bundle, order=number)
        f1.append(_first_f1(encoded, run))
        worst = run if f1[-1] == min(f1) else worst
    figures: list[Figure] = []
    for level in LEVELS:
        figures += _partition_figures(encoded, worst, level)
    figures += _decision_figures(encoded, worst)
    if len(f1) > 1:
        figures.append(Figure(name="best order, pair F1", value=max(f1), count=len(f1)))
    level = next(level for level in LEVELS if partitions(encoded, worst, level))
    cases, groups = _cases(encoded, worst, bundle, level)
    order = f"the worst of {len(f1)} random orders" if len(f1) > 1 else "in one order"
    return SetReport(
        name=encoded.stream.name,
        how=f"streamed, {order}",
        size=len(encoded.stream.uploads) + len(encoded.stream.refused),
        figures=tuple(figures),
        strata=_strata(encoded, worst, level),
        calibration=_calibration(encoded, worst),
        cases=cases,
        groups=groups,
        seconds=time.perf_counter() - started,
        notes=_notes(encoded),
    )


def _first_f1(encoded: Encoded, resolved: Resolved) -> float:
    for level in LEVELS:
        both = partitions(encoded, resolved, level)
        if both is not None:
            return partition_counts(*both).pairs.f1
    return 0.0


def _partition_figures(encoded: Encoded, resolved: Resolved, level: str) -> list[Figure]:
    both = partitions(encoded, resolved, level)
    if both is None:
        return []
    counts = partition_counts(*both)
    figures = []
    for name in MEASURES:
        for field in ("precision", "recall", "f1"):

            def statistic(sums: NDArray[np.float64], name: str = name, field: str = field) -> float:
                return float(getattr(measure(sums, name), field))

            title = f"{level} {_TITLES[name]} {'F1' if field == 'f1' else field}"
            value = statistic(counts.rows.sum(axis=0))
            figures.append(Figure.of(title, value, bootstrap(counts.rows, statistic), counts.records))
    false = counts.found_pairs - counts.right_pairs
    figures.append(Figure(name=f"{level} false joins", value=float(false), count=counts.found_pairs))
    return figures


def _decision_figures(encoded: Encoded, resolved: Resolved) -> list[Figure]:
    """Score what was decided when each upload came: whom it matched, and whether it could have."""
    if all(each.recording is None for each in encoded.labelled.values()):
        return [_reviews(resolved)]
    matched = right = 0
    for key, decision in resolved.decisions.items():
        if decision.outcome is Outcome.match:
            other = deciding(encoded.labelled, decision)
            matched += 1
            # A match that hangs on no one upload cannot be shown to be right.
            right += other is not None and other.recording == encoded.labelled[key].recording
    could = [key for key in _with_a_mate(encoded, resolved)]
    did = sum(resolved.decisions[key].outcome is Outcome.match for key in could)
    share = share_interval(right, matched)
    coverage = share_interval(did, len(could))
    return [
        Figure.of("automatic-match precision", right / matched if matched else 1.0, share, matched),
        Figure.of("coverage", did / len(could) if could else 1.0, coverage, len(could)),
        _reviews(resolved),
        *_heard(encoded, resolved),
    ]


def _reviews(resolved: Resolved) -> Figure:
    doubted = sum(decision.outcome is Outcome.review for decision in resolved.decisions.values())
    count = len(resolved.order)
    return Figure.of("review share", doubted / max(1, count), share_interval(doubted, count), count)


def _heard(encoded: Encoded, resolved: Resolved) -> list[Figure]:
    """Score the recording that each video is said to hold."""
    videos = [
        key
        for key, each in encoded.labelled.items()
        if each.upload.kind is Kind.music_video and each.sounds is not None
    ]
    if not videos:
        return []
    homes: dict[str | None, Counter[str | None]] = defaultdict(Counter)
    for key, each in encoded.labelled.items():
        homes[each.recording][resolved.recording[key]] += 1
    right = sum(resolved.sounds[key] in homes[encoded.labelled[key].sounds] for key in videos)
    return [Figure.of("videos with their recording", right / len(videos), share_interval(right, len(videos)))]


def _with_a_mate(encoded: Encoded, resolved: Resolved) -> list[str]:
    """Name the uploads of whose recording there was one before."""
    seen: set[str] = set()
    found = []
    for key in resolved.order:
        recording = encoded.labelled[key].recording
        if recording is not None:
            if recording in seen:
                found.append(key)
            seen.add(recording)
    return found


def deciding(labelled: Mapping[str, LabelledUpload], decision: Decision) -> LabelledUpload | None:
    """Find the upload that a decision hangs on."""
    if decision.deciding_source is None or decision.deciding_item_id is None:
        return None
    return labelled.get(ItemKey(decision.deciding_source, decision.deciding_item_id).text())


def _strata(encoded: Encoded, resolved: Resolved, level: str) -> tuple[Stratum, ...]:
    """Give B-cubed and coverage of the uploads with each tag, and the share of them in a wrong company."""
    both = partitions(encoded, resolved, level)
    if both is None:
        return ()
    true, found = both
    company, sizes, homes = (
        Counter(zip(true.values(), (found[key] for key in true), strict=True)),
        Counter(found.values()),
        Counter(true.values()),
    )
    could = set(_with_a_mate(encoded, resolved))
    members: dict[str, list[str]] = defaultdict(list)
    for key, each in encoded.labelled.items():
        if key in true:
            for tag in each.tags:
                members[tag].append(key)
    told = []
    for tag, keys in sorted(members.items()):
        if len(keys) < _LEAST_IN_STRATUM:
            continue
        shared = [company[true[key], found[key]] for key in keys]
        precise = sum(both / sizes[found[key]] for both, key in zip(shared, keys, strict=True)) / len(keys)
        recalled = sum(both / homes[true[key]] for both, key in zip(shared, keys, strict=True)) / len(keys)
        mates = [key for key in keys if key in could]
        did = sum(resolved.decisions[key].outcome is Outcome.match for key in mates)
        figures = [
            Figure(name="B-cubed precision", value=precise),
            Figure(name="B-cubed recall", value=recalled),
        ]
        if mates:
            figures.append(Figure(name="coverage", value=did / len(mates), count=len(mates)))
        told.append(Stratum(name=tag, count=len(keys), figures=tuple(figures)))
    return tuple(told)


def _calibration(encoded: Encoded, resolved: Resolved) -> tuple[Stratum, ...]:
    """Judge the scores of the candidates that decisions name, those aside that a hard fact rules out."""
    records = {key: featurize(each.upload) for key, each in encoded.labelled.items()}
    names: list[str | None] = []
    log_odds: list[float] = []
    labels: list[bool] = []
    for key, decision in resolved.decisions.items():
        own = encoded.labelled[key]
        for candidate in decision.candidates:
            other_key = ItemKey(candidate.source, candidate.item_id).text()
            other = encoded.labelled.get(other_key)
            if other is None or own.recording is None or other.recording is None:
                continue
            if candidate.cannot_link is None and candidate.recording_log_odds is not None:
                named = bool(records[key].isrcs) and bool(records[other_key].isrcs)
                stratum = stratum_of(records[key], records[other_key])
                names.append(f"{stratum}, {'with' if named else 'without'} ISRC")
                log_odds.append(candidate.recording_log_odds)
                labels.append(own.recording == other.recording)
    if not labels:
        return ()
    return calibration_strata(names, np.array(log_odds), np.array(labels))


def _cases(
    encoded: Encoded, resolved: Resolved, bundle: Bundle, level: str
) -> tuple[tuple[Case, ...], tuple[Group, ...]]:
    both = partitions(encoded, resolved, level)
    if both is None:
        return (), ()
    true, found = both
    wrong = [
        *_pairs_of(encoded, resolved, found, true, FALSE),
        *_pairs_of(encoded, resolved, true, found, MISSED),
    ]
    return Judge(Scorer(bundle), level).cases(wrong)


def _pairs_of(
    encoded: Encoded, resolved: Resolved, together: Mapping[str, str], apart: Mapping[str, str], kind: str
) -> list[Wrong]:
    """List pairs that one partition joins and the other parts, up to a bound, smaller clusters first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key, cluster in together.items():
        if key in encoded.labelled:
            groups[cluster].append(key)
    wrong: list[Wrong] = []
    for keys in sorted(groups.values(), key=lambda keys: (len(keys), keys)):
        for left, right in combinations(keys, 2):
            if apart[left] != apart[right] and len(wrong) < _MOST_PAIRS:
                told = kind
                if kind == MISSED and _doubted(resolved, left, right):
                    told = DOUBTED
                wrong.append(_wrong(encoded, left, right, apart if kind == FALSE else together, told))
    return wrong


def _doubted(resolved: Resolved, left: str, right: str) -> bool:
    return any(resolved.decisions[key].outcome is Outcome.review for key in (left, right))


def _wrong(encoded: Encoded, left: str, right: str, of: Mapping[str, str], kind: str) -> Wrong:
    one, other = encoded.labelled[left], encoded.labelled[right]
    return Wrong(kind, one.upload, other.upload, of[left], of[right])


def _notes(encoded: Encoded) -> tuple[str, ...]:
    refused = len(encoded.stream.refused)
    return (f"{refused} rows that could not be read as an upload: each counts as alone",) if refused else ()
