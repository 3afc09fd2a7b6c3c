"""Fit the shape coefficients of the packaged bundle on labelled data, and report held-out precision.

Only weights per comparison level leave the data: no string and no frequency table. Sound and identifier
levels are set by hand (no labelled set holds them) and kept from the bundle that is read.

    python -m benchmarks.fit_bundle [--data ../shared/data] [--only version.on_album ...] [--write]
"""

import argparse
import dataclasses
import itertools
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.labelled_records import Labelled, musicbrainz_records, record_of, shs_records
from benchmarks.labelled_tables import duration_ms, read_rows
from streams.core.blocking import blocking_keys
from streams.core.comparison import ABSENT, FIELDS, SKIPPED, compare_records
from streams.core.records import LinkageRecord
from streams.core.scoring import Bundle, Head, Scorer, Weights

BUNDLE = Path(__file__).parent.parent / "streams" / "core" / "bundle.json"
FITTED = ("title", "artist", "title_artist", "version", "numbers", "duration", "album", "year", "language")
LARGEST_BLOCK = 60
RIDGE = 20.0
"""Pull towards the weights that stand: a level that is rare in the data stays where it was."""
NEGATIVES = 4.0
"""Blocking on a small sample proposes far fewer strangers than a full catalogue does."""


FloatArray = NDArray[np.floating[Any]]

CEILINGS = {("duration", "far"): -6.5, ("duration", "near"): -3.6, ("duration", "seven_seconds"): -0.8}
"""The clean sets hold few other takes by the same artist; lengths that differ must still tell them apart."""


class Pair(NamedTuple):
    """A labelled pair; ``group`` keeps what belongs together on one side of the split."""

    left: LinkageRecord
    right: LinkageRecord
    label: bool
    group: str
    data: str


def _blocked(items: list[Labelled], data: str) -> Iterator[Pair]:
    """Pair records (cluster, source, record) that share a key; records of one source never match."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for index, (_, _, record) in enumerate(items):
        for key in blocking_keys(record):
            blocks[key].append(index)
    pairs = {
        pair
        for block in blocks.values()
        if len(block) <= LARGEST_BLOCK
        for pair in itertools.combinations(block, 2)
    }
    clusters: dict[str, list[int]] = defaultdict(list)
    for index, (cluster, _, _) in enumerate(items):
        clusters[cluster].append(index)
    wanted = {pair for members in clusters.values() for pair in itertools.combinations(members, 2)}
    print(f"{data}: {len(wanted & pairs)} of {len(wanted)} true pairs blocked, {len(pairs)} pairs")
    for i, j in sorted(pairs):
        if items[i][1] and items[i][1] == items[j][1]:
            continue
        yield Pair(items[i][2], items[j][2], items[i][0] == items[j][0], min(items[i][0], items[j][0]), data)
    # Neighbours in the order of titles are the strangers that vectors propose.
    order = sorted(range(len(items)), key=lambda k: [reading.base for reading in items[k][2].readings[:1]])
    for i, j in zip(order, order[3:], strict=False):
        if items[i][0] != items[j][0] and (min(i, j), max(i, j)) not in pairs:
            yield Pair(items[i][2], items[j][2], False, min(items[i][0], items[j][0]), data)


def musicbrainz(folder: Path) -> Iterator[Pair]:
    """Yield recording-level pairs of five streamed tables."""
    return _blocked(musicbrainz_records(folder), "musicbrainz-20k")


def itunes(folder: Path) -> Iterator[Pair]:
    """Yield recording-level pairs, few."""
    for part in ("train", "valid"):
        for number, row in enumerate(read_rows(folder / "itunes-amazon" / f"structured.{part}.csv")):
            sides = [
                record_of(
                    row[f"{side}_Song_Name"].replace(" '", "'").replace("( ", "(").replace(" )", ")"),
                    row[f"{side}_Artist_Name"],
                    album=row[f"{side}_Album_Name"],
                    duration_ms=duration_ms(row[f"{side}_Time"]),
                )
                for side in ("left", "right")
            ]
            yield Pair(sides[0], sides[1], row["label"] == "1", f"{part}{number}", "itunes-amazon")


def youtube(folder: Path) -> Iterator[Pair]:
    """Yield work-level pairs of a catalogued performance and a video."""
    for row in read_rows(folder / "youtube-shs-pairs" / "dev.csv.gz"):
        left = record_of(row["left_title"], row["left_performer"])
        right = record_of(row["right_video_title"], "", channel=row["right_channel"])
        yield Pair(left, right, row["label"] == "1", row["left_title"], "youtube-shs-pairs")


def shs(folder: Path) -> Iterator[Pair]:
    """Yield work-level pairs of performances."""
    return _blocked(shs_records(folder), "shs100k2-works")


def _names(weights: Weights) -> list[tuple[str, str]]:
    return [(name, level) for name in FITTED for level in sorted(weights.get(name, {}))]


def _matrix(pairs: list[Pair], columns: list[tuple[str, str]]) -> FloatArray:
    where = {column: index for index, column in enumerate(columns)}
    x = np.zeros((len(pairs), len(columns)), dtype=np.float32)
    for row, pair in enumerate(pairs):
        levels = compare_records(pair.left, pair.right, None).levels
        for name, level in zip(FIELDS, levels, strict=True):
            if level not in {ABSENT, SKIPPED} and (name, level) in where:
                x[row, where[name, level]] = 1.0
    return x


def _offset(pairs: list[Pair], head: Head, columns: set[tuple[str, str]]) -> FloatArray:
    """Sum the weights that are not fitted."""
    sums = np.zeros(len(pairs))
    for row, pair in enumerate(pairs):
        levels = compare_records(pair.left, pair.right, None).levels
        sums[row] = sum(
            head.weights.get(name, {}).get(level, 0.0)
            for name, level in zip(FIELDS, levels, strict=True)
            if (name, level) not in columns
        )
    return sums


def _held_out(pair: Pair) -> bool:
    return zlib.crc32(pair.group.encode()) % 3 == 0


def fit(head: Head, pairs: list[Pair], *, free: frozenset[str]) -> Head:
    """Fit one head: a ridge towards the weights that stand, each set weighing the same.

    ``free`` names comparisons ("title") and single levels ("version.on_album"); the prior moves with whole
    comparisons only.
    """
    columns = [
        (name, level) for name, level in _names(head.weights) if name in free or f"{name}.{level}" in free
    ]
    start = np.array([head.weights[name][level] for name, level in columns])
    train = [pair for pair in pairs if not _held_out(pair)]
    sizes: dict[str, int] = defaultdict(int)
    for pair in train:
        sizes[pair.data] += 1
    x = _matrix(train, columns)
    y = np.array([pair.label for pair in train], dtype=np.float64)
    weight = np.array([800 / sizes[pair.data] * (1.0 if pair.label else NEGATIVES) for pair in train])
    fixed = _offset(train, head, set(columns))
    moving = any("." not in name for name in free)
    design = np.hstack([x, np.full((len(train), 1), moving, dtype=np.float32)])
    fixed = fixed + (0.0 if moving else head.prior)
    anchor = np.append(start, head.prior)
    beta = anchor.copy()
    for _ in range(25):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta + fixed, -30, 30)))
        gradient = design.T @ (weight * (p - y)) + RIDGE * (beta - anchor)
        curve = (design * (weight * p * (1 - p))[:, None]).T @ design + RIDGE * np.eye(len(beta))
        beta = beta - np.linalg.solve(curve, gradient)
    learned, prior = beta[:-1], float(beta[-1])
    seen = x.sum(axis=0) >= 30
    kept = np.where(seen, learned, start)
    weights = {name: dict(levels) for name, levels in head.weights.items()}
    for (name, level), value in zip(columns, kept, strict=True):
        ceiling = CEILINGS.get((name, level), 99.0) if "album" in free else 99.0
        weights[name][level] = round(min(float(value), ceiling), 3)
    return dataclasses.replace(head, prior=round(prior, 3), weights=weights)


def report(label: str, bundle: Bundle, pairs: list[Pair], *, work: bool = False) -> None:
    """Print precision and recall of the held-out pairs that blocking proposes, rules included.

    Pairs in review are no match; how many of them are true is told beside.
    """
    scorer = Scorer(bundle)
    match = bundle.work_match if work else bundle.recording_match
    review = bundle.work_review if work else bundle.recording_review
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for pair in filter(_held_out, pairs):
        score = scorer.score(pair.left, pair.right)
        log_odds = score.work.log_odds if work else score.recording.log_odds
        excluded = score.work_cannot_link if work else score.cannot_link
        said = log_odds >= match and not excluded
        count = counts[pair.data]
        count[0] += said and pair.label
        count[1] += said and not pair.label
        count[2] += not said and pair.label
        if not said and not excluded and log_odds >= review:
            count[3 if pair.label else 4] += 1
    for data, (right, wrong, missed, doubted, doubted_wrong) in sorted(counts.items()):
        precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        print(
            f"{label:7} {data:20} P {precision:.3f} R {recall:.3f} F1 {f1:.3f} (threshold {match});"
            f" in review {doubted} true, {doubted_wrong} not"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--only", nargs="+", help="comparisons or levels (version.on_album) to fit in the recording head"
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    bundle = Bundle.from_json(BUNDLE.read_bytes())
    recordings = [*musicbrainz(options.data), *itunes(options.data)]
    works = [*youtube(options.data), *shs(options.data)]
    free = options.only or ("title", "artist", "title_artist", "duration", "album", "year")
    recording = fit(bundle.recording, recordings, free=frozenset(free))
    work = bundle.work
    if not options.only:
        work = fit(bundle.work, works, free=frozenset({"title", "artist", "title_artist"}))
    fitted = dataclasses.replace(bundle, recording=recording, work=work)
    for label, each in (("before", bundle), ("fitted", fitted)):
        report(label, each, recordings)
        report(label, each, works, work=True)
    for name, head in (("recording", recording), ("work", work)):
        print(name, head.prior, {field: head.weights[field] for field in FITTED if field in head.weights})
    if options.write:
        BUNDLE.write_bytes(fitted.to_json() + b"\n")


if __name__ == "__main__":
    main()
