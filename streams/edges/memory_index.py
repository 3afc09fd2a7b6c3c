"""The vector index in memory: exact, for tests and for resolving without a broker."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from streams.core.index_rows import Space, check_queries, checksum, fold_rows, row_hash
from streams.core.records import IndexRow
from streams.errors import ConfigError, CorruptState, EncoderMismatch
from streams.ports import FloatArray, Hit, IndexBuild, IndexSummary

FIRST_BUILD = "main"


_FIRST_ROWS = 256
# Their similarity to every row is held at a time: 51 MB for 100,000 rows.
_QUERIES_AT_ONCE = 128
# Rows are looked at by groups of about this many for their largest similarity.
_GROUP = 64


class _Shelf:
    """The rows of one space, their vectors in one growing array; a row that goes is replaced by the last."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.rows: list[IndexRow] = []
        self._places: dict[str, int] = {}
        self._vectors = np.empty((_FIRST_ROWS, dim), dtype=np.float32)

    @property
    def vectors(self) -> FloatArray:
        """The vectors of ``rows``: float32 [shape=(n, dim)]."""
        return self._vectors[: len(self.rows)]

    def put(self, row: IndexRow, vector: FloatArray) -> None:
        """Add a row, or set it anew."""
        at = self._places.setdefault(row.row_id, len(self.rows))
        if at == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._vectors[at] = vector
        self.rows[at : at + 1] = [row]

    def remove(self, row_id: str) -> None:
        """Take a row away, if it is there."""
        at = self._places.pop(row_id, None)
        if at is None:
            return
        last = self.rows.pop()
        if last.row_id != row_id:
            self.rows[at], self._vectors[at] = last, self._vectors[len(self.rows)]
            self._places[last.row_id] = at


@dataclass(slots=True)
class _Build:
    watermark: int = 0
    filling: bool = True
    shelves: dict[Space, _Shelf] = field(default_factory=dict)


class MemoryCandidateIndex:
    """`CandidateIndex` in this process's memory, exact, gone with the process."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._builds: dict[str, _Build] = {}
        self._active: str | None = None
        self.zero_rows = 0  # rows that were not stored because their vector was zero

    def active(self) -> IndexBuild:
        """Resolve the alias; with no build at all, create and activate an empty one."""
        with self._lock:
            if self._active is None:
                whole = sorted(name for name, build in self._builds.items() if not build.filling)
                if not whole:
                    whole = [self.create(FIRST_BUILD).name]
                active = max(whole, key=lambda name: self._builds[name].watermark)
                self.promote(active)
                return self._describe(active)
            return self._describe(self._active)

    def builds(self) -> tuple[IndexBuild, ...]:
        """List every build, by name."""
        with self._lock:
            return tuple(self._describe(name) for name in sorted(self._builds))

    def create(self, build: str) -> IndexBuild:
        """Make an empty build with watermark 0; an existing one of that name is emptied."""
        with self._lock:
            self._builds[build] = _Build(filling=build != self._active)
            return self._describe(build)

    def promote(self, build: str) -> None:
        """Point the alias at a build."""
        with self._lock:
            self._known(build).filling = False
            self._active = build

    def drop(self, build: str) -> None:
        """Delete a build that is not active."""
        with self._lock:
            if build == self._active:
                raise ConfigError(f"index build {build!r} is active: promote another one first")
            self._builds.pop(build, None)

    def apply(self, build: str, rows: Sequence[IndexRow], *, watermark: int) -> None:
        """Fold rows, then store the watermark; a batch that ends below the watermark is folded already."""
        changes = fold_rows(rows)
        with self._lock:
            if build not in self._builds:
                raise CorruptState(f"there is no index build {build!r} to fold into")
            kept = self._builds[build]
            if watermark < kept.watermark:
                return
            for space, change in changes.items():
                shelf = kept.shelves.get(space)
                if shelf is not None and change.dim not in (None, shelf.dim):
                    raise CorruptState(
                        f"{space.modality} {space.model} has {shelf.dim} dimensions, not {change.dim}"
                    )
            for space, change in changes.items():
                self.zero_rows += change.zeros
                shelf = kept.shelves.get(space)
                if shelf is None:
                    if change.dim is None:
                        continue
                    shelf = kept.shelves[space] = _Shelf(change.dim)
                for row, vector in zip(change.kept, change.vectors, strict=True):
                    shelf.put(row, vector)
                for row_id in change.gone:
                    shelf.remove(row_id)
            kept.watermark = watermark

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Find the nearest rows by cosine; a query of zeros finds nothing."""
        check_queries(vectors)
        found: list[tuple[Hit, ...]] = [() for _ in vectors]
        with self._lock:
            kept = self._builds.get(build)
            shelf = kept.shelves.get(Space(modality, model)) if kept is not None else None
            if shelf is None or not shelf.rows or not len(vectors):
                return found
            if vectors.shape[1] != shelf.dim:
                raise EncoderMismatch(
                    f"{modality} {model} has {shelf.dim} dimensions, not {vectors.shape[1]}"
                )
            for at in range(0, len(vectors), _QUERIES_AT_ONCE):
                part = vectors[at : at + _QUERIES_AT_ONCE]
                for number, (scores, places) in enumerate(_nearest(part, shelf.vectors, limit), start=at):
                    if vectors[number].any():
                        found[number] = _hits((shelf.rows[i], float(scores[i])) for i in places)[:limit]
        return found

    def summary(self, build: str) -> IndexSummary:
        """Count and checksum every live row."""
        with self._lock:
            ids = [row.row_id for shelf in self._known(build).shelves.values() for row in shelf.rows]
        return IndexSummary(rows=len(ids), checksum=checksum(map(row_hash, ids)))

    def close(self) -> None:
        """Do nothing: the rows go with the process."""

    def _known(self, build: str) -> _Build:
        if build not in self._builds:
            raise ConfigError(f"there is no index build {build!r}")
        return self._builds[build]

    def _describe(self, name: str) -> IndexBuild:
        kept = self._builds[name]
        rows = sum(len(shelf.rows) for shelf in kept.shelves.values())
        return IndexBuild(
            name=name,
            watermark=kept.watermark,
            rows=rows,
            active=name == self._active,
            filling=kept.filling,
        )


def _nearest(
    queries: FloatArray, matrix: FloatArray, limit: int
) -> Iterator[tuple[FloatArray, NDArray[np.intp]]]:
    """Give each query's similarities, and the places of the largest: ``limit`` of them and their equals."""
    similarity = queries @ matrix.T
    groups = len(matrix) // _GROUP
    if groups < limit:
        for scores in similarity:
            kept = min(limit, len(scores))
            yield scores, np.flatnonzero(scores >= np.partition(scores, -kept)[-kept])
        return
    # As many groups as are asked for hold something at least as near as the last of their largest ones.
    whole = similarity[:, : groups * _GROUP].reshape(len(queries), _GROUP, groups)
    floors = np.partition(whole.max(axis=1), -limit, axis=1)[:, -limit]
    for scores, floor in zip(similarity, floors, strict=True):
        places = np.flatnonzero(scores >= floor)
        largest = np.partition(scores[places], -limit)[-limit]
        yield scores, places[scores[places] >= largest]


def _hits(scored: Iterable[tuple[IndexRow, float]]) -> tuple[Hit, ...]:
    """Name the uploads, most similar first, ties by name so that the order is always the same."""
    hits = [
        Hit(r.source, r.item_id, r.revision, r.window, r.start_ms, min(1.0, max(-1.0, s)), r.sound)
        for r, s in scored
    ]
    return tuple(sorted(hits, key=lambda hit: (-hit.similarity, *hit[:5])))
