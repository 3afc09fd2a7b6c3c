"""The local store in memory: the working double of ``streams.ports.StateStore``."""

from streams.core.catalogue import Changes
from streams.core.store_mark import StoreMark


class MemoryStateFile:
    """What outlives an owner, as a file does."""

    def __init__(self) -> None:
        self.generation = 0
        self.mark: StoreMark | None = None
        self.held = Changes()


class MemoryStateStore:
    """One owner of a file in memory.

    Parameters
    ----------
    file : MemoryStateFile, optional
        shared by owners that follow one another
    """

    def __init__(self, file: MemoryStateFile | None = None) -> None:
        self._file = file or MemoryStateFile()
        self._generation = 0

    def take_over(self) -> StoreMark | None:
        """Own the store from now on, and give its mark."""
        self._file.generation += 1
        self._generation = self._file.generation
        return self._file.mark

    def read(self) -> Changes | None:
        """Read everything that it holds."""
        held = self._file.held
        return Changes(
            uploads=dict(held.uploads),
            entities=dict(held.entities),
            pairs=dict(held.pairs),
            relations=dict(held.relations),
        )

    def write(self, changes: Changes, mark: StoreMark) -> None:
        """Fold changes."""
        if self._generation != self._file.generation:
            return
        held = self._file.held
        held.uploads |= changes.uploads
        held.entities |= changes.entities
        held.pairs = {key: each for key, each in (held.pairs | changes.pairs).items() if each.live}
        relations = held.relations | changes.relations
        held.relations = {key: each for key, each in relations.items() if each.status == "asserted"}
        self._file.mark = mark

    def reset(self) -> None:
        """Empty it."""
        if self._generation == self._file.generation:
            self._file.held, self._file.mark = Changes(), None

    def close(self) -> None:
        """Let go of it."""
