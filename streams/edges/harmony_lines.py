"""Straight lines through the harmonies of stored sounds, behind the port ``Lines``."""

from collections.abc import Sequence
from typing import Final

from cachetools import LRUCache

from encoders.version_lines import LineClasses, line_scores
from streams.core.records import SoundFacts
from streams.edges.sound_blobs import classes_of
from streams.errors import FeatureMissing
from streams.ports import FeatureStore

# 8 kB a sound of four minutes.
_CACHED: Final = 8_192


class FeatureLines:
    """`Lines` over a feature store.

    Parameters
    ----------
    store : FeatureStore
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store
        self._classes: LRUCache[str, LineClasses | None] = LRUCache(_CACHED)

    def scores(self, asked: SoundFacts, others: Sequence[SoundFacts]) -> list[float]:
        """Say how far a sound goes together with each of others; 0 where that cannot be said."""
        own = self._load(asked)
        scores = [0.0] * len(others)
        if own is None:
            return scores
        kept = {at: classes for at, each in enumerate(others) if (classes := self._load(each)) is not None}
        for at, score in zip(kept, line_scores(own, list(kept.values())), strict=True):
            scores[at] = float(score)
        return scores

    def _load(self, sound: SoundFacts) -> LineClasses | None:
        """Read a sound's classes; none where its features are gone, or of before they were kept."""
        if sound.features not in self._classes:
            try:
                self._classes[sound.features] = classes_of(self._store.get(sound.features))
            except FeatureMissing:
                return None
        return self._classes[sound.features]
