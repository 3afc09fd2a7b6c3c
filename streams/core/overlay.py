"""Rows that were decided but are perhaps not in the index yet, searched exactly."""

from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streams.core.records import Candidate, EncodedUpload, IndexRow, ItemKey

FloatArray = NDArray[np.float32]


@dataclass(slots=True)
class _Collection:
    """Rows of one modality and model in the order of their offsets."""

    offsets: list[int] = field(default_factory=list)
    rows: list[IndexRow] = field(default_factory=list)
    vectors: list[FloatArray] = field(default_factory=list)


class Overlay:
    """The newest index rows by offset; memory is bounded by how far the index lags."""

    def __init__(self) -> None:
        self._collections: dict[tuple[str, str], _Collection] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, row: IndexRow, offset: int) -> None:
        """Add a row; offsets never fall. A deletion is not needed here: the state knows what is live."""
        if row.state != "live":
            return
        held = self._collections.setdefault((row.modality, row.model), _Collection())
        held.offsets.append(offset)
        held.rows.append(row)
        held.vectors.append(_values(row.values))
        self._size += 1

    def drop_before(self, floor: int) -> None:
        """Forget rows that every index build in use has folded."""
        for held in self._collections.values():
            gone = bisect_left(held.offsets, floor)
            if gone:
                self._size -= gone
                del held.offsets[:gone], held.rows[:gone], held.vectors[:gone]

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
        best: dict[tuple[ItemKey, int], dict[str, float]] = {}
        for query in upload.vectors:
            held = self._collections.get((query.modality, query.model))
            if held is None:
                continue
            first = bisect_left(held.offsets, since)
            if first == len(held.rows):
                continue
            similarity = np.stack(held.vectors[first:]) @ _values(query.values)
            # A stable order among equals: the same log must give the same candidates.
            for at in np.argsort(-similarity, kind="stable")[:limit]:
                row = held.rows[first + int(at)]
                nearest = best.setdefault((ItemKey(row.source, row.item_id), row.revision), {})
                near = float(similarity[at])
                nearest[query.modality] = max(near, nearest.get(query.modality, -1.0))
        named = [
            Candidate(
                source=key.source,
                item_id=key.item_id,
                revision=revision,
                proposed_by=tuple(f"vector:{modality}" for modality in sorted(by)),
                similarity=max(by.values()),
            )
            for (key, revision), by in best.items()
            if key != upload.key
        ]
        return tuple(sorted(named, key=lambda each: (-(each.similarity or 0.0), each.key, each.revision)))


def _values(data: bytes) -> FloatArray:
    return np.frombuffer(data, dtype="<f2").astype(np.float32)
