"""What a look-up could not see: rows behind its watermark, which the arbiter compares itself."""

from msgspec.structs import replace

from streams.core.records import EncodedUpload, Found, Operation


def first_unseen(found: Found) -> int:
    """Give the first row that the look-up could not see."""
    return found.lookup.watermark if found.lookup is not None else 0


def is_compared(found: Found) -> bool:
    """Say whether a record is compared with others; withdrawals, refusals and re-embedded ones are not."""
    encoded = found.encoded
    return encoded.refusal is None and encoded.operation is Operation.upsert and not encoded.reembedded


def as_query(found: Found) -> EncodedUpload:
    """Give an upload with the vectors that it asks with."""
    return found.encoded if is_compared(found) else replace(found.encoded, vectors=())


def is_stale(found: Found, floor: int) -> bool:
    """Say whether rows may lie between what the look-up saw and what the overlay holds.

    A withdrawal that went round again for a look-up it does not need would be overtaken by later revisions.
    """
    return is_compared(found) and (found.lookup is None or found.lookup.watermark < floor)
