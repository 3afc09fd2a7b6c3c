"""`--as-of`: a sequence of the arbiter's log, or an instant; whatever could be read two ways is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """Up to where the log is read: a sequence, or an instant [ms since 1970]; one of the two is set."""

    sequence: int | None = None
    at_ms: int | None = None


def parse_as_of(text: str, *, now: datetime) -> AsOf:
    """Read what a person typed.

    Raises
    ------
    ValueError
        it is neither, or says less than it takes; the message says what does
    """
    if text.isascii() and text.isdigit():
        return AsOf(sequence=int(text))
    if _WITHOUT_ZONE.fullmatch(text):
        raise ValueError(f"{text!r} is no instant: write date, time and zone, such as 2026-01-31T12:00:00Z")
    if not _INSTANT.fullmatch(text):
        raise ValueError(
            f"{text!r} is neither a sequence, such as 1204, nor an instant, such as 2026-01-31T12:00:00Z"
        )
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError as exc:
        raise ValueError(f"{text!r} is no instant: {exc}") from exc
    if instant > now:
        raise ValueError(f"{text!r} has not come yet: it is {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return AsOf(at_ms=(instant - _EPOCH) // timedelta(milliseconds=1))
