"""An audit that goes on: each cut brings what is new, and only what is open is remembered.

Of uploads and sequences that are whole only ranges of numbers are kept, of entities and relations a hash each
and where an upload is a member, of index rows their ids: memory grows with the catalogue, never with the log.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from streams.core.audit.agreement import Agreement
from streams.core.audit.cut import AuditLog, AuditReport, IndexHolding, Mismatch
from streams.core.audit.homes import Homes
from streams.core.audit.hops import Hops
from streams.core.audit.sequences import Sequences
from streams.core.index_rows import LiveRows
from streams.core.records import IndexRow

_ROWS_AT_ONCE = 512


class RunningAudit:
    """Checks every hop against the next, from cut to cut."""

    def __init__(self) -> None:
        self._hops = Hops()
        self._sequences = Sequences()
        self._entities = Agreement("entity")
        self._relations = Agreement("relation")
        self._homes = Homes()
        self._rows = LiveRows()
        self._last_row = -1
        self._checked: Counter[str] = Counter(
            dict.fromkeys(("encode", "find", "arbitrate", "sequence", "entity", "relation", "index"), 0)
        )

    def take(self, log: AuditLog) -> AuditReport:
        """Take in what has come since the last cut; give all that does not add up at this one."""
        self._take_hops(log)
        self._take_folds(log)
        for part in (self._hops, self._entities, self._relations):
            part.settle()
        found = (
            *self._hops.mismatches(log),
            *self._sequences.mismatches(),
            *self._entities.mismatches(),
            *self._homes.mismatches(),
            *self._relations.mismatches(),
            *self._of_index(log.index),
        )
        return AuditReport(mismatches=found, checked=dict(self._checked))

    def _take_hops(self, log: AuditLog) -> None:
        hops, checked = self._hops, self._checked
        for decision in log.decisions:
            checked["sequence"] += 1
            hops.decided(decision)
            self._sequences.decided(decision)
        for letter in log.letters:
            hops.refused(letter)
        for again in log.again:
            checked["find"] += 1
            hops.asked_anew(again)
        for given in log.inputs:
            checked["arbitrate"] += 1
            hops.arrived(given)
        for at in log.unreadable_inputs:
            hops.unreadable(at)
        for written in log.encoded:
            checked["find"] += 1
            hops.encoded(written)
        for at in log.uploads:
            checked["encode"] += 1
            hops.uploaded(at)

    def _take_folds(self, log: AuditLog) -> None:
        checked = self._checked
        for change in log.entity_changes:
            checked["entity"] += 1
            self._sequences.changed(change)
            for side in change.sides:
                members = tuple(sorted(side.members))
                value = side.status, members, side.places, side.redirect_to, side.work_id
                self._entities.said(side.entity_id, value)
        for state in log.entities:
            members = tuple(sorted(state.members))
            value = state.status, members, state.places, state.redirect_to, state.work_id
            self._entities.kept(state.entity_id, value)
            self._homes.kept(state)
        for claim in log.relation_changes:
            checked["relation"] += 1
            self._sequences.changed(claim)
            stands = claim.status, claim.relation, claim.from_entity, claim.to_entity
            self._relations.said(claim.relation_id, stands)
        for held in log.relations:
            stands = held.status, held.relation, held.from_entity, held.to_entity
            self._relations.kept(held.relation_id, stands)
        for batch in _in_batches(log.rows):
            checked["index"] += len(batch)
            self._rows.fold(row for _, row in batch)
            self._last_row = batch[-1][0]

    def _of_index(self, index: IndexHolding | None) -> Iterator[Mismatch]:
        """Compare the index with the fold of its rows, once it has come to their end."""
        # Behind the end nothing can be said: compaction may have dropped a row that the build still holds.
        if index is None or index.watermark <= self._last_row:
            return
        live = self._rows
        if index.rows != len(live.ids):
            said = f"it holds {index.rows} rows at watermark {index.watermark}"
            detail = f"{said}, the log says {len(live.ids)}"
            yield Mismatch(hop="index", what="differs", subject=index.build, detail=detail)
        elif index.checksum and index.checksum != live.checksum():
            detail = f"as many rows as the log says at watermark {index.watermark}, but other ones"
            yield Mismatch(hop="index", what="differs", subject=index.build, detail=detail)


def _in_batches(rows: Iterable[tuple[int, IndexRow]]) -> Iterator[list[tuple[int, IndexRow]]]:
    batch: list[tuple[int, IndexRow]] = []
    for each in rows:
        batch.append(each)
        if len(batch) == _ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
