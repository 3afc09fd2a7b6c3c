"""`samesong resolve` and `samesong compare`: the same decisions without Kafka, file to file.

Metadata only for now: media that an upload names are not listened to, and each such upload is reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from streams.core.arbiter import decide_found
from streams.core.catalogue import MemoryCatalogue, Workspace
from streams.core.compare import compare_uploads
from streams.core.encoding import encode_metadata, refused
from streams.core.origins import Origins
from streams.core.records import (
    Decision,
    EncodedUpload,
    Found,
    Origin,
    SoundEvidence,
    SoundFacts,
    Upload,
)
from streams.core.rules import Rules
from streams.core.scoring import Scorer
from streams.core.upload_json import parse_upload
from streams.errors import CorruptState, SchemaError

MAX_REDIRECTS = 1_000


def resolve_lines(lines: Sequence[bytes], rules: Rules) -> Iterator[dict[str, Any]]:
    """Resolve uploads in their order; give one answer per line once all are read, ids after all merges.

    Parameters
    ----------
    lines : sequence of bytes
        one JSON upload each; one that cannot be read is answered with decision `rejected` and a reason
    rules : Rules
    """
    catalogue, origins = MemoryCatalogue(), Origins()
    decisions: list[Decision] = []
    for number, line in enumerate(lines):
        encoded = _encoded(line, Origin(topic="file", partition=0, offset=number))
        workspace = Workspace(catalogue)
        decided = decide_found(
            workspace,
            Found(encoded=encoded),
            origins=origins,
            sequence=number + 1,
            rules=rules,
            confirm=no_sound,
        )
        catalogue.apply(workspace.changes)
        decisions += [event for event in decided.events if isinstance(event, Decision)]
    for decision in decisions:
        yield _answer(decision, catalogue)


def compare_lines(lines: Sequence[bytes], scorer: Scorer) -> Iterator[dict[str, Any]]:
    """Compare pairs in their order; a pair that cannot be read is answered with an ``error``."""
    for line in lines:
        try:
            left, right = _pair(line)
        except SchemaError as exc:
            yield {"error": str(exc)}
            continue
        yield asdict(compare_uploads(left, right, None, scorer))


def read_lines(path: Path) -> list[bytes]:
    """Read the lines of a file that hold anything."""
    return [line for line in path.read_bytes().splitlines() if line.strip()]


def write_lines(path: Path, answers: Sequence[dict[str, Any]]) -> None:
    """Write JSON Lines."""
    path.write_bytes(b"".join(orjson.dumps(answer) + b"\n" for answer in answers))


def _encoded(line: bytes, origin: Origin) -> EncodedUpload:
    try:
        upload = parse_upload(line)
    except SchemaError as exc:
        return refused(line, code=exc.code, reason=str(exc), origin=origin, received_ms=0)
    return encode_metadata(upload, origin=origin, received_ms=0)


def _pair(line: bytes) -> tuple[Upload, Upload]:
    try:
        pair = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise SchemaError(f"not JSON: {exc}") from exc
    if not isinstance(pair, dict) or set(pair) != {"left", "right"}:
        raise SchemaError('a pair is {"left": upload, "right": upload}')
    return parse_upload(orjson.dumps(pair["left"])), parse_upload(orjson.dumps(pair["right"]))


def no_sound(left: SoundFacts, right: SoundFacts) -> SoundEvidence:
    """Refuse to compare sounds where only metadata was read."""
    raise CorruptState("metadata alone has no sound to compare")


def _answer(decision: Decision, catalogue: MemoryCatalogue) -> dict[str, Any]:
    """Give the public line of a decision, with the ids that hold at the end."""
    entity = catalogue.entity(decision.entity_id) if decision.entity_id else None
    for _ in range(MAX_REDIRECTS):
        if entity is None or entity.redirect_to is None:
            break
        entity = catalogue.entity(entity.redirect_to)
    is_video = entity is not None and entity.kind == "music_video"
    entity_id = entity.entity_id if entity else None
    answer: dict[str, Any] = {
        "source": decision.source or None,
        "item_id": decision.item_id or None,
        "decision": decision.outcome.value,
        "entity_id": entity_id,
        "work_id": entity.work_id if entity else None,
        "video_id": entity_id if is_video else None,
        "sound_recording_id": decision.sound_recording_id if is_video else entity_id,
        "probability": decision.recording.probability if decision.recording else None,
    }
    if decision.reason is not None:
        answer["reason"] = decision.reason
    return answer
