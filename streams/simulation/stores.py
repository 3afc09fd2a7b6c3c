"""The index, the feature store and the media of a simulated installation, and what goes wrong with them."""

from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.core.records import IndexRow, Media, Origin
from streams.edges.memory_encoder import MemoryEncoder
from streams.edges.memory_features import MemoryFeatureStore
from streams.edges.memory_index import MemoryCandidateIndex
from streams.errors import FeatureStoreUnavailable, IndexUnavailable, MediaError
from streams.ports import DecodedMedium, FloatArray, HeardSound, Hit, IndexBuild, IndexSummary, Sound
from streams.simulation.world import World
from streams.steps import Step

SAMPLE_RATE = 8_000
SOUND_SECONDS = 1.0


class Host(Protocol):
    """The process that uses a store."""

    def point(self, what: str) -> None:
        """Pass a step."""
        ...

    def guard(self, step: Step) -> AbstractContextManager[object]:
        """Stand around a named step."""
        ...


@dataclass(slots=True, kw_only=True)
class Mood:
    """How the stores behave.

    Attributes
    ----------
    index_away, features_away : list of (float, float) [s]
        spans of time in which they do not answer
    slow : float [s]
        an answer takes up to so long
    stale : bool
        searches are answered by a replica that lags behind
    lying : bool
        searches name uploads that do not exist, or no longer
    torn : bool
        a batch is written in two parts
    """

    index_away: list[tuple[float, float]] = field(default_factory=list)
    features_away: list[tuple[float, float]] = field(default_factory=list)
    slow: float = 0.0
    stale: bool = False
    lying: bool = False
    torn: bool = False

    def clear_up(self) -> None:
        """Behave."""
        self.index_away.clear()
        self.features_away.clear()
        self.slow = 0.0
        self.stale = self.lying = self.torn = False


class Disk:
    """What outlives a process."""

    def __init__(self) -> None:
        self.index = MemoryCandidateIndex()
        self.replica = MemoryCandidateIndex()
        self.replicating: deque[tuple[str, tuple[IndexRow, ...], int]] = deque()
        self.features = MemoryFeatureStore()

    def lose_index(self) -> None:
        """Delete the index, as an operator or a broken disk would."""
        self.index = MemoryCandidateIndex()
        self.replica = MemoryCandidateIndex()
        self.replicating.clear()


class _Store:
    """Something on a disk that a process asks: each question is a step of the process."""

    def __init__(self, disk: Disk, mood: Mood, world: World, host: Host) -> None:
        self._disk = disk
        self._mood = mood
        self._world = world
        self._host = host

    def _is_away(self, what: str, away: Sequence[tuple[float, float]]) -> bool:
        """Pass the step, wait for an answer, and say whether there will be none."""
        self._host.point(what)
        if self._mood.slow:
            self._world.sleep(self._world.chance.random() * self._mood.slow)
        now = self._world.now
        return any(first <= now < end for first, end in away)


class SimulatedIndex(_Store):
    """The memory index of a disk, as one process sees it."""

    def _answer(self, what: str) -> None:
        if self._is_away(what, self._mood.index_away):
            raise IndexUnavailable("no answer")

    @property
    def _seen(self) -> MemoryCandidateIndex:
        """What searches see."""
        if not self._mood.stale:
            return self._disk.index
        self._disk.replica.active()
        waiting = self._disk.replicating
        for _ in range(self._world.chance.randint(0, len(waiting))):
            build, rows, watermark = waiting.popleft()
            self._disk.replica.apply(build, rows, watermark=watermark)
        return self._disk.replica

    def active(self) -> IndexBuild:
        """Resolve the alias."""
        self._answer("index: active")
        return self._disk.index.active()

    def builds(self) -> tuple[IndexBuild, ...]:
        """List every build."""
        self._answer("index: builds")
        return self._disk.index.builds()

    def create(self, build: str) -> IndexBuild:
        """Make an empty build."""
        self._answer("index: create")
        return self._disk.index.create(build)

    def promote(self, build: str) -> None:
        """Point the alias at a build."""
        self._answer("index: promote")
        self._disk.index.promote(build)

    def drop(self, build: str) -> None:
        """Delete a build."""
        self._answer("index: drop")
        self._disk.index.drop(build)

    def apply(self, build: str, rows: Sequence[IndexRow], *, watermark: int) -> None:
        """Fold rows; a torn batch has some of its rows and the old watermark for a moment."""
        self._answer(f"index: apply {len(rows)} rows up to {watermark}")
        held = {each.name: each.watermark for each in self._disk.index.builds()}
        with self._host.guard(Step.upsert):
            if self._mood.torn:
                part = rows[: self._world.chance.randint(0, len(rows))]
                self._disk.index.apply(build, part, watermark=held.get(build, 0))
                self._host.point("index: torn")
            self._disk.index.apply(build, rows, watermark=held.get(build, 0))
        with self._host.guard(Step.flush):
            pass
        with self._host.guard(Step.watermark):
            self._disk.index.apply(build, (), watermark=watermark)
        if self._mood.stale:
            self._disk.replicating.append((build, tuple(rows), watermark))

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Find the nearest rows, and in a lying mood some that are none."""
        self._answer("index: search")
        found = self._disk.index.search(build, modality=modality, model=model, vectors=vectors, limit=limit)
        return [self._with_lies(hits) for hits in found] if self._mood.lying else found

    def _with_lies(self, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        chance = self._world.chance
        lies = [Hit("label-a", "never-was", 1, 0, 0, 0.99)]
        if hits:
            some = chance.choice(hits)
            lies.append(some._replace(revision=some.revision + 1, similarity=1.0))
            lies.append(some._replace(similarity=chance.random()))
        return tuple(sorted((*hits, *lies), key=lambda hit: -hit.similarity))

    def summary(self, build: str) -> IndexSummary:
        """Count and checksum."""
        self._answer("index: summary")
        return self._disk.index.summary(build)

    def close(self) -> None:
        """Do nothing."""


class ReplicaIndex(SimulatedIndex):
    """The same, answered by a replica that may lag: what `find` sees of a server."""

    def active(self) -> IndexBuild:
        """Resolve the alias, as the replica knows it."""
        self._answer("index: active")
        return self._seen.active()

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Find the nearest rows that the replica holds."""
        self._answer("index: search")
        seen = self._disk.replica if self._mood.stale else self._disk.index
        found = seen.search(build, modality=modality, model=model, vectors=vectors, limit=limit)
        return [self._with_lies(hits) for hits in found] if self._mood.lying else found


class SimulatedFeatures(_Store):
    """The feature store of a disk, as one process sees it."""

    def _answer(self, what: str) -> None:
        if self._is_away(what, self._mood.features_away):
            raise FeatureStoreUnavailable("no answer")

    def put(self, data: bytes) -> str:
        """Keep a blob."""
        self._answer("features: put")
        return self._disk.features.put(data)

    def get(self, digest: str) -> bytes:
        """Read a blob."""
        self._answer("features: get")
        return self._disk.features.get(digest)

    def has(self, digest: str) -> bool:
        """Say whether a blob is there."""
        self._answer("features: has")
        return self._disk.features.has(digest)


@dataclass(frozen=True, slots=True, eq=False)
class _HeldSound:
    sr: int
    pcm: NDArray[np.int16]

    @property
    def samples(self) -> int:
        return len(self.pcm)

    def read(self, first: int, count: int) -> NDArray[np.int16]:
        return self.pcm[first : first + count]

    def close(self) -> None:
        pass


class InventedMedia:
    """Media behind ``file:///sound/NUMBER``: a chord per number, always the same."""

    def medium(self, media: Media, *, origin: Origin, sound: bool = True, pictures: int = 0) -> DecodedMedium:
        """Make the sound that a number stands for."""
        number = media.uri.rpartition("/")[2]
        if not number.isdigit():
            raise MediaError("nothing is there", code="media_missing")
        heard: Sound = chord(int(number))
        return DecodedMedium(sound=heard, duration_ms=int(SOUND_SECONDS * 1000))

    def picture(self, media: Media, *, origin: Origin) -> NDArray[np.uint8]:
        """Refuse: there are no pictures here."""
        raise MediaError("nothing is there", code="media_missing")


@lru_cache(maxsize=64)
def chord(number: int) -> _HeldSound:
    """Sound three tones that no other number has."""
    at = np.arange(int(SAMPLE_RATE * SOUND_SECONDS)) / SAMPLE_RATE
    tones = [110.0 * 2 ** ((number * 7 + step) / 12) for step in (0, 4, 11)]
    wave = np.sum([np.sin(2 * np.pi * (tone % 3_500) * at) for tone in tones], axis=0)
    return _HeldSound(SAMPLE_RATE, (wave * 8_000).astype(np.int16))


class RememberingEncoder(MemoryEncoder):
    """The encoder without models; what it has heard or read before it knows, from seed to seed."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed strings: float32 [shape=(n, d)], unit rows."""
        return np.stack([_embedded(text) for text in texts]) if texts else super().encode_texts(texts)

    def encode_sound(self, sound: Sound) -> HeardSound:
        """Hear a sound."""
        return _heard(sound)  # type: ignore[arg-type]  # each of them is one of `chord`


@lru_cache(maxsize=4_096)
def _embedded(text: str) -> FloatArray:
    row: FloatArray = MemoryEncoder().encode_texts([text])[0]
    row.flags.writeable = False
    return row


@lru_cache(maxsize=256)
def _heard(sound: Sound) -> HeardSound:
    return MemoryEncoder().encode_sound(sound)
