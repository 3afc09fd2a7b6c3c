"""When refusals stop a partition: pure functions over the last outcomes of its records.

A single hostile file is one refusal and stops nothing. A bad release, theirs or ours, refuses record after
record: then the partition waits for a person, and what was not read yet is not made into dead letters.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Exceeded(StrEnum):
    """Which limit was reached; the value is the code of the hold."""

    run = "deadletter_run"
    share = "deadletter_share"
    failures = "encode_failing"


class Reading(StrEnum):
    """What became of one record."""

    read = "read"
    refused = "refused"
    failed = "failed"  # refused, as our own code broke on it in a way nobody foresaw


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalLimits:
    """How many refusals a partition may have before it waits.

    Attributes
    ----------
    run : int >= 1
        so many in a row
    share : float in (0, 1]
        so large a part of the last ``window`` records; not judged before there were so many
    window : int >= 1
    failures : int >= 1
        so many in a row that broke our own code
    """

    run: int
    share: float
    window: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The last outcomes of one partition, newest first as bits: a refusal is 1."""

    bits: int = 0
    seen: int = 0
    run: int = 0
    failures: int = 0


def observe(history: History, reading: Reading, limits: RefusalLimits) -> History:
    """Give the history with one more outcome; no more than the window is kept."""
    refused = reading is not Reading.read
    return replace(
        history,
        bits=(history.bits << 1 | refused) & ((1 << limits.window) - 1),
        seen=min(history.seen + 1, limits.window),
        run=history.run + 1 if refused else 0,
        failures=history.failures + 1 if reading is Reading.failed else 0,
    )


def exceeded(history: History, limits: RefusalLimits) -> Exceeded | None:
    """Say which limit a history has reached, the gravest first."""
    if history.failures >= limits.failures:
        return Exceeded.failures
    if history.run >= limits.run:
        return Exceeded.run
    if history.seen == limits.window and history.bits.bit_count() >= limits.share * limits.window:
        return Exceeded.share
    return None
