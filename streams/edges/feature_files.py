"""The feature store as a folder: one file per blob, named by its sha256."""

import contextlib
import hashlib
import os
import re
import tempfile
import time
from pathlib import Path

from streams.errors import FeatureMissing, FeatureStoreUnavailable
from streams.steps import Guard, Step, unguarded

_DIGEST = re.compile(r"[0-9a-f]{64}")
# A writer renames its temporary file within moments; one this old has lost its writer.
_STALE_TEMP_S = 24 * 3600.0


class FileFeatureStore:
    """Blobs in a folder behind the port ``streams.ports.FeatureStore``.

    A blob is written beside its place, synced, renamed, and its folder synced, so a name that can be read
    always has whole bytes, also after a power cut. Several processes may share the folder.

    Parameters
    ----------
    root : Path
        made if missing
    guard : callable
        stands around the moment in which a blob gets its name
    """

    def __init__(self, root: Path, *, guard: Guard = unguarded) -> None:
        self._guard = guard
        self._root = root
        self._temp = root / "tmp"
        try:
            self._temp.mkdir(parents=True, exist_ok=True)
            self._sweep()
        except OSError as exc:
            raise FeatureStoreUnavailable(f"cannot use {root}: {exc}") from exc

    def put(self, data: bytes) -> str:
        """Keep a blob, durable on return; give its sha256 as hex. Keeping it again refreshes its time.

        Raises
        ------
        FeatureStoreUnavailable
            the disk is full or not writable
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        try:
            if not self._refresh(path, data):
                self._write(path, data)
        except OSError as exc:
            raise FeatureStoreUnavailable(f"cannot keep blob {digest}: {exc}") from exc
        return digest

    def get(self, digest: str) -> bytes:
        """Read a blob and check its digest.

        Raises
        ------
        FeatureMissing
            no such blob, or its bytes are damaged
        FeatureStoreUnavailable
            the folder cannot be read
        """
        if not _DIGEST.fullmatch(digest):
            raise FeatureMissing(f"{digest!r} is not the name of a blob")
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as exc:
            raise FeatureMissing(f"no blob {digest}") from exc
        except OSError as exc:
            raise FeatureStoreUnavailable(f"cannot read blob {digest}: {exc}") from exc
        if hashlib.sha256(data).hexdigest() != digest:
            raise FeatureMissing(f"blob {digest} is damaged")
        return data

    def has(self, digest: str) -> bool:
        """Say whether the blob is there."""
        return _DIGEST.fullmatch(digest) is not None and self._path(digest).is_file()

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:]

    def _refresh(self, path: Path, data: bytes) -> bool:
        """Touch a blob that is there and whole; a damaged one is to be written anew."""
        try:
            if path.read_bytes() != data:
                return False
            os.utime(path)
        except FileNotFoundError:
            return False
        # Another process may have renamed it a moment ago and not yet synced the folder.
        _sync_folder(path.parent)
        return True

    def _write(self, path: Path, data: bytes) -> None:
        if not path.parent.is_dir():
            path.parent.mkdir(exist_ok=True)
            _sync_folder(self._root)
        handle, name = tempfile.mkstemp(dir=self._temp)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            with self._guard(Step.keep):
                os.replace(name, path)
        except BaseException:  # Ctrl-C too leaves nothing behind
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _sync_folder(path.parent)

    def _sweep(self) -> None:
        """Delete what writers that died have left."""
        oldest = time.time() - _STALE_TEMP_S
        for path in self._temp.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
