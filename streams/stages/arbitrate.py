"""Arbitrate: the only writer of decisions; one transaction per batch, state applied after the commit."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from streams.core.arbiter import decide_found
from streams.core.catalogue import Changes, MemoryCatalogue, Workspace
from streams.core.growing import growth, outgrown
from streams.core.origins import Origins
from streams.core.overlay import Overlay, nearest
from streams.core.promoting import in_force
from streams.core.records import ArbiterHead, ArbiterInput, DeadLetter, IndexRow
from streams.core.rules import Rules
from streams.core.saying import Event
from streams.errors import OffsetRegression
from streams.ports import Codec, Delivered, Message, Produced, StateReader
from streams.stages.arbiter_records import ROWS, ArbiterRecords
from streams.stages.decision_metrics import DecisionMetrics
from streams.stages.kept_state import KeptState
from streams.stages.restoring import ArbiterState, restore_state
from streams.stages.settling import command_name, settle
from streams.stages.staleness import as_query, first_unseen, is_compared, is_stale

OVERLAY_HITS: Final = 20
# The overlay keeps this many offsets that the index has folded already. A record looked up a moment ago is
# still good then; without them every record that waited longer than one flush of the index went round again.
KEPT_BEHIND: Final = 8_192
# So many verdicts, commands and promotions are remembered: find may forward again what one batch of it held.
KEPT_SETTLED: Final = 256

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
        self._records = ArbiterRecords(codec)
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
        self._state = ArbiterState.empty(self._first_rules)
        self._overlay = Overlay()
        self._pending: _Pending | None = None

    @property
    def head(self) -> ArbiterHead:
        """The committed scalar state."""
        return self._state.head

    @property
    def catalogue(self) -> MemoryCatalogue:
        """The committed state."""
        return self._state.catalogue

    @property
    def rules(self) -> Rules:
        """What is in force."""
        return self._state.rules

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
            self._state = restore_state(
                read,
                ends=ends,
                committed=committed,
                codec=self._codec,
                rules=self._first_rules,
                kept=self._kept,
            )
        watermark = self._watermark()
        if watermark > ends.get(ROWS, 0):
            raise OffsetRegression(f"the index has folded up to {watermark}, beyond the end of {ROWS}")
        floor = self._floor(watermark)
        for message in read(ROWS, floor):
            if message.offset >= floor:
                self._overlay.add(self._codec.decode(ROWS, message.value or b""), message.offset)
        self._settled()
        return self._state.head.input_offset

    def ready(self) -> bool:
        """Say whether the index is not too far behind."""
        return self._overlay.count_since(self._watermark()) < self._overlay_rows

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Decide on a batch in the order of the log; nothing is applied yet."""
        floor = self._floor(self._watermark())
        self._overlay.drop_before(floor)
        state = self._state
        workspace = Workspace(state.catalogue)
        origins = state.origins.copy()
        fresh, gone = Overlay(), set[str]()
        sequence = state.head.sequence
        rules, bundle, settled_ids = state.rules, state.head.bundle, state.head.settled
        size = state.head.catalogue_size
        produced: list[Produced] = []
        events: list[Event] = []
        again = 0
        inputs: list[ArbiterInput] = [self._codec.decode(each.topic, each.value or b"") for each in batch]
        # Each with what its look-up could not see: rows after its watermark.
        asking = [each.found for each in inputs if each.found is not None]
        nearby = iter(
            self._overlay.compare(
                [as_query(found) for found in asking], since=[first_unseen(found) for found in asking]
            )
        )
        for cause, asked in enumerate(inputs):
            found = asked.found
            if found is None:
                name = command_name(asked)
                if name in settled_ids:
                    continue
                settled_ids = (*settled_ids, name)[-KEPT_SETTLED:] if name else settled_ids
                settled = settle(
                    workspace, asked, batch[cause], sequence=sequence + 1, rules=rules, size=size
                )
                rules, size, bundle = settled.rules, settled.size, settled.bundle or bundle
                said = settled.decided
                sequence += any(not isinstance(event, DeadLetter) for event in said.events)
                produced += self._records.said(said, cause, overlay=0)
                events += said.events
                size, larger = self._outgrown(workspace, rules, size, cause)
                produced += larger
                continue
            # Not by origin: find may have looked the same record up twice, at two watermarks.
            near = next(nearby)
            if found.encoded.origin not in origins and is_stale(found, floor):
                produced.append(self._records.again(found, cause))
                again += 1
                continue
            since = first_unseen(found)
            # Rows of this very batch lie after every look-up's watermark.
            parts = (near, *fresh.compare([as_query(found)], since=[0]))
            searched = 0
            if is_compared(found):
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
            produced += self._records.said(decided, cause, overlay=searched)
            events += decided.events
            size, larger = self._outgrown(workspace, rules, size, cause)
            produced += larger
        head = replace(
            state.head,
            sequence=sequence,
            input_offset=batch[-1].offset + 1,
            origins=origins.ranges(),
            live_uploads=state.head.live_uploads + self._risen(workspace.changes),
            bundle_version=rules.bundle_version,
            bundle=bundle,
            settled=settled_ids,
            catalogue_size=size,
        )
        produced += self._records.state(workspace.changes, head)
        self._pending = _Pending(
            rules=rules, changes=workspace.changes, origins=origins, head=head, events=events, again=again
        )
        return produced

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        """Apply the batch last decided."""
        if self._pending is None:
            return
        pending, self._pending = self._pending, None
        state = self._state
        state.catalogue.apply(pending.changes)
        state.origins = pending.origins
        state.head = pending.head
        state.rules = pending.rules
        for delivered in deliveries:
            if delivered.produced.topic in state.folded:
                state.folded[delivered.produced.topic] = delivered.offset + 1
            if delivered.produced.topic == ROWS:
                row: IndexRow = self._codec.decode(ROWS, delivered.produced.value or b"")
                self._overlay.add(row, delivered.offset)
        if self._kept is not None:
            self._kept.fold(pending.changes, state.folded, sequence=state.head.sequence)
        if self._metrics is not None:
            unfolded = self._overlay.count_since(self._watermark())
            self._metrics.committed(pending.events, unfolded=unfolded, again=pending.again)
        self._settled()

    def rolled_back(self) -> None:
        """Forget the batch last decided."""
        self._pending = None

    def _outgrown(
        self, workspace: Workspace, rules: Rules, size: int, cause: int
    ) -> tuple[int, list[Produced]]:
        """Ask for a larger size where the catalogue has outgrown the last; give the last, and the asking.

        Asked after each record, so that it is all one how the log was cut into batches.
        """
        wanted = outgrown(in_force(rules), entities=workspace.entity_count, asked=size)
        return (size, []) if wanted is None else (wanted, [self._records.promoted(growth(wanted), cause)])

    def _floor(self, watermark: int) -> int:
        """Give the oldest row that the overlay holds."""
        return max(0, watermark - self._kept_behind)

    def _risen(self, changes: Changes) -> int:
        """Count by how much the number of live uploads rises."""
        risen = 0
        for key, upload in changes.uploads.items():
            before = self._state.catalogue.upload(key)
            risen += int(upload.live) - int(before is not None and before.live)
        return risen
