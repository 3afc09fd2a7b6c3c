"""Carry a record that cannot be used on, with why and with its bytes, named as far as it can be told."""

from typing import Any, Final

import orjson
from msgspec.structs import replace

from streams.core.encoding import INLINE_LIMIT, refused
from streams.core.records import EncodedUpload
from streams.core.trace_context import read_traceparent
from streams.ports import FeatureStore, Message

TRACE_HEADER: Final = "traceparent"


class Refusals:
    """Make refused records.

    Parameters
    ----------
    store : FeatureStore, optional
        keeps bodies that are too long to travel
    """

    def __init__(self, store: FeatureStore | None) -> None:
        self._store = store

    def refused(
        self, message: Message, *, code: str, reason: str, encoded: EncodedUpload | None = None
    ) -> EncodedUpload:
        """Refuse a record; what was read of it before names its item."""
        body = message.value or b""
        made = refused(
            body,
            code=code,
            reason=reason[:2000].encode("utf-8", "replace").decode("utf-8"),
            origin=message.origin,
            received_ms=message.timestamp_ms,
            traceparent=traceparent_of(message),
            headers=message.headers,
        )
        if made.refusal is not None and len(body) > INLINE_LIMIT and self._store is not None:
            made = replace(made, refusal=replace(made.refusal, body_blob=self._store.put(body)))
        if encoded is None:
            source, item_id = _claimed_item(body)
            return replace(made, source=source, item_id=item_id)
        return replace(
            made,
            source=encoded.source,
            item_id=encoded.item_id,
            revision=encoded.revision,
            operation=encoded.operation,
            digest=encoded.digest,
            kind=encoded.kind,
        )


def traceparent_of(message: Message) -> str | None:
    """Give the trace context; what is none goes no further: a stranger wrote it."""
    trace = message.header(TRACE_HEADER)
    return trace.decode() if trace is not None and read_traceparent(trace) is not None else None


def _claimed_item(body: bytes) -> tuple[str, str]:
    """Read whose record a refused JSON object claims to be, so that its sender finds the decision."""
    try:
        raw: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    source, item_id = (raw.get("source"), raw.get("item_id")) if isinstance(raw, dict) else ("", "")
    if (
        isinstance(source, str)
        and isinstance(item_id, str)
        and source
        and max(len(source), len(item_id)) <= 512
    ):
        return source, item_id
    return "", ""
