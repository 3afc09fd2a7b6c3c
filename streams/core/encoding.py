"""From an upload to the record that is linked: what can be said without hearing or embedding anything."""

import hashlib
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from streams.core.blocking import blocking_keys
from streams.core.features import featurize
from streams.core.identifiers import check_identifiers
from streams.core.records import EncodedUpload, Operation, Origin, Refusal, Upload, UploadState
from streams.core.replays import read_replay
from streams.core.upload_json import upload_digest

# Changes with every rule that reads titles, names, identifiers or blocking keys: a decision names it.
RULE_VERSION: Final = "2026.19"
# A refused record travels with its bytes, so that it can be read and replayed; of a longer one the first few
# show what it was, and the whole goes to the feature store.
INLINE_LIMIT: Final = 256 * 1024
SHOWN_BODY: Final = 4096


def encode_metadata(
    upload: Upload, *, origin: Origin, received_ms: int, traceparent: str | None = None
) -> EncodedUpload:
    """Read an upload's metadata; a withdrawal has none.

    Parameters
    ----------
    upload : Upload
        valid
    origin : Origin
    received_ms : int [ms since 1970]
        the broker's time of the record
    traceparent : str, optional
        W3C trace context of the publisher
    """
    if upload.operation is Operation.withdraw:
        return EncodedUpload(
            origin=origin,
            source=upload.source,
            item_id=upload.item_id,
            revision=upload.revision,
            operation=upload.operation,
            digest="",
            received_ms=received_ms,
            kind=upload.kind,
            rule_version=RULE_VERSION,
            traceparent=traceparent,
        )
    upload = replace(upload, revision=upload.revision or 1)
    record = featurize(upload)
    return EncodedUpload(
        origin=origin,
        source=upload.source,
        item_id=upload.item_id,
        revision=upload.revision,
        operation=upload.operation,
        digest=upload_digest(upload),
        received_ms=received_ms,
        kind=upload.kind,
        upload=upload,
        record=record,
        blocking_keys=blocking_keys(record),
        identifier_problems=check_identifiers(upload),
        rule_version=RULE_VERSION,
        traceparent=traceparent,
    )


def refused(
    body: bytes,
    *,
    code: str,
    reason: str,
    origin: Origin,
    received_ms: int,
    traceparent: str | None = None,
    headers: Iterable[tuple[str, bytes]] = (),
) -> EncodedUpload:
    """Carry a record that cannot be used on, with its code and its bytes; headers tell a replay."""
    attempt, replay_of = read_replay(headers)
    return EncodedUpload(
        origin=origin,
        source="",
        item_id="",
        revision=None,
        operation=Operation.upsert,
        digest="",
        received_ms=received_ms,
        refusal=Refusal(
            code=code,
            reason=reason,
            body=body if len(body) <= INLINE_LIMIT else body[:SHOWN_BODY],
            body_sha256=hashlib.sha256(body).hexdigest(),
            body_bytes=len(body),
            attempt=attempt,
            replay_of=replay_of,
        ),
        rule_version=RULE_VERSION,
        traceparent=traceparent,
    )


def named_again(known: UploadState) -> EncodedUpload:
    """Name an upload that was decided, to speak of it once more; what is said the caller adds."""
    return EncodedUpload(
        origin=known.origin,
        source=known.source,
        item_id=known.item_id,
        revision=known.revision,
        operation=Operation.upsert,
        digest=known.digest,
        received_ms=0,
        kind=known.kind,
    )
