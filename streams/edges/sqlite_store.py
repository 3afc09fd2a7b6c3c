"""The arbiter's local store in one SQLite file, behind the port ``streams.ports.StateStore``.

Values are MessagePack of the frozen records. Changes are gathered and written some thousands of keys at a
time, each key once, in one SQLite transaction with the mark; what a crash takes with it is in the log.
"""

import contextlib
import logging
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from streams.core.catalogue import Changes, PairKey
from streams.core.records import EntityState, PairState, RelationState, UploadState
from streams.core.store_mark import StoreMark

# At 340 uploads a second about every two seconds: fewer at a time cost more, and more make a longer pause.
GATHERED_KEYS: Final = 2_048
GATHERED_SECONDS: Final = 10.0
BUSY_SECONDS: Final = 5.0
CACHE_KIB: Final = 65_536

_SCHEMA: Final = """
create table if not exists owner (one integer primary key, generation integer not null, mark blob);
insert or ignore into owner values (1, 0, null);
create table if not exists upload (key text primary key, value blob not null);
create table if not exists entity (key text primary key, value blob not null);
create table if not exists pair (key text primary key, value blob not null);
create table if not exists relation (key text primary key, value blob not null);
"""

_TABLES: Final = ("upload", "entity", "pair", "relation")
# A row keeps its place when it changes.
_PUT: Final = {
    table: f"insert into {table} values (?, ?) on conflict (key) do update set value = excluded.value"  # noqa: S608
    for table in _TABLES
}
_DROP: Final = {table: f"delete from {table} where key = ?" for table in _TABLES}  # noqa: S608
_READ: Final = {table: f"select value from {table}" for table in _TABLES}  # noqa: S608 - our own names
_CHECK = 4

_T = TypeVar("_T")

log = logging.getLogger(__name__)


class SqliteStateStore:
    """A store in a file; for one thread.

    Parameters
    ----------
    path : Path
        made if missing; SQLite keeps two more files beside it
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._generation = 0
        self._gathered = Changes()
        self._mark: StoreMark | None = None
        self._flushed = time.monotonic()
        self._encoder = msgspec.msgpack.Encoder()

    def take_over(self) -> StoreMark | None:
        """Own the store from now on, and give its mark."""
        self._drop_gathered()
        for attempt in (1, 2):
            try:
                return self._open()
            except (sqlite3.Error, msgspec.DecodeError, UnicodeError, OSError) as exc:
                log.warning("the local store cannot be opened, and is made anew: %s", exc)
                self._disconnect()
                if attempt == 1:
                    self._delete()
        return None

    def read(self) -> Changes | None:
        """Read everything that it holds; none where that cannot be read."""
        held = Changes()
        try:
            for upload in self._values("upload", UploadState):
                held.uploads[upload.key.text()] = upload
            for entity in self._values("entity", EntityState):
                held.entities[entity.entity_id] = entity
            for pair in self._values("pair", PairState):
                held.pairs[pair.left, pair.right] = pair
            for relation in self._values("relation", RelationState):
                held.relations[relation.relation_id] = relation
        except (sqlite3.Error, msgspec.DecodeError, UnicodeError) as exc:
            log.warning("the local store cannot be read: %s", exc)
            return None
        return held

    def write(self, changes: Changes, mark: StoreMark) -> None:
        """Gather changes; write them when there are many, or when the last time is a while ago."""
        if self._connection is None:
            return
        gathered = self._gathered
        gathered.uploads |= changes.uploads
        gathered.entities |= changes.entities
        gathered.pairs |= changes.pairs
        gathered.relations |= changes.relations
        self._mark = mark
        if _size(gathered) >= GATHERED_KEYS or time.monotonic() - self._flushed > GATHERED_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        connection, mark = self._connection, self._mark
        if connection is None or mark is None:
            return
        try:
            with self._transaction(connection):
                mine = connection.execute(
                    "update owner set mark = ? where generation = ?", (self._sealed(mark), self._generation)
                )
                if mine.rowcount == 1:
                    self._put(connection)
        except (sqlite3.Error, OSError) as exc:
            # It stays as it was: the next owner goes on from there.
            log.warning("the local store cannot be written, and is let go: %s", exc)
            self._disconnect()
        else:
            if mine.rowcount != 1:
                log.warning("another owner has taken the local store over")
                self._disconnect()
        self._drop_gathered()

    def reset(self) -> None:
        """Empty it."""
        self._drop_gathered()
        if self._connection is None:
            return
        self._disconnect()
        self._delete()
        self.take_over()

    def close(self) -> None:
        """Write what was gathered, and let go of the file."""
        self.flush()
        self._disconnect()

    # --- inside ---

    def _open(self) -> StoreMark | None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._disconnect()
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection = connection
        # Synced at its checkpoints: a power cut may take the last writes, and never tears the file.
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute(f"pragma cache_size = -{CACHE_KIB}")
        (found,) = connection.execute("pragma quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        connection.executescript(_SCHEMA)
        with self._transaction(connection):
            connection.execute("update owner set generation = generation + 1")
            self._generation, mark = connection.execute("select generation, mark from owner").fetchone()
        return None if mark is None else msgspec.msgpack.decode(_opened(mark), type=StoreMark)

    @staticmethod
    @contextlib.contextmanager
    def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
        connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("rollback")
            raise
        connection.execute("commit")

    def _put(self, connection: sqlite3.Connection) -> None:
        """Write every gathered key once; what is no longer live is not kept."""
        gathered, encode = self._gathered, self._sealed
        rows: dict[str, Iterable[tuple[str, bytes | None]]] = {
            "upload": ((key, encode(each)) for key, each in gathered.uploads.items()),
            "entity": ((key, encode(each)) for key, each in gathered.entities.items()),
            "pair": (
                (_pair_key(key), encode(each) if each.live else None) for key, each in gathered.pairs.items()
            ),
            "relation": (
                (key, encode(each) if each.status == "asserted" else None)
                for key, each in gathered.relations.items()
            ),
        }
        for table, values in rows.items():
            gone: list[tuple[str]] = []
            connection.executemany(_PUT[table], _kept(values, gone))
            connection.executemany(_DROP[table], gone)

    def _values(self, table: str, of: type[_T]) -> Iterator[_T]:
        if self._connection is None:
            return
        decode = msgspec.msgpack.Decoder(of).decode
        for (value,) in self._connection.execute(_READ[table]):
            yield decode(_opened(value))

    def _sealed(self, record: object) -> bytes:
        return _sealed(self._encoder.encode(record))

    def _drop_gathered(self) -> None:
        self._gathered, self._mark = Changes(), None
        self._flushed = time.monotonic()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _kept(values: Iterable[tuple[str, bytes | None]], gone: list[tuple[str]]) -> Iterator[tuple[str, bytes]]:
    """Give what is to be kept; put the keys of the others aside."""
    for key, value in values:
        if value is None:
            gone.append((key,))
        else:
            yield key, value


def _sealed(body: bytes) -> bytes:
    """Put a check before a value: SQLite has none of its own."""
    return zlib.crc32(body).to_bytes(_CHECK, "little") + body


def _opened(value: object) -> bytes:
    """Check a value.

    Raises
    ------
    DecodeError
        it is not what was written
    """
    if (
        not isinstance(value, bytes)
        or zlib.crc32(value[_CHECK:]).to_bytes(_CHECK, "little") != value[:_CHECK]
    ):
        raise msgspec.DecodeError("a stored value is not what was written")
    return value[_CHECK:]


def _size(changes: Changes) -> int:
    return len(changes.uploads) + len(changes.entities) + len(changes.pairs) + len(changes.relations)


def _pair_key(key: PairKey) -> str:
    left, right = key
    return f"{len(left)}:{left}{right}"
