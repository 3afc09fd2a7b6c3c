"""Rows that were decided but are perhaps not in the index yet, searched exactly."""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from streams.core.proposing import candidates_of
from streams.core.records import Candidate, EncodedUpload, IndexRow, ItemKey

FloatArray = NDArray[np.float32]

_FIRST_ROWS = 256


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

    def search(self, upload: EncodedUpload, *, since: int, limit: int) -> tuple[Candidate, ...]:
        """Find the nearest rows with an offset of at least ``since``.

        Parameters
        ----------
        upload : EncodedUpload
        since : int
            watermark of the index that the upload was looked up in
        limit : int > 0
            rows per query vector
        """
        nearness: dict[tuple[ItemKey, int], dict[str, float]] = {}
        for query in upload.vectors:
            held = self._collections.get((query.modality, query.model))
            if held is None:
                continue
            first = bisect_left(held.offsets, since)
            if first == len(held.rows):
                continue
            similarity = held.vectors[first:] @ _values(query.values)
            # A stable order among equals: the same log must give the same candidates.
            for at in np.argsort(-similarity, kind="stable")[:limit]:
                row = held.rows[first + int(at)]
                if row[0] == upload.key:
                    continue
                nearest = nearness.setdefault(row, {})
                near = float(similarity[at])
                nearest[query.modality] = max(near, nearest.get(query.modality, -1.0))
        return candidates_of(nearness)


def _values(data: bytes) -> FloatArray:
    return np.frombuffer(data, dtype="<f2").astype(np.float32)
