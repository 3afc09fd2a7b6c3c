"""Rows to fold into an index, and what is asked of it."""

import numpy as np

from streams.core.records import IndexRow
from streams.ports import CandidateIndex, FloatArray, Hit

DIM = 8


def unit(seed: int, *, dim: int = DIM) -> FloatArray:
    vector = np.random.default_rng(seed).normal(size=dim).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def row(row_id: str, seed: int = 0, *, values: FloatArray | None = None, **changes: object) -> IndexRow:
    vector = unit(seed) if values is None else values
    fields: dict[str, object] = {
        "row_id": row_id,
        "source": "label",
        "item_id": f"item-{row_id}",
        "revision": 1,
        "modality": "text",
        "model": "use-3",
        "window": 0,
        "start_ms": 0,
        "values": vector.astype("<f2").tobytes(),
    }
    return IndexRow(**(fields | changes))  # type: ignore[arg-type]  # fields by name


def deleted(row_id: str, *, model: str = "use-3") -> IndexRow:
    return row(row_id, values=np.zeros(0, dtype=np.float32), state="deleted", model=model)


def search(index: CandidateIndex, *seeds: int, build: str = "main", limit: int = 10) -> list[tuple[Hit, ...]]:
    vectors = np.stack([unit(seed) for seed in seeds])
    return index.search(build, modality="text", model="use-3", vectors=vectors, limit=limit)
