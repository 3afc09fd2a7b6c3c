"""The arbiter's state, read from its topics, or from the local store and the tails of those topics."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from streams.core.bundle import Bundle
from streams.core.catalogue import Changes, MemoryCatalogue
from streams.core.origins import Origins
from streams.core.promoting import rules_of
from streams.core.records import ArbiterHead, EntityState, PairState, RelationState, UploadState
from streams.core.rules import Rules
from streams.errors import CorruptState, OffsetRegression, SchemaError
from streams.ports import Codec, StateReader
from streams.stages.arbiter_records import ENTITIES, FOLDED, HEAD, PAIRS, RELATIONS, UPLOADS
from streams.stages.find import INPUT
from streams.stages.kept_state import KeptState

_T = TypeVar("_T")


@dataclass(slots=True)
class ArbiterState:
    """What the arbiter has decided so far.

    Attributes
    ----------
    rules : Rules
        in force
    head : ArbiterHead
    catalogue : MemoryCatalogue
    origins : Origins
        of what was decided
    folded : dict
        next offset of each state topic
    """

    rules: Rules
    head: ArbiterHead
    catalogue: MemoryCatalogue
    origins: Origins
    folded: dict[str, int]

    @classmethod
    def empty(cls, rules: Rules) -> "ArbiterState":
        """Give that of an arbiter that has decided nothing."""
        return cls(
            rules=rules,
            head=ArbiterHead(bundle_version=rules.bundle_version),
            catalogue=MemoryCatalogue(),
            origins=Origins(),
            folded=dict.fromkeys(FOLDED, 0),
        )


def restore_state(
    read: StateReader,
    *,
    ends: Mapping[str, int],
    committed: int | None,
    codec: Codec,
    rules: Rules,
    kept: KeptState | None,
) -> ArbiterState:
    """Read head and catalogue, from the local store as far as it has come.

    Parameters
    ----------
    read, ends, committed
        see `streams.ports.TransactionalStage.restore`
    codec : Codec
    rules : Rules
        in force until the log promotes other ones
    kept : KeptState, optional

    Raises
    ------
    OffsetRegression
        the state has decided further than the group ever committed, or less: the topics are not of
        one installation
    CorruptState
        the bundle that was promoted cannot be read
    """
    state = ArbiterState.empty(rules)
    folded = {topic: ends.get(topic, 0) for topic in FOLDED}
    changes, offsets = Changes(), dict.fromkeys(FOLDED, 0)
    if kept is not None:
        changes, offsets = kept.open(read, folded)
    # The last one that was folded is read again: there may be none after it.
    last = deque(read(HEAD, max(0, offsets[HEAD] - 1)), maxlen=1)
    for message in last:
        state.head = codec.decode(HEAD, message.value or b"")
        # Not the end of the topic: what stands there is the mark of a transaction, which nobody can read.
        folded[HEAD] = message.offset + 1
    if committed is not None and committed != state.head.input_offset:
        raise OffsetRegression(
            f"the state has decided up to offset {state.head.input_offset} of {INPUT} but the group "
            f"committed {committed}: are these topics of one installation?"
        )
    if state.head.bundle:
        try:
            bundle = Bundle.from_json(state.head.bundle)
        except SchemaError as exc:
            raise CorruptState(f"the bundle in force cannot be read: {exc}") from exc
        state.rules = rules_of(bundle, rules.confirm)
    state.catalogue.apply(changes)
    tail = _changed_since(read, offsets, codec)
    state.catalogue.apply(tail)
    state.folded = folded
    if kept is not None:
        kept.fold(tail, folded, sequence=state.head.sequence)
    state.origins = Origins(state.head.origins)
    return state


def _changed_since(read: StateReader, offsets: Mapping[str, int], codec: Codec) -> Changes:
    """Read what the state topics say from these offsets on, the last value of each key."""

    def records(topic: str, of: type[_T]) -> Iterator[_T]:
        for message in read(topic, offsets[topic]):
            record = codec.decode(topic, message.value or b"")
            if isinstance(record, of):
                yield record

    changes = Changes()
    for upload in records(UPLOADS, UploadState):
        changes.uploads[upload.key.text()] = upload
    for entity in records(ENTITIES, EntityState):
        changes.entities[entity.entity_id] = entity
    for pair in records(PAIRS, PairState):
        changes.pairs[pair.left, pair.right] = pair
    for relation in records(RELATIONS, RelationState):
        changes.relations[relation.relation_id] = relation
    return changes
