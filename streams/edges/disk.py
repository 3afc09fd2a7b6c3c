"""Room on the disks of an installation: intake pauses before a write would fail half way."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from streams.ports import StageMetrics

EVERY_SECONDS: Final = 1.0
# Going on needs a little more room than stopping, so that one deleted file does not make it flutter.
TENTH: Final = 10
FOLDERS: Final = (".", "kafka", "features", "index", "state")


def free_bytes(folder: Path) -> int:
    """Return what is free for us where a folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


class DiskRoom:
    """Says why nothing may be taken in while a disk is nearly full; asked often, looks once a second.

    Parameters
    ----------
    folders : tuple of Path
        each may be on a disk of its own; one that is not there yet counts where it will be
    min_free : int >= 0 [bytes]
        what must be free on each of them; with 0 it always is enough
    metrics : StageMetrics, optional
    probe : callable
        gives the free bytes where a folder is
    clock : callable
        gives seconds that never go back
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        *,
        min_free: int,
        metrics: StageMetrics | None = None,
        probe: Callable[[Path], int] = free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = folders
        self._min_free = min_free
        self._metrics = metrics
        self._probe = probe
        self._clock = clock
        self._due = clock()
        self._why: str | None = None

    @classmethod
    def of(cls, data_dir: Path, *, min_free: int, metrics: StageMetrics | None = None) -> Self:
        """Look at a data folder, and at what may be mounted in it: the broker's logs, features, the index."""
        return cls(tuple(data_dir / name for name in FOLDERS), min_free=min_free, metrics=metrics)

    def __call__(self) -> str | None:
        """Say why intake must pause; none while there is room."""
        now = self._clock()
        if now >= self._due:
            self._due = now + EVERY_SECONDS
            self._why = self._look()
        return self._why

    def least(self) -> tuple[int, Path]:
        """Return the fewest free bytes, and where.

        Raises
        ------
        OSError
            a disk cannot be asked
        """
        return min(((self._probe(folder), folder) for folder in self._folders), key=lambda found: found[0])

    def _look(self) -> str | None:
        if self._min_free == 0:
            return None
        try:
            free, folder = self.least()
        except OSError as exc:
            return f"the data folder cannot be looked at: {exc}"
        if self._metrics is not None:
            self._metrics.set("samesong.disk.free", free)
            self._metrics.set("samesong.disk.reserved", self._min_free)
        enough = self._min_free if self._why is None else self._min_free + self._min_free // TENTH
        if free >= enough:
            return None
        mb = 1024 * 1024
        return f"{free // mb} MB are free at {folder}, {self._min_free // mb} MB must be: make room"
