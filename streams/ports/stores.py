"""What is kept beside the log: the arbiter's state on its own disk, and features by their digest."""

from typing import Protocol

from streams.core.catalogue import Changes
from streams.core.store_mark import StoreMark


class StateStore(Protocol):
    """The arbiter's state on its own disk: a fold that says how far it has folded, and may be lost any time.

    It never stops its owner. A store that cannot be written, or that another owner has taken over, lets go of
    what it holds or leaves it alone, and the next start reads the log from its beginning.
    """

    def take_over(self) -> StoreMark | None:
        """Own the store from now on, so that no older owner can write; give its mark, if it has one."""
        ...

    def read(self) -> Changes | None:
        """Read everything that it holds; none where that cannot be read."""
        ...

    def write(self, changes: Changes, mark: StoreMark) -> None:
        """Fold the changes of a committed transaction, with the mark, both or neither."""
        ...

    def reset(self) -> None:
        """Empty it."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FeatureStore(Protocol):
    """Content-addressed, immutable blobs, written before the record that names them."""

    def put(self, data: bytes) -> str:
        """Keep a blob, durable on return; give its sha256 as hex. Keeping it again refreshes its time."""
        ...

    def get(self, digest: str) -> bytes:
        """Read a blob and check its digest.

        Raises
        ------
        FeatureMissing
            no such blob, or its bytes are damaged
        """
        ...

    def has(self, digest: str) -> bool:
        """Say whether the blob is there."""
        ...
