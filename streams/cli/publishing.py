"""Publish uploads and follow what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from streams.cli.decisions import DecisionFollower, follow_decisions
from streams.cli.reaching import reached
from streams.cli.reading import Given
from streams.config import Settings
from streams.connection import codec_for, kafka_extra
from streams.core.records import AdminCommand, Decision, Origin, Promotion, StageControl, Verdict
from streams.edges.control_log import CONTROLS
from streams.edges.disk import DiskRoom
from streams.edges.kafka_config import ERRORS_ONLY
from streams.edges.kafka_producer import Acknowledged, Publisher
from streams.edges.tracing import Tracing
from streams.errors import DiskLow, TransientError

UPLOADS = "catalog.upload.v1"
VERDICTS = "review.verdict.v1"
COMMANDS = "admin.command.v1"
PROMOTIONS = "model.promoted.v1"
POLL_SECONDS = 0.5
T = TypeVar("T")
# Decoding the longest medium takes less; a service that says nothing for so long is not running.
SILENT_SECONDS = 300.0


def publisher_for(settings: Settings) -> Publisher:
    """Return the publisher of one command: what the client library mends by itself is not shown."""
    return Publisher(reached(settings), {**kafka_extra(settings), "log_level": ERRORS_ONLY})


class Undecided(TransientError):
    """Uploads were published, and the service has not decided them."""

    code = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishEvent:
    """Something a person may want to see: a line that is no upload, a decision, or progress alone."""

    published: int
    problem: Given | None = None
    decision: Decision | None = None


class publish_all(Iterator[PublishEvent]):
    """Publish what is given; with ``wait``, until each is decided.

    Parameters
    ----------
    settings : Settings
    given : iterable of Given
    wait : bool

    Attributes
    ----------
    published : int
        so far
    """

    def __init__(self, settings: Settings, given: Iterable[Given], *, wait: bool) -> None:
        self.published = 0
        self._events = self._run(settings, given, wait=wait)

    def __iter__(self) -> Iterator[PublishEvent]:
        """Give the events."""
        return self._events

    def __next__(self) -> PublishEvent:
        """Give the next event."""
        return next(self._events)

    def _run(self, settings: Settings, given: Iterable[Given], *, wait: bool) -> Iterator[PublishEvent]:
        codec, waiting = codec_for(settings), _Waiting()
        with ExitStack() as stack:
            # Before the first upload, so that no decision is missed.
            follower = stack.enter_context(follow_decisions(settings)) if wait else None
            tracing = stack.enter_context(
                Tracing.start(settings.telemetry, stage="publish", data_dir=settings.data_dir)
            )
            publisher = stack.enter_context(publisher_for(settings))
            for one in while_room(settings, given):
                if one.upload is None:
                    yield PublishEvent(published=self.published, problem=one)
                    continue
                publisher.publish(
                    UPLOADS,
                    key=one.upload.key.text().encode(),
                    value=codec.encode(UPLOADS, one.upload),
                    headers=tracing.publish_span(UPLOADS),
                    on_done=waiting.acknowledged if wait else None,
                )
                self.published += 1
                yield PublishEvent(published=self.published)
                if follower is not None:
                    publisher.poll()
                    for decision in waiting.arrived(follower.poll(0.0)):
                        yield PublishEvent(published=self.published, decision=decision)
            publisher.flush()
            if follower is not None:
                for decision in _rest(follower, waiting):
                    yield PublishEvent(published=self.published, decision=decision)


def while_room(settings: Settings, things: Iterable[T]) -> Iterator[T]:
    """Give things to be written while the embedded broker's disk has room; a cluster looks after its own.

    Raises
    ------
    DiskLow
        it has none; what was given so far is written
    """
    room = DiskRoom.of(settings.data_dir, min_free=settings.disk.min_free_bytes)
    for thing in things:
        if settings.kafka.bootstrap is None and (why := room()) is not None:
            raise DiskLow(why)
        yield thing


class _Waiting:
    """Which published uploads are not decided yet; a decision may be seen before its acknowledgement."""

    def __init__(self) -> None:
        self._open: set[Origin] = set()
        self._early: dict[Origin, Decision] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def __len__(self) -> int:
        return len(self._open)

    def acknowledged(self, where: Acknowledged) -> None:
        """Wait for the decision on a record that the brokers have (one they refused raises at the flush)."""
        if where.partition is not None and where.offset is not None:
            self._open.add(Origin(topic=where.topic, partition=where.partition, offset=where.offset))

    def arrived(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Return the decisions on our uploads; those of others are not ours to show."""
        self._early.update({decision.origin: decision for decision in decisions})
        ours = [decision for origin, decision in self._early.items() if origin in self._open]
        for decision in ours:
            self._open.discard(decision.origin)
            del self._early[decision.origin]
        return ours


def _rest(follower: DecisionFollower, waiting: _Waiting) -> Iterator[Decision]:
    """Follow until all are decided.

    Raises
    ------
    Undecided
        nothing was decided for a long time
    """
    silent = 0.0
    yield from waiting.arrived(())
    while waiting:
        found = waiting.arrived(follower.poll(POLL_SECONDS))
        silent = 0.0 if found else silent + POLL_SECONDS
        if silent > SILENT_SECONDS:
            raise Undecided(
                f"{len(waiting)} uploads are published and not decided after {SILENT_SECONDS:.0f} s. Is "
                "`samesong up` running on this --data-dir? `samesong doctor` tells; nothing is lost."
            )
        yield from found


def publish_verdict(settings: Settings, verdict: Verdict) -> None:
    """Publish one judgement of a person."""
    key = f"{verdict.left_source}/{verdict.left_item_id}|{verdict.right_source}/{verdict.right_item_id}"
    _publish_one(settings, VERDICTS, key=key, record=verdict)


def publish_command(settings: Settings, command: AdminCommand) -> None:
    """Publish one command of an operator."""
    _publish_one(settings, COMMANDS, key=command.command_id, record=command)


def publish_promotion(settings: Settings, promotion: Promotion) -> None:
    """Publish one promotion."""
    _publish_one(settings, PROMOTIONS, key=promotion.subject, record=promotion)


def publish_control(settings: Settings, control: StageControl) -> None:
    """Publish whether a stage may take records in."""
    _publish_one(settings, CONTROLS, key=control.key(), record=control)


def _publish_one(settings: Settings, topic: str, *, key: str, record: object) -> None:
    with publisher_for(settings) as publisher:
        publisher.publish(topic, key=key.encode(), value=codec_for(settings).encode(topic, record))
