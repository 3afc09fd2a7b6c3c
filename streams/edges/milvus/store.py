"""A client of Milvus and the lock around it: of a server, or the one that this process has of a Lite folder.

Milvus Lite loses rows under concurrent use, so one client serves the process and every call holds its lock.
A folder that a kill or a power loss has torn is recognised here, before Lite opens it: Lite drops without a
word what it cannot read (a manifest gives way to the one before, and rows that only the newer one names go).
"""

import fcntl
import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import grpc
from milvus_lite.server_manager import server_manager_instance
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from streams.errors import ConfigError, CorruptState, IndexUnavailable

TIMEOUT_S = 30.0

# Every failure is translated and raised; the client would print it, with a stack, as well.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
# It tells of each set of processor instructions that it tries and has not.
logging.getLogger("faiss.loader").setLevel(logging.WARNING)


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Translate what the client raises; it gives ValueError for a channel that was closed."""
    try:
        yield
    except (MilvusException, grpc.RpcError, ValueError) as exc:
        raise IndexUnavailable(f"Milvus did not {what}: {exc}") from exc


def answered(error: IndexUnavailable) -> bool:
    """Say whether Milvus answered, with an error: it was no matter of time or of the connection."""
    cause = error.__cause__
    return isinstance(cause, MilvusException) and isinstance(cause.code, int)  # else a status of gRPC


@dataclass(slots=True)
class Store:
    """One client and the lock around it, shared by every index object on the same Lite path."""

    client: Any  # pymilvus has no types
    lock: AbstractContextManager[object]
    path: str | None = None  # of a Lite folder
    timeout_s: float = TIMEOUT_S  # for each call
    users: int = 1
    dims: dict[str, int] = field(default_factory=dict)  # of loaded collections
    # Lite only, whose one writer this process is: what it answered and nothing has changed since.
    counts: dict[str, int] = field(default_factory=dict)
    collections: frozenset[str] | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    metas: dict[str, str] = field(default_factory=dict)

    def ask_anew(self) -> None:
        """Forget what was answered about collections, aliases and builds."""
        self.collections = None
        self.aliases.clear()
        self.metas.clear()


_lite: dict[str, Store] = {}
_lite_lock = RLock()


def connect(uri: str, token: str | None, *, timeout_s: float = TIMEOUT_S) -> Store:
    """Give a client of a server.

    Raises
    ------
    IndexUnavailable
        the server does not answer
    """
    with asking("connect"):
        client = MilvusClient(uri, token=token or "", timeout=timeout_s)
    return Store(client, nullcontext(), timeout_s=timeout_s)


def take_lite(path: str, *, timeout_s: float = TIMEOUT_S) -> Store:
    """Give the process's one client of a Lite folder; `let_go` as often as it was taken.

    Raises
    ------
    IndexUnavailable
        another process has the folder open, or it cannot be opened
    CorruptState
        the folder is torn
    ConfigError
        a path whose name does not end in ``.db``
    """
    if not path.endswith(".db"):
        raise ConfigError(f"a Milvus Lite folder must have a name that ends in .db: {path}")
    with _lite_lock:
        if (store := _lite.get(path)) is not None:
            store.users += 1
            return store
        folder = Path(path)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_dir():
            with _owned(folder):
                _look_over(folder)
        with asking(f"open {path} (one process at a time may)"):
            client = MilvusClient(path, timeout=timeout_s)
        store = _lite[path] = Store(client, RLock(), path, timeout_s)
        return store


def let_go(store: Store) -> None:
    """Close a client once its last user has let go; that of Lite also frees the folder."""
    with _lite_lock:
        store.users -= 1
        if store.users:
            return
        try:
            with asking("close"):
                store.client.close()
        finally:
            if store.path is not None:
                _lite.pop(store.path, None)
                server_manager_instance.release_server(store.path)


def move_aside(path: str, aside: str) -> None:
    """Rename a Lite folder that no process has open.

    Raises
    ------
    IndexUnavailable
        a process has it open, or the system refuses
    """
    with _lite_lock, _owned(Path(path)):
        Path(path).rename(aside)


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """Hold the lock by which Milvus Lite keeps other processes out of its folder."""
    try:
        with (folder / "LOCK").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError as exc:
        raise IndexUnavailable(f"another process has {folder} open: stop it (`samesong up`) first") from exc
    except OSError as exc:
        raise IndexUnavailable(f"{folder} cannot be used: {exc}") from exc


def _look_over(folder: Path) -> None:
    """Find what Lite would drop or trust in silence, before it opens the folder."""
    _parsed(folder / "aliases.json")
    for collection in sorted((folder / "collections").glob("*/")):
        if _parsed(collection / "schema.json") is None:
            raise CorruptState(f"{collection} has no schema")
        manifest = _parsed(collection / "manifest.json")
        if manifest is None and any(collection.rglob("*.parquet")):
            raise CorruptState(f"{collection} has rows and no manifest")
        for name, files in ((manifest or {}).get("partitions") or {}).items():
            for kind in ("data_files", "delta_files"):
                for file in files.get(kind, ()):
                    if not (collection / "partitions" / name / file).is_file():
                        raise CorruptState(f"{collection / 'partitions' / name / file} is missing")
    # Copies of the vectors: zeros in one would pass for vectors, and a kill was seen to leave one half
    # written. Lite makes them anew no slower than it reads them (measured with 30,000 rows: 0.2 s both ways).
    for copied in folder.glob("collections/*/partitions/*/indexes/*.idx"):
        copied.unlink()


def _parsed(path: Path) -> dict[str, Any] | None:
    """Read one of Lite's own files; None when there is none."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as exc:  # not JSON, or not UTF-8
        raise CorruptState(f"{path} cannot be read: {exc}") from exc
    if not isinstance(found, dict):
        raise CorruptState(f"{path} is not what Milvus Lite writes")
    return found
