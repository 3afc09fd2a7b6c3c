"""Kafka's message objects to our values and back."""

from confluent_kafka import Message as RawMessage

from streams.ports import Headers, Message, Produced


def read_message(raw: RawMessage, *, gap: int = 0) -> Message:
    """Turn a polled record (not an error) into a value; ``gap`` offsets right before it hold none."""
    _kind, timestamp = raw.timestamp()
    return Message(
        topic=raw.topic() or "",
        partition=raw.partition() or 0,
        offset=raw.offset() or 0,
        key=_bytes(raw.key()),
        value=_bytes(raw.value()),
        headers=_headers(raw),
        timestamp_ms=max(0, timestamp),
        gap=gap,
    )


def _bytes(value: str | bytes | None) -> bytes | None:
    """Return bytes whatever the library gave."""
    return value.encode() if isinstance(value, str) else value


def _headers(raw: RawMessage) -> Headers:
    """Return the headers in their order; one without a value has an empty one."""
    found = raw.headers()
    if not found:
        return ()
    pairs = found.items() if isinstance(found, dict) else found
    return tuple((str(name), _bytes(value) or b"") for name, value in pairs)


def with_trace(produced: Produced, trace: Headers) -> Headers:
    """Return a record's headers with the trace's own in place of those of the same name."""
    names = {name for name, _ in trace}
    return (*(pair for pair in produced.headers if pair[0] not in names), *trace)


def size(message: Message) -> int:
    """Return about how many bytes a message holds."""
    return len(message.key or b"") + len(message.value or b"") + sum(len(v) for _, v in message.headers)
