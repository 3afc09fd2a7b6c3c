"""The reference subscriber: the catalogue from topics alone, and whether it is what the arbiter keeps."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from streams.core.audit import Mismatch
from streams.core.records import ArbiterHead
from streams.core.subscribed import FollowedCatalogue, differences
from streams.core.subscribing import SUBSCRIBED, SequenceAssembler, WholeSequence
from streams.edges.kafka_config import ClientConfig
from streams.edges.log_follower import LogFollower
from streams.errors import CorruptState, SequenceGap
from streams.ports import Codec, Message
from streams.stages.audit import ATTEMPTS, PAUSE_SECONDS, Ends, TopicView, ends_between_transactions

HEAD: Final = "arbiter.head.v1"
STATES: Final = ("upload.state.v1", "entity.state.v1", "relation.state.v1")


# A commit is seen on one partition a moment before it is seen on another; what lacks for longer is lost.
PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a subscriber has come: store it together with what it was applied to.

    Attributes
    ----------
    sequence : int >= 0
        the last one that was given
    offsets : mapping of str to int
        next offset to read, by topic
    """

    sequence: int = 0
    offsets: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write it."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "Position":
        """Read what ``to_json`` wrote.

        Raises
        ------
        CorruptState
            it is none
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as exc:
            raise CorruptState(f"no position of a subscriber: {exc}") from exc


class Subscriber:
    """Follows decisions, entity changes and relation changes, and gives whole sequences in their order.

    It reads what is committed, without a consumer group: where it goes on is the caller's to store.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    codec : Codec
        ``streams.edges.avro.AvroCodec``; with a schema registry ``streams.edges.registry.ConfluentCodec``
    extra : mapping, optional
        security settings of the Kafka client
    position : Position
        by default the beginning
    patience_seconds : float > 0 [s]
        how long a part may lack while later ones are there
    clock : callable
        seconds that never go back

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer, or lacks a topic
    OffsetRegression
        the position is of other topics than these
    """

    def __init__(
        self,
        bootstrap: str,
        codec: Codec,
        *,
        extra: ClientConfig | None = None,
        position: Position | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        position = position if position is not None else Position()
        self._codec = codec
        self._patience = patience_seconds
        self._clock = clock
        self._assembler = SequenceAssembler(after=position.sequence)
        self._next = dict(position.offsets)
        self._held: dict[str, dict[int, int]] = {topic: {} for topic in SUBSCRIBED}
        self._whole_at = clock()
        self._stopped: SequenceGap | None = None
        with ExitStack() as stack:
            self._followers = {
                topic: stack.enter_context(
                    LogFollower(bootstrap, extra or {}, topic, start={0: start} if start else "beginning")
                )
                for topic in SUBSCRIBED
                for start in [position.offsets.get(topic, 0)]
            }
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        """Follow."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._open.close()

    @property
    def position(self) -> Position:
        """Where to go on after all that was given has been applied."""
        # Records of a sequence that is not whole yet are read again.
        offsets = {topic: min(self._held[topic].values(), default=end) for topic, end in self._next.items()}
        return Position(sequence=self._assembler.done, offsets=offsets)

    def poll(self, seconds: float) -> tuple[WholeSequence, ...]:
        """Give the sequences that became whole, waiting about so long where there are none.

        Raises
        ------
        SequenceGap
            a sequence, or a part of one, is missing or there twice: nothing after it is ever given
        """
        if self._stopped is not None:
            raise self._stopped
        given: list[WholeSequence] = []
        try:
            for share in (0.0, seconds / len(SUBSCRIBED)):
                for topic, follower in self._followers.items():
                    if not given:
                        self._read(topic, follower.poll(share), given)
        except SequenceGap as exc:
            # What became whole before is given first.
            self._stopped = exc
            if not given:
                raise
        for held in self._held.values():
            for sequence in [each for each in held if each <= self._assembler.done]:
                del held[sequence]
        lacks = self._assembler.lacks()
        if given or lacks is None:
            self._whole_at = self._clock()
        elif self._clock() - self._whole_at > self._patience:
            raise SequenceGap(lacks)
        return tuple(given)

    def _read(self, topic: str, messages: Iterable[Message], given: list[WholeSequence]) -> None:
        for message in messages:
            record = self._codec.decode(topic, message.value or b"")
            self._held[topic].setdefault(record.sequence, message.offset)
            given += self._assembler.take(record, message.timestamp_ms)
            self._next[topic] = message.offset + 1


def follow_to_end(view: TopicView, codec: Codec, ends: Mapping[str, Ends]) -> FollowedCatalogue:
    """Build the catalogue from the three topics, up to some ends.

    Raises
    ------
    SequenceGap
        a sequence, or a part of one, is missing or there twice
    """
    assembler, followed = SequenceAssembler(), FollowedCatalogue()
    for topic in SUBSCRIBED:
        for message in view.read(topic, ends[topic]):
            for whole in assembler.take(codec.decode(topic, message.value or b""), message.timestamp_ms):
                followed.apply(whole)
    lacks = assembler.lacks()
    if lacks is not None:
        raise SequenceGap(lacks)
    return followed


def compare_with_arbiter(
    view: TopicView,
    codec: Codec,
    *,
    attempts: int = ATTEMPTS,
    wait: Callable[[float], object] = time.sleep,
) -> tuple[Mismatch, ...]:
    """Rebuild everything as a subscriber would and compare it with the arbiter's state; empty: they agree.

    What every attempt finds counts, as in :func:`streams.stages.audit.run_audit`: a commit is seen on one
    partition a moment before it is seen on another.

    Parameters
    ----------
    view : TopicView
        ``streams.edges.committed_log.CommittedLog`` of a broker, or a log in memory
    codec : Codec
    attempts : int >= 1
        looks at most; one without a difference ends it
    wait : callable
        called with seconds between two looks
    """
    found = tuple(_look(view, codec))
    for _ in range(attempts - 1):
        if not found:
            break
        wait(PAUSE_SECONDS)
        held = {(each.what, each.subject) for each in found}
        found = tuple(each for each in _look(view, codec) if (each.what, each.subject) in held)
    return found


def _look(view: TopicView, codec: Codec) -> Iterator[Mismatch]:
    """Compare once, at a cut that no transaction crosses."""
    ends = ends_between_transactions(view, (*SUBSCRIBED, *STATES))
    try:
        followed = follow_to_end(view, codec, ends)
    except SequenceGap as exc:
        yield Mismatch(hop="subscriber", what="gap", subject="sequence", detail=str(exc))
        return
    heads = list(_latest(view, codec, HEAD, ends[HEAD]))
    uploads, entities, relations = (_latest(view, codec, topic, ends[topic]) for topic in STATES)
    yield from differences(
        followed,
        head=heads[-1] if heads else ArbiterHead(),
        uploads=uploads,
        entities=entities,
        relations=relations,
    )


def _latest(view: TopicView, codec: Codec, topic: str, ends: Ends) -> Iterator[Any]:
    """Give the latest record of each key of a compacted topic."""
    latest = {message.key: message.value for message in view.read(topic, ends)}
    for value in latest.values():
        yield codec.decode(topic, value or b"")
