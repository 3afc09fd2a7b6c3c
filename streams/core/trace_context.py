"""W3C trace context, read strictly: it comes from strangers and stands in headers, spans and decisions."""

import re
from typing import NamedTuple

# A later version may add parts behind the flags; version ff is none.
_TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<rest>-[\x21-\x7e]{0,128})?"
)


class TraceContext(NamedTuple):
    """One position in a trace, as lower-case hexadecimal digits."""

    trace_id: str
    span_id: str
    flags: int


def read_traceparent(value: bytes | None) -> TraceContext | None:
    """Read a ``traceparent`` header; None where there is none or it is not valid."""
    found = _TRACEPARENT.fullmatch(value) if value is not None else None
    if found is None or (found["version"] == b"00" and found["rest"] is not None):
        return None
    return TraceContext(found["trace"].decode(), found["span"].decode(), int(found["flags"], 16))
