"""A feature store that lives and dies with its process: for tests and for `resolve` without Kafka."""

import hashlib
import threading

from streams.errors import FeatureMissing


class MemoryFeatureStore:
    """Blobs in a dictionary behind the port ``streams.ports.FeatureStore``."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, data: bytes) -> str:
        """Keep a blob; give its sha256 as hex."""
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._blobs[digest] = bytes(data)
        return digest

    def get(self, digest: str) -> bytes:
        """Read a blob and check its digest.

        Raises
        ------
        FeatureMissing
            no such blob, or its bytes are damaged
        """
        with self._lock:
            data = self._blobs.get(digest)
        if data is None:
            raise FeatureMissing(f"no blob {digest}")
        if hashlib.sha256(data).hexdigest() != digest:
            raise FeatureMissing(f"blob {digest} is damaged")
        return data

    def has(self, digest: str) -> bool:
        """Say whether the blob is there."""
        with self._lock:
            return digest in self._blobs

    def damage(self, digest: str) -> None:
        """Change a blob's bytes behind the store's back, as a failing disk would (for tests)."""
        with self._lock:
            self._blobs[digest] += b"\x00"
