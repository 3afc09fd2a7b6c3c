"""How well a partition of records fits the true one: by pairs, by records (B-cubed) and by whole clusters.

Everything is counted per part: a set of records that neither partition ties to any other. Counts add up over
parts, so that a bootstrap draws whole parts and never tears a cluster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

T = TypeVar("T", bound=Hashable)

MEASURES: Final = ("pairs", "b_cubed", "clusters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Precision and recall of anything; 1 where there was nothing to be wrong about."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        total = self.precision + self.recall
        return 2.0 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class PartitionCounts:
    """Counts of two partitions of the same records, one row per part.

    Attributes
    ----------
    rows : float64 [shape=(parts, 9)]
        records; pairs that are true, found, and both; sums over records of B-cubed precision and recall;
        clusters that are true, found, and both
    """

    rows: NDArray[np.float64]

    @property
    def records(self) -> int:
        """How many records there are."""
        return int(self.rows[:, 0].sum())

    @property
    def true_pairs(self) -> int:
        """How many pairs belong together."""
        return int(self.rows[:, 1].sum())

    @property
    def found_pairs(self) -> int:
        """How many pairs were put together."""
        return int(self.rows[:, 2].sum())

    @property
    def right_pairs(self) -> int:
        """How many pairs were put together rightly."""
        return int(self.rows[:, 3].sum())

    @property
    def pairs(self) -> Scores:
        """Score the pairs of records."""
        return measure(self.rows.sum(axis=0), "pairs")

    @property
    def b_cubed(self) -> Scores:
        """Score each record's cluster against its true one, then take the mean over records."""
        return measure(self.rows.sum(axis=0), "b_cubed")

    @property
    def clusters(self) -> Scores:
        """Score clusters that must be right to the last record."""
        return measure(self.rows.sum(axis=0), "clusters")


def measure(sums: NDArray[np.float64], name: str) -> Scores:
    """Give one of ``MEASURES`` from summed counts."""
    records, true, found, right, precise, recalled, true_clusters, found_clusters, both = sums.tolist()
    if name == "pairs":
        return Scores(precision=_share(right, found), recall=_share(right, true))
    if name == "b_cubed":
        return Scores(precision=_share(precise, records), recall=_share(recalled, records))
    if name == "clusters":
        return Scores(precision=_share(both, found_clusters), recall=_share(both, true_clusters))
    raise ValueError(f"no such measure: {name}")


def partition_counts(true: Mapping[T, Hashable], found: Mapping[T, Hashable]) -> PartitionCounts:
    """Compare two partitions, given the cluster of each record.

    Parameters
    ----------
    true, found : mapping of record to cluster
        of the same records: one that was refused, or never answered, must stand in ``found`` alone, so that
        what it should have joined is charged

    Raises
    ------
    ValueError
        the records differ, or there are none

    References
    ----------
    Bagga and Baldwin, "Entity-based cross-document coreferencing using the vector space model", 1998.
    Menestrina, Whang and Garcia-Molina, "Evaluating entity resolution results", VLDB 2010.
    """
    if true.keys() != found.keys():
        raise ValueError("two partitions of different records cannot be compared")
    if not true:
        raise ValueError("there is nothing to compare")
    left, right = _numbered(true.values()), _numbered(found[item] for item in true)
    cells = Counter(zip(left, right, strict=True))
    true_sizes, found_sizes = Counter(left), Counter(right)
    parts, part_of_true = _parts(cells, len(true_sizes), len(found_sizes))
    rows = np.zeros((parts, 9))
    for (a, b), shared in cells.items():
        row = rows[part_of_true[a]]
        row[0] += shared
        row[3] += _pairs(shared)
        row[4] += shared * shared / found_sizes[b]
        row[5] += shared * shared / true_sizes[a]
        row[8] += shared == true_sizes[a] == found_sizes[b]
    of_found = {b: part_of_true[a] for a, b in cells}
    for a, size in true_sizes.items():
        rows[part_of_true[a], 1] += _pairs(size)
        rows[part_of_true[a], 6] += 1
    for b, size in found_sizes.items():
        rows[of_found[b], 2] += _pairs(size)
        rows[of_found[b], 7] += 1
    return PartitionCounts(rows)


def _numbered(clusters: Any) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]


def _parts(cells: Counter[tuple[int, int]], true: int, found: int) -> tuple[int, NDArray[np.int32]]:
    """Find what hangs together by either partition: how many parts, and the part of each true cluster."""
    a, b = zip(*cells, strict=True)
    graph = coo_matrix(
        (np.ones(len(cells)), (np.array(a), np.array(b) + true)), shape=(true + found, true + found)
    )
    count, labels = connected_components(graph, directed=False)
    return int(count), labels[:true]


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
