"""Records as they are read from topics and as they are to be written."""

from typing import NamedTuple

from streams.core.records import Origin
from streams.core.records.record import Record

Headers = tuple[tuple[str, bytes], ...]


class Message(Record, frozen=True, kw_only=True):
    """One record of a topic as it was read.

    Attributes
    ----------
    gap : int >= 0
        how many offsets right before it hold no record: the ends of transactions, and what was aborted; 0
        where that is not known
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0
    gap: int = 0

    @property
    def origin(self) -> Origin:
        """Name its place in the log."""
        return Origin(topic=self.topic, partition=self.partition, offset=self.offset)

    def header(self, name: str) -> bytes | None:
        """Return the last header of this name."""
        for key, value in reversed(self.headers):
            if key == name:
                return value
        return None


class Produced(Record, frozen=True, kw_only=True):
    """One record to be written.

    Attributes
    ----------
    cause : int, optional
        index of the message of the batch that it follows from: the runner continues that message's trace
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers = ()
    cause: int | None = None


class Delivered(NamedTuple):
    """One record of a committed transaction and the offset that the broker gave it."""

    produced: Produced
    offset: int
