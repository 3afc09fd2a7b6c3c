"""Dead letters of one installation: which are meant, their raw bytes, and what a replay would write."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from streams.cli.publishing import publisher_for, while_room
from streams.cli.reaching import reached
from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.records import DeadLetter, ItemKey, Origin
from streams.core.replays import origin_text, replay_headers
from streams.edges.committed_log import read_topic
from streams.edges.log_reader import LogReader
from streams.errors import DecodeError, FeatureMissing, OffsetRegression
from streams.ports import Headers, Message

LETTERS: Final = "deadletter.v1"
# What comes from outside can be sent again; what our own stages wrote is made anew by them.
REPLAYABLE: Final = frozenset(
    {"catalog.upload.v1", "review.verdict.v1", "admin.command.v1", "model.promoted.v1"}
)
TRACEPARENT: Final = "traceparent"
_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter as it lies in its topic."""

    record: DeadLetter
    at_ms: int
    offset: int
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which letters are meant; nothing named means all."""

    codes: Collection[str] = ()
    sources: Collection[str] = ()
    since_ms: int = 0
    origins: Collection[Origin] = ()

    def __contains__(self, letter: object) -> bool:
        if not isinstance(letter, Letter):
            return False
        record = letter.record
        return (
            (not self.codes or record.code in self.codes)
            and (not self.sources or record.source in self.sources)
            and letter.at_ms >= self.since_ms
            and (not self.origins or record.origin in self.origins)
        )


def read_letters(settings: Settings, chosen: Chosen) -> Iterator[Letter]:
    """Read the dead letters that are meant, in their order.

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer
    DecodeError
        a dead letter cannot be read; names its offset
    """
    codec = codec_for(settings)
    for message in read_topic(reached(settings), kafka_extra(settings), LETTERS):
        letter = _letter(codec.decode, message)
        if letter is not None and letter in chosen:
            yield letter


def _letter(decode: Callable[[str, bytes], Any], message: Message) -> Letter | None:
    if message.value is None:
        return None
    try:
        record: DeadLetter = decode(LETTERS, message.value)
    except DecodeError as exc:
        raise DecodeError(f"{LETTERS} [{message.partition}] @ {message.offset}: {exc}") from exc
    return Letter(record=record, at_ms=message.timestamp_ms, offset=message.offset, headers=message.headers)


def since_ms(text: str, *, now: datetime) -> int:
    """Read a time, or how long ago: ``2026-01-31T12:00:00+00:00``, ``90m``, ``2d``.

    Raises
    ------
    ValueError
        it is neither
    """
    ago = _SPAN.fullmatch(text)
    if ago is not None:
        at = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    else:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)


class Bodies:
    """The raw bytes of refused records: out of the letter, the feature store, or the topic they came from."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closing = ExitStack()
        self._reader: LogReader | None = None

    def __enter__(self) -> Self:
        """Give the bodies."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what was opened."""
        self._closing.close()

    def of(self, letter: DeadLetter) -> bytes | None:
        """Return the whole record as it was sent; none when it is nowhere any more."""
        if letter.body_sha256 is not None and len(letter.body) == letter.body_bytes:
            return letter.body
        body = self._blob(letter.body_blob) if letter.body_blob is not None else None
        if body is None:
            body = self._sent(letter.origin)
        if body is not None and letter.body_sha256 not in (None, hashlib.sha256(body).hexdigest()):
            return None
        return body

    def _blob(self, digest: str) -> bytes | None:
        from streams.wiring.parts import feature_store

        try:
            return feature_store(self._settings).get(digest)
        except FeatureMissing:
            return None

    def _sent(self, origin: Origin) -> bytes | None:
        """Read the record where it was sent, if it is still kept there."""
        if self._reader is None:
            self._reader = self._closing.enter_context(
                LogReader(bootstrap_of(self._settings), kafka_extra(self._settings))
            )
        try:
            for message in self._reader.read_committed_to_end(
                origin.topic, origin.offset, partition=origin.partition, end=origin.offset + 1
            ):
                if message.offset == origin.offset:
                    return message.value or b""
        except OffsetRegression:
            pass
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One record that a replay writes, or why it writes none."""

    letter: DeadLetter
    body: bytes = b""
    headers: Headers = ()
    refused: str | None = None


def plan_replay(letters: Iterable[Letter], bodies: Callable[[DeadLetter], bytes | None]) -> Iterator[Replay]:
    """Say what a replay writes, in the order in which the records were first sent.

    A record whose replay was refused again has several letters, with one body: it is sent once, as the
    attempt after the last one.
    """
    newest: dict[tuple[str, str], Letter] = {}
    for letter in letters:
        record = letter.record
        same = record.body_sha256 or origin_text(record.origin)
        before = newest.setdefault((record.origin.topic, same), letter)
        if record.attempt > before.record.attempt:
            newest[record.origin.topic, same] = letter
    for letter in newest.values():
        record = letter.record
        if record.origin.topic not in REPLAYABLE:
            yield Replay(
                letter=record, refused=f"{record.origin.topic} is written by our own stages: ask anew"
            )
        elif record.code == "revision_conflict":
            yield Replay(letter=record, refused="it would conflict again: a higher revision is needed")
        elif (body := bodies(record)) is None:
            yield Replay(letter=record, refused="its bytes are nowhere any more: it must be sent again")
        else:
            trace = tuple(pair for pair in letter.headers if pair[0] == TRACEPARENT)
            yield Replay(letter=record, body=body, headers=(*replay_headers(record), *trace))


def replay_key(letter: DeadLetter) -> bytes:
    """Give the key that brings a record near its item's others, if it is known whose it is."""
    if letter.source and letter.item_id:
        return ItemKey(letter.source, letter.item_id).text().encode(errors="replace")
    return origin_text(letter.origin).encode()


def paced(
    things: Iterable[Replay],
    per_second: float,
    *,
    now: Callable[[], float],
    wait: Callable[[float], object],
) -> Iterator[Replay]:
    """Give things no faster than so many a second."""
    begun = now()
    for count, thing in enumerate(things):
        early = begun + count / per_second - now()
        if early > 0:
            wait(early)
        yield thing


def write_replays(settings: Settings, replays: Iterable[Replay]) -> int:
    """Write records to the topics they came from; give how many are acknowledged.

    Raises
    ------
    BrokerUnavailable
        records are not acknowledged in time
    """
    written = 0
    with publisher_for(settings) as publisher:
        for replay in while_room(settings, replays):
            publisher.publish(
                replay.letter.origin.topic,
                key=replay_key(replay.letter),
                value=replay.body,
                headers=replay.headers,
            )
            written += 1
    return written
