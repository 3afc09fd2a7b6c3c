"""The audit stage: reads every hop as it is committed and lets ``streams.core.audit`` judge."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from streams.core.audit import (
    AuditLog,
    AuditReport,
    Carried,
    Committed,
    DecidedAt,
    IndexHolding,
    Mismatch,
    RunningAudit,
    where,
)
from streams.core.audit.parts import DecisionPart, InputPart, OriginPart
from streams.core.records import IndexWatermark, Origin
from streams.errors import DecodeError, OffsetRegression
from streams.ports import Codec, Message

UPLOADS, ENCODED, AGAIN, INPUTS = (
    "catalog.upload.v1",
    "upload.encoded.v1",
    "lookup.again.v1",
    "arbiter.input.v1",
)
DECISIONS, LETTERS, HEAD = "resolution.decided.v1", "deadletter.v1", "arbiter.head.v1"
ENTITY_CHANGES, ENTITIES = "entity.changed.v1", "entity.state.v1"
RELATION_CHANGES, RELATIONS = "relation.changed.v1", "relation.state.v1"
ROWS, WATERMARKS = "index.row.v1", "index.watermark.v1"

ENCODE_GROUP, FIND_GROUP, ARBITER_GROUP = "samesong.encode", "samesong.find", "samesong.arbitrate"

# All that one transaction of the arbiter writes; `HEAD` is in every one of them.
_TRANSACTION = (
    DECISIONS, LETTERS, AGAIN, ENTITY_CHANGES, ENTITIES, RELATION_CHANGES, RELATIONS, ROWS,
)  # fmt: skip
# Read to their ends of a moment later: what led to the transactions below the cut is there by then.
_BESIDE = (INPUTS, ENCODED, UPLOADS)
CUT_ATTEMPTS = 20
ATTEMPTS = 3
PAUSE_SECONDS = 1.0

Ends = Mapping[int, int]

_log = logging.getLogger(__name__)


class TopicView(Protocol):
    """Topics as they stand, read-committed."""

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Ends]:
        """Return the end of each partition, by topic."""
        ...

    def read(self, topic: str, ends: Ends | None, since: Ends | None = None) -> Iterator[Message]:
        """Read a topic, from some offsets or all that is kept, up to some ends, by default those of now."""
        ...


class LogView(TopicView, Protocol):
    """Topics as they stand, and how far groups have come on them."""

    def committed(self, group: str, topics: tuple[str, ...]) -> Committed:
        """Return what a group has committed."""
        ...


def ends_between_transactions(view: TopicView, topics: tuple[str, ...]) -> Mapping[str, Ends]:
    """Return ends, the head's among them, that no transaction of the arbiter crosses.

    Every transaction moves the head; when it did not move while the ends were asked for, none was
    committed between them. An arbiter too busy for that gives a torn cut, which a second look repeats.
    """
    head = view.ends((HEAD,))
    ends: Mapping[str, Ends] = {}
    for _ in range(CUT_ATTEMPTS):
        ends = view.ends(topics)
        after = view.ends((HEAD,))
        if after == head:
            break
        head = after
    return {**ends, **head}


class Audit:
    """Looks at an installation again and again, each time at what is new.

    Parameters
    ----------
    view : LogView
    codec : Codec
    """

    def __init__(self, view: LogView, codec: Codec) -> None:
        self._view = view
        self._codec = codec
        self._forget()

    def _forget(self) -> None:
        self._running = RunningAudit()
        self._next: dict[str, dict[int, int]] = {}
        self._active: IndexHolding | None = None
        self._unreadable: list[Mismatch] = []

    def look(self, *, attempts: int = ATTEMPTS, wait: Callable[[float], object] = time.sleep) -> AuditReport:
        """Audit everything up to now.

        A mismatch counts when every attempt finds it: a commit is seen on one partition a moment before it
        is seen on another, so a single look at a pipeline at work may find what is not there.

        Parameters
        ----------
        attempts : int >= 1
            looks at most; a clean one ends it
        wait : callable
            called with seconds between two looks

        Raises
        ------
        BrokerUnavailable
            Kafka does not answer
        """
        report = self._take_whole()
        for _ in range(attempts - 1):
            if report.clean:
                break
            wait(PAUSE_SECONDS)
            held = {(each.hop, each.what, each.subject) for each in report.mismatches}
            again = self._take_whole()
            lasting = tuple(each for each in again.mismatches if (each.hop, each.what, each.subject) in held)
            report = AuditReport(mismatches=lasting, checked=again.checked)
        return report

    def _take_whole(self) -> AuditReport:
        """Read and judge; from the beginning where that is cut short, or the log is another one."""
        fresh = not self._next
        try:
            return self._take()
        except OffsetRegression as exc:
            self._forget()
            if fresh:
                raise
            _log.warning("everything is read anew: %s", exc)
            return self._take_whole()
        except BaseException:  # an interrupt too: of half a cut nothing can be gone on from
            self._forget()
            raise

    def _take(self) -> AuditReport:
        """Read what is new and judge; a stage's promise is read before what it must have led to."""
        encode = self._view.committed(ENCODE_GROUP, (UPLOADS,))
        find = self._view.committed(FIND_GROUP, (ENCODED, AGAIN))
        arbiter = self._view.committed(ARBITER_GROUP, (INPUTS,))
        self._hear_of_index(self._view.ends((WATERMARKS,)))
        ends = {**ends_between_transactions(self._view, _TRANSACTION), **self._view.ends(_BESIDE)}
        unreadable_inputs: list[Origin] = []
        report = self._running.take(
            AuditLog(
                uploads=(message.origin for message in self._new(UPLOADS, ends)),
                encoded=self._carried(ENCODED, ends),
                again=self._carried(AGAIN, ends),
                inputs=self._carried_inputs(ends, unreadable_inputs),
                decisions=(
                    DecidedAt(
                        message.origin,
                        record.origin,
                        record.sequence,
                        record.outcome,
                        record.part,
                        record.parts,
                    )
                    for message, record in self._records(DECISIONS, ends, part=DecisionPart)
                ),
                letters=self._carried(LETTERS, ends),
                entity_changes=self._values(ENTITY_CHANGES, ends),
                entities=self._values(ENTITIES, ends),
                relation_changes=self._values(RELATION_CHANGES, ends),
                relations=self._values(RELATIONS, ends),
                rows=((message.offset, record) for message, record in self._records(ROWS, ends)),
                unreadable_inputs=unreadable_inputs,
                encode_committed=encode,
                find_committed=find,
                arbiter_committed=arbiter,
                index=self._active,
            )
        )
        return AuditReport(mismatches=(*report.mismatches, *self._unreadable), checked=report.checked)

    def _hear_of_index(self, ends: Mapping[str, Ends]) -> None:
        """Take in the newest word of the active build."""
        for _, record in self._records(WATERMARKS, ends):
            said: IndexWatermark = record
            if said.active:
                self._active = IndexHolding(
                    build=said.build, watermark=said.watermark, rows=said.rows, checksum=said.checksum
                )

    def _carried_inputs(self, ends: Mapping[str, Ends], unreadable: list[Origin]) -> Iterator[Carried]:
        """Read the arbiter's log: an upload's origin, or none for verdicts and commands."""
        for message in self._new(INPUTS, ends):
            try:
                record = self._codec.decode(INPUTS, message.value or b"", part=InputPart)
            except DecodeError:
                unreadable.append(message.origin)
                continue
            found = record.found
            yield Carried(message.origin, None if found is None else found.encoded.origin)

    def _carried(self, topic: str, ends: Mapping[str, Ends]) -> Iterator[Carried]:
        for message, record in self._records(topic, ends, part=OriginPart):
            yield Carried(message.origin, record.origin)

    def _values(self, topic: str, ends: Mapping[str, Ends]) -> Iterator[Any]:
        for _, record in self._records(topic, ends):
            yield record

    def _records(
        self, topic: str, ends: Mapping[str, Ends], *, part: type | None = None
    ) -> Iterator[tuple[Message, Any]]:
        """Read a topic that only our own stages write: bytes that are no record are a mismatch."""
        for message in self._new(topic, ends):
            if message.value is None:
                continue
            try:
                yield message, self._codec.decode(topic, message.value, part=part)
            except DecodeError as exc:
                self._unreadable.append(
                    Mismatch(hop="read", what="unreadable", subject=where(message.origin), detail=str(exc))
                )

    def _new(self, topic: str, ends: Mapping[str, Ends]) -> Iterator[Message]:
        """Read a topic from where the last cut ended to where this one does."""
        yield from self._view.read(topic, ends[topic], self._next.get(topic, {}))
        self._next[topic] = dict(ends[topic])


def run_audit(
    view: LogView,
    codec: Codec,
    *,
    attempts: int = ATTEMPTS,
    wait: Callable[[float], object] = time.sleep,
) -> AuditReport:
    """Audit an installation from the beginning of its logs; see :meth:`Audit.look`."""
    return Audit(view, codec).look(attempts=attempts, wait=wait)
