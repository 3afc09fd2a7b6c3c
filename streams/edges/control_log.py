"""Follow `stage.control.v1`: asked often, answers at once, knows at the start what was said before."""

import logging
import time
from collections.abc import Mapping
from typing import Final

from streams.core.records import StageControl
from streams.edges.committed_log import read_topic
from streams.edges.log_follower import LogFollower
from streams.errors import BrokerUnavailable, DecodeError
from streams.ports import Codec, Message

CONTROLS: Final = "stage.control.v1"
EVERY_SECONDS: Final = 0.25

log = logging.getLogger(__name__)


class ControlLog:
    """What operators and stages say about taking records in, as it is said; for one thread.

    The topic is compacted and small: it is read whole before the first answer, so that a stage that was
    paused before a restart takes nothing in after it. While Kafka does not answer nothing new is known, and
    what was said last holds.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    extra : mapping
        security and whatever else goes over the clients' settings
    codec : Codec

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer, or has no such topic
    """

    def __init__(self, bootstrap: str, extra: Mapping[str, str | int | float | bool], codec: Codec) -> None:
        self._codec = codec
        self._read_to = -1
        self._asked = 0.0
        self._waiting = self._read(tuple(read_topic(bootstrap, extra, CONTROLS)))
        self._follower = LogFollower(bootstrap, extra, CONTROLS, start="beginning")

    def news(self) -> tuple[StageControl, ...]:
        """Give what was said since it was last asked; never blocks, and looks four times a second at most."""
        now = time.monotonic()
        if now - self._asked >= EVERY_SECONDS:
            self._asked = now
            try:
                self._waiting += self._read(self._follower.poll(0.0))
            except BrokerUnavailable as exc:
                log.debug("nothing new is known about paused stages: %s", exc)
        news, self._waiting = self._waiting, ()
        return news

    def close(self) -> None:
        """Let go of the connection."""
        self._follower.close()

    def _read(self, messages: tuple[Message, ...]) -> tuple[StageControl, ...]:
        """Decode what was not read before; the topic has one partition, so offsets tell."""
        read = []
        for message in messages:
            if message.offset <= self._read_to:
                continue
            self._read_to = message.offset
            if message.value is None:
                continue
            try:
                said: StageControl = self._codec.decode(CONTROLS, message.value)
            except DecodeError as exc:
                log.warning("%s @ %d cannot be read and changes nothing: %s", CONTROLS, message.offset, exc)
                continue
            read.append(said)
        return tuple(read)
