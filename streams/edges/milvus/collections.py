"""Collections of a store: made, loaded, counted and dropped; what Lite answered is not asked twice."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymilvus import DataType, MilvusClient

from streams.core.index_rows import MAX_TEXT_BYTES
from streams.edges.milvus.store import Store, asking
from streams.errors import IndexUnavailable

# Of unit vectors the inner product is the cosine; Lite would normalise every row anew in every search.
METRIC = "IP"
SAID = "said"


class Collections:
    """What there is in a store; its user holds the store's lock.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def lite(self) -> bool:
        """Whether this is Milvus Lite."""
        return self.store.path is not None

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Translate what the client raises; after that each collection of a server is loaded anew.

        One that was started again may have none loaded, and another process may have dropped a build.
        """
        try:
            with asking(what):
                yield
        except IndexUnavailable:
            self.store.ask_anew()
            if not self.lite:
                self.store.dims.clear()
            raise

    def names(self) -> frozenset[str]:
        """List every collection."""
        if self.store.collections is not None:
            return self.store.collections
        with self.asking("list collections"):
            found = frozenset(self.store.client.list_collections(timeout=self.store.timeout_s))
        if self.lite:
            self.store.collections = found
        return found

    def is_known(self, name: str) -> bool:
        """Say whether a collection is there."""
        return name in self.store.dims or name in self.names()

    def make(self, name: str, *, dim: int) -> None:
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
        with self.asking(f"create {name}"):
            client, timeout = self.store.client, self.store.timeout_s
            client.create_collection(name, schema=schema, consistency_level="Strong", timeout=timeout)
            # There is no row to index yet; the client would wait half a second before it looks.
            client.create_index(name, index, sync=False, timeout=timeout)
            client.load_collection(name, timeout=timeout)
        self.store.ask_anew()
        self.store.dims[name] = dim

    def load(self, name: str) -> int:
        """Make a collection searchable in this process, flushed; give its dimension."""
        known = self.store.dims.get(name)
        if known is not None:
            return known
        with self.asking(f"load {name}"):
            client, timeout = self.store.client, self.store.timeout_s
            fields = client.describe_collection(name, timeout=timeout)["fields"]
            client.load_collection(name, timeout=timeout)
            if self.lite:
                client.flush(name, timeout=timeout)
        dim = next(int(f["params"]["dim"]) for f in fields if f["name"] == "vector")
        self.store.dims[name] = dim
        return dim

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self.store.dims.pop(name, None)
        self.store.counts.pop(name, None)
        with self.asking(f"drop {name}"):
            self.store.client.drop_collection(name, timeout=self.store.timeout_s)
        self.store.ask_anew()

    def count(self, name: str) -> int:
        """Count the rows of a collection."""
        if name in self.store.counts:
            return self.store.counts[name]
        self.load(name)
        with self.asking(f"count {name}"):
            rows = self.store.client.query(
                name, filter="", output_fields=["count(*)"], timeout=self.store.timeout_s
            )
        count = int(rows[0]["count(*)"])
        if self.lite:
            self.store.counts[name] = count
        return count
