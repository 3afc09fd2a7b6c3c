"""Answering one upload: its decision, and all that is said with it under one sequence."""

from collections.abc import Sequence

from msgspec.structs import replace

from streams.core.contradicting import contradictions
from streams.core.ids import event_id, stable_id
from streams.core.linking import Compared
from streams.core.placing import Placement
from streams.core.records import (
    DeadLetter,
    Decision,
    EncodedUpload,
    EntityChanged,
    Found,
    IndexRow,
    Outcome,
    RelationChanged,
    ReviewRequested,
    UploadState,
)
from streams.core.relating import RelationStep
from streams.core.rules import Rules
from streams.core.saying import Decided, Event, entity_changed, numbered, relation_changed


class Answer:
    """What is said of one found upload; touches no state.

    Parameters
    ----------
    found : Found
    sequence : int
        of the decision
    rules : Rules

    Attributes
    ----------
    decision_id : str
    """

    def __init__(self, found: Found, *, sequence: int, rules: Rules) -> None:
        self._found = found
        self._encoded = found.encoded
        self._sequence = sequence
        self._rules = rules
        origin = self._encoded.origin
        self._origin_id = stable_id(origin.topic, origin.partition, origin.offset)
        self.decision_id = self._event_id("decided")

    def decision(
        self,
        outcome: Outcome,
        *,
        code: str | None = None,
        reason: str | None = None,
        revision: int | None = None,
    ) -> Decision:
        """Give the decision, as far as the upload and what was looked up for it tell."""
        encoded = self._encoded
        return Decision(
            decision_id=self.decision_id,
            sequence=self._sequence,
            origin=encoded.origin,
            source=encoded.source,
            item_id=encoded.item_id,
            revision=revision if revision is not None else encoded.revision or 1,
            outcome=outcome,
            kind=encoded.kind,
            code=code,
            reason=reason,
            identifier_problems=encoded.identifier_problems,
            models=tuple(sorted({row.model for row in encoded.vectors})),
            rule_version=encoded.rule_version,
            bundle_version=self._rules.bundle_version,
            lookup=self._found.lookup,
            received_ms=encoded.received_ms,
            trace_id=_trace_id(encoded),
            part=1,
            parts=1,
        )

    def repeat(self, known: UploadState, *, code: str) -> Decided:
        """Name the first decision of what was decided before."""
        decision = self.decision(Outcome.duplicate, code=code, reason="decided before")
        return Decided(
            events=(
                replace(
                    decision,
                    first_decision_id=known.decision_id,
                    entity_id=known.entity_id,
                    recording_id=known.entity_id,
                ),
            )
        )

    def refuse(self, code: str, reason: str) -> Decided:
        """Reject, with one dead letter for this origin."""
        refusal = self._encoded.refusal
        letter = DeadLetter(
            event_id=self._event_id("deadletter"),
            sequence=self._sequence,
            origin=self._encoded.origin,
            code=code,
            reason=reason,
            body=refusal.body if refusal else b"",
            body_sha256=refusal.body_sha256 if refusal else None,
            body_bytes=refusal.body_bytes if refusal else 0,
            body_blob=refusal.body_blob if refusal else None,
            source=self._encoded.source or None,
            item_id=self._encoded.item_id or None,
            attempt=refusal.attempt if refusal else 1,
            replay_of=refusal.replay_of if refusal else None,
        )
        return Decided(events=(self.decision(Outcome.rejected, code=code, reason=reason), letter))

    def whole(
        self,
        decision: Decision,
        placement: Placement,
        *,
        steps: Sequence[RelationStep],
        rows: Sequence[IndexRow],
        compared: Sequence[Compared] = (),
    ) -> Decided:
        """Gather a decision and what follows from it."""
        changes: list[EntityChanged | RelationChanged] = []
        if placement.sides:
            changes.append(
                entity_changed(
                    placement,
                    event_id=self._event_id("entity"),
                    sequence=self._sequence,
                    cause=decision.decision_id,
                )
            )
        changes += [
            relation_changed(
                step,
                event_id=self._event_id("relation", ordinal=ordinal),
                sequence=self._sequence,
                cause=decision.decision_id,
            )
            for ordinal, step in enumerate((*steps, *placement.relations))
        ]
        events: list[Event] = list(numbered((decision, *changes)))
        if decision.outcome is Outcome.review and decision.deciding_source is not None:
            events.append(self._review(decision, placement))
        events += contradictions(
            self._encoded,
            compared,
            sequence=self._sequence,
            name=lambda ordinal: self._event_id("contradiction", ordinal=ordinal),
        )
        return Decided(events=tuple(events), rows=tuple(rows))

    def _review(self, decision: Decision, placement: Placement) -> ReviewRequested:
        ledger = decision.recording_ledger
        return ReviewRequested(
            event_id=self._event_id("review"),
            sequence=self._sequence,
            left_source=decision.source,
            left_item_id=decision.item_id,
            right_source=decision.deciding_source or "",
            right_item_id=decision.deciding_item_id or "",
            probability=ledger.probability if ledger else 0.0,
            reason="guard" if placement.refused else "too_large" if placement.too_large else "doubtful",
            decision_id=decision.decision_id,
        )

    def _event_id(self, event: str, *, ordinal: int = 0) -> str:
        """Name an event; the origin tells repeats of one revision apart."""
        encoded = self._encoded
        return event_id(
            encoded.source,
            encoded.item_id,
            revision=encoded.revision or 0,
            operation=encoded.operation.value,
            event=event,
            subject=self._origin_id,
            ordinal=ordinal,
        )


def _trace_id(encoded: EncodedUpload) -> str | None:
    """Read the trace id of a W3C traceparent."""
    parts = (encoded.traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None
