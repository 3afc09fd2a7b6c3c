"""Names that every stage shares: items, kinds, outcomes."""

from enum import StrEnum
from typing import NamedTuple


def key_text(source: str, item_id: str) -> str:
    """Give the text form of an item's key."""
    return f"{len(source)}:{source}{item_id}"


class ItemKey(NamedTuple):
    """What an uploader calls the thing: the unit of revisions and withdrawals."""

    source: str
    item_id: str

    def text(self) -> str:
        """Give the length-prefixed text form, unambiguous whatever the ids contain."""
        return key_text(self.source, self.item_id)

    def __str__(self) -> str:
        """Write it as people read it; two keys may read alike."""
        return f"{self.source}/{self.item_id}"

    @classmethod
    def parse(cls, text: str) -> "ItemKey":
        """Read what ``text`` wrote."""
        size, _, rest = text.partition(":")
        return cls(rest[: int(size)], rest[int(size) :])


class Operation(StrEnum):
    """What an upload event asks for."""

    upsert = "upsert"
    withdraw = "withdraw"


class Kind(StrEnum):
    """What an upload is."""

    recording = "recording"
    music_video = "music_video"


class SourceKind(StrEnum):
    """Who sends: a stratum of calibration."""

    label_feed = "label_feed"
    aggregator = "aggregator"
    reference_db = "reference_db"
    video_platform = "video_platform"
    user_upload = "user_upload"


class Outcome(StrEnum):
    """What became of an upload."""

    match = "match"
    new = "new"
    review = "review"
    duplicate = "duplicate"
    withdrawn = "withdrawn"
    rejected = "rejected"
