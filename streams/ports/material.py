"""Sounds that hold a part of another one."""

from typing import NamedTuple, Protocol

from streams.core.records import ItemKey, SoundFacts


class Sharer(NamedTuple):
    """An upload whose sound may hold something that another one holds as well."""

    key: ItemKey
    revision: int
    sound: SoundFacts


class Material(Protocol):
    """Which of the sounds heard so far may share a few seconds with another; calls come from one thread."""

    def add(self, key: ItemKey, revision: int, sound: SoundFacts) -> None:
        """Take in a sound: of an item the highest revision; one whose features are gone is left out."""
        ...

    def remove(self, key: ItemKey, revision: int) -> None:
        """Forget an upload's sound, if it is of this revision."""
        ...

    def search(self, sound: SoundFacts) -> tuple[Sharer, ...]:
        """Name those that may share something with a sound, the likeliest first."""
        ...
