"""Builds: the alias, and each one's watermark, which is stored inside it."""

import json
from collections.abc import Set

from streams.core.index_rows import Space
from streams.edges.milvus.collections import SAID, Collections
from streams.edges.milvus.names import build_prefix, is_meta_name, meta_name, space_name
from streams.errors import CorruptState
from streams.ports import IndexBuild

EMPTYING = -1  # watermark of a build whose collections are being dropped


class Builds:
    """The builds of one prefix; its user holds the store's lock.

    Parameters
    ----------
    collections : Collections
    prefix : str
        what all names start with
    """

    def __init__(self, collections: Collections, prefix: str) -> None:
        self._collections = collections
        self._store = collections.store
        self._prefix = prefix
        self._alias = f"{prefix}_active"

    def meta(self, build: str) -> str:
        """Name a build's meta collection."""
        return meta_name(self._prefix, build)

    def space(self, build: str, space: Space) -> str:
        """Name a build's collection of one modality and model."""
        return space_name(self._prefix, build, space)

    def spaces(self, build: str, present: Set[str]) -> list[str]:
        """List a build's collections of rows."""
        return sorted(name for name in present if name.startswith(build_prefix(self._prefix, build)))

    def active(self) -> str | None:
        """Resolve the alias to a meta collection."""
        if (known := self._store.aliases.get(self._alias)) is not None:
            return known
        with self._collections.asking("resolve the alias"):
            client, timeout = self._store.client, self._store.timeout_s
            if not client.has_collection(self._alias, timeout=timeout):
                return None
            found = str(client.describe_collection(self._alias, timeout=timeout)["collection_name"])
        if self._collections.lite:
            self._store.aliases[self._alias] = found
        return found

    def activate(self, meta: str) -> None:
        """Point the alias at a build."""
        with self._collections.asking("move the alias"):
            client, timeout = self._store.client, self._store.timeout_s
            if self.active() is None:
                client.create_alias(meta, self._alias, timeout=timeout)
            else:
                client.alter_alias(meta, self._alias, timeout=timeout)
        self._store.ask_anew()

    def all(self) -> list[IndexBuild]:
        """Describe every build."""
        active = self.active()
        metas = [name for name in self._collections.names() if is_meta_name(self._prefix, name)]
        # Without its row it is just being made, or its making was cut short.
        made = [meta for meta in metas if meta == active or self._text(meta) is not None]
        return [self.describe(meta, active=meta == active) for meta in made]

    def describe(self, meta: str, *, active: bool) -> IndexBuild:
        """Say how a build stands."""
        build, watermark, filling = self.settled(meta)
        rows = sum(self._collections.count(name) for name in self.spaces(build, self._collections.names()))
        return IndexBuild(name=build, watermark=watermark, rows=rows, active=active, filling=filling)

    def settled(self, meta: str) -> tuple[str, int, bool]:
        """Read a build's name, watermark and whether it is being filled; finish an emptying cut short."""
        build, watermark, filling = self._read(meta)
        if watermark == EMPTYING:
            self.empty(build)
            self.write(meta, build, 0, filling=filling)
            watermark = 0
        return build, watermark, filling

    def write(self, meta: str, build: str, watermark: int, *, filling: bool = False) -> None:
        """Store the build's name and watermark: acknowledged after its rows are flushed."""
        row = {"key": "watermark", SAID: json.dumps([build, watermark, filling]), "vector": [1.0, 0.0]}
        self._store.metas.pop(meta, None)
        with self._collections.asking(f"write {meta}"):
            self._store.client.upsert(meta, [row], timeout=self._store.timeout_s)

    def empty(self, build: str) -> None:
        """Drop a build's rows."""
        for name in self.spaces(build, self._collections.names()):
            self._collections.drop(name)

    def _read(self, meta: str) -> tuple[str, int, bool]:
        said = self._text(meta)
        if said is None:
            raise CorruptState(f"{meta} has no watermark: drop the index and rebuild it")
        try:
            build, watermark, filling = json.loads(said)
            return str(build), int(watermark), bool(filling)
        except (ValueError, TypeError) as exc:
            raise CorruptState(f"{meta} has no watermark that can be read: {said!r}") from exc

    def _text(self, meta: str) -> str | None:
        if (known := self._store.metas.get(meta)) is not None:
            return known
        self._collections.load(meta)
        with self._collections.asking(f"read {meta}"):
            rows = self._store.client.query(
                meta, filter='key == "watermark"', output_fields=[SAID], timeout=self._store.timeout_s
            )
        if not rows:
            return None
        said = str(rows[0][SAID])
        if self._collections.lite:
            self._store.metas[meta] = said
        return said
