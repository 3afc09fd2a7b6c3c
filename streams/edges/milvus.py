"""The vector index in Milvus: Lite inside this process for a path, a server for a URI; the same class.

Layout. A build is a small *meta* collection (one row: the build's name, its watermark, and whether it is
still being filled) and one collection per modality and model, made when its first row arrives. The alias
points at the active build's meta collection. The primary key is the sha256 of the row id, so no id of an
uploader is part of a filter.

One lock stands around every call on Milvus Lite: :mod:`streams.edges.milvus_store` says why.
"""

import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pymilvus import DataType, MilvusClient

from streams.core.index_rows import (
    MAX_TEXT_BYTES,
    Space,
    SpaceChange,
    check_queries,
    checksum,
    fold_rows,
    read_row_text,
    row_text,
)
from streams.core.records import IndexRow
from streams.edges.milvus_names import (
    build_prefix,
    is_meta_name,
    layout_prefix,
    meta_name,
    primary_key,
    space_name,
)
from streams.edges.milvus_store import TIMEOUT_S, answered, asking, connect, let_go, move_aside, take_lite
from streams.errors import ConfigError, CorruptState, EncoderMismatch, IndexUnavailable
from streams.ports import FloatArray, Hit, IndexBuild, IndexSummary
from streams.steps import Guard, Step, unguarded

FIRST_BUILD = "main"
WRITE_ROWS = (
    1024  # above the 512 from which Lite's fixed cost per call no longer shows; 5 MB at 1280 dimensions
)
QUERY_ROWS = 256
# Of unit vectors the inner product is the cosine; Lite would normalise every row anew in every search.
METRIC = "IP"
PAGE_ROWS = 4096
EMPTYING = -1  # watermark of a build whose collections are being dropped
SAID = "said"

_log = logging.getLogger(__name__)


class MilvusCandidateIndex:
    """`CandidateIndex` over Milvus.

    Parameters
    ----------
    uri : str
        ``http(s)://HOST:PORT`` of a server, or the path of a Milvus Lite folder, which ends in ``.db``
    token : str, optional
        of a server
    prefix : str
        letters, digits and underscores; installations that share a server differ in it
    guard : callable
        stands around each step of a fold

    Raises
    ------
    IndexUnavailable
        the store does not answer, or another process has the Lite folder open
    CorruptState
        the Lite folder is torn, or of another layout: `open_lite` starts anew
    ConfigError
        a Lite path whose name does not end in ``.db``
    """

    def __init__(
        self, uri: str, *, token: str | None = None, prefix: str = "samesong", guard: Guard = unguarded
    ) -> None:
        self._guard = guard
        self._prefix = layout_prefix(prefix)
        self._alias = f"{self._prefix}_active"
        self._path = None if uri.startswith(("http://", "https://")) else str(Path(uri).resolve())
        self._closed = False
        self.zero_rows = 0  # rows that were not stored because their vector was zero
        self._store = connect(uri, token) if self._path is None else take_lite(self._path)
        if self.lite:
            with ExitStack() as undo:
                undo.callback(self.close)
                self._read_all()
                undo.pop_all()

    @property
    def lite(self) -> bool:
        """Whether this is Milvus Lite: one process, one lock, at most about 100,000 rows."""
        return self._path is not None

    def active(self) -> IndexBuild:
        """Resolve the alias; with no build at all, create and activate an empty one."""
        with self._store.lock:
            found = self._active_meta()
            if found is not None:
                return self._describe(found, active=True)
            whole = [build for build in self.builds() if not build.filling]
            build = max(whole, key=lambda b: b.watermark) if whole else self.create(FIRST_BUILD)
            self.promote(build.name)
            return self._describe(meta_name(self._prefix, build.name), active=True)

    def builds(self) -> tuple[IndexBuild, ...]:
        """List every build, by name."""
        with self._store.lock:
            active = self._active_meta()
            metas = [name for name in self._collections() if is_meta_name(self._prefix, name)]
            # Without its row it is just being made, or its making was cut short.
            made = [meta for meta in metas if meta == active or self._meta_text(meta) is not None]
            found = [self._describe(meta, active=meta == active) for meta in made]
        return tuple(sorted(found, key=lambda build: build.name))

    def create(self, build: str) -> IndexBuild:
        """Make an empty build with watermark 0; an existing one of that name is emptied."""
        meta = meta_name(self._prefix, build)
        with self._store.lock:
            active = meta == self._active_meta()
            if meta in self._collections():
                self._write_meta(meta, build, EMPTYING, filling=not active)
            self._empty(build)
            if meta not in self._collections():
                self._make(meta, dim=2)
            self._write_meta(meta, build, 0, filling=not active)
            return self._describe(meta, active=active)

    def promote(self, build: str) -> None:
        """Point the alias at a build, which is filled no more."""
        meta = meta_name(self._prefix, build)
        with self._store.lock:
            if meta not in self._collections():
                raise ConfigError(f"there is no index build {build!r}")
            _, watermark, filling = self._settled(meta)
            # Only then: the watermark of one that is kept up to date is another process's to write.
            if filling:
                self._write_meta(meta, build, watermark)
            with self._asking("move the alias"):
                if self._active_meta() is None:
                    self._store.client.create_alias(meta, self._alias, timeout=TIMEOUT_S)
                else:
                    self._store.client.alter_alias(meta, self._alias, timeout=TIMEOUT_S)
            self._store.ask_anew()

    def drop(self, build: str) -> None:
        """Delete a build that is not active."""
        meta = meta_name(self._prefix, build)
        with self._store.lock:
            # Milvus Lite would let go of an aliased collection without a word.
            if meta == self._active_meta():
                raise ConfigError(f"index build {build!r} is active: promote another one first")
            if meta in self._collections():
                self._write_meta(meta, build, EMPTYING, filling=True)
                self._empty(build)
                self._forget(meta)

    def apply(self, build: str, rows: Sequence[IndexRow], *, watermark: int) -> None:
        """Fold rows, flush, then store the watermark; a batch that ends below it is folded already."""
        changes = fold_rows(rows)
        meta = meta_name(self._prefix, build)
        with self._store.lock:
            if meta not in self._collections():
                raise CorruptState(f"there is no index build {build!r} to fold into")
            _, settled, filling = self._settled(meta)
            if watermark < settled:
                return
            present = self._collections()
            self._check_dims(build, changes.items(), present)
            for space, change in changes.items():
                self.zero_rows += change.zeros
                self._write_space(space_name(self._prefix, build, space), change, present)
            with self._guard(Step.watermark):
                self._write_meta(meta, build, watermark, filling=filling)

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Find the nearest rows by cosine; a query of zeros finds nothing."""
        check_queries(vectors)
        found: list[tuple[Hit, ...]] = [() for _ in vectors]
        asked = [i for i in range(len(vectors)) if vectors[i].any()]
        name = space_name(self._prefix, build, Space(modality, model))
        with self._store.lock:
            if not asked or (name not in self._store.dims and name not in self._collections()):
                return found
            dim = self._load(name)
            if vectors.shape[1] != dim:
                raise EncoderMismatch(f"{modality} {model} has {dim} dimensions, not {vectors.shape[1]}")
            for start in range(0, len(asked), QUERY_ROWS):
                part = asked[start : start + QUERY_ROWS]
                answers = self._search(name, vectors[part], limit)
                for at, hits in zip(part, answers, strict=True):
                    found[at] = hits
        return found

    def summary(self, build: str) -> IndexSummary:
        """Count and checksum every live row, read from the store page by page."""
        hashes: list[int] = []
        with self._store.lock:
            present = self._collections()
            if meta_name(self._prefix, build) not in present:
                raise ConfigError(f"there is no index build {build!r}")
            for name in self._spaces(build, present):
                self._load(name)
                hashes.extend(int(key[:16], 16) for key in self._keys(name))
        return IndexSummary(rows=len(hashes), checksum=checksum(hashes))

    def close(self) -> None:
        """Let go of the store; with Lite the last one to close also frees the folder."""
        if self._closed:
            return
        self._closed = True
        let_go(self._store)

    def _read_all(self) -> None:
        """Read every collection: what a torn folder cannot give shows here, not in the middle of a fold."""
        try:
            foreign = [name for name in self._collections() if not name.startswith(f"{self._prefix}_")]
            if foreign:
                raise CorruptState(f"{self._path} has collections of another layout: {min(foreign)}")
            self.builds()
        except IndexUnavailable as exc:
            if answered(exc):
                raise CorruptState(f"{self._path} cannot be read: {exc}") from exc
            raise

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Translate what the client raises; after that each collection of a server is loaded anew.

        One that was started again may have none loaded, and another process may have dropped a build.
        """
        try:
            with asking(what):
                yield
        except IndexUnavailable:
            self._store.ask_anew()
            if not self.lite:
                self._store.dims.clear()
            raise

    # --- collections ---------------------------------------------------------------------------------

    def _collections(self) -> frozenset[str]:
        if self._store.collections is not None:
            return self._store.collections
        with self._asking("list collections"):
            found = frozenset(self._store.client.list_collections(timeout=TIMEOUT_S))
        if self.lite:
            self._store.collections = found
        return found

    def _spaces(self, build: str, present: Set[str]) -> list[str]:
        return sorted(name for name in present if name.startswith(build_prefix(self._prefix, build)))

    def _active_meta(self) -> str | None:
        """Resolve the alias to a meta collection."""
        if (known := self._store.aliases.get(self._alias)) is not None:
            return known
        with self._asking("resolve the alias"):
            if not self._store.client.has_collection(self._alias, timeout=TIMEOUT_S):
                return None
            found = str(
                self._store.client.describe_collection(self._alias, timeout=TIMEOUT_S)["collection_name"]
            )
        if self.lite:
            self._store.aliases[self._alias] = found
        return found

    def _describe(self, meta: str, *, active: bool) -> IndexBuild:
        build, watermark, filling = self._settled(meta)
        rows = sum(self._count(name) for name in self._spaces(build, self._collections()))
        return IndexBuild(name=build, watermark=watermark, rows=rows, active=active, filling=filling)

    def _settled(self, meta: str) -> tuple[str, int, bool]:
        """Read a build's name, watermark and whether it is being filled; finish an emptying cut short."""
        build, watermark, filling = self._read_meta(meta)
        if watermark == EMPTYING:
            self._empty(build)
            self._write_meta(meta, build, 0, filling=filling)
            watermark = 0
        return build, watermark, filling

    def _make(self, name: str, *, dim: int) -> None:
        """Create a collection: meta ones differ only in what their columns hold."""
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=64)
        # Lite takes every column of a hit apart, asked for or not (4 us each): one says it all.
        schema.add_field(SAID, DataType.VARCHAR, max_length=MAX_TEXT_BYTES)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
        index = MilvusClient.prepare_index_params()
        if self.lite:  # an exact scan costs Lite the same as any index
            index.add_index("vector", index_type="FLAT", metric_type=METRIC)
        else:
            graph = {"M": 16, "efConstruction": 200}
            index.add_index("vector", index_type="HNSW", metric_type=METRIC, params=graph)
        with self._asking(f"create {name}"):
            client = self._store.client
            client.create_collection(name, schema=schema, consistency_level="Strong", timeout=TIMEOUT_S)
            # There is no row to index yet; the client would wait half a second before it looks.
            client.create_index(name, index, sync=False, timeout=TIMEOUT_S)
            client.load_collection(name, timeout=TIMEOUT_S)
        self._store.ask_anew()
        self._store.dims[name] = dim

    def _load(self, name: str) -> int:
        """Make a collection searchable in this process, flushed; give its dimension."""
        known = self._store.dims.get(name)
        if known is not None:
            return known
        with self._asking(f"load {name}"):
            fields = self._store.client.describe_collection(name, timeout=TIMEOUT_S)["fields"]
            self._store.client.load_collection(name, timeout=TIMEOUT_S)
            if self.lite:
                self._store.client.flush(name, timeout=TIMEOUT_S)
        dim = next(int(f["params"]["dim"]) for f in fields if f["name"] == "vector")
        self._store.dims[name] = dim
        return dim

    def _empty(self, build: str) -> None:
        for name in self._spaces(build, self._collections()):
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._store.dims.pop(name, None)
        self._store.counts.pop(name, None)
        with self._asking(f"drop {name}"):
            self._store.client.drop_collection(name, timeout=TIMEOUT_S)
        self._store.ask_anew()

    # --- rows ----------------------------------------------------------------------------------------

    def _read_meta(self, meta: str) -> tuple[str, int, bool]:
        said = self._meta_text(meta)
        if said is None:
            raise CorruptState(f"{meta} has no watermark: drop the index and rebuild it")
        try:
            build, watermark, filling = json.loads(said)
            return str(build), int(watermark), bool(filling)
        except (ValueError, TypeError) as exc:
            raise CorruptState(f"{meta} has no watermark that can be read: {said!r}") from exc

    def _meta_text(self, meta: str) -> str | None:
        if (known := self._store.metas.get(meta)) is not None:
            return known
        self._load(meta)
        with self._asking(f"read {meta}"):
            rows = self._store.client.query(
                meta, filter='key == "watermark"', output_fields=[SAID], timeout=TIMEOUT_S
            )
        if not rows:
            return None
        said = str(rows[0][SAID])
        if self.lite:
            self._store.metas[meta] = said
        return said

    def _write_meta(self, meta: str, build: str, watermark: int, *, filling: bool = False) -> None:
        """Store the build's name and watermark: acknowledged after its rows are flushed."""
        row = {"key": "watermark", SAID: json.dumps([build, watermark, filling]), "vector": [1.0, 0.0]}
        self._store.metas.pop(meta, None)
        with self._asking(f"write {meta}"):
            self._store.client.upsert(meta, [row], timeout=TIMEOUT_S)

    def _check_dims(
        self, build: str, changes: Iterable[tuple[Space, SpaceChange]], present: Set[str]
    ) -> None:
        for space, change in changes:
            name = space_name(self._prefix, build, space)
            if change.dim is not None and name in present and self._load(name) != change.dim:
                raise CorruptState(
                    f"{space.modality} {space.model} has {self._load(name)} dimensions, not {change.dim}"
                )

    def _write_space(self, name: str, change: SpaceChange, present: Set[str]) -> None:
        """Delete and upsert one space's rows, then flush what Lite holds in memory."""
        if name not in present:
            if change.dim is None:
                return
            self._make(name, dim=change.dim)
        self._load(name)
        self._store.counts.pop(name, None)
        client = self._store.client
        with self._asking(f"write {name}"):
            with self._guard(Step.upsert):
                gone = [primary_key(row_id) for row_id in change.gone]
                for start in range(0, len(gone), WRITE_ROWS):
                    client.delete(name, ids=gone[start : start + WRITE_ROWS], timeout=TIMEOUT_S)
                for start in range(0, len(change.kept), WRITE_ROWS):
                    part = slice(start, start + WRITE_ROWS)
                    pairs = zip(change.kept[part], change.vectors[part], strict=True)
                    client.upsert(name, [_stored(row, vector) for row, vector in pairs], timeout=TIMEOUT_S)
            # A server has each acknowledged write in its own log; it allows a flush every ten seconds only.
            if self.lite:
                with self._guard(Step.flush):
                    client.flush(name, timeout=TIMEOUT_S)

    def _count(self, name: str) -> int:
        if name in self._store.counts:
            return self._store.counts[name]
        self._load(name)
        with self._asking(f"count {name}"):
            rows = self._store.client.query(name, filter="", output_fields=["count(*)"], timeout=TIMEOUT_S)
        count = int(rows[0]["count(*)"])
        if self.lite:
            self._store.counts[name] = count
        return count

    def _keys(self, name: str) -> Iterator[str]:
        with self._asking(f"page through {name}"):
            pages = self._store.client.query_iterator(
                name, batch_size=PAGE_ROWS, filter="", output_fields=["key"], timeout=TIMEOUT_S
            )
            try:
                while page := pages.next():
                    yield from (str(row["key"]) for row in page)
            finally:
                pages.close()

    def _search(self, name: str, vectors: FloatArray, limit: int) -> list[tuple[Hit, ...]]:
        params = {} if self.lite else {"ef": max(128, 2 * limit)}
        with self._asking(f"search {name}"):
            answers = self._store.client.search(
                name,
                data=_unit(vectors),
                limit=limit,
                output_fields=[SAID],
                search_params={"metric_type": METRIC, "params": params},
                timeout=TIMEOUT_S,
            )
            return [_hits(answer) for answer in answers]


def open_lite(path: str | Path, *, guard: Guard = unguarded) -> MilvusCandidateIndex:
    """Open a Milvus Lite folder; where it is torn or of another layout, an empty one in its place.

    The index is a fold of its log; an empty one has watermark 0, so the index stage folds all of it again.

    Parameters
    ----------
    path : str or Path
        ends in ``.db``; such a folder is moved aside to ``PATH.torn``, which is deleted
    guard : callable
        stands around each step of a fold

    Raises
    ------
    IndexUnavailable
        another process has the folder open, or the system refuses
    ConfigError
        a path whose name does not end in ``.db``
    """
    path = str(Path(path).resolve())
    aside = f"{path}.torn"
    try:
        index = MilvusCandidateIndex(path, guard=guard)
    except CorruptState as exc:
        _log.warning("the vector index is torn or outdated and is folded anew from its log: %s", exc)
        shutil.rmtree(aside, ignore_errors=True)
        move_aside(path, aside)
        index = MilvusCandidateIndex(path, guard=guard)
    # Also what a start that was cut short has left.
    shutil.rmtree(aside, ignore_errors=True)
    return index


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
