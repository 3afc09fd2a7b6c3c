"""Ids as functions of what they name: a length-prefixed tuple through uuid5, no chance and no clock."""

from hashlib import sha1
from typing import Final
from uuid import UUID

# Any constant would do; changing it renames everything that was ever minted.
NAMESPACE: Final = UUID("6f0c1f4e-7a0b-5f38-9b54-6d1c2f1f5a10")


_SEED: Final = sha1(NAMESPACE.bytes, usedforsecurity=False)
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def stable_id(*parts: str | int) -> str:
    """Give the uuid5 (RFC 9562) of a tuple, unambiguous whatever the parts contain.

    Put together here, because an upload takes ten of them and ``uuid.uuid5`` spends most of its time on an
    object that only its text is wanted of.
    """
    digest = _SEED.copy()
    digest.update("".join([f"{len(str(part))}:{part}" for part in parts]).encode())
    text = digest.hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def entity_id(source: str, item_id: str, *, revision: int, kind: str, ordinal: int) -> str:
    """Name an entity after the upload that founded it; ``ordinal`` counts what that revision founded."""
    return stable_id("entity", source, item_id, revision, kind, ordinal)


def row_id(source: str, item_id: str, *, revision: int, modality: str, model: str, window: int) -> str:
    """Name one row of the vector index."""
    return stable_id("row", source, item_id, revision, modality, model, window)


def event_id(
    source: str,
    item_id: str,
    *,
    revision: int,
    operation: str,
    event: str,
    subject: str = "",
    ordinal: int = 0,
) -> str:
    """Name one event that follows from one upload."""
    return stable_id("event", source, item_id, revision, operation, event, subject, ordinal)
