"""Compositions as notes: what performances are made from, and what splits go by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

NOTE: Final = np.dtype([("start", "<f4"), ("length", "<f4"), ("pitch", "u1"), ("voice", "u1")])
"""One note: beats from the beginning, beats it lasts, MIDI number, and the part that plays it."""

# A part beyond these is folded into the last: no score here has more.
MAX_VOICES: Final = 16
# Notes by which two editions of one work are known, in whatever key.
_BEGINNING: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """One composition.

    Attributes
    ----------
    name : str
        unique; where it stands in its source
    source : str
        the collection it is from: splits are by collection, or by work
    notes : NOTE [shape=(n,)]
        in order of time
    """

    name: str
    source: str
    notes: NDArray[np.void]

    @property
    def beats(self) -> float:
        """How long it is."""
        return float((self.notes["start"] + self.notes["length"]).max()) if len(self.notes) else 0.0

    def head(self, beats: float) -> Work:
        """Give its beginning."""
        return Work(name=self.name, source=self.source, notes=self.notes[self.notes["start"] < beats])

    @property
    def draw(self) -> float:
        """A number in [0, 1) that goes with the name: the same split on every machine."""
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:6], "big") / 2.0**48


def distinct(works: Iterable[Work]) -> Iterator[Work]:
    """Leave out works that begin like an earlier one: collections hold some in two formats or editions."""
    met: set[bytes] = set()
    for work in works:
        begins = np.diff(work.notes["pitch"][:_BEGINNING].astype(np.int16)).tobytes()
        if begins not in met:
            met.add(begins)
            yield work


def digest_of(works: Sequence[Work]) -> str:
    """Digest names and notes: which data a model was trained on."""
    sha = hashlib.sha256()
    for work in works:
        sha.update(f"{work.source}\0{work.name}\0{len(work.notes)}\0".encode())
        sha.update(np.ascontiguousarray(work.notes).tobytes())
    return sha.hexdigest()


def save_works(path: Path, works: Sequence[Work]) -> None:
    """Write works to one ``.npz``."""
    np.savez_compressed(
        path,
        notes=np.concatenate([work.notes for work in works]) if works else np.empty(0, NOTE),
        counts=np.array([len(work.notes) for work in works], dtype=np.int64),
        names=np.array([work.name for work in works]),
        sources=np.array([work.source for work in works]),
    )


def load_works(path: Path) -> tuple[Work, ...]:
    """Read what `save_works` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        parts = np.split(arrays["notes"], np.cumsum(arrays["counts"])[:-1])
        return tuple(
            Work(name=str(name), source=str(source), notes=notes)
            for name, source, notes in zip(arrays["names"], arrays["sources"], parts, strict=True)
        )
