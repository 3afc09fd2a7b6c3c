"""Sketches of embeddings: what the drift monitor is fed instead of every vector.

One sketch covers the vectors of one modality and model from one fixed range of 256 offsets of one
input partition. Its id names just that, so a replay makes the same sketch again, and a partial one is
replaced by one with a larger count.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.core.records import EmbeddingSketch, Origin, VectorRow

RANGE: Final = 256
PROJECTIONS: Final = 16
BINS: Final = 16
NORM_BINS: Final = 16
RESERVOIR: Final = 8
# Projections of unit vectors are near normal with variance 1 / d: four deviations to either side.
_REACH: Final = 4.0
_NORM_TOP: Final = 2.0
_SEED: Final = 20_260_101

FloatArray = NDArray[np.float32]


class SketchKey(NamedTuple):
    """What one sketch is of."""

    topic: str
    partition: int
    range_start: int
    modality: str
    model: str

    @property
    def sketch_id(self) -> str:
        """Name it; length-prefixed, so that no two keys share a name."""
        return "/".join(f"{len(str(part))}:{part}" for part in self)


class Sketcher:
    """Fold vectors into sketches, in offset order of each partition.

    Parameters
    ----------
    every_s : float >= 0 [s]
        a sketch whose range is not at its end is given this long after the one before it, or after it began;
        0 gives it whenever it changed

    Notes
    -----
    Holds the ranges at work only: a range is let go of once a later one of its partition has begun. Offsets
    that were folded already (a batch given again) change nothing.
    """

    def __init__(self, *, every_s: float = 0.0) -> None:
        self._every_s = every_s
        self._open: dict[SketchKey, _Sums] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._given_at: dict[SketchKey, float] = {}
        self._changed: set[SketchKey] = set()

    def fold(
        self, batch: Iterable[tuple[Origin, Sequence[VectorRow]]], *, now: float = 0.0
    ) -> tuple[EmbeddingSketch, ...]:
        """Add vectors and give every changed sketch that is due at ``now`` [s], in a fixed order."""
        vectors: dict[SketchKey, list[tuple[int, bytes]]] = {}
        for origin, rows in batch:
            place = (origin.topic, origin.partition)
            if origin.offset < self._next.get(place, 0):
                continue
            self._next[place] = origin.offset + 1
            start = origin.offset - origin.offset % RANGE
            for row in rows:
                key = SketchKey(origin.topic, origin.partition, start, row.modality, row.model)
                vectors.setdefault(key, []).append((origin.offset, row.values))
        for key, items in vectors.items():
            sums = self._open.setdefault(key, _Sums(len(items[0][1]) // 2))
            sums.add(items)
            self._changed.add(key)
            self._given_at.setdefault(key, now)
        made = self.due(now)
        self._let_go()
        return made

    def due(self, now: float) -> tuple[EmbeddingSketch, ...]:
        """Give every changed sketch that is due at ``now`` [s], in a fixed order."""
        due = sorted(key for key in self._changed if self._is_due(key, now))
        self._changed.difference_update(due)
        self._given_at.update(dict.fromkeys(due, now))
        return tuple(self._open[key].sketch(key) for key in due)

    @property
    def waiting(self) -> frozenset[tuple[str, str]]:
        """Of which (modality, model) a changed sketch has not been given yet."""
        return frozenset((key.modality, key.model) for key in self._changed)

    def _is_due(self, key: SketchKey, now: float) -> bool:
        ended = self._next[key.topic, key.partition] >= key.range_start + RANGE
        return ended or now - self._given_at[key] >= self._every_s

    def _let_go(self) -> None:
        for key in list(self._open):
            if key.range_start + RANGE <= self._next[key.topic, key.partition] - 1:
                del self._open[key], self._given_at[key]


def heartbeat(*, topic: str, partition: int, offset: int, modality: str, model: str) -> EmbeddingSketch:
    """Say that a partition is idle at an offset, so that windows can close."""
    key = SketchKey(topic, partition, offset - offset % RANGE, modality, model)
    return EmbeddingSketch(
        sketch_id=key.sketch_id,
        topic=topic,
        partition=partition,
        range_start=key.range_start,
        modality=modality,
        model=model,
        count=0,
        heartbeat=True,
    )


class Quiet:
    """Tell which streams of embeddings have said nothing for a while, so that heartbeats stand in for them.

    Without one the last window of a stream stays open until its next embedding, however long that takes.

    Parameters
    ----------
    streams : iterable of (modality, model)
    after_s : float > 0 [s]
    """

    def __init__(self, streams: Iterable[tuple[str, str]], *, after_s: float) -> None:
        self._spoke = dict.fromkeys(streams, -float("inf"))
        self._after = after_s

    def due(self, *, spoken: Iterable[tuple[str, str]], now: float) -> tuple[tuple[str, str], ...]:
        """Note who spoke at ``now`` [s], and name those that are due; each then counts as having spoken."""
        self._spoke.update(dict.fromkeys(spoken, now))
        due = tuple(sorted(name for name, at in self._spoke.items() if now - at >= self._after))
        self._spoke.update(dict.fromkeys(due, now))
        return due


@cache
def directions(dimension: int) -> FloatArray:
    """Draw the unit directions that vectors are projected on, the same for ever: float32 [shape=(d, 16)]."""
    drawn = np.random.Generator(np.random.PCG64(_SEED)).standard_normal((dimension, PROJECTIONS))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=0), dtype=np.float32)


class _Sums:
    """Running sums of one sketch."""

    def __init__(self, dimension: int) -> None:
        self._count = 0
        self._sum = np.zeros(dimension)
        self._squares = np.zeros(dimension)
        self._norms = np.zeros(NORM_BINS, dtype=np.int64)
        self._projections = np.zeros((PROJECTIONS, BINS), dtype=np.int64)
        self._reservoir: list[tuple[bytes, bytes]] = []

    def add(self, items: Sequence[tuple[int, bytes]]) -> None:
        """Add vectors given as float16 bytes with the offsets they came from."""
        dimension = len(self._sum)
        fitting = [(offset, values) for offset, values in items if len(values) == dimension * 2]
        x = np.frombuffer(b"".join(values for _, values in fitting), dtype="<f2")
        x = x.astype(np.float32).reshape(-1, dimension)
        self._count += len(x)
        self._sum += x.sum(axis=0, dtype=np.float64)
        self._squares += np.einsum("ij,ij->j", x, x, dtype=np.float64)
        norms = np.linalg.norm(x, axis=1) * (NORM_BINS / _NORM_TOP)
        self._norms += np.bincount(np.clip(norms.astype(int), 0, NORM_BINS - 1), minlength=NORM_BINS)
        scaled = x @ directions(dimension) * np.sqrt(dimension)
        bins = np.clip(((scaled + _REACH) * (BINS / (2 * _REACH))).astype(int), 0, BINS - 1)
        flat = np.bincount((bins + np.arange(PROJECTIONS) * BINS).ravel(), minlength=PROJECTIONS * BINS)
        self._projections += flat.reshape(PROJECTIONS, BINS)
        # The smallest hashes of all: a fair sample that does not depend on how the range was cut up.
        for offset, values in fitting:
            rank = hashlib.blake2b(offset.to_bytes(8, "big") + values, digest_size=8).digest()
            self._reservoir.append((rank, values))
        self._reservoir = sorted(self._reservoir)[:RESERVOIR]

    def sketch(self, key: SketchKey) -> EmbeddingSketch:
        """Write the sums down."""
        count = max(1, self._count)
        return EmbeddingSketch(
            sketch_id=key.sketch_id,
            topic=key.topic,
            partition=key.partition,
            range_start=key.range_start,
            modality=key.modality,
            model=key.model,
            count=self._count,
            mean=(self._sum / count).astype("<f4").tobytes(),
            second_moment=(self._squares / count).astype("<f4").tobytes(),
            norm_histogram=tuple(int(n) for n in self._norms),
            projection_histograms=tuple(int(n) for n in self._projections.ravel()),
            reservoir=b"".join(values for _, values in self._reservoir),
            reservoir_count=len(self._reservoir),
        )
