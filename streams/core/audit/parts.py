"""As much of records as an audit of what is conserved asks for; reading it takes half the time."""

from streams.core.records import Origin, Outcome
from streams.core.records.record import Record


class OriginPart(Record, frozen=True, kw_only=True):
    """Which upload a record is about."""

    origin: Origin


class DecisionPart(Record, frozen=True, kw_only=True):
    """Which upload a decision is about, what became of it, and where it stands in the sequence."""

    origin: Origin
    sequence: int
    outcome: Outcome
    part: int
    parts: int


class FoundPart(Record, frozen=True, kw_only=True):
    """What was looked up for an upload."""

    encoded: OriginPart


class InputPart(Record, frozen=True, kw_only=True):
    """A record of the arbiter's log: an upload that was looked up, or a command."""

    found: FoundPart | None = None
