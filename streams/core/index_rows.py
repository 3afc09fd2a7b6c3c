"""What a batch of index rows comes to: pure folds that every store and every check of one share.

A row is kept when its last operation is live and its vector has a direction. A vector of zeros (nothing
could be read) has no cosine with anything and is folded as a deletion, by the stores and the check alike.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.records import IndexRow, SoundFacts
from streams.errors import CorruptState

MAX_TEXT_BYTES = 65_535
"""Longest text of a row in UTF-8: the widest text column that a Milvus server has."""


class Space(NamedTuple):
    """One vector space: a modality under one model version."""

    modality: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceChange:
    """What a batch changes in one space.

    Attributes
    ----------
    kept : tuple of IndexRow
        rows to be written, one per row id
    vectors : float32 [shape=(len(kept), d)]
        unit length
    gone : tuple of str
        row ids to be deleted
    zeros : int >= 0
        how many of ``gone`` are there because their vector was zero
    """

    kept: tuple[IndexRow, ...]
    vectors: NDArray[np.float32]
    gone: tuple[str, ...]
    zeros: int

    @property
    def dim(self) -> int | None:
        """The dimension of the rows kept; none where no row is kept."""
        return int(self.vectors.shape[1]) if self.kept else None


class RowText(NamedTuple):
    """What a row says beside its vector: of which upload it is, and from where in it."""

    source: str
    item_id: str
    revision: int
    window: int
    start_ms: int
    sound: SoundFacts | None


def row_vector(row: IndexRow) -> NDArray[np.float32]:
    """Read a live row's values: float32 [shape=(d,)], unit length, or all zero.

    Raises
    ------
    CorruptState
        no values, half a value, or one that is not finite
    """
    if not row.values or len(row.values) % 2:
        raise CorruptState(f"index row {row.row_id!r} has {len(row.values)} bytes of float16 values")
    vector = np.frombuffer(row.values, dtype="<f2").astype(np.float32)
    if not np.isfinite(vector).all():
        raise CorruptState(f"index row {row.row_id!r} holds a value that is not finite")
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm > 0.0 else vector


def fold_rows(rows: Iterable[IndexRow]) -> Mapping[Space, SpaceChange]:
    """Reduce a batch to the last operation of each row id, per space, checked and normalised.

    Raises
    ------
    CorruptState
        a value that is not finite, two dimensions in one space, an unknown state, or a text too long to store
    """
    last: dict[str, IndexRow] = {}
    for row in rows:
        last[row.row_id] = row
    grouped: dict[Space, list[IndexRow]] = {}
    for row in last.values():
        grouped.setdefault(Space(row.modality, row.model), []).append(row)
    return {space: _change(space, group) for space, group in grouped.items()}


def _change(space: Space, rows: list[IndexRow]) -> SpaceChange:
    """Sort one space's rows into kept and gone."""
    kept: list[IndexRow] = []
    vectors: list[NDArray[np.float32]] = []
    gone: list[str] = []
    zeros = 0
    for row in rows:
        if row.state == "deleted":
            gone.append(row.row_id)
            continue
        if row.state != "live":
            raise CorruptState(f"index row {row.row_id!r} has the unknown state {row.state!r}")
        if len(row_text(row).encode()) > MAX_TEXT_BYTES:
            raise CorruptState(
                f"index row {row.row_id!r} says more than {MAX_TEXT_BYTES} bytes of its upload"
            )
        vector = row_vector(row)
        if vectors and vector.shape != vectors[0].shape:
            raise CorruptState(
                f"rows of {space.modality} {space.model} have {len(vectors[0])} and {len(vector)} dimensions"
            )
        if not vector.any():
            gone.append(row.row_id)
            zeros += 1
            continue
        kept.append(row)
        vectors.append(vector)
    stacked = np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float32)
    return SpaceChange(kept=tuple(kept), vectors=stacked, gone=tuple(gone), zeros=zeros)


def check_queries(vectors: NDArray[np.float32]) -> None:
    """Refuse queries that are not a finite matrix: a store would answer them, wrongly.

    Raises
    ------
    CorruptState
    """
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise CorruptState("query vectors must be a matrix of finite values")


def row_text(row: IndexRow) -> str:
    """Write what a row says beside its vector, as one text: a store reads one column faster than six."""
    sound = asdict(row.sound) if row.sound is not None else None
    told = (row.source, row.item_id, row.revision, row.window, row.start_ms, sound)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def read_row_text(text: str) -> RowText:
    """Read what ``row_text`` wrote.

    Raises
    ------
    CorruptState
        a store gives back another text
    """
    try:
        source, item_id, revision, window, start_ms, sound = json.loads(text)
        return RowText(
            source, item_id, revision, window, start_ms, SoundFacts(**sound) if sound is not None else None
        )
    except (ValueError, TypeError) as exc:
        raise CorruptState(f"what a row says of its upload cannot be read from the index: {exc}") from exc


def row_hash(row_id: str) -> int:
    """Give a row's part in the checksum: the first 8 bytes of sha256 of its id."""
    return int.from_bytes(hashlib.sha256(row_id.encode()).digest()[:8], "big")


def checksum(hashes: Iterable[int]) -> str:
    """Add up ``row_hash`` values, free of order: 16 hex digits."""
    return f"{sum(hashes) % 2**64:016x}"


@dataclass(slots=True)
class LiveRows:
    """The rows that a log of index rows leaves live: what a build must hold."""

    ids: set[str] = field(default_factory=set)
    _sum: int = 0

    def fold(self, rows: Iterable[IndexRow]) -> None:
        """Take in rows in log order."""
        for change in fold_rows(rows).values():
            come = {row.row_id for row in change.kept} - self.ids
            gone = self.ids.intersection(change.gone)
            self._sum += sum(map(row_hash, come)) - sum(map(row_hash, gone))
            self.ids |= come
            self.ids -= gone

    def checksum(self) -> str:
        """Give the checksum of the live rows."""
        return checksum((self._sum,))
