"""The lock on a data folder: one owner, whose process id stands in it."""

import fcntl
import os
from pathlib import Path
from typing import IO

from streams.errors import ConfigError


class FolderUnusable(ConfigError):
    """A data folder cannot be made, or not be written."""

    code = "folder_unusable"


class FolderTaken(Exception):
    """Another process has the lock.

    Attributes
    ----------
    owner : str
        its process id, as far as it stands there
    """

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


class FolderLock:
    """A lock that is held until it is let go, or until the last process that inherited it has ended."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    def take(cls, path: Path) -> "FolderLock":
        """Take the lock, and make its folder where there is none.

        Raises
        ------
        FolderTaken
            another process has it
        FolderUnusable
            the system refuses
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        except OSError as exc:
            raise FolderUnusable(f"{path.parent} cannot be a data folder: {exc.strerror}") from exc
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            file.seek(0)
            owner = file.read().strip()
            file.close()
            raise FolderTaken(owner) from exc
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        return cls(file)

    def fileno(self) -> int:
        """Give the descriptor, for a process that is to hold the lock as well."""
        return self._file.fileno()

    def let_go(self) -> None:
        """Let go of it; whoever inherited it still holds it."""
        self._file.close()
