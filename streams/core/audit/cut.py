"""What an audit reads at one cut through the logs, and what it says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from streams.core.records import (
    EntityChanged,
    EntityState,
    IndexRow,
    Origin,
    Outcome,
    RelationChanged,
    RelationState,
)

Committed = Mapping[tuple[str, int], int]


class Carried(NamedTuple):
    """A record on its way: where it lies, and the upload it is about (None: it is about none)."""

    at: Origin
    origin: Origin | None


class DecidedAt(NamedTuple):
    """As much of a decision as conservation needs."""

    at: Origin
    origin: Origin
    sequence: int
    outcome: Outcome
    part: int = 0
    parts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexHolding:
    """What the active index build says it holds.

    Attributes
    ----------
    build : str
    watermark : int >= 0
        next offset of the row log that it has not folded
    rows : int >= 0
    checksum : str
        "" when it was not counted at this watermark
    """

    build: str
    watermark: int
    rows: int
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One thing that does not add up.

    Attributes
    ----------
    hop : str
        encode, find, arbitrate, sequence, entity, relation, index, read or subscriber
    what : str
        lost, doubled, from_nowhere, gap, torn, differs or unreadable
    subject : str
        the offset (``topic[partition]@offset``), sequence, entity or build
    detail : str
        for a person
    """

    hop: str
    what: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit found, and how much it looked at.

    Attributes
    ----------
    mismatches : tuple of Mismatch
        empty when everything adds up
    checked : mapping of str to int
        records looked at, by hop
    """

    mismatches: tuple[Mismatch, ...]
    checked: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether everything adds up."""
        return not self.mismatches


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """What an installation's logs hold since the cut before, up to this one.

    Each iterable is read once, in log order, and ``unreadable_inputs`` after ``inputs``. What the arbiter has
    said is read before what it was asked: then only what is open has to be remembered.
    """

    uploads: Iterable[Origin] = ()
    encoded: Iterable[Carried] = ()
    again: Iterable[Carried] = ()
    inputs: Iterable[Carried] = ()
    decisions: Iterable[DecidedAt] = ()
    letters: Iterable[Carried] = ()
    entity_changes: Iterable[EntityChanged] = ()
    entities: Iterable[EntityState] = ()
    relation_changes: Iterable[RelationChanged] = ()
    relations: Iterable[RelationState] = ()
    rows: Iterable[tuple[int, IndexRow]] = ()
    unreadable_inputs: Iterable[Origin] = ()
    encode_committed: Committed
    find_committed: Committed
    arbiter_committed: Committed
    index: IndexHolding | None = None


def where(at: Origin) -> str:
    """Write a position."""
    return f"{at.topic}[{at.partition}]@{at.offset}"


def below(at: Origin, committed: Committed) -> bool:
    """Say whether a stage has promised the outcome of a record."""
    return at.offset < committed.get((at.topic, at.partition), 0)
