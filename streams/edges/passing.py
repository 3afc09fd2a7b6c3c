"""Records handed from stage to stage as they are, where all stages run in one process."""

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.ports import Codec


class _Ticket(bytes):
    """What stands for the bytes of a record that nobody wrote, and holds the record."""

    record: object


class PassingCodec:
    """Spares writing and reading; a record lives as long as the message that carries it.

    Parameters
    ----------
    codec : Codec
        reads what came as bytes, and writes what must be bytes
    bounded : mapping of str to int
        topics whose records have a greatest size: one that may exceed it is written, so that it shows
    """

    def __init__(self, codec: Codec, *, bounded: Mapping[str, int] | None = None) -> None:
        self._codec = codec
        self._bounded = bounded or {}

    def encode(self, topic: str, record: object) -> bytes:
        """Give a ticket for a record."""
        bound = self._bounded.get(topic)
        # With the names of all fields in it MessagePack is never shorter than Avro, and written at once.
        if bound is not None and len(msgspec.msgpack.encode(record)) > bound:
            return self._codec.encode(topic, record)
        ticket = _Ticket(b"ticket")
        ticket.record = record
        return ticket

    def decode(self, topic: str, data: bytes, *, part: type | None = None) -> Any:
        """Give the record of a ticket, whole."""
        return data.record if isinstance(data, _Ticket) else self._codec.decode(topic, data, part=part)
