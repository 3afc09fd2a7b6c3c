"""What would have come out had nothing gone wrong: the same stages over a log in memory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from streams.core.bundle import Bundle
from streams.core.records import EntityState, IndexRow
from streams.core.rules import Confirm
from streams.edges.memory_index import MemoryCandidateIndex
from streams.ports import Codec, Delivered, Message, Produced
from streams.stages.arbiter_records import ENTITIES, ROWS, STATE_TOPICS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.find import INPUT, FindProcessor
from streams.wiring.parts import rules

DECISIONS = "resolution.decided.v1"
# Everything that the arbiter says, in order; what it keeps is compared by key.
SAID = (
    DECISIONS,
    "entity.changed.v1",
    "relation.changed.v1",
    "review.requested.v1",
    "upload.contradiction.v1",
    "deadletter.v1",
    ROWS,
)
KEPT = tuple(topic for topic in STATE_TOPICS if topic != ROWS)
SEARCH_LIMIT = 20

Kept = dict[tuple[str, bytes | None], bytes | None]
Groups = frozenset[tuple[str, frozenset[object]]]


class Arbiter:
    """The arbiter over messages in memory, one at a time."""

    def __init__(self, codec: Codec, confirm: Confirm) -> None:
        self._codec = codec
        self._stage = ArbitrateStage(
            codec, rules(Bundle.packaged(), confirm), watermark=lambda: 0, overlay_rows=2**62
        )
        self._stage.restore(_nothing, ends={}, committed=None)
        self.said: dict[str, list[bytes]] = defaultdict(list)
        self.kept: Kept = {}

    def take(self, message: Message, row_offsets: Sequence[int]) -> list[IndexRow]:
        """Decide on a message; the rows that follow lie at these offsets, which look-ups compare with."""
        produced = self._stage.decide([message])
        rows: list[IndexRow] = []
        delivered: list[Delivered] = []
        for each in produced:
            offset = 0
            if each.topic == ROWS:
                at = len(self.said[ROWS])
                offset = row_offsets[at] if at < len(row_offsets) else 2**40 + at
                rows.append(self._codec.decode(ROWS, each.value or b""))
            self._note(each)
            delivered.append(Delivered(each, offset))
        self._stage.committed(delivered, next_offset=message.offset + 1)
        return rows

    def _note(self, produced: Produced) -> None:
        if produced.topic in SAID:
            self.said[produced.topic].append(produced.value or b"")
        elif produced.topic in KEPT:
            self.kept[produced.topic, produced.key] = produced.value

    def groups(self) -> Groups:
        """Give the partition into entities."""
        return groups_of(self.kept, self._codec)


class Undisturbed:
    """Find and arbitrate without a fault, with an index that is never late."""

    def __init__(self, codec: Codec, confirm: Confirm) -> None:
        self._codec = codec
        self._index = MemoryCandidateIndex()
        self._find = FindProcessor(self._index, codec, limit=SEARCH_LIMIT, confirm=confirm)
        self._arbiter = Arbiter(codec, confirm)
        self._rows = 0
        self._inputs = 0

    def take(self, messages: Iterable[Message]) -> None:
        """Look each up and decide on it; the index holds its rows before the next one comes."""
        for message in messages:
            for produced in self._find.process([message]):
                asked = Message(
                    topic=INPUT, partition=0, offset=self._inputs, key=produced.key, value=produced.value
                )
                self._inputs += 1
                rows = self._arbiter.take(asked, range(10**9))
                self._rows += len(rows)
                self._index.apply(self._index.active().name, rows, watermark=self._rows)

    def groups(self) -> Groups:
        """Give the partition into entities."""
        return self._arbiter.groups()


def last_of_each_key(messages: Iterable[Message]) -> Kept:
    """Fold compacted topics."""
    kept: Kept = {}
    for message in messages:
        kept[message.topic, message.key] = message.value
    return kept


def groups_of(kept: Mapping[tuple[str, bytes | None], bytes | None], codec: Codec) -> Groups:
    """Give the partition into live entities, without their names: works by the groups below them."""
    states: list[EntityState] = [
        codec.decode(topic, value) for (topic, _), value in kept.items() if topic == ENTITIES and value
    ]
    members = {state.entity_id: frozenset[object](state.members) for state in states}
    found: set[tuple[str, frozenset[object]]] = set()
    for state in states:
        if state.status == "live":
            inside = members[state.entity_id]
            if state.kind == "work":
                inside = frozenset(members.get(str(name), name) for name in inside)
            found.add((state.kind, inside))
    return frozenset(found)


def _nothing(topic: str, offset: int) -> Iterator[Message]:
    return iter(())
