"""Reading decisions and other logs of one installation."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Literal, Self

from streams.cli.reaching import reached
from streams.config import Settings
from streams.connection import codec_for, kafka_extra
from streams.core.records import Decision
from streams.edges.log_follower import LogFollower
from streams.errors import DecodeError
from streams.ports import Codec

DECISIONS = "resolution.decided.v1"


class DecisionFollower:
    """Decisions as they come.

    Parameters
    ----------
    follower : LogFollower
    codec : Codec
    """

    def __init__(self, follower: LogFollower, codec: Codec) -> None:
        self._follower = follower
        self._codec = codec

    def __enter__(self) -> Self:
        """Follow."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        self._follower.close()

    def poll(self, seconds: float) -> list[Decision]:
        """Return the decisions that arrived within so many seconds."""
        return [
            self._codec.decode(DECISIONS, message.value)
            for message in self._follower.poll(seconds)
            if message.value is not None
        ]


def follow_decisions(settings: Settings, *, start: Literal["end", "beginning"] = "end") -> DecisionFollower:
    """Follow the decisions of an installation."""
    follower = LogFollower(reached(settings), kafka_extra(settings), DECISIONS, start=start)
    return DecisionFollower(follower, codec_for(settings))


def read_records(settings: Settings, topic: str) -> Iterator[Any]:
    """Read a topic from its beginning to its end as of now, decoded; tombstones are left out.

    Raises
    ------
    DecodeError
        a record cannot be read; names its offset
    """
    for record, _ in read_dated(settings, topic):
        yield record


def read_dated(settings: Settings, topic: str) -> Iterator[tuple[Any, int]]:
    """Read a topic as ``read_records`` does, each record with its timestamp [ms since 1970]."""
    from streams.edges.committed_log import read_topic

    codec = codec_for(settings)
    for message in read_topic(reached(settings), kafka_extra(settings), topic):
        if message.value is None:
            continue
        try:
            yield codec.decode(topic, message.value), message.timestamp_ms
        except DecodeError as exc:
            raise DecodeError(f"{topic} [{message.partition}] @ {message.offset}: {exc}") from exc
