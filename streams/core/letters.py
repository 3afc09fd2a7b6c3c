"""Dead letters of what operators ask for: a command or promotion that cannot be acted upon."""

import hashlib
from typing import Final

from streams.core.ids import stable_id
from streams.core.records import DeadLetter, Origin

# The record itself stays in the arbiter's log, which is kept for ever; this much of it is shown.
MAX_BODY: Final = 4_096


def letter(at: Origin, *, code: str, reason: str, body: bytes, sequence: int) -> DeadLetter:
    """Refuse a record of the arbiter's log.

    Parameters
    ----------
    at : Origin
        where it lies in `arbiter.input.v1`
    code, reason : str
    body : bytes
        the record as it was read
    sequence : int
        the last one used: a refusal changes nothing and takes no number of its own
    """
    return DeadLetter(
        event_id=stable_id("event", at.topic, at.partition, at.offset, "deadletter"),
        sequence=sequence,
        origin=at,
        code=code,
        reason=reason,
        body=body[:MAX_BODY],
        body_sha256=hashlib.sha256(body).hexdigest(),
        body_bytes=len(body),
    )
