"""Rows that were decided but are perhaps not in the index yet, searched exactly.

What a search finds is a function of the log alone: of the rows before the asking record, from the watermark
of its look-up on, that are still live. It depends neither on where batches begin and end, nor on what the
index has folded meanwhile, nor on what compaction has left of the rows.
"""

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.proposing import candidates_of, reach_of
from streams.core.records import Candidate, EncodedUpload, IndexRow, ItemKey

FloatArray = NDArray[np.float32]
Space = tuple[str, str]

_FIRST_ROWS = 256
_QUERIES_AT_ONCE = 256
# Twice what a float32 product of two unit vectors of up to 768 dimensions can be off by (n * 2**-24 each).
_ROUGH = 1e-4
# Whatever is not infinitely far is at least as near.
_LEAST = float(np.finfo(np.float32).min)


class _Row(NamedTuple):
    """What a row names."""

    key: ItemKey
    revision: int
    row_id: str


class _Collection:
    """Rows of one modality and model in the order of their offsets, their vectors in one growing array."""

    def __init__(self, dimension: int) -> None:
        self.offsets: list[int] = []
        self.rows: list[_Row] = []
        self._vectors = np.empty((_FIRST_ROWS, dimension), dtype=np.float32)
        self._live = np.empty(_FIRST_ROWS, dtype=np.bool_)
        self._places: dict[str, int] = {}  # of live rows, counted from the first row ever
        self._dropped = 0
        self._floor = 0

    @property
    def vectors(self) -> FloatArray:
        """The vectors in use: float32 [shape=(n, d)]."""
        return self._vectors[: len(self.rows)]

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which rows are live: bool [shape=(n,)]."""
        return self._live[: len(self.rows)]

    @property
    def all_live(self) -> bool:
        """Whether no row has died, as mostly."""
        return len(self._places) == len(self.rows)

    def add(self, row: IndexRow, offset: int) -> None:
        self.remove(row.row_id)
        at = len(self.rows)
        if at == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
            self._live = np.concatenate([self._live, np.empty_like(self._live)])
        self._vectors[at], self._live[at] = _values(row.values), True
        self._places[row.row_id] = at + self._dropped
        self.offsets.append(offset)
        self.rows.append(_Row(ItemKey(row.source, row.item_id), row.revision, row.row_id))

    def remove(self, row_id: str) -> None:
        place = self._places.pop(row_id, None)
        if place is not None:
            self.live[place - self._dropped] = False

    def first_since(self, offset: int) -> int:
        """Give the place of the first row from an offset on, whatever of those below the floor is left."""
        return bisect_left(self.offsets, max(offset, self._floor))

    def count_since(self, offset: int, without: Collection[str] = ()) -> int:
        first = self.first_since(offset)
        gone = sum(self._places.get(row_id, -1) - self._dropped >= first for row_id in without)
        held = len(self.rows) - first if self.all_live else int(np.count_nonzero(self.live[first:]))
        return held - gone

    def drop_before(self, floor: int) -> None:
        self._floor = max(floor, self._floor)
        count = self.first_since(floor)
        # What is left is moved: that must not be more than what goes.
        if 2 * count > len(self.rows):
            self._drop(count)

    def _drop(self, count: int) -> None:
        for row in self.rows[:count]:
            if self._places.get(row.row_id, self._dropped + count) < self._dropped + count:
                del self._places[row.row_id]
        for array in (self._vectors, self._live):
            kept = array[count : len(self.rows)].copy()
            array[: len(kept)] = kept
        del self.offsets[:count], self.rows[:count]
        self._dropped += count


class _Similar(NamedTuple):
    """How near the rows of a collection are to one query, from one row on; what is dead is infinitely far.

    ``rough`` is a float32 product: its last bits hang on how many others were multiplied with it, which in a
    replay are others. It only says who may be near; :meth:`_exactly` says how near.
    """

    space: Space
    rows: list[_Row]
    first: int
    vectors: FloatArray
    query: FloatArray
    rough: FloatArray

    def nearest(
        self, asker: ItemKey, without: Collection[str], limit: int, least: float
    ) -> list[tuple[float, _Row]]:
        """Give the nearest rows of others that are at least so near, the first of equals first."""
        if not len(self.rough):
            return []
        floor = max(reach_of(self.space[1]).floor, least)
        near = np.flatnonzero(self.rough >= max(floor - _ROUGH, _LEAST))
        wanted = limit + len(without)
        while len(near):
            places = near[_largest(self.rough[near], wanted)]
            similarity = self._exactly(places)
            order = np.argsort(-similarity, kind="stable")
            found = [
                (cosine, row)
                for cosine, at in zip(similarity[order].tolist(), places[order].tolist(), strict=True)
                if cosine >= floor
                and (row := self.rows[self.first + at]).key != asker
                and row.row_id not in without
            ]
            if len(found) >= limit or len(places) == len(near):
                return found[:limit]
            wanted *= 2
        return []

    def _exactly(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Give cosines that no order of adding up changes.

        A product of two float16 values is a multiple of 2**-48, and no sum of those of two unit vectors
        exceeds one: float64 holds all of them.
        """
        return self.vectors[places].astype(np.float64) @ self.query.astype(np.float64)


class _Query(NamedTuple):
    """One vector of one upload, and the offset from which rows are searched."""

    asker: int
    number: int
    since: int
    values: FloatArray


_NOTHING = np.empty(0, dtype=np.float32)
_UNKNOWN = _Similar(("", ""), [], 0, _NOTHING, _NOTHING, _NOTHING)  # no row to be near to

Nearby = Sequence[_Similar]
"""The rows near one upload, for each of its vectors."""


class Overlay:
    """The newest index rows by offset; memory is bounded by how far the index lags."""

    def __init__(self) -> None:
        self._collections: dict[Space, _Collection] = {}

    def count_since(self, offset: int, without: Collection[str] = ()) -> int:
        """Count the live rows from an offset on, but for some by their ids."""
        return sum(held.count_since(offset, without) for held in self._collections.values())

    def add(self, row: IndexRow, offset: int) -> None:
        """Add a row, or take one away; offsets never fall."""
        space = row.modality, row.model
        held = self._collections.get(space)
        if row.state != "live":
            if held is not None:
                held.remove(row.row_id)
            return
        if held is None:
            held = self._collections[space] = _Collection(len(row.values) // 2)
        held.add(row, offset)

    def drop_before(self, floor: int) -> None:
        """Forget rows that every index build in use has folded."""
        for held in self._collections.values():
            held.drop_before(floor)

    def compare(self, uploads: Sequence[EncodedUpload], *, since: Sequence[int]) -> list[Nearby]:
        """Compare the rows with every upload of a batch at once; ``nearest`` makes candidates of that.

        Parameters
        ----------
        uploads : sequence of EncodedUpload
        since : sequence of int
            per upload: rows with an offset below are left to the index, at its watermark of the look-up
        """
        nearby: list[list[_Similar]] = [[_UNKNOWN] * len(upload.vectors) for upload in uploads]
        asked: dict[Space, list[_Query]] = {}
        for asker, upload in enumerate(uploads):
            for number, row in enumerate(upload.vectors):
                query = _Query(asker, number, since[asker], _values(row.values))
                asked.setdefault((row.modality, row.model), []).append(query)
        for space, queries in asked.items():
            held = self._collections.get(space)
            if held is None:
                continue
            for at in range(0, len(queries), _QUERIES_AT_ONCE):
                part = queries[at : at + _QUERIES_AT_ONCE]
                for query, similar in zip(part, _similar(space, held, part), strict=True):
                    nearby[query.asker][query.number] = similar
        return list(nearby)


def nearest(
    upload: EncodedUpload, parts: Sequence[Nearby], *, without: Collection[str] = (), limit: int
) -> tuple[Candidate, ...]:
    """Name the uploads of the nearest rows of each query vector.

    Parameters
    ----------
    upload : EncodedUpload
        who asks; it does not find itself
    parts : sequence of Nearby
        of one overlay after the other, the older rows first
    without : collection of str
        ids of rows that have died since they were compared
    limit : int > 0
        rows per query vector, over all parts; fewer where the model's reach is shorter
    """
    best: dict[tuple[ItemKey, int], dict[str, float]] = {}
    queries = max(map(len, parts), default=0)
    by_query: list[list[tuple[float, _Row]]] = [[] for _ in range(queries)]
    limits = [min(limit, reach_of(row.model).neighbours) for row in upload.vectors]
    asker = upload.key
    for part in parts:
        for number, similar in enumerate(part):
            held, most = by_query[number], limits[number]
            # Of what is no nearer than all that an older part gave none is kept.
            least = held[-1][0] if len(held) == most else -math.inf
            if found := similar.nearest(asker, without, most, least):
                by_query[number] = sorted((*held, *found), key=_farness)[:most]
    for asked, found in zip(upload.vectors, by_query, strict=False):
        for near, row in found:
            nearness = best.setdefault((row.key, row.revision), {})
            nearness[asked.modality] = max(near, nearness.get(asked.modality, -1.0))
    return candidates_of(best)


def _farness(found: tuple[float, _Row]) -> float:
    return -found[0]


def _similar(space: Space, held: _Collection, queries: Sequence[_Query]) -> list[_Similar]:
    """Compare one collection with some queries; one product is several times cheaper than one per query."""
    starts = [held.first_since(query.since) for query in queries]
    first = min(starts)
    if first == len(held.rows):
        return [_UNKNOWN for _ in queries]
    vectors = held.vectors[first:]
    rough = np.array([query.values for query in queries]) @ vectors.T
    if not held.all_live:
        rough[:, ~held.live[first:]] = -np.inf
    return [
        _Similar(space, held.rows, start, vectors[start - first :], query.values, row[start - first :])
        for query, start, row in zip(queries, starts, rough, strict=True)
    ]


@lru_cache(maxsize=2 * _QUERIES_AT_ONCE)  # of an upload they are asked for three times within a batch
def _values(data: bytes) -> FloatArray:
    values = np.frombuffer(data, dtype="<f2").astype(np.float32)
    values.setflags(write=False)
    return values


def _largest(values: FloatArray, limit: int) -> NDArray[np.intp]:
    """Give the places, in order, of whatever may be among the largest values."""
    if len(values) <= limit:
        return np.arange(len(values))
    return np.flatnonzero(values >= np.partition(values, -limit)[-limit] - _ROUGH)
