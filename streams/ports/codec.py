"""Records to bytes and back."""

from typing import Any, Protocol


class Codec(Protocol):
    """Bytes to the frozen values of ``streams.core.records`` and back, by topic."""

    def encode(self, topic: str, record: object) -> bytes:
        """Write a value of the class that belongs to ``topic``."""
        ...

    def decode(self, topic: str, data: bytes, *, part: type | None = None) -> Any:
        """Read a value of the class that belongs to ``topic``.

        Parameters
        ----------
        topic : str
        data : bytes
        part : type, optional
            a class of records with some of the fields, of the same names: the others may be passed over, so
            that nobody pays for what is not asked for

        Raises
        ------
        DecodeError
            wrong magic, unknown fingerprint, or bytes that do not fit their schema
        """
        ...
