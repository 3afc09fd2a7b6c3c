"""MusicBrainz 20K by a recording head that was fitted on its clusters alone, and on none that it resolves.

The clusters are split in five. For each fifth the head is fitted on pairs that blocking proposes among the
records of the others (and on album siblings invented from these), and the records of the fifth are resolved
as a stream of their own in a random order. Weights of fields that no fit touches are those of the package.

    python -m benchmarks.trained_alone [--data ../shared/data] [--whole]

``--whole`` fits on all clusters and resolves all records once: not held out, five times as many records. Each
figure is told twice: as the costs of the bundle decide, a review being no match, and with every pair matched
that is likelier one recording than not, as if a false match cost no more than a missed one.
"""

import argparse
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.bounded_weights import asked_about_similar
from benchmarks.fit_bundle import (
    RECIPES,
    USUAL_STRATUM,
    by_hand,
    head_of,
    patterns,
    tabulate,
)
from benchmarks.labelled_pairs import SIBLINGS_OF, of_stream
from encoders.evaluation.partitions import measure, partition_counts
from streams.config import Settings
from streams.core.bundle import Bundle
from streams.edges.encoder import BundleEncoder
from streams.evaluation.folds import FOLDS
from streams.evaluation.labelled import LabelledStream
from streams.evaluation.sets import SETS
from streams.evaluation.streaming import Encoded, partitions
from streams.offline import OfflineParts
from streams.ports import FloatArray
from streams.wiring.offline import offline_parts


class _Remembered:
    """An encoder that embeds each text once, however often it is asked."""

    def __init__(self, encoder: BundleEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, FloatArray] = {}

    @property
    def models(self) -> dict[str, str]:
        """The models that embed."""
        return self._encoder.models

    def encode_texts(self, texts: Sequence[str], /) -> FloatArray:
        """Embed texts, the new ones among them at once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._encoder.encode_texts(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def fold_of(cluster: str) -> int:
    """Give the fifth that a cluster is in."""
    return int(hashlib.sha256(f"alone {cluster}".encode()).hexdigest(), 16) % FOLDS


def part_of(stream: LabelledStream, folds: Sequence[int]) -> LabelledStream:
    """Give the rows of some fifths, those that cannot be read among them."""
    return LabelledStream(
        name=stream.name,
        uploads=tuple(each for each in stream.uploads if fold_of(each.recording or "") in folds),
        refused={
            name: labels for name, labels in stream.refused.items() if fold_of(labels[0] or "") in folds
        },
    )


def fitted_on(stream: LabelledStream, encoder: _Remembered) -> Bundle:
    """Fit a recording head on one stream; nothing that other sets taught is left in what is fitted."""
    packaged, recipe = Bundle.packaged(), RECIPES["recording"]
    untouched = {
        name: weights for name, weights in packaged.recording.weights.items() if name not in recipe.fields
    }
    head = dataclasses.replace(packaged.recording, weights=by_hand(untouched, "recording"), calibration={})
    found = patterns(of_stream(stream, encoder))["recording"]
    usual = USUAL_STRATUM["recording"]
    head = head_of(head, tabulate(found, head, recipe, usual), recipe, "recording")
    return dataclasses.replace(
        packaged, version="alone", recording=asked_about_similar(head, packaged.recording_match)
    )


def counted(
    stream: LabelledStream, bundle: Bundle, parts: OfflineParts, *, order: int
) -> dict[str, NDArray[np.float64]]:
    """Resolve a stream in a random order, by each way of deciding; give the counts of its parts."""
    encoded = Encoded(stream, parts)
    at_even_odds = dataclasses.replace(bundle, recording_match=bundle.compare_above)
    found = {}
    for way, deciding in (("by costs", bundle), ("even odds", at_even_odds)):
        both = partitions(encoded, encoded.resolve(deciding, order=order), "recording")
        assert both is not None
        found[way] = partition_counts(*both).rows
    return found


def _say(name: str, found: Mapping[str, NDArray[np.float64]]) -> None:
    for way, rows in found.items():
        scores = measure(rows.sum(axis=0), "pairs")
        print(
            f"{name:8} {way:10} {rows[:, 0].sum():6.0f} records, pair F1 {scores.f1:.4f}"
            f" (precision {scores.precision:.4f}, recall {scores.recall:.4f})",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--whole", action="store_true", help="fit on all, resolve all")
    options = parser.parse_args()
    stream = next(source for source in SETS if source.name == SIBLINGS_OF).read(options.data)
    assert isinstance(stream, LabelledStream)
    encoder = _Remembered(BundleEncoder.load())
    with offline_parts(Settings()) as parts:
        if options.whole:
            _say("whole", counted(stream, fitted_on(stream, encoder), parts, order=1))
            return
        folds = []
        for fold in range(FOLDS):
            bundle = fitted_on(part_of(stream, [other for other in range(FOLDS) if other != fold]), encoder)
            folds.append(counted(part_of(stream, [fold]), bundle, parts, order=fold + 1))
            _say(f"fold {fold}", folds[-1])
        _say("pooled", {way: np.concatenate([rows[way] for rows in folds]) for way in folds[0]})


if __name__ == "__main__":
    main()
