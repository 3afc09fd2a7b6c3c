"""Milliseconds per query of the vector index at several sizes, on Milvus Lite."""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from benchmarks.machine import machine_facts, write_result
from streams.core.records import IndexRow
from streams.edges.milvus import MilvusCandidateIndex

SIZES = (1_000, 10_000, 50_000)
DIM = 512
QUERIES = 64
LIMIT = 20
REPEATS = 9
BATCH_ROWS = 2048


def make_rows(first: int, end: int, rng: np.random.Generator) -> list[IndexRow]:
    values = rng.normal(size=(end - first, DIM)).astype("<f2")
    return [
        IndexRow(
            row_id=f"row-{first + i}",
            source="bench",
            item_id=f"item-{first + i}",
            revision=1,
            modality="text",
            model="bench-1",
            window=0,
            start_ms=0,
            values=value.tobytes(),
        )
        for i, value in enumerate(values)
    ]


def search_seconds(index: MilvusCandidateIndex, queries: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    began = time.perf_counter()
    index.search("main", modality="text", model="bench-1", vectors=queries, limit=LIMIT)
    return time.perf_counter() - began


def measure(folder: Path) -> list[dict[str, float]]:
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(QUERIES, DIM)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    index = MilvusCandidateIndex(str(folder / "index.db"))
    index.active()
    held, results = 0, []
    for size in SIZES:
        fold_s, added = 0.0, size - held
        while held < size:
            rows = make_rows(held, min(size, held + BATCH_ROWS), rng)
            held += len(rows)
            began = time.perf_counter()
            index.apply("main", rows, watermark=held)
            fold_s += time.perf_counter() - began
        search_seconds(index, queries)
        batch_ms = 1000 * median(search_seconds(index, queries) for _ in range(REPEATS))
        began = time.perf_counter()
        index.summary("main")
        results.append(
            {
                "rows": size,
                "search_batch_ms": round(batch_ms, 2),
                "search_ms_per_query": round(batch_ms / QUERIES, 3),
                "fold_rows_per_s": round(added / fold_s),
                "summary_s": round(time.perf_counter() - began, 3),
                "rss_mb": round(psutil.Process().memory_info().rss / 2**20),
            }
        )
    index.close()
    return results


def main() -> None:
    started = machine_facts()
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        results = measure(Path(folder))
    write_result(
        "index_search",
        f"Milvus Lite, {DIM}-d, batches of {QUERIES} queries, {LIMIT} hits, median of {REPEATS}",
        {"results": results},
        started=started,
    )


if __name__ == "__main__":
    main()
