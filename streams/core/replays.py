"""Headers of dead letters and of records that are replayed, and how a log position is written."""

import re
from collections.abc import Iterable
from typing import Final

from streams.core.records import DeadLetter, Origin

Headers = tuple[tuple[str, bytes], ...]

REPLAY_OF: Final = "samesong-replay-of"
ATTEMPT: Final = "samesong-attempt"
# Senders can write these headers too: what is no position or no sane number is not looked at.
MAX_ATTEMPT: Final = 1_000_000
_ORIGIN = re.compile(r"([A-Za-z0-9._-]{1,249})/(\d{1,9})/(\d{1,18})")


def origin_text(origin: Origin) -> str:
    """Write a log position: ``topic/partition/offset``."""
    return f"{origin.topic}/{origin.partition}/{origin.offset}"


def parse_origin(text: str) -> Origin | None:
    """Read what ``origin_text`` writes; none for anything else."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return None
    return Origin(topic=found[1], partition=int(found[2]), offset=int(found[3]))


def read_replay(headers: Iterable[tuple[str, bytes]]) -> tuple[int, Origin | None]:
    """Read from a record's headers which attempt it is, and what it replays."""
    named = dict(headers)
    written = named.get(ATTEMPT, b"")
    attempt = int(written) if len(written) < 8 and written.isdigit() else 1
    replayed = parse_origin(named.get(REPLAY_OF, b"").decode("ascii", "replace"))
    return (min(max(1, attempt), MAX_ATTEMPT), replayed) if replayed is not None else (1, None)


def replay_headers(letter: DeadLetter) -> Headers:
    """Give the headers of a record that replays a refused one."""
    return (
        (REPLAY_OF, origin_text(letter.origin).encode()),
        (ATTEMPT, str(min(letter.attempt + 1, MAX_ATTEMPT)).encode()),
    )


def letter_headers(letter: DeadLetter) -> Headers:
    """Give the headers of a dead letter, for tools that look at headers alone; the trace comes with them."""
    headers = (
        ("source-topic", letter.origin.topic),
        ("source-partition", str(letter.origin.partition)),
        ("source-offset", str(letter.origin.offset)),
        ("schema-id", schema_id(letter.body)),
        ("error-code", letter.code),
        ("reason", letter.reason),
        ("attempt", str(letter.attempt)),
    )
    return tuple((name, value.encode("utf-8", "replace")) for name, value in headers)


def schema_id(body: bytes) -> str:
    """Name the schema that a raw record claims: a fingerprint, a registry's id, json, or nothing known."""
    if body[:2] == b"\xc3\x01" and len(body) >= 10:
        return body[2:10].hex()
    if body[:1] == b"\x00" and len(body) >= 5:
        return str(int.from_bytes(body[1:5], "big"))
    return "json" if body.lstrip()[:1] == b"{" else ""
