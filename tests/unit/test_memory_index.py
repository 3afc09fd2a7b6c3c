"""The index in memory: what it finds among many rows, while rows come, change and go."""

from collections.abc import Iterable
from itertools import count

import numpy as np
import pytest

from streams.core.records import IndexRow
from streams.edges.memory_index import MemoryCandidateIndex
from streams.ports import FloatArray, Hit

DIM = 16


def _row(name: int, vector: FloatArray, *, state: str = "live") -> IndexRow:
    return IndexRow(
        row_id=f"row {name}",
        source="label",
        item_id=f"{name:05}",
        revision=1,
        modality="text",
        model="use-3",
        window=0,
        start_ms=0,
        values=vector.astype("<f2").tobytes() if state == "live" else b"",
        state=state,
    )


def _expected(held: dict[int, FloatArray], query: FloatArray, limit: int) -> list[str]:
    """Sort all rows by cosine, equals by name."""
    cosines = {f"{name:05}": float(np.float32(query @ vector)) for name, vector in held.items()}
    return sorted(cosines, key=lambda name: (-cosines[name], name))[:limit]


@pytest.mark.parametrize(("rows", "limit"), [(1, 10), (40, 10), (3_000, 10), (3_000, 70)])
def test_the_nearest_are_found_whatever_came_and_went(rows: int, limit: int) -> None:
    rng = np.random.default_rng(rows + limit)
    # Of unit length as they are, so that cosines are exact, and many rows are equally near.
    grid = rng.choice(np.array([-0.25, 0.25], dtype=np.float32), size=(rows, DIM))
    index, watermark = MemoryCandidateIndex(), count(1)
    build = index.active().name

    def fold(rows: Iterable[IndexRow]) -> None:
        index.apply(build, list(rows), watermark=next(watermark))

    fold(_row(name, vector) for name, vector in enumerate(grid))
    held = dict(enumerate(grid))
    assert [[hit.item_id for hit in hits] for hits in _asked(index, grid[:5], limit)] == [
        _expected(held, query, limit) for query in grid[:5]
    ]
    gone = [name for name in held if name % 7 == 3]
    moved = {name: grid[-1 - name] for name in held if name % 11 == 5}
    fold(_row(name, vector) for name, vector in moved.items())
    fold(_row(name, grid[name], state="deleted") for name in gone)
    held = {name: vector for name, vector in (held | moved).items() if name not in gone}
    assert [[hit.item_id for hit in hits] for hits in _asked(index, grid[:5], limit)] == [
        _expected(held, query, limit) for query in grid[:5]
    ]


def _asked(index: MemoryCandidateIndex, queries: FloatArray, limit: int) -> list[tuple[Hit, ...]]:
    return list(
        index.search(index.active().name, modality="text", model="use-3", vectors=queries, limit=limit)
    )
