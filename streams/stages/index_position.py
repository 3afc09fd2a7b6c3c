"""How far the index has folded: told to the arbiter, and made good before the index stage goes on."""

import itertools
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from streams.core.records import IndexWatermark
from streams.edges.kafka_producer import Publisher
from streams.edges.log_reader import LogReader
from streams.ports import Codec, Message, RowLog
from streams.stages.index import ROW_TOPIC, WATERMARK_TOPIC, IndexProcessor

CATCH_UP_ROWS: Final = 5_000


class Following(Protocol):
    """Whatever gives the new records of `index.watermark.v1`."""

    def poll(self, seconds: float) -> tuple[Message, ...]:
        """Return what arrived, waiting at most so long for the first record."""
        ...


class FoldedTo:
    """Follows what the active index build has folded; never goes back, as the overlay has let go."""

    def __init__(self, follower: Following, codec: Codec) -> None:
        self._follower = follower
        self._codec = codec
        self._folded = 0

    def __call__(self) -> int:
        """Read what is new and give the watermark."""
        for message in self._follower.poll(0.0):
            mark: IndexWatermark = self._codec.decode(WATERMARK_TOPIC, message.value or b"")
            if mark.active:
                self._folded = max(self._folded, mark.watermark)
        return self._folded


class KafkaRowLog:
    """`RowLog` over Kafka, for one thread at a time."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader

    def end(self) -> int:
        """Return the read-committed end of `index.row.v1`."""
        return self._reader.bounds(ROW_TOPIC)[1]

    def read(self, first: int, end: int) -> Iterator[Message]:
        """Read what is committed from an offset up to an end."""
        return self._reader.read_committed_to_end(ROW_TOPIC, first, end=end)


def catch_up(
    processor: IndexProcessor,
    log: RowLog,
    publisher: Publisher,
    *,
    may_go_on: Callable[[], bool] = lambda: True,
) -> None:
    """Fold what the index lacks before its group goes on: the index, not the group, knows its place.

    ``may_go_on`` is asked before each batch: it waits while the stage is paused, and false ends it here.
    """
    end = log.end()
    messages = log.read(processor.resume_offset(end=end), end)
    while batch := list(itertools.islice(messages, CATCH_UP_ROWS)):
        if not may_go_on():
            break
        for produced in processor.process(batch):
            publisher.publish(produced.topic, key=produced.key, value=produced.value)
    publisher.flush()
