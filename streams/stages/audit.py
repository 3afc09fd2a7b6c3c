"""The audit stage: reads every hop as it is committed and lets ``streams.core.audit`` judge."""

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
    audit,
    where,
)
from streams.core.records import IndexWatermark, Origin
from streams.errors import DecodeError
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
CUT_ATTEMPTS = 20
ATTEMPTS = 3
PAUSE_SECONDS = 1.0

Ends = Mapping[int, int]


class LogView(Protocol):
    """Topics as they stand, read-committed."""

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Ends]:
        """Return the end of each partition, by topic."""
        ...

    def read(self, topic: str, ends: Ends | None) -> Iterator[Message]:
        """Read a topic up to some ends, by default those of now."""
        ...

    def committed(self, group: str, topics: tuple[str, ...]) -> Committed:
        """Return what a group has committed."""
        ...


def ends_between_transactions(view: LogView, topics: tuple[str, ...]) -> Mapping[str, Ends]:
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


class _Cut:
    """One reading of every topic, with what could not be read put aside."""

    def __init__(self, view: LogView, codec: Codec) -> None:
        self._view = view
        self._codec = codec
        self.unreadable: list[Mismatch] = []
        self.unreadable_inputs: list[Origin] = []

    def take(self) -> AuditReport:
        """Read and judge; a stage's promise is read before what it must have led to."""
        encode = self._view.committed(ENCODE_GROUP, (UPLOADS,))
        find = self._view.committed(FIND_GROUP, (ENCODED, AGAIN))
        arbiter = self._view.committed(ARBITER_GROUP, (INPUTS,))
        holding = self._index_holding()
        ends = ends_between_transactions(self._view, _TRANSACTION)
        inputs = tuple(self._carried_inputs())
        log = AuditLog(
            uploads=(_at(message) for message in self._view.read(UPLOADS, None)),
            encoded=self._carried(ENCODED, None),
            again=self._carried(AGAIN, ends[AGAIN]),
            inputs=inputs,
            decisions=(
                DecidedAt(
                    _at(message), record.origin, record.sequence, record.outcome, record.part, record.parts
                )
                for message, record in self._records(DECISIONS, ends[DECISIONS])
            ),
            letters=self._carried(LETTERS, ends[LETTERS]),
            entity_changes=self._values(ENTITY_CHANGES, ends),
            entities=self._values(ENTITIES, ends),
            relation_changes=self._values(RELATION_CHANGES, ends),
            relations=self._values(RELATIONS, ends),
            rows=((message.offset, record) for message, record in self._records(ROWS, ends[ROWS])),
            unreadable_inputs=self.unreadable_inputs,
            encode_committed=encode,
            find_committed=find,
            arbiter_committed=arbiter,
            index=holding,
        )
        report = audit(log)
        return AuditReport(mismatches=(*report.mismatches, *self.unreadable), checked=report.checked)

    def _index_holding(self) -> IndexHolding | None:
        """Return the newest word of the active build."""
        newest: IndexWatermark | None = None
        for _, record in self._records(WATERMARKS, None):
            if record.active:
                newest = record
        if newest is None:
            return None
        return IndexHolding(
            build=newest.build, watermark=newest.watermark, rows=newest.rows, checksum=newest.checksum
        )

    def _carried_inputs(self) -> Iterator[Carried]:
        """Read the arbiter's log: an upload's origin, or none for verdicts and commands."""
        for message in self._view.read(INPUTS, None):
            try:
                record = self._codec.decode(INPUTS, message.value or b"")
            except DecodeError:
                self.unreadable_inputs.append(_at(message))
                continue
            found = record.found
            yield Carried(_at(message), None if found is None else found.encoded.origin)

    def _carried(self, topic: str, ends: Ends | None) -> Iterator[Carried]:
        for message, record in self._records(topic, ends):
            yield Carried(_at(message), record.origin)

    def _values(self, topic: str, ends: Mapping[str, Ends]) -> Iterator[Any]:
        for _, record in self._records(topic, ends[topic]):
            yield record

    def _records(self, topic: str, ends: Ends | None) -> Iterator[tuple[Message, Any]]:
        """Read a topic that only our own stages write: bytes that are no record are a mismatch."""
        for message in self._view.read(topic, ends):
            if message.value is None:
                continue
            try:
                yield message, self._codec.decode(topic, message.value)
            except DecodeError as exc:
                self.unreadable.append(
                    Mismatch(hop="read", what="unreadable", subject=where(_at(message)), detail=str(exc))
                )


def _at(message: Message) -> Origin:
    return Origin(topic=message.topic, partition=message.partition, offset=message.offset)


def run_audit(
    view: LogView,
    codec: Codec,
    *,
    attempts: int = ATTEMPTS,
    wait: Callable[[float], object] = time.sleep,
) -> AuditReport:
    """Audit an installation.

    A mismatch counts when every attempt finds it: a commit is seen on one partition a moment before it is
    seen on another, so a single look at a pipeline at work may find what is not there.

    Parameters
    ----------
    view : LogView
    codec : Codec
    attempts : int >= 1
        looks at most; a clean one ends it
    wait : callable
        called with seconds between two looks

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer
    """
    report = _Cut(view, codec).take()
    for _ in range(attempts - 1):
        if report.clean:
            break
        wait(PAUSE_SECONDS)
        held = {(each.hop, each.what, each.subject) for each in report.mismatches}
        again = _Cut(view, codec).take()
        lasting = tuple(each for each in again.mismatches if (each.hop, each.what, each.subject) in held)
        report = AuditReport(mismatches=lasting, checked=again.checked)
    return report
