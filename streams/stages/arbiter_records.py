"""Which topic and key everything has that the arbiter writes."""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from streams.core.catalogue import Changes
from streams.core.records import (
    ArbiterHead,
    Contradiction,
    DeadLetter,
    Decision,
    EntityChanged,
    Found,
    Promotion,
    RelationChanged,
    ReviewRequested,
)
from streams.core.replays import letter_headers, origin_text
from streams.core.saying import Decided, Event
from streams.ports import Codec, Produced
from streams.stages.find import AGAIN, PROMOTIONS

HEAD: Final = "arbiter.head.v1"
ROWS: Final = "index.row.v1"
UPLOADS: Final = "upload.state.v1"
ENTITIES: Final = "entity.state.v1"
PAIRS: Final = "pair.state.v1"
RELATIONS: Final = "relation.state.v1"
STATE_TOPICS: Final = (HEAD, UPLOADS, ENTITIES, PAIRS, RELATIONS, ROWS)
FOLDED: Final = (HEAD, UPLOADS, ENTITIES, PAIRS, RELATIONS)
HEAD_KEY: Final = b"head"


class ArbiterRecords:
    """Writes what the arbiter decides as records of its topics.

    Parameters
    ----------
    codec : Codec
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def again(self, found: Found, cause: int) -> Produced:
        """Send a record back to be looked up anew."""
        encoded = found.encoded
        return self._produced(AGAIN, encoded.key.text().encode(), encoded, cause=cause)

    def promoted(self, promotion: Promotion, cause: int) -> Produced:
        """Ask for a promotion, as operators do: find brings it into the arbiter's log."""
        return self._produced(PROMOTIONS, promotion.subject.encode(), promotion, cause=cause)

    def said(self, decided: Decided, cause: int, *, overlay: int) -> Iterator[Produced]:
        """Say what was decided, and which rows of the index follow."""
        for event in decided.events:
            said = replace(event, overlay_rows=overlay) if isinstance(event, Decision) and overlay else event
            topic, key = _address(said)
            produced = self._produced(topic, key, said, cause=cause)
            yield (
                replace(produced, headers=letter_headers(said)) if isinstance(said, DeadLetter) else produced
            )
        for row in decided.rows:
            yield self._produced(ROWS, row.row_id.encode(), row, cause=cause)

    def state(self, changes: Changes, head: ArbiterHead) -> Iterator[Produced]:
        """Write the state that has changed, the head last."""
        for key, upload in changes.uploads.items():
            yield self._produced(UPLOADS, key.encode(), upload)
        for name, entity in changes.entities.items():
            yield self._produced(ENTITIES, name.encode(), entity)
        for (left, right), pair in changes.pairs.items():
            yield self._produced(PAIRS, f"{len(left)}:{left}{right}".encode(), pair)
        for name, relation in changes.relations.items():
            yield self._produced(RELATIONS, name.encode(), relation)
        yield self._produced(HEAD, HEAD_KEY, head)

    def _produced(self, topic: str, key: bytes, record: object, *, cause: int | None = None) -> Produced:
        return Produced(topic=topic, key=key, value=self._codec.encode(topic, record), cause=cause)


def _address(event: Event) -> tuple[str, bytes]:
    """Give the topic and key of an event."""
    match event:
        case Decision():
            return "resolution.decided.v1", f"{len(event.source)}:{event.source}{event.item_id}".encode()
        case EntityChanged():
            return "entity.changed.v1", event.sides[0].entity_id.encode()
        case RelationChanged():
            return "relation.changed.v1", event.relation_id.encode()
        case ReviewRequested():
            pair = sorted(
                ((event.left_source, event.left_item_id), (event.right_source, event.right_item_id))
            )
            return "review.requested.v1", repr(pair).encode()
        case Contradiction():
            item = f"{len(event.source)}:{event.source}{event.item_id}"
            return "upload.contradiction.v1", item.encode()
        case DeadLetter():
            return "deadletter.v1", origin_text(event.origin).encode()
