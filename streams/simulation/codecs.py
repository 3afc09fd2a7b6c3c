"""Codecs that spare a simulation what the real one costs; every record passes the real one once."""

from typing import Any

from streams.ports import Codec


class RememberingCodec:
    """The real codec; bytes that were read before are not read again."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._read: dict[tuple[str, bytes], Any] = {}

    def encode(self, topic: str, record: object) -> bytes:
        """Write a record."""
        return self._codec.encode(topic, record)

    def decode(self, topic: str, data: bytes, *, part: type | None = None) -> Any:
        """Read a record, always whole; frozen values may be given to several readers."""
        key = topic, data
        if key not in self._read:
            self._read[key] = self._codec.decode(topic, data)
        return self._read[key]


class PassingCodec:
    """Hands records through as they are: for runs of which nobody reads the bytes.

    What it did not write itself the real codec reads.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._records: dict[bytes, object] = {}

    def encode(self, topic: str, record: object) -> bytes:
        """Give a ticket for a record."""
        ticket = b"%d" % len(self._records)
        self._records[ticket] = record
        return ticket

    def decode(self, topic: str, data: bytes, *, part: type | None = None) -> Any:
        """Give the record of a ticket, whole."""
        return self._records[data] if data in self._records else self._codec.decode(topic, data, part=part)
