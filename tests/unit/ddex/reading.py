"""Messages for tests: the shipped examples, and forms of them that no example has."""

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

from streams.cli.messages import MessageReading
from streams.core.importing.readings import Report
from streams.core.upload_json import parse_upload

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "ddex"


class Read(NamedTuple):
    """What a message gave."""

    uploads: list[dict[str, Any]]
    reports: list[Report]


def example(name: str) -> bytes:
    return (EXAMPLES / f"{name}.xml").read_bytes()


def read(message: bytes, *, delivered: bytes | None = None, **options: Any) -> Read:
    items: Any = {}
    if delivered is not None:
        before = MessageReading(io.BytesIO(delivered), **options)
        list(before.results())
        items = before.items
    uploads, reports = [], []
    for result in MessageReading(io.BytesIO(message), **options).results(items):
        for upload in result.uploads:
            parse_upload(upload)
            uploads.append(json.loads(upload))
        reports += result.reports
    return Read(uploads, reports)


def with_addresses(message: bytes) -> bytes:
    """Put media at addresses, since no example has files beside it."""
    return message.replace(b"<URI>resources/", b"<URI>https://media.example.org/")


def as_video(message: bytes) -> bytes:
    """Turn every sound recording into a video."""
    return message.replace(b"SoundRecording", b"Video").replace(b"AudioFile", b"VideoFile")


def without_editions(message: bytes) -> bytes:
    """Put what stands in editions directly into the resource, as ERN 4.1 and 4.2 have it."""
    for kind in (b"SoundRecordingEdition", b"VideoEdition"):
        message = message.replace(b"<" + kind + b">", b"").replace(b"</" + kind + b">", b"")
    return message.replace(b"<Type>NonImmersiveEdition</Type>", b"").replace(
        b"<Type>ImmersiveEdition</Type>", b""
    )
