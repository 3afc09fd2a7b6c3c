"""Look up again what was decided since the index was last known to be whole, and propose merges."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.encoding import named_again
from streams.core.rechecking import Proposal, propose_merge
from streams.core.records import (
    ArbiterInput,
    EncodedUpload,
    IndexRow,
    ItemKey,
    UploadState,
    VectorRow,
)
from streams.ports import Codec, Message
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.encode import ENCODED
from streams.stages.find import INPUT, FindProcessor

LOOKED_UP_AT_ONCE = 256


def recheck(
    rows: Iterable[IndexRow], *, arbiter: ArbitrateStage, find: FindProcessor, codec: Codec
) -> Iterator[Proposal]:
    """Search for every live upload that some rows name, and propose what should have been one entity.

    Nothing is written: whether two entities are merged is for a person to say.

    Parameters
    ----------
    rows : iterable of IndexRow
        written since the index was last known to be whole, in log order
    arbiter : ArbitrateStage
        restored: its catalogue and the rules in force
    find : FindProcessor
        over an index that is whole again
    codec : Codec

    Yields
    ------
    Proposal
        one for each pair of entities, the first that was found

    Raises
    ------
    IndexUnavailable
        the index does not answer
    """
    workspace = Workspace(arbiter.catalogue)
    proposed: set[frozenset[str]] = set()
    uploads = iter(_asking(workspace, rows))
    while batch := list(islice(uploads, LOOKED_UP_AT_ONCE)):
        asked = [
            Message(topic=ENCODED, partition=0, offset=at, key=None, value=codec.encode(ENCODED, upload))
            for at, upload in enumerate(batch)
        ]
        for answer in find.process(asked):
            looked_up: ArbiterInput = codec.decode(INPUT, answer.value or b"")
            if looked_up.found is None:
                continue
            proposal = propose_merge(workspace, looked_up.found, rules=arbiter.rules)
            if proposal is None:
                continue
            entities = frozenset((proposal.entity_id, proposal.other_entity_id))
            if entities not in proposed:
                proposed.add(entities)
                yield proposal


def _asking(workspace: Workspace, rows: Iterable[IndexRow]) -> list[EncodedUpload]:
    """Put each live upload together again from its state and the rows of its revision."""
    vectors: dict[str, dict[str, IndexRow]] = defaultdict(dict)
    states: dict[str, UploadState] = {}
    for row in rows:
        key = ItemKey(row.source, row.item_id).text()
        state = states.get(key) or workspace.upload(key)
        if row.state != "live" or state is None or not state.live or state.revision != row.revision:
            continue
        states[key] = state
        vectors[key][row.row_id] = row
    return [
        replace(
            named_again(state),
            record=state.record,
            blocking_keys=state.blocking_keys,
            vectors=tuple(
                VectorRow(
                    modality=row.modality,
                    model=row.model,
                    window=row.window,
                    start_ms=row.start_ms,
                    values=row.values,
                )
                for row in vectors[key].values()
            ),
            sound=state.sound,
        )
        for key, state in states.items()
    ]
