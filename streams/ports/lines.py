"""Sounds whose harmony goes along with that of another one."""

from collections.abc import Sequence
from typing import Protocol

from streams.core.records import SoundFacts


class Lines(Protocol):
    """How far performances go together in one key at one tempo; calls come from one thread."""

    def scores(self, asked: SoundFacts, others: Sequence[SoundFacts]) -> list[float]:
        """Say how far a sound goes together with each of others; 0 where that cannot be said."""
        ...
