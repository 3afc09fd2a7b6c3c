"""Rows of one collection: written in parts, searched in parts, paged through."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from streams.core.index_rows import SpaceChange, read_row_text, row_text
from streams.core.records import IndexRow
from streams.edges.milvus.collections import METRIC, SAID, Collections
from streams.edges.milvus.names import primary_key
from streams.ports import FloatArray, Hit
from streams.steps import Guard, Step

WRITE_ROWS = (
    1024  # above the 512 from which Lite's fixed cost per call no longer shows; 5 MB at 1280 dimensions
)
QUERY_ROWS = 256
PAGE_ROWS = 4096


def write_rows(collections: Collections, name: str, change: SpaceChange, *, guard: Guard) -> None:
    """Delete and upsert one space's rows, then flush what Lite holds in memory."""
    store = collections.store
    collections.load(name)
    store.counts.pop(name, None)
    client = store.client
    with collections.asking(f"write {name}"):
        with guard(Step.upsert):
            gone = [primary_key(row_id) for row_id in change.gone]
            for start in range(0, len(gone), WRITE_ROWS):
                client.delete(name, ids=gone[start : start + WRITE_ROWS], timeout=store.timeout_s)
            for start in range(0, len(change.kept), WRITE_ROWS):
                part = slice(start, start + WRITE_ROWS)
                pairs = zip(change.kept[part], change.vectors[part], strict=True)
                stored = [_stored(row, vector) for row, vector in pairs]
                client.upsert(name, stored, timeout=store.timeout_s)
        # A server has each acknowledged write in its own log; it allows a flush every ten seconds only.
        if collections.lite:
            with guard(Step.flush):
                client.flush(name, timeout=store.timeout_s)


def search_rows(
    collections: Collections, name: str, vectors: FloatArray, *, limit: int
) -> Iterator[tuple[Hit, ...]]:
    """Find the nearest rows of each query, none of which is zero."""
    params = {} if collections.lite else {"ef": max(128, 2 * limit)}
    for start in range(0, len(vectors), QUERY_ROWS):
        with collections.asking(f"search {name}"):
            answers = collections.store.client.search(
                name,
                data=_unit(vectors[start : start + QUERY_ROWS]),
                limit=limit,
                output_fields=[SAID],
                search_params={"metric_type": METRIC, "params": params},
                timeout=collections.store.timeout_s,
            )
            found = [_hits(answer) for answer in answers]
        yield from found


def row_keys(collections: Collections, name: str) -> Iterator[str]:
    """Read the key of every row, page by page."""
    collections.load(name)
    with collections.asking(f"page through {name}"):
        pages = collections.store.client.query_iterator(
            name,
            batch_size=PAGE_ROWS,
            filter="",
            output_fields=["key"],
            timeout=collections.store.timeout_s,
        )
        try:
            while page := pages.next():
                yield from (str(row["key"]) for row in page)
        finally:
            pages.close()


def _stored(row: IndexRow, vector: FloatArray) -> dict[str, object]:
    return {"key": primary_key(row.row_id), SAID: row_text(row), "vector": vector}


def _unit(vectors: FloatArray) -> FloatArray:
    """Scale queries, none of them zero, to unit length as the rows are."""
    wide = np.array(vectors, dtype=np.float32)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    return wide


def _hits(answer: Any) -> tuple[Hit, ...]:
    """Read one query's hits; ties by name so that the order is always the same."""
    hits = []
    for hit in answer:
        source, item_id, revision, window, start_ms, sound = read_row_text(hit["entity"][SAID])
        similarity = min(1.0, max(-1.0, float(hit["distance"])))
        hits.append(Hit(source, item_id, revision, window, start_ms, similarity, sound))
    return tuple(sorted(hits, key=lambda hit: (-hit.similarity, *hit[:5])))
