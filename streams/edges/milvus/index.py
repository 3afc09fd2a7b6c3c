"""`CandidateIndex` over Milvus: each method holds the store's lock from its first question to its answer."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from streams.core.index_rows import Space, check_queries, checksum, fold_rows
from streams.core.records import IndexRow
from streams.edges.milvus.builds import EMPTYING, Builds
from streams.edges.milvus.collections import Collections
from streams.edges.milvus.names import layout_prefix
from streams.edges.milvus.rows import row_keys, search_rows, write_rows
from streams.edges.milvus.store import TIMEOUT_S, answered, connect, let_go, take_lite
from streams.errors import ConfigError, CorruptState, EncoderMismatch, IndexUnavailable
from streams.ports import FloatArray, Hit, IndexBuild, IndexSummary
from streams.steps import Guard, Step, unguarded

FIRST_BUILD = "main"


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
    timeout_s : float > 0 [s]
        for each call
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
        self,
        uri: str,
        *,
        token: str | None = None,
        prefix: str = "samesong",
        timeout_s: float = TIMEOUT_S,
        guard: Guard = unguarded,
    ) -> None:
        self._guard = guard
        self._path = None if uri.startswith(("http://", "https://")) else str(Path(uri).resolve())
        self._prefix = layout_prefix(prefix)
        self._closed = False
        self.zero_rows = 0  # rows that were not stored because their vector was zero
        if self._path is None:
            self._store = connect(uri, token, timeout_s=timeout_s)
        else:
            self._store = take_lite(self._path, timeout_s=timeout_s)
        self._collections = Collections(self._store)
        self._builds = Builds(self._collections, self._prefix)
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
            found = self._builds.active()
            if found is not None:
                return self._builds.describe(found, active=True)
            whole = [build for build in self.builds() if not build.filling]
            build = max(whole, key=lambda b: b.watermark) if whole else self.create(FIRST_BUILD)
            self.promote(build.name)
            return self._builds.describe(self._builds.meta(build.name), active=True)

    def builds(self) -> tuple[IndexBuild, ...]:
        """List every build, by name."""
        with self._store.lock:
            found = self._builds.all()
        return tuple(sorted(found, key=lambda build: build.name))

    def create(self, build: str) -> IndexBuild:
        """Make an empty build with watermark 0; an existing one of that name is emptied."""
        meta = self._builds.meta(build)
        with self._store.lock:
            active = meta == self._builds.active()
            if meta in self._collections.names():
                self._builds.write(meta, build, EMPTYING, filling=not active)
            self._builds.empty(build)
            if meta not in self._collections.names():
                self._collections.make(meta, dim=2)
            self._builds.write(meta, build, 0, filling=not active)
            return self._builds.describe(meta, active=active)

    def promote(self, build: str) -> None:
        """Point the alias at a build, which is filled no more."""
        meta = self._builds.meta(build)
        with self._store.lock:
            if meta not in self._collections.names():
                raise ConfigError(f"there is no index build {build!r}")
            _, watermark, filling = self._builds.settled(meta)
            # Only then: the watermark of one that is kept up to date is another process's to write.
            if filling:
                self._builds.write(meta, build, watermark)
            self._builds.activate(meta)

    def drop(self, build: str) -> None:
        """Delete a build that is not active."""
        meta = self._builds.meta(build)
        with self._store.lock:
            # Milvus Lite would let go of an aliased collection without a word.
            if meta == self._builds.active():
                raise ConfigError(f"index build {build!r} is active: promote another one first")
            if meta in self._collections.names():
                self._builds.write(meta, build, EMPTYING, filling=True)
                self._builds.empty(build)
                self._collections.drop(meta)

    def apply(self, build: str, rows: Sequence[IndexRow], *, watermark: int) -> None:
        """Fold rows, flush, then store the watermark; a batch that ends below it is folded already."""
        changes = fold_rows(rows)
        meta = self._builds.meta(build)
        with self._store.lock:
            if meta not in self._collections.names():
                raise CorruptState(f"there is no index build {build!r} to fold into")
            _, settled, filling = self._builds.settled(meta)
            if watermark < settled:
                return
            present = self._collections.names()
            names = {space: self._builds.space(build, space) for space in changes}
            # Before anything is written.
            for space, change in changes.items():
                if change.dim is not None and names[space] in present:
                    self._check_dim(space, names[space], change.dim)
            for space, change in changes.items():
                self.zero_rows += change.zeros
                if names[space] not in present:
                    if change.dim is None:
                        continue
                    self._collections.make(names[space], dim=change.dim)
                write_rows(self._collections, names[space], change, guard=self._guard)
            with self._guard(Step.watermark):
                self._builds.write(meta, build, watermark, filling=filling)

    def _check_dim(self, space: Space, name: str, dim: int) -> None:
        """Refuse rows of another dimension than those that are there."""
        if (found := self._collections.load(name)) != dim:
            raise CorruptState(f"{space.modality} {space.model} has {found} dimensions, not {dim}")

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Find the nearest rows by cosine; a query of zeros finds nothing."""
        check_queries(vectors)
        found: list[tuple[Hit, ...]] = [() for _ in vectors]
        asked = [i for i in range(len(vectors)) if vectors[i].any()]
        name = self._builds.space(build, Space(modality, model))
        with self._store.lock:
            if not asked or not self._collections.is_known(name):
                return found
            dim = self._collections.load(name)
            if vectors.shape[1] != dim:
                raise EncoderMismatch(f"{modality} {model} has {dim} dimensions, not {vectors.shape[1]}")
            answers = search_rows(self._collections, name, vectors[asked], limit=limit)
            for at, hits in zip(asked, answers, strict=True):
                found[at] = hits
        return found

    def summary(self, build: str) -> IndexSummary:
        """Count and checksum every live row, read from the store page by page."""
        hashes: list[int] = []
        with self._store.lock:
            present = self._collections.names()
            if self._builds.meta(build) not in present:
                raise ConfigError(f"there is no index build {build!r}")
            for name in self._builds.spaces(build, present):
                hashes.extend(int(key[:16], 16) for key in row_keys(self._collections, name))
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
            foreign = [name for name in self._collections.names() if not name.startswith(f"{self._prefix}_")]
            if foreign:
                raise CorruptState(f"{self._path} has collections of another layout: {min(foreign)}")
            self.builds()
        except IndexUnavailable as exc:
            if answered(exc):
                raise CorruptState(f"{self._path} cannot be read: {exc}") from exc
            raise
