"""Fit the packaged bundle on labelled data, and say how it does on what it has not seen.

Only a weight per comparison level leaves the data: no string and no frequency table. Levels that no labelled
set holds (sound, identifiers, version words) are set by hand and kept from the bundle that is read. Figures
are told twice: with the model fitted on the other four fifths of every set, and on the other sets alone.

    python -m benchmarks.fit_bundle [--data ../shared/data] [--write VERSION | --check] [--held-out DIR]
                                    [--patterns FILE]

``--held-out`` leaves the bundles that `samesong evaluate --held-out` reads; ``--check`` asks whether the
packaged bundle is what this fit gives, to the byte. ``--patterns`` keeps what was compared, so that another
fit by the same code takes seconds and not minutes.
"""

import argparse
import dataclasses
import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.additive import FloatArray, Table, fit
from benchmarks.bounded_weights import TITLE_RULE, asked_about_places, asked_about_similar, doubting_brackets
from benchmarks.calibrating import (
    Compared,
    calibrated_held_out,
    calibrations,
    held_out,
    measured_at,
    report_strata,
)
from benchmarks.labelled_pairs import INVENTED, PAIRS, SIBLINGS, SIBLINGS_OF, Pair, labelled_pairs
from encoders.evaluation.calibration import calibration_scores
from streams.core.bundle import Bundle, Calibration, Head, Weights
from streams.core.comparison import FIELDS, SKIPPED, compare_records, one_sided_rule
from streams.core.hearing import ABSENT
from streams.core.scoring import stratum_of

BUNDLE = Path(__file__).parent.parent / "streams" / "core" / "bundle.json"
RIDGE = 2.0
FOLDS = 5
RULED_OUT = -9.21

FALSE_MATCH = {"recording": 5.0, "work": 4.0}
MISSED_MATCH = 2.0
"""Costs, in reviews. A false recording reaches royalties; a false work stands in a list of versions."""

FALSE_ANSWER = MISSED_ANSWER = 1.0
"""Costs where two uploads are compared alone: nobody reviews the answer, and neither mistake is the worse."""

USUAL_STRATUM = {"recording": "unknown|unknown", "work": "reference_db|reference_db"}
"""Whose intercept is the prior of pairs whose stratum was never measured: that of streamed catalogues."""


class Recipe(NamedTuple):
    """How a head is fitted: the comparisons, how many pairs a set counts as, what a stratum weighs itself."""

    fields: tuple[str, ...]
    sets: Mapping[str, float]
    own: tuple[str, ...] = ()


RECIPES = {
    "recording": Recipe(
        ("title", "artist", "title_artist", "duration", "album", "year", "track", "language"),
        {
            "musicbrainz-20k": 3000,
            "itunes-amazon-structured": 430,
            "itunes-amazon-dirty": 430,
            "salami-youtube": 1434,
            "shs100k2-works": 1500,
            "atepp-classical-tracks": 1000,
            SIBLINGS: 1500,
            INVENTED: 1500,
        },
    ),
    "work": Recipe(
        ("title", "artist", "title_artist"),
        {
            "youtube-shs-pairs": 1500,
            "shs100k2-works": 3000,
            "atepp-classical-tracks": 3000,
            INVENTED: 500,
        },
        own=("title_artist",),
    ),
}


BY_HAND = {
    "recording": {
        ("title", "piece_other"): -6.0,
        ("title", "piece_part"): -1.0,
        ("title", "unnamed"): -7.0,
        ("numbers", "one_sided"): -1.5,
        ("ids", "mbid_different"): -2.0,
    },
    "work": {("title", "piece_part"): -0.2, ("title", "unnamed"): -4.0},
}
"""What labels do not teach, or teach wrongly (docs/evaluation.md): a number that differs is another piece.
MusicBrainz merges its doubles, but not all of them. A piece and the opus that holds it agree in a number and
are two; as works they are as likely one as not, since performances are often called by the whole. Uploads
that nothing names are chosen by their labels here, of one recording nearly all; length, year and number are
those of many a stranger.
"""


class Pattern(NamedTuple):
    """What pairs share that the model cannot tell apart."""

    levels: tuple[str, ...]
    data: str
    fold: int
    stratum: str
    label: bool


def patterns(pairs: Iterable[Pair]) -> dict[str, Counter[Pattern]]:
    """Count the patterns of each head; what a hard fact or a rule decides is not the model's business."""
    found: dict[str, Counter[Pattern]] = {name: Counter() for name in RECIPES}
    for pair in pairs:
        compared = compare_records(pair.left, pair.right, None)
        stratum = stratum_of(pair.left, pair.right)
        for name, label, excluded in (
            ("recording", pair.recording, compared.cannot_link or one_sided_rule(compared.levels)),
            ("work", pair.work, compared.work_cannot_link),
        ):
            if label is not None and excluded is None and pair.data in RECIPES[name].sets:
                found[name][Pattern(compared.levels, pair.data, pair.fold, stratum, label)] += 1
    return found


def tabulate(found: Counter[Pattern], head: Head, recipe: Recipe, usual: str) -> Compared:
    """Turn patterns into a table; each set weighs what its recipe says."""
    rows = list(found)
    counts = np.array([float(found[row]) for row in rows])
    data = np.array([row.data for row in rows])
    weights = np.zeros(len(rows))
    for name, wanted in recipe.sets.items():
        inside = data == name
        weights[inside] = counts[inside] * wanted / max(1.0, counts[inside].sum())
    levels = [
        {
            name: level
            for name, level in zip(FIELDS, row.levels, strict=True)
            if level not in {ABSENT, SKIPPED}
        }
        for row in rows
    ]
    offsets = [
        sum(head.weight(*each) for each in reached.items() if each[0] not in recipe.fields)
        for reached in levels
    ]
    names = np.array([row.stratum for row in rows])
    # Where all pairs are alike an intercept of their own would explain them, and nothing be learned.
    labels = np.array([float(row.label) for row in rows])
    judged = {name: len(set(labels[data == name])) == 2 for name in recipe.sets}
    names[[not judged[name] for name in data]] = usual
    strata = tuple(sorted(set(names.tolist())))
    table = Table(
        levels=levels,
        labels=labels,
        weights=weights,
        offsets=np.array(offsets),
        strata=np.array([strata.index(name) for name in names]),
        folds=np.array([row.fold for row in rows]),
    )
    own = sorted({each for reached in levels for each in reached.items() if each[0] in recipe.own})
    return Compared(
        table,
        data,
        counts,
        strata,
        np.array([judged[name] for name in data]),
        usual=strata.index(usual),
        own=tuple(own),
    )


def left_out(compared: Compared, recipe: Recipe) -> FloatArray:
    """Score every pattern by a model that has seen nothing of its set."""
    table = compared.table
    scores = np.zeros(len(table.labels))
    for name in recipe.sets:
        inside = compared.data == name
        scores[inside] = fit(table, ~inside, recipe.fields, ridge=RIDGE).scores(table)[inside]
    return scores


def head_of(old: Head, compared: Compared, recipe: Recipe, name: str) -> Head:
    """Fit a head on everything, calibrated on what each fold had not seen.

    The usual stratum is the head itself; the others are told from there.
    """
    fitted = fit(compared.table, compared.table.weights > 0, recipe.fields, ridge=RIDGE)
    usual = USUAL_STRATUM[name]
    found = calibrations(compared, fitted, held_out(compared, recipe.fields, ridge=RIDGE, folds=FOLDS))
    # Without the set that the usual stratum is known from, it is what the shared model says.
    own = found.pop(usual, Calibration(slope=1.0, shift=0.0))
    weights = {field: dict(levels) for field, levels in old.weights.items()}
    for (field, level), value in sorted(fitted.weights.items()):
        weights.setdefault(field, {})[level] = round(own.slope * value, 3)
    weights = by_hand(weights, name)
    prior = float(fitted.intercepts[compared.strata.index(usual)])
    told = {
        stratum: Calibration(
            slope=round(each.slope / own.slope, 3),
            shift=round(each.shift - each.slope / own.slope * own.shift, 3),
            measured_at=each.measured_at,
            weights=each.weights,
        )
        for stratum, each in found.items()
    }
    return Head(
        prior=round(own.slope * prior + own.shift, 3),
        weights=weights,
        calibration=told,
        measured_at=measured_at(compared, compared.table.strata == compared.strata.index(usual)),
    )


def by_hand(weights: Weights, name: str) -> Weights:
    """Set the weights of a head that are not left to labels."""
    told = {field: dict(levels) for field, levels in weights.items()}
    for (field, level), value in BY_HAND[name].items():
        told.setdefault(field, {})[level] = value
    return told


def report(name: str, how: str, compared: Compared, scores: FloatArray) -> None:
    """Print what a threshold would do on each set, over pairs that were proposed."""
    for data in RECIPES[name].sets:
        inside = (compared.data == data) & (compared.table.weights > 0)
        labels, counts = compared.table.labels[inside], compared.counts[inside]
        if not labels.any():
            continue
        order = np.argsort(-scores[inside], kind="stable")
        true, said = np.cumsum((labels * counts)[order]), np.cumsum(counts[order])
        f1 = 2 * true / (said + true[-1])
        best = int(f1.argmax())
        repeats = counts.astype(int)
        each = np.repeat(scores[inside], repeats), np.repeat(labels.astype(bool), repeats)
        held = calibration_scores(*each)
        slope = "none" if held.slope is None else f"{held.slope:.2f}"
        print(
            f"{name:9} {how:8} {data:26} best F1 {f1[best]:.3f} (precision {true[best] / said[best]:.3f}),"
            f" slope {slope}, ECE {held.error:.3f}"
        )


def thresholds(name: str) -> tuple[float, float]:
    """Give the log-odds from which a match, and a review, costs least."""
    match, review = 1 - 1 / FALSE_MATCH[name], 1 / MISSED_MATCH
    return round(math.log(match / (1 - match)), 3), round(math.log(review / (1 - review)), 3)


def fitted_bundle(
    bundle: Bundle, found: Mapping[str, Counter[Pattern]], *, version: str, tell: bool = False
) -> Bundle:
    """Fit both heads of a bundle; ``tell`` also prints how each does on what it has not seen."""
    heads = {}
    for name, recipe in RECIPES.items():
        packaged: Head = getattr(bundle, name)
        old = dataclasses.replace(packaged, weights=by_hand(packaged.weights, name))
        compared = tabulate(found[name], old, recipe, USUAL_STRATUM[name])
        if tell:
            report(name, "held out", compared, held_out(compared, recipe.fields, ridge=RIDGE, folds=FOLDS))
            report(name, "left out", compared, left_out(compared, recipe))
            report_strata(
                name, compared, calibrated_held_out(compared, recipe.fields, ridge=RIDGE, folds=FOLDS)
            )
        heads[name] = head_of(old, compared, recipe, name)
    (match, review), (work_match, work_review) = thresholds("recording"), thresholds("work")
    asked = asked_about_places(asked_about_similar(heads["recording"], match), match)
    heads["recording"] = doubting_brackets(asked)
    costs = f"in reviews: a missed match {MISSED_MATCH:g}, a false one " + ", ".join(
        f"{cost:g} ({name})" for name, cost in FALSE_MATCH.items()
    )
    costs += f"; compared alone, a missed answer {MISSED_ANSWER:g} and a false one {FALSE_ANSWER:g}"
    fit_note = "benchmarks/fit_bundle.py; version, identifier and sound levels by hand; see docs/matching.md"
    return dataclasses.replace(
        bundle,
        version=version,
        recording=heads["recording"],
        work=heads["work"],
        recording_match=match,
        recording_review=review,
        work_match=work_match,
        work_review=work_review,
        compare_above=round(math.log(FALSE_ANSWER / MISSED_ANSWER), 3),
        notes={**bundle.notes, "fit": fit_note, "costs": costs, "title_rule": TITLE_RULE},
    )


SEEN_AS = {"golden": INVENTED, "shs-hard-pairs": "shs100k2-works"}
"""Sets that are scored and were seen under another name."""


def without(
    found: Mapping[str, Counter[Pattern]], data: str, *, fold: int | None = None
) -> dict[str, Counter[Pattern]]:
    """Leave out a set, or one fold of it; what was invented from it goes with it."""
    gone = {data, SIBLINGS} if data == SIBLINGS_OF else {data}
    return {
        name: Counter(
            {
                row: count
                for row, count in rows.items()
                if row.data not in gone or (fold is not None and row.fold != fold)
            }
        )
        for name, rows in found.items()
    }


def write_held_out(
    folder: Path, bundle: Bundle, found: Mapping[str, Counter[Pattern]], *, version: str
) -> None:
    """Write a bundle that has not seen a set, for each set, and one for each fold of a set of pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    seen = {row.data for rows in found.values() for row in rows} - {SIBLINGS}
    for data in sorted(seen):
        names: dict[str, int | None] = {data: None}
        names |= {scored: None for scored, known in SEEN_AS.items() if known == data}
        if data in PAIRS:
            names |= {f"{data}.fold{fold}": fold for fold in range(FOLDS)}
        fitted = {
            fold: fitted_bundle(bundle, without(found, data, fold=fold), version=version)
            for fold in dict.fromkeys(names.values())
        }
        for name, fold in names.items():
            told = dataclasses.replace(fitted[fold], version=f"{version}-{name}")
            (folder / f"{name}.json").write_bytes(told.to_json() + b"\n")


def kept_patterns(file: Path | None, data: Path) -> dict[str, Counter[Pattern]]:
    """Read the patterns that were kept, or compare all pairs, and keep them."""
    if file is not None and file.is_file():
        kept = msgspec.json.decode(file.read_bytes(), type=dict[str, list[tuple[Pattern, int]]])
        return {name: Counter(dict(rows)) for name, rows in kept.items()}
    found = patterns(labelled_pairs(data))
    if file is not None:
        file.write_bytes(msgspec.json.encode({name: list(rows.items()) for name, rows in found.items()}))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--write", metavar="VERSION", help="make it the packaged bundle under this version")
    task.add_argument(
        "--check", action="store_true", help="status 1 where the packaged bundle is another one"
    )
    parser.add_argument(
        "--held-out", metavar="DIR", type=Path, help="write bundles fitted without a set here"
    )
    parser.add_argument(
        "--patterns", metavar="FILE", type=Path, help="compared pairs, read if they are there"
    )
    options = parser.parse_args()
    packaged = BUNDLE.read_bytes()
    bundle = Bundle.from_json(packaged)
    found = kept_patterns(options.patterns, options.data)
    version = options.write or bundle.version
    fitted = fitted_bundle(bundle, found, version=version, tell=not options.check)
    written = fitted.to_json() + b"\n"
    if options.check:
        print("the packaged bundle is", "this fit" if written == packaged else "another one")
        sys.exit(written != packaged)
    for name, recipe in RECIPES.items():
        head: Head = getattr(fitted, name)
        print(name, head.prior, head.calibration)
        print({field: head.weights[field] for field in recipe.fields})
    if options.held_out:
        write_held_out(options.held_out, bundle, found, version=version)
    if options.write:
        former = BUNDLE.parent / "former_bundles" / f"{bundle.version}.json"
        if options.write != bundle.version:
            former.write_bytes(packaged)
        BUNDLE.write_bytes(written)


if __name__ == "__main__":
    main()
