"""Rows that were decided but are perhaps not in the index yet, searched exactly."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from streams.core.proposing import candidates_of
from streams.core.records import Candidate, EncodedUpload, IndexRow, ItemKey

FloatArray = NDArray[np.float32]

_FIRST_ROWS = 256
_QUERIES_AT_ONCE = 256


class _Collection:
    """Rows of one modality and model in the order of their offsets, their vectors in one growing array."""

    def __init__(self, dimension: int) -> None:
        self.offsets: list[int] = []
        self.rows: list[tuple[ItemKey, int]] = []
        self._vectors = np.empty((_FIRST_ROWS, dimension), dtype=np.float32)

    @property
    def vectors(self) -> FloatArray:
        """The vectors in use: float32 [shape=(n, d)]."""
        return self._vectors[: len(self.rows)]

    def add(self, row: IndexRow, offset: int) -> None:
        if len(self.rows) == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._vectors[len(self.rows)] = _values(row.values)
        self.offsets.append(offset)
        self.rows.append((ItemKey(row.source, row.item_id), row.revision))

    def nearest(
        self, queries: Sequence[tuple[int, FloatArray]], since: Sequence[int], limit: int
    ) -> Iterator[tuple[int, tuple[ItemKey, int], float]]:
        """Give (asker, row, cosine) of the nearest rows of each query."""
        starts = [bisect_left(self.offsets, since[asker]) for asker, _ in queries]
        first = min(starts)
        if first == len(self.rows):
            return
        # One product for the batch is several times cheaper than one per query. Products of other shapes
        # may differ in the last bits; rounding keeps the order of candidates the same in a replay.
        product = np.stack([values for _, values in queries]) @ self.vectors[first:].T
        similarity = np.round(product, 5)
        for (asker, _), start, row in zip(queries, starts, similarity, strict=True):
            fresh = row[start - first :]
            for at in _largest(fresh, limit):
                yield asker, self.rows[start + at], float(fresh[at])

    def drop(self, count: int) -> None:
        kept = self.vectors[count:].copy()
        del self.offsets[:count], self.rows[:count]
        self._vectors[: len(kept)] = kept


class Overlay:
    """The newest index rows by offset; memory is bounded by how far the index lags."""

    def __init__(self) -> None:
        self._collections: dict[tuple[str, str], _Collection] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def count_since(self, offset: int) -> int:
        """Count the rows from an offset on."""
        return sum(
            len(held.offsets) - bisect_left(held.offsets, offset) for held in self._collections.values()
        )

    def add(self, row: IndexRow, offset: int) -> None:
        """Add a row; offsets never fall. A deletion is not needed here: the state knows what is live."""
        if row.state != "live":
            return
        space = row.modality, row.model
        if space not in self._collections:
            self._collections[space] = _Collection(len(row.values) // 2)
        self._collections[space].add(row, offset)
        self._size += 1

    def drop_before(self, floor: int) -> None:
        """Forget rows that every index build in use has folded."""
        for held in self._collections.values():
            gone = bisect_left(held.offsets, floor)
            if gone:
                held.drop(gone)
                self._size -= gone

    def search(
        self, uploads: Sequence[EncodedUpload], *, since: Sequence[int], limit: int
    ) -> list[tuple[Candidate, ...]]:
        """Find the nearest rows for every upload of a batch at once.

        Parameters
        ----------
        uploads : sequence of EncodedUpload
        since : sequence of int
            per upload: rows with an offset below are left to the index, at its watermark of the look-up
        limit : int > 0
            rows per query vector
        """
        nearness: list[dict[tuple[ItemKey, int], dict[str, float]]] = [{} for _ in uploads]
        asked: dict[tuple[str, str], list[tuple[int, FloatArray]]] = {}
        for asker, upload in enumerate(uploads):
            for query in upload.vectors:
                asked.setdefault((query.modality, query.model), []).append((asker, _values(query.values)))
        for space, queries in asked.items():
            held = self._collections.get(space)
            if held is None:
                continue
            for start in range(0, len(queries), _QUERIES_AT_ONCE):
                for asker, row, near in held.nearest(queries[start : start + _QUERIES_AT_ONCE], since, limit):
                    if row[0] != uploads[asker].key:
                        nearest = nearness[asker].setdefault(row, {})
                        nearest[space[0]] = max(near, nearest.get(space[0], -1.0))
        return [candidates_of(each) for each in nearness]


def _values(data: bytes) -> FloatArray:
    return np.frombuffer(data, dtype="<f2").astype(np.float32)


def _largest(values: FloatArray, limit: int) -> list[int]:
    """Give the places of the largest values, the first of equals first."""
    if len(values) > limit:
        # Everything that ties with the last one is kept until the stable sort below decides.
        least = np.partition(values, -limit)[-limit]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    order = np.argsort(-values[places], kind="stable")[:limit]
    return [int(at) for at in places[order]]
