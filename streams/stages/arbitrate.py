"""Arbitrate: the only writer of decisions; one transaction per batch, state applied after the commit."""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final, TypeVar

from msgspec.structs import replace

from streams.core.arbiter import Decided, Event, decide_found, decide_verdict
from streams.core.bundle import Bundle
from streams.core.catalogue import Changes, MemoryCatalogue, Workspace
from streams.core.clustering import Judgement
from streams.core.commands import decide_command
from streams.core.ids import stable_id
from streams.core.letters import letter
from streams.core.origins import Origins
from streams.core.overlay import Nearby, Overlay, nearest
from streams.core.promoting import decide_promotion, rules_of
from streams.core.records import (
    ArbiterHead,
    ArbiterInput,
    Contradiction,
    DeadLetter,
    Decision,
    EncodedUpload,
    EntityChanged,
    EntityState,
    Found,
    IndexRow,
    Operation,
    Origin,
    PairState,
    RelationChanged,
    RelationState,
    ReviewRequested,
    UploadState,
)
from streams.core.replays import letter_headers, origin_text
from streams.core.rules import Rules
from streams.errors import CorruptState, InvariantError, OffsetRegression, SchemaError
from streams.ports import Codec, Delivered, Message, Produced, StateReader
from streams.stages.decision_metrics import DecisionMetrics
from streams.stages.find import AGAIN, INPUT
from streams.stages.kept_state import KeptState

HEAD: Final = "arbiter.head.v1"
ROWS: Final = "index.row.v1"
UPLOADS: Final = "upload.state.v1"
ENTITIES: Final = "entity.state.v1"
PAIRS: Final = "pair.state.v1"
RELATIONS: Final = "relation.state.v1"
STATE_TOPICS: Final = (HEAD, UPLOADS, ENTITIES, PAIRS, RELATIONS, ROWS)
FOLDED: Final = (HEAD, UPLOADS, ENTITIES, PAIRS, RELATIONS)
HEAD_KEY: Final = b"head"
OVERLAY_HITS: Final = 20

_T = TypeVar("_T")

# The overlay keeps this many offsets that the index has folded already. A record looked up a moment ago is
# still good then; without them every record that waited longer than one flush of the index went round again.
KEPT_BEHIND: Final = 8_192

# So many verdicts, commands and promotions are remembered: find may forward again what one batch of it held.
KEPT_SETTLED: Final = 256
JUDGEMENTS: Final = frozenset({*Judgement, "withdrawn"})

Watermark = Callable[[], int]
"""Gives what the index build in use has folded: the next offset of `index.row.v1` that it waits for."""


@dataclass(slots=True, kw_only=True)
class _Pending:
    """What the last batch computed, until its transaction is committed."""

    rules: Rules
    changes: Changes
    origins: Origins
    head: ArbiterHead
    events: list[Event]
    again: int


class ArbitrateStage:
    """The fold of `arbiter.input.v1`, driven by a transactional runner (`streams.ports.TransactionalStage`).

    Parameters
    ----------
    codec : Codec
    rules : Rules
        in force until the log promotes other ones
    watermark : callable
        see :data:`Watermark`; it never goes back, and with nothing known it gives 0: every row stays
    overlay_rows : int > 0
        intake pauses above this many rows that the index has not folded
    kept_behind : int >= 0
        offsets of rows that the overlay keeps although the index has folded them
    metrics : DecisionMetrics, optional
    settled : callable
        called when the state has been restored, or has changed
    restoring : callable
        stands around reading the whole state
    kept : KeptState, optional
        a local store of the state, so that a restart reads the tail of the log alone
    """

    def __init__(
        self,
        codec: Codec,
        rules: Rules,
        *,
        watermark: Watermark,
        overlay_rows: int,
        kept_behind: int = KEPT_BEHIND,
        metrics: DecisionMetrics | None = None,
        settled: Callable[[], object] = lambda: None,
        restoring: Callable[[], AbstractContextManager[object]] = nullcontext,
        kept: KeptState | None = None,
    ) -> None:
        self._codec = codec
        self._first_rules = rules
        self._watermark = watermark
        self._overlay_rows = overlay_rows
        self._kept_behind = kept_behind
        self._metrics = metrics
        self._settled = settled
        self._restoring = restoring
        self._kept = kept
        self._forget()

    def _forget(self) -> None:
        self._catalogue = MemoryCatalogue()
        self._origins = Origins()
        self._overlay = Overlay()
        self._rules = self._first_rules
        self._head = ArbiterHead(bundle_version=self._rules.bundle_version)
        self._pending: _Pending | None = None
        self._folded: dict[str, int] = dict.fromkeys(FOLDED, 0)

    @property
    def head(self) -> ArbiterHead:
        """The committed scalar state."""
        return self._head

    @property
    def catalogue(self) -> MemoryCatalogue:
        """The committed state."""
        return self._catalogue

    @property
    def rules(self) -> Rules:
        """What is in force."""
        return self._rules

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        """Rebuild everything from the state topics; give the next offset of the input.

        Raises
        ------
        OffsetRegression
            the state has decided further than the group ever committed, or less: the topics are not of
            one installation
        CorruptState
            the bundle that was promoted cannot be read
        """
        self._forget()
        with self._restoring():
            self._read_all(read, ends, committed)
        watermark = self._watermark()
        if watermark > ends.get(ROWS, 0):
            raise OffsetRegression(f"the index has folded up to {watermark}, beyond the end of {ROWS}")
        floor = self._floor(watermark)
        for message in read(ROWS, floor):
            if message.offset >= floor:
                self._overlay.add(self._codec.decode(ROWS, message.value or b""), message.offset)
        self._settled()
        return self._head.input_offset

    def _read_all(self, read: StateReader, ends: Mapping[str, int], committed: int | None) -> None:
        """Read head and catalogue, from the local store as far as it has come."""
        folded = {topic: ends.get(topic, 0) for topic in FOLDED}
        changes, offsets = Changes(), dict.fromkeys(FOLDED, 0)
        if self._kept is not None:
            changes, offsets = self._kept.open(read, folded)
        # The last one that was folded is read again: there may be none after it.
        last = deque(read(HEAD, max(0, offsets[HEAD] - 1)), maxlen=1)
        for message in last:
            self._head = self._codec.decode(HEAD, message.value or b"")
            # Not the end of the topic: what stands there is the mark of a transaction, which nobody can read.
            folded[HEAD] = message.offset + 1
        if committed is not None and committed != self._head.input_offset:
            raise OffsetRegression(
                f"the state has decided up to offset {self._head.input_offset} of {INPUT} but the group "
                f"committed {committed}: are these topics of one installation?"
            )
        if self._head.bundle:
            try:
                bundle = Bundle.from_json(self._head.bundle)
            except SchemaError as exc:
                raise CorruptState(f"the bundle in force cannot be read: {exc}") from exc
            self._rules = rules_of(bundle, self._first_rules.confirm)
        self._catalogue.apply(changes)
        tail = self._changed_since(read, offsets)
        self._catalogue.apply(tail)
        self._folded = folded
        if self._kept is not None:
            self._kept.fold(tail, folded, sequence=self._head.sequence)
        self._origins = Origins(self._head.origins)

    def _changed_since(self, read: StateReader, offsets: Mapping[str, int]) -> Changes:
        """Read what the state topics say from these offsets on, the last value of each key."""
        changes = Changes()
        for upload in self._read(read, UPLOADS, offsets, UploadState):
            changes.uploads[upload.key.text()] = upload
        for entity in self._read(read, ENTITIES, offsets, EntityState):
            changes.entities[entity.entity_id] = entity
        for pair in self._read(read, PAIRS, offsets, PairState):
            changes.pairs[pair.left, pair.right] = pair
        for relation in self._read(read, RELATIONS, offsets, RelationState):
            changes.relations[relation.relation_id] = relation
        return changes

    def _read(self, read: StateReader, topic: str, offsets: Mapping[str, int], of: type[_T]) -> Iterator[_T]:
        for message in read(topic, offsets[topic]):
            record = self._codec.decode(topic, message.value or b"")
            if isinstance(record, of):
                yield record

    def ready(self) -> bool:
        """Say whether the index is not too far behind."""
        return self._overlay.count_since(self._watermark()) < self._overlay_rows

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Decide on a batch in the order of the log; nothing is applied yet."""
        floor = self._floor(self._watermark())
        self._overlay.drop_before(floor)
        workspace = Workspace(self._catalogue)
        origins = self._origins.copy()
        fresh, gone = Overlay(), set[str]()
        sequence = self._head.sequence
        rules, bundle, settled_ids = self._rules, self._head.bundle, self._head.settled
        produced: list[Produced] = []
        events: list[Event] = []
        again = 0
        inputs: list[ArbiterInput] = [self._codec.decode(each.topic, each.value or b"") for each in batch]
        nearby = iter(self._nearby([each.found for each in inputs if each.found is not None]))
        for cause, asked in enumerate(inputs):
            found = asked.found
            if found is None:
                name = _command_name(asked)
                if name in settled_ids:
                    continue
                settled_ids = (*settled_ids, name)[-KEPT_SETTLED:] if name else settled_ids
                settled, rules, promoted = _settle(
                    workspace, asked, batch[cause], sequence=sequence + 1, rules=rules
                )
                bundle = promoted or bundle
                sequence += any(not isinstance(event, DeadLetter) for event in settled.events)
                produced += self._said(settled, cause, overlay=0)
                events += settled.events
                continue
            # Not by origin: find may have looked the same record up twice, at two watermarks.
            near = next(nearby)
            if found.encoded.origin not in origins and _is_stale(found, floor):
                produced.append(self._again(found, cause))
                again += 1
                continue
            since = _since(found)
            # Rows of this very batch lie after every look-up's watermark.
            parts = (near, *fresh.compare([_asking(found)], since=[0]))
            searched = 0
            if _is_compared(found):
                searched = self._overlay.count_since(since, gone) + fresh.count_since(0)
            decided = decide_found(
                workspace,
                found,
                origins=origins,
                sequence=sequence + 1,
                rules=rules,
                overlay=nearest(found.encoded, parts, without=gone, limit=OVERLAY_HITS),
            )
            sequence += bool(decided.events)
            for at, row in enumerate(decided.rows):
                fresh.add(row, at)
            gone |= {row.row_id for row in decided.rows if row.state != "live"}
            produced += self._said(decided, cause, overlay=searched)
            events += decided.events
        produced += self._state(workspace.changes)
        head = replace(
            self._head,
            sequence=sequence,
            input_offset=batch[-1].offset + 1,
            origins=origins.ranges(),
            live_uploads=self._head.live_uploads + self._risen(workspace.changes),
            bundle_version=rules.bundle_version,
            bundle=bundle,
            settled=settled_ids,
        )
        produced.append(self._produced(HEAD, HEAD_KEY, head))
        self._pending = _Pending(
            rules=rules, changes=workspace.changes, origins=origins, head=head, events=events, again=again
        )
        return produced

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        """Apply the batch last decided."""
        if self._pending is None:
            return
        pending, self._pending = self._pending, None
        self._catalogue.apply(pending.changes)
        self._origins = pending.origins
        self._head = pending.head
        self._rules = pending.rules
        for delivered in deliveries:
            if delivered.produced.topic in self._folded:
                self._folded[delivered.produced.topic] = delivered.offset + 1
            if delivered.produced.topic == ROWS:
                row: IndexRow = self._codec.decode(ROWS, delivered.produced.value or b"")
                self._overlay.add(row, delivered.offset)
        if self._kept is not None:
            self._kept.fold(pending.changes, self._folded, sequence=self._head.sequence)
        if self._metrics is not None:
            unfolded = self._overlay.count_since(self._watermark())
            self._metrics.committed(pending.events, unfolded=unfolded, again=pending.again)
        self._settled()

    def rolled_back(self) -> None:
        """Forget the batch last decided."""
        self._pending = None

    def _nearby(self, asking: Sequence[Found]) -> list[Nearby]:
        """Compare a batch with what its look-ups could not see: rows after their watermarks."""
        return self._overlay.compare(
            [_asking(found) for found in asking], since=[_since(found) for found in asking]
        )

    def _floor(self, watermark: int) -> int:
        """Give the oldest row that the overlay holds."""
        return max(0, watermark - self._kept_behind)

    def _risen(self, changes: Changes) -> int:
        """Count by how much the number of live uploads rises."""
        risen = 0
        for key, upload in changes.uploads.items():
            before = self._catalogue.upload(key)
            risen += int(upload.live) - int(before is not None and before.live)
        return risen

    def _again(self, found: Found, cause: int) -> Produced:
        encoded = found.encoded
        return self._produced(AGAIN, encoded.key.text().encode(), encoded, cause=cause)

    def _said(self, decided: Decided, cause: int, *, overlay: int) -> Iterator[Produced]:
        for event in decided.events:
            said = replace(event, overlay_rows=overlay) if isinstance(event, Decision) and overlay else event
            topic, key = _address(said)
            produced = self._produced(topic, key, said, cause=cause)
            yield (
                dataclasses.replace(produced, headers=letter_headers(said))
                if isinstance(said, DeadLetter)
                else produced
            )
        for row in decided.rows:
            yield self._produced(ROWS, row.row_id.encode(), row, cause=cause)

    def _state(self, changes: Changes) -> Iterator[Produced]:
        for key, upload in changes.uploads.items():
            yield self._produced(UPLOADS, key.encode(), upload)
        for name, entity in changes.entities.items():
            yield self._produced(ENTITIES, name.encode(), entity)
        for (left, right), pair in changes.pairs.items():
            yield self._produced(PAIRS, f"{len(left)}:{left}{right}".encode(), pair)
        for name, relation in changes.relations.items():
            yield self._produced(RELATIONS, name.encode(), relation)

    def _produced(self, topic: str, key: bytes, record: object, *, cause: int | None = None) -> Produced:
        return Produced(topic=topic, key=key, value=self._codec.encode(topic, record), cause=cause)


def _command_name(asked: ArbiterInput) -> str | None:
    """Name a verdict, command or promotion in as few bytes whatever its id is."""
    if asked.verdict is not None:
        return stable_id("verdict", asked.verdict.verdict_id)
    if asked.command is not None:
        return stable_id("command", asked.command.command_id)
    if asked.promotion is not None:
        return stable_id("promotion", asked.promotion.promotion_id)
    return None


def _settle(
    workspace: Workspace, asked: ArbiterInput, message: Message, *, sequence: int, rules: Rules
) -> tuple[Decided, Rules, bytes | None]:
    """Act on what is no upload; give the rules in force afterwards, and a newly promoted bundle."""
    at = Origin(topic=message.topic, partition=message.partition, offset=message.offset)
    body = message.value or b""
    if asked.command is not None:
        acted = decide_command(workspace, asked.command, at=at, body=body, sequence=sequence, rules=rules)
        return acted, rules, None
    if asked.promotion is not None:
        promoted = decide_promotion(
            workspace, asked.promotion, at=at, body=body, sequence=sequence, rules=rules
        )
        return promoted.decided, promoted.rules, promoted.bundle
    code = "verdict_invalid"
    if asked.verdict is None:
        said = "neither upload nor command"
    elif asked.verdict.judgement not in JUDGEMENTS:
        said = f"no judgement {asked.verdict.judgement!r}"
    else:
        try:
            return decide_verdict(workspace, asked.verdict, sequence=sequence, rules=rules), rules, None
        except InvariantError as exc:
            code, said = "verdict_impossible", f"verdict {asked.verdict.verdict_id}: {exc}"
    refused = letter(at, code=code, reason=said, body=body, sequence=sequence - 1)
    return Decided(events=(refused,)), rules, None


def _since(found: Found) -> int:
    """Give the first row that the look-up could not see."""
    return found.lookup.watermark if found.lookup is not None else 0


def _is_compared(found: Found) -> bool:
    """Say whether a record is compared with others; withdrawals, refusals and re-embedded ones are not."""
    encoded = found.encoded
    return encoded.refusal is None and encoded.operation is Operation.upsert and not encoded.reembedded


def _asking(found: Found) -> EncodedUpload:
    """Give an upload with the vectors that it asks with."""
    return found.encoded if _is_compared(found) else replace(found.encoded, vectors=())


def _is_stale(found: Found, floor: int) -> bool:
    """Say whether rows may lie between what the look-up saw and what the overlay holds.

    A withdrawal that went round again for a look-up it does not need would be overtaken by later revisions.
    """
    return _is_compared(found) and (found.lookup is None or found.lookup.watermark < floor)


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
