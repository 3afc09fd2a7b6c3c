"""Records to bytes and back."""

from typing import Any, Protocol


class Codec(Protocol):
    """Bytes to the frozen values of ``streams.core.records`` and back, by topic."""

    def encode(self, topic: str, record: object) -> bytes:
        """Write a value of the class that belongs to ``topic``."""
        ...

    def decode(self, topic: str, data: bytes) -> Any:  # the class follows from the topic
        """Read a value of the class that belongs to ``topic``.

        Raises
        ------
        DecodeError
            wrong magic, unknown fingerprint, or bytes that do not fit their schema
        """
        ...
