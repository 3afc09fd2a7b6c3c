"""The vector index, and the log that it is a fold of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streams.core.records import IndexRow, SoundFacts
from streams.ports.messages import Message

FloatArray = NDArray[np.float32]


class Hit(NamedTuple):
    """One indexed row near a query; it names an upload, never an entity."""

    source: str
    item_id: str
    revision: int
    window: int
    start_ms: int
    similarity: float
    sound: SoundFacts | None = None  # of that upload, where its row names it


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexBuild:
    """One physical build of the index.

    Attributes
    ----------
    name : str
    watermark : int >= 0
        next offset of `index.row.v1` that it has not folded; stored inside the build, after its rows
    rows : int >= 0
        live rows over all collections
    active : bool
        whether the alias points here
    filling : bool
        made and never promoted: whoever made it folds into it, and nobody else
    """

    name: str
    watermark: int
    rows: int
    active: bool
    filling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSummary:
    """What an index build holds, comparable with the fold of the log.

    Attributes
    ----------
    rows : int
    checksum : str
        order-free, 16 hex digits: sum modulo 2**64 of the first 8 bytes (big-endian) of sha256 over row ids
    """

    rows: int
    checksum: str


class RowLog(Protocol):
    """The log that index builds are folds of."""

    def end(self) -> int:
        """Return its read-committed end."""
        ...

    def read(self, first: int, end: int) -> Iterator[Message]:
        """Read what is committed from an offset up to an end, in order."""
        ...


class CandidateIndex(Protocol):
    """Approximate nearest neighbours over immutable rows; one collection per modality and model version.

    Several builds may exist; an alias names the active one. All methods raise ``IndexUnavailable`` when the
    store does not answer, and may be called from several threads.
    """

    def active(self) -> IndexBuild:
        """Resolve the alias; with no build at all, create and activate an empty one."""
        ...

    def builds(self) -> tuple[IndexBuild, ...]:
        """List every build."""
        ...

    def create(self, build: str) -> IndexBuild:
        """Make an empty build with watermark 0, to be filled; an existing one of that name is emptied."""
        ...

    def promote(self, build: str) -> None:
        """Point the alias at a build; from now on it is filled no more but kept up to date."""
        ...

    def drop(self, build: str) -> None:
        """Delete a build that is not active."""
        ...

    def apply(self, build: str, rows: Sequence[IndexRow], *, watermark: int) -> None:
        """Fold rows (last operation per row id wins), flush, then store the watermark.

        Rows hold float16 little-endian values; a wrong dimension or a value that is not finite raises
        ``CorruptState`` before anything is written. Applying the same rows twice changes nothing.
        """
        ...

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Find the nearest rows by cosine.

        Parameters
        ----------
        vectors : float32 [shape=(n, d)]
            unit length
        limit : int
            at most this many hits per query

        Returns
        -------
        list of n tuples, most similar first; empty where the build has no such collection
        """
        ...

    def summary(self, build: str) -> IndexSummary:
        """Count and checksum every live row."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...
