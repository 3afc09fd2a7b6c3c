"""The Record Linkage Toolkit, as its documentation does it.

Blocks and sorted neighbourhoods; Jaro-Winkler with a threshold for expectation maximisation (ECM), the
similarities themselves for a logistic regression that is trained.
"""

from itertools import combinations

import pandas as pd
import recordlinkage
from given import Labels, Row, connected, main

TEXTS = ("title", "artist", "album")
CLOSE = 0.85


def resolve(records: list[Row], labels: Labels) -> dict[str, str]:
    """Cluster the records."""
    table = pd.DataFrame.from_records(records, index="id")
    table["bucket"] = (table["duration_s"] / 4).round()
    indexer = recordlinkage.Index()
    indexer.sortedneighbourhood("title", window=9)
    indexer.block(["artist", "album"])
    indexer.block(["artist", "track_number"])
    indexer.block(["album", "track_number"])
    indexer.block(["artist", "bucket"])
    indexer.block(["album", "bucket"])
    pairs = indexer.index(table)
    compare = recordlinkage.Compare()
    for name in TEXTS:
        threshold = None if labels else CLOSE
        compare.string(name, name, method="jarowinkler", threshold=threshold, label=name)
    compare.numeric("duration_s", "duration_s", method="step", offset=1.5, label="duration")
    for name in ("year", "language", "track_number"):
        compare.exact(name, name, label=name)
    features = compare.compute(pairs, table)
    if labels:
        model = recordlinkage.LogisticRegressionClassifier()
        inside = [each for each in pairs if each[0] in labels and each[1] in labels]
        groups: dict[str, list[str]] = {}
        for name, label in labels.items():
            groups.setdefault(label, []).append(name)
        true = {frozenset(pair) for members in groups.values() for pair in combinations(members, 2)}
        matches = pd.MultiIndex.from_tuples([pair for pair in inside if frozenset(pair) in true])
        model.fit(features.loc[pd.MultiIndex.from_tuples(inside)], matches)
        found = model.predict(features)
    else:
        found = recordlinkage.ECMClassifier(binarize=0.5).fit_predict(features)
    return connected(table.index, found)


if __name__ == "__main__":
    main(resolve)
