"""The nearest of a rendering ranked once more: by aligning harmonies along a path, or a straight line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.version_queries import Rendering
from encoders.evaluation.metrics import mean_average_precision
from encoders.version import qmax
from encoders.version_lines import LineClasses, line_scores
from streams.core.proposing import ranked_again
from streams.edges.sound_blobs import classes_of
from streams.errors import FeatureMissing

# As many as find follows by this vector, and more.
NEAREST = (10, 25)
# Lines cost less, and one rendering of each work asks.
LINED = (10, 20, 50, 100)

Run = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


def labels_of(renderings: Sequence[Rendering]) -> NDArray[np.int64]:
    """Give each work a number."""
    names = {name: number for number, name in enumerate(dict.fromkeys(each.work for each in renderings))}
    return np.array([names[each.work] for each in renderings], dtype=np.int64)


def ranked(close: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    """Give MAP, and how often the first is right."""
    alone = close.copy()
    np.fill_diagonal(alone, -np.inf)
    first = labels[alone.argmax(axis=1)] == labels
    return {"map": round(mean_average_precision(close, labels), 4), "top1": round(float(first.mean()), 4)}


def _compared(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> tuple[float, float]:
    started = process_time()
    return qmax(*pair), process_time() - started


class Aligned(NamedTuple):
    """Scores of the nearest pairs, and what one took."""

    shared: NDArray[np.float64]
    seconds: float


def aligned(close: NDArray[np.float32], sequences: Sequence[NDArray[np.uint8]], run: Run) -> Aligned:
    """Align each rendering with its nearest; -1 for the others."""
    alone = close.copy()
    np.fill_diagonal(alone, -np.inf)
    order = np.argsort(-alone, axis=1, kind="stable")
    pairs = sorted(
        {(min(a, int(b)), max(a, int(b))) for a in range(len(close)) for b in order[a, : max(NEAREST)]}
    )
    found = run(_compared, [(sequences[a], sequences[b]) for a, b in pairs])
    shared = np.full(close.shape, -1.0)
    for (a, b), (score, _) in zip(pairs, found, strict=True):
        shared[a, b] = shared[b, a] = score
    return Aligned(shared, float(np.mean([cost for _, cost in found])))


def realigned(close: NDArray[np.float32], labels: NDArray[np.int64], found: Aligned) -> dict[str, Any]:
    """Rank the nearest by alignment and cosine; the rest stay behind."""
    alone = close.copy()
    np.fill_diagonal(alone, -np.inf)
    order = np.argsort(-alone, axis=1, kind="stable")
    shared = found.shared
    out: dict[str, Any] = {"ms_per_pair": round(1e3 * found.seconds, 2)}
    relatives = (labels[:, None] == labels[None]).sum(axis=1) - 1
    for count in NEAREST:
        near = np.zeros(close.shape, dtype=bool)
        np.put_along_axis(near, order[:, :count], values=True, axis=1)
        # Cosines of `samesong-work` lie in half the range that they would have without their constant number.
        both = np.where(near, 10.0 + shared + 2.0 * close, alone)
        among = (near & (labels[:, None] == labels[None])).sum(axis=1)
        out[f"nearest {count}"] = {
            **ranked(both.astype(np.float32), labels),
            "recall": round(float((among / np.minimum(relatives, count)).mean()), 4),
        }
    related, compared = labels[:, None] == labels[None], np.triu(shared >= 0.0, 1)
    same, other = shared[related & compared], shared[~related & compared]
    out["qmax"] = {
        "same work, percentiles 5 25 50": np.round(np.percentile(same, [5, 25, 50]), 3).tolist(),
        "other work, percentiles 50 90 99 100": np.round(np.percentile(other, [50, 90, 99, 100]), 3).tolist(),
    }
    return out


def _lined(task: tuple[LineClasses, list[LineClasses]]) -> tuple[NDArray[np.float64], float]:
    started = process_time()
    return line_scores(*task), process_time() - started


def classes(each: Rendering) -> LineClasses:
    """Read what lines go through of the blob that encode kept."""
    found = classes_of(each.features.tobytes())
    if found is None:
        raise FeatureMissing("a rendering was kept before its blob held what lines go through")
    return found


def lined(close: NDArray[np.float32], renderings: Sequence[Rendering], run: Run) -> dict[str, Any]:
    """Let the first rendering of each work ask for the others, and rank its nearest by straight lines."""
    labels = labels_of(renderings)
    kept = [classes(each) for each in renderings]
    asking = np.flatnonzero(np.diff(labels, prepend=-1))
    orders = []
    for query in asking:
        alone = close[query].copy()
        alone[query] = -np.inf
        orders.append(np.argsort(-alone, kind="stable")[:-1])

    def figures(count: int, again: Callable[[int], Sequence[int]]) -> dict[str, float]:
        precisions, first = [], []
        for number, (query, order) in enumerate(zip(asking, orders, strict=True)):
            right = labels[order] == labels[query]
            right[:count] = right[:count][list(again(number))]
            places = np.flatnonzero(right) + 1
            precisions.append(float(np.mean(np.arange(1, len(places) + 1) / places)))
            first.append(bool(right[0]))
        return {
            "map": round(float(np.mean(precisions)), 4),
            "map, works that nothing was chosen on": round(float(np.mean(precisions[1::2])), 4),
            "top1": round(float(np.mean(first)), 4),
        }

    out: dict[str, Any] = {"asking": len(asking), "by vector": figures(0, lambda _: ())}
    allowed = {}
    for count in LINED:
        near = [order[:count] for order in orders]
        found = run(
            _lined, [(kept[query], [kept[k] for k in some]) for query, some in zip(asking, near, strict=True)]
        )

        def by_line(
            number: int,
            near: Sequence[NDArray[np.intp]] = near,
            found: Sequence[tuple[NDArray[np.float64], float]] = found,
        ) -> Sequence[int]:
            return ranked_again(close[asking[number], near[number]].tolist(), found[number][0].tolist())

        def at_best(number: int, near: Sequence[NDArray[np.intp]] = near) -> Sequence[int]:
            right = labels[near[number]] == labels[asking[number]]
            return sorted(range(len(right)), key=lambda at: not right[at])

        spent = 1e3 * float(np.mean([cost for _, cost in found]))
        out[f"nearest {count}"] = {**figures(count, by_line), "ms_per_query": round(spent, 1)}
        allowed[f"nearest {count}"] = figures(count, at_best)["map"]
    return out | {"what they allow": allowed}
