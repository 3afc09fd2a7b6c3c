"""No event is left out: the worker goes back to the one that is due, wherever Faust has got to.

Seen with Faust 0.15.3. When it has restored its tables it reads on, seeks to the committed offsets a moment
later, and empties its queues after that: an event in between is gone. And it commits what comes after a gap
of one. So how far the fold has come is kept with the fold, and the offsets of the group are only where
reading starts. Offsets of a topic without transactions have no gaps but where old records were deleted.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

AGAIN_SECONDS = 1.0

_log = logging.getLogger(__name__)


class InOrder:
    """Says of each event whether it is due.

    Parameters
    ----------
    consumer : callable
        gives Faust's consumer
    clock : callable
        gives seconds that never go back
    """

    def __init__(self, consumer: Callable[[], Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._consumer = consumer
        self._clock = clock
        self._next: dict[int, int] = {}
        self._sought: dict[int, float] = {}

    def take_up(self, positions: Mapping[int, int]) -> None:
        """Go on where a fold has come to; of other partitions the first event that comes is due."""
        self._next = dict(positions)
        self._sought.clear()

    async def due(self, message: Any) -> bool:
        """Say whether an event is to be folded; where some before it are missing they are asked for.

        One that came before is due once more: the fold knows it, and what follows it comes again as well.
        """
        expected = self._next.get(message.partition, message.offset)
        if message.offset <= expected:
            return True
        now = self._clock()
        # What Faust has read ahead comes first, and may undo the seek.
        if now - self._sought.get(message.partition, float("-inf")) < AGAIN_SECONDS:
            return False
        self._sought[message.partition] = now
        first = (await self._consumer().earliest_offsets(message.tp))[message.tp]
        if first > expected:
            _log.warning(
                "%s-%d: offsets %d to %d were deleted", message.topic, message.partition, expected, first
            )
            self._next[message.partition] = expected = first
        if message.offset <= expected:
            return True
        _log.info("%s-%d: back from %d to %d", message.topic, message.partition, message.offset, expected)
        await self._consumer().seek(message.tp, expected)
        return False

    def done(self, message: Any) -> None:
        """Note that an event is folded."""
        self._next[message.partition] = message.offset + 1
