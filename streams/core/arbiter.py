"""The arbiter's decision on one found upload: pure, over a workspace, in the order of its log.

What is decided: whether the record was seen before, which uploads it links to, where it and everything its
links touch now stands, and how that is said to subscribers. DESIGN rules behind it: one writer mints, in log
order; pair scores depend on two uploads and one bundle alone; the partition is a canonical clustering.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from streams.core.catalogue import Workspace
from streams.core.ids import event_id, row_id, stable_id
from streams.core.origins import Origins
from streams.core.placing import Placement, Thresholds, place
from streams.core.records import (
    Candidate,
    ConsideredCandidate,
    Contradiction,
    DeadLetter,
    Decision,
    EncodedUpload,
    EntityChanged,
    Found,
    IndexRow,
    ItemKey,
    Kind,
    Level,
    LinkageRecord,
    ModelWindows,
    Operation,
    Outcome,
    PairScore,
    PairState,
    RelationClaim,
    ReviewRequested,
    SoundEvidence,
    SoundFacts,
    UploadState,
)

# Comparisons per upload are bounded; who is compared first is fixed by the order below.
MAX_COMPARED: Final = 64
# A blocking key that this many uploads share says nothing about any of them.
MAX_HOLDERS: Final = 200
MAX_NAMED: Final = 20

Event = Decision | EntityChanged | ReviewRequested | Contradiction | DeadLetter


class PairScorer(Protocol):
    """A frozen bundle at work: a pure function of two uploads' features."""

    def score(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        """Score one pair at recording and at work level."""
        ...


Confirm = Callable[[SoundFacts, SoundFacts], SoundEvidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is in force: changed only by a record of the arbiter's log."""

    scorer: PairScorer
    thresholds: Thresholds
    bundle_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one record led to: events in their order, and rows for the index."""

    events: tuple[Event, ...]
    rows: tuple[IndexRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """One candidate beside the score of the pair, subject first."""

    candidate: Candidate
    state: UploadState
    score: PairScore
    sound: SoundEvidence | None
    looked_up: str


def decide_found(
    workspace: Workspace,
    found: Found,
    *,
    origins: Origins,
    sequence: int,
    rules: Rules,
    confirm: Confirm,
    overlay: Iterable[Candidate] = (),
) -> Decided:
    """Decide on one upload, withdrawal or refusal and write the outcome to the workspace.

    Parameters
    ----------
    workspace : Workspace
        read and written; the caller drops it when the transaction fails
    found : Found
        looked up at a watermark not older than the overlay's floor
    origins : Origins
        what was decided; the origin is added
    sequence : int
        of the decision, used only when there is one
    rules : Rules
    confirm : callable
        compares two sounds from their stored features
    overlay : iterable of Candidate
        hits among rows that the index had not folded

    Returns
    -------
    Decided
        no event at all when this very origin was decided before
    """
    encoded = found.encoded
    if encoded.origin in origins:
        return Decided(events=())
    origins.add(encoded.origin)
    deciding = _Deciding(workspace, found, sequence=sequence, rules=rules, confirm=confirm)
    if encoded.refusal is not None:
        return deciding.refuse(encoded.refusal.code, encoded.refusal.reason)
    known = workspace.upload(encoded.key.text())
    if encoded.operation is Operation.withdraw:
        return deciding.withdraw(known)
    revision = encoded.revision or 1
    if known is not None and revision <= known.withdrawn_up_to:
        return deciding.say(Outcome.withdrawn, code="withdrawn_before", reason=_beaten(known))
    if known is not None and revision < known.revision:
        return deciding.repeat(known, code="superseded")
    if known is not None and revision == known.revision:
        if encoded.digest == known.digest:
            return deciding.repeat(known, code="repeated")
        return deciding.refuse(
            "revision_conflict", f"revision {revision} was decided before with other content"
        )
    return deciding.resolve(known, overlay)


def _beaten(known: UploadState) -> str:
    return f"everything up to revision {known.withdrawn_up_to} was withdrawn"


class _Deciding:
    """One record on its way to a decision."""

    def __init__(
        self, workspace: Workspace, found: Found, *, sequence: int, rules: Rules, confirm: Confirm
    ) -> None:
        self._workspace = workspace
        self._found = found
        self._encoded = found.encoded
        self._sequence = sequence
        self._rules = rules
        self._confirm = confirm
        self._rows: list[IndexRow] = []

    # --- the shorter outcomes ---

    def say(self, outcome: Outcome, *, code: str | None = None, reason: str | None = None) -> Decided:
        """Decide without touching any entity."""
        return Decided(events=(self._decision(outcome, code=code, reason=reason),), rows=tuple(self._rows))

    def repeat(self, known: UploadState, *, code: str) -> Decided:
        """Name the first decision of what was decided before."""
        decision = self._decision(Outcome.duplicate, code=code, reason="decided before")
        return Decided(
            events=(replace(decision, first_decision_id=known.decision_id, entity_id=known.entity_id),)
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
        )
        return Decided(events=(self._decision(Outcome.rejected, code=code, reason=reason), letter))

    def withdraw(self, known: UploadState | None) -> Decided:
        """Take an item's support back; a later arrival of what it covers is withdrawn at once."""
        asked = self._encoded.revision
        up_to = asked if asked is not None else (known.revision if known and known.revision else 1)
        decision = self._decision(Outcome.withdrawn, revision=up_to)
        if known is None:
            self._workspace.put_upload(
                UploadState(
                    source=self._encoded.source,
                    item_id=self._encoded.item_id,
                    revision=0,
                    digest="",
                    withdrawn_up_to=up_to,
                    live=False,
                    decision_id=decision.decision_id,
                    origin=self._encoded.origin,
                )
            )
            return Decided(events=(decision,))
        raised = replace(known, withdrawn_up_to=max(known.withdrawn_up_to, up_to))
        if not known.live or known.revision > up_to:
            self._workspace.put_upload(raised)
            return Decided(events=(decision,))
        seeds = self._unlink(raised)
        self._workspace.put_upload(replace(raised, live=False, rows=(), minted=(), entity_id=None))
        placement = self._place(seeds, formerly=known.entity_id)
        return self._whole(replace(decision, entity_id=known.entity_id), placement)

    # --- the long way ---

    def resolve(self, known: UploadState | None, overlay: Iterable[Candidate]) -> Decided:
        """Compare, link, place and say what became of an upload."""
        encoded = self._encoded
        key = encoded.key.text()
        seeds = self._unlink(known) if known is not None and known.live else {key}
        before = self._workspace.upload(key)
        was_live = known is not None and known.live
        decision_id = self._event_id("decided")
        main = encoded.upload.artists[0].name if encoded.upload and encoded.upload.artists else None
        self._workspace.put_upload(
            UploadState(
                source=encoded.source,
                item_id=encoded.item_id,
                revision=encoded.revision or 1,
                digest=encoded.digest,
                withdrawn_up_to=before.withdrawn_up_to if before else 0,
                live=True,
                decision_id=decision_id,
                origin=encoded.origin,
                kind=encoded.kind,
                record=encoded.record,
                blocking_keys=encoded.blocking_keys,
                sound=encoded.sound,
                rows=self._row_counts(),
                title=encoded.upload.title if encoded.upload else None,
                artist=main,
                minted=before.minted if before and was_live else (),
                entity_id=before.entity_id if before and was_live else None,
            )
        )
        compared, truncated = self._compare(overlay)
        for each in compared:
            self._link(key, each)
        placement = self._place({*seeds, key}, formerly=known.entity_id if known else None)
        self._add_rows()
        decision = replace(self._outcome(key, compared, placement), truncated=truncated)
        return self._whole(decision, placement, compared)

    def _unlink(self, known: UploadState) -> set[str]:
        """Take an upload's pairs, rows and membership away; give everything it was linked to."""
        key = known.key.text()
        seeds = {key}
        for pair in self._workspace.pairs_of(key):
            seeds |= {pair.left, pair.right}
            self._workspace.put_pair(replace(pair, live=False))
        for kept in known.rows:
            for window in range(kept.windows):
                self._rows.append(self._deleted_row(known, kept, window))
        # What it founded stays with the members that are left; an upload alone in its entity takes it along.
        entity = self._workspace.entity(known.entity_id) if known.entity_id else None
        alone = entity is not None and entity.members == (key,)
        self._workspace.put_upload(
            replace(
                known,
                live=False,
                rows=(),
                minted=known.minted if alone else (),
                entity_id=known.entity_id if alone else None,
            )
        )
        return seeds

    def _compare(self, overlay: Iterable[Candidate]) -> tuple[list[_Compared], bool]:
        """Score the upload against every candidate that is live at the revision proposed."""
        encoded = self._encoded
        subject = encoded.record
        if subject is None:
            return [], False
        proposed = self._proposed(overlay)
        compared: list[_Compared] = []
        for candidate, looked_up in proposed[:MAX_COMPARED]:
            state = self._workspace.upload(candidate.key.text())
            if state is None or state.record is None:
                continue
            sound = candidate.sound
            if sound is None and encoded.sound is not None and state.sound is not None:
                sound = self._confirm(encoded.sound, state.sound)
            score = self._rules.scorer.score(subject, state.record, sound)
            compared.append(
                _Compared(candidate=candidate, state=state, score=score, sound=sound, looked_up=looked_up)
            )
        compared.sort(
            key=lambda each: (-each.score.recording.log_odds, -each.score.work.log_odds, each.candidate.key)
        )
        return compared, self._found.truncated or len(proposed) > MAX_COMPARED

    def _proposed(self, overlay: Iterable[Candidate]) -> list[tuple[Candidate, str]]:
        """Union the blockers: vectors from the index, from the overlay, and exact keys of the state."""
        own = self._encoded.key
        merged: dict[ItemKey, tuple[Candidate, str]] = {}

        def propose(candidate: Candidate, looked_up: str) -> None:
            state = self._workspace.upload(candidate.key.text())
            live = state is not None and state.live and state.revision == candidate.revision
            if candidate.key == own or not live:
                return
            held = merged.get(candidate.key)
            if held is None:
                merged[candidate.key] = (candidate, looked_up)
                return
            first, where = held
            merged[candidate.key] = (
                replace(
                    first,
                    proposed_by=tuple(sorted({*first.proposed_by, *candidate.proposed_by})),
                    similarity=max(
                        (s for s in (first.similarity, candidate.similarity) if s is not None), default=None
                    ),
                    sound=first.sound or candidate.sound,
                ),
                where,
            )

        for candidate in self._found.candidates:
            propose(candidate, "index")
        for candidate in overlay:
            propose(candidate, "overlay")
        for blocking_key in self._encoded.blocking_keys:
            holders = self._workspace.holders(blocking_key)
            if len(holders) > MAX_HOLDERS:
                continue
            blocker = blocking_key.partition(":")[0]
            for holder in holders:
                state = self._workspace.upload(holder)
                if state is not None:
                    propose(
                        Candidate(
                            source=state.source,
                            item_id=state.item_id,
                            revision=state.revision,
                            proposed_by=(blocker,),
                        ),
                        "key",
                    )
        # Whom more blockers name goes first; then the nearer vector; then the key, so that it is one order.
        return sorted(
            merged.values(),
            key=lambda held: (-len(held[0].proposed_by), -(held[0].similarity or 0.0), held[0].key),
        )

    def _link(self, key: str, each: _Compared) -> None:
        """Keep the pair when it could matter: a possible link, or a contradiction between the two."""
        score, thresholds = each.score, self._rules.thresholds
        could_link = (
            score.recording.log_odds >= thresholds.recording_review
            or score.work.log_odds >= thresholds.work_review
        )
        forbids = score.cannot_link is not None or score.recording.log_odds < -thresholds.guard
        if not could_link and not forbids:
            return
        other = each.candidate.key.text()
        left, right = sorted((key, other))
        self._workspace.put_pair(
            PairState(
                left=left,
                right=right,
                recording_log_odds=score.recording.log_odds,
                work_log_odds=score.work.log_odds,
                cannot_link=score.cannot_link,
                work_cannot_link=score.work_cannot_link,
                relation=score.relation,
                sound=each.sound,
                bundle_version=self._rules.bundle_version,
            )
        )

    def _place(self, seeds: set[str], *, formerly: str | None) -> Placement:
        return place(
            self._workspace,
            seeds,
            subject=self._encoded.key.text(),
            formerly=formerly,
            thresholds=self._rules.thresholds,
            sequence=self._sequence,
        )

    # --- saying it ---

    def _outcome(self, key: str, compared: Sequence[_Compared], placement: Placement) -> Decision:
        """Say whether the upload joined others, stands alone, or a person must look."""
        state = self._workspace.upload(key)
        entity = self._workspace.entity(state.entity_id) if state and state.entity_id else None
        members = set(entity.members) - {key} if entity else set()
        thresholds = self._rules.thresholds
        inside = [each for each in compared if each.candidate.key.text() in members]
        doubtful = [
            each
            for each in compared
            if each.candidate.key.text() not in members
            and each.score.cannot_link is None
            and each.score.recording.log_odds >= thresholds.recording_review
        ]
        strongest = compared[0] if compared else None
        if inside:
            outcome = Outcome.match
            deciding: _Compared | None = inside[0]
        elif doubtful or placement.refused or placement.too_large:
            outcome, deciding = Outcome.review, doubtful[0] if doubtful else strongest
        else:
            outcome, deciding = Outcome.new, strongest
        work_id = entity.work_id if entity else None
        relation = self._relation([each for each in compared if each not in inside])
        is_video = entity is not None and entity.kind == Kind.music_video.value
        shows = relation is not None and relation.relation == "music_video_of"
        decision = replace(
            self._decision(outcome),
            relation=relation,
            sound_recording_id=relation.to_entity if relation and is_video and shows else None,
            entity_id=entity.entity_id if entity else None,
            work_id=work_id,
            video_id=entity.entity_id if entity and is_video else None,
            candidates=self._considered(compared),
        )
        if deciding is None:
            return decision
        return replace(
            decision,
            deciding_source=deciding.candidate.source,
            deciding_item_id=deciding.candidate.item_id,
            recording_ledger=deciding.score.recording,
            work_ledger=deciding.score.work,
            recording=Level(
                id=entity.entity_id if entity else None,
                probability=deciding.score.recording.probability,
                threshold=thresholds.recording_match,
            ),
            work=Level(
                id=work_id,
                probability=deciding.score.work.probability,
                threshold=thresholds.work_match,
            ),
        )

    def _relation(self, others: Sequence[_Compared]) -> RelationClaim | None:
        """Name the nearest other recording that a typed relation leads to, the likeliest work first."""
        likely = [
            each
            for each in others
            if each.score.relation is not None
            and each.score.work.log_odds >= self._rules.thresholds.work_review
        ]
        if not likely:
            return None
        nearest = max(likely, key=lambda each: each.score.work.log_odds)
        now = self._workspace.upload(nearest.candidate.key.text())
        sound = nearest.sound or SoundEvidence()
        return RelationClaim(
            relation=nearest.score.relation or "",
            to_entity=(now.entity_id if now else None) or "",
            to_source=nearest.candidate.source,
            to_item_id=nearest.candidate.item_id,
            probability=nearest.score.work.probability,
            offset_ms=sound.offset_ms,
            overlap_ms=sound.overlap_ms,
            speed_ratio=sound.speed_ratio,
        )

    def _considered(self, compared: Sequence[_Compared]) -> tuple[ConsideredCandidate, ...]:
        named = []
        for each in compared[:MAX_NAMED]:
            now = self._workspace.upload(each.candidate.key.text())
            named.append(
                ConsideredCandidate(
                    source=each.candidate.source,
                    item_id=each.candidate.item_id,
                    entity_id=now.entity_id if now else None,
                    proposed_by=each.candidate.proposed_by,
                    recording_log_odds=each.score.recording.log_odds,
                    work_log_odds=each.score.work.log_odds,
                    cannot_link=each.score.cannot_link,
                    relation=each.score.relation,
                    looked_up=each.looked_up,
                )
            )
        return tuple(named)

    def _whole(self, decision: Decision, placement: Placement, compared: Sequence[_Compared] = ()) -> Decided:
        """Gather a decision and what follows from it under one sequence."""
        events: list[Event] = [decision]
        if placement.sides:
            events.append(
                EntityChanged(
                    event_id=self._event_id("entity"),
                    sequence=self._sequence,
                    part=1,
                    parts=1,
                    change=placement.change,
                    sides=placement.sides,
                    cause=decision.decision_id,
                )
            )
        if decision.outcome is Outcome.review and decision.deciding_source is not None:
            events.append(self._review(decision, placement))
        events += self._contradictions(compared)
        return Decided(events=tuple(events), rows=tuple(self._rows))

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

    def _contradictions(self, compared: Sequence[_Compared]) -> list[Event]:
        encoded = self._encoded
        said: list[tuple[str, str, str | None]] = [
            ("wrong_identifier", f"{each.scheme} {each.value}: {each.problem}", each.value)
            for each in encoded.identifier_problems
        ]
        said += [
            (each.score.contradiction, f"contradicts {each.candidate.key}", each.candidate.key.text())
            for each in compared
            if each.score.contradiction is not None
        ]
        return [
            Contradiction(
                event_id=self._event_id("contradiction", ordinal=ordinal),
                sequence=self._sequence,
                source=encoded.source,
                item_id=encoded.item_id,
                revision=encoded.revision or 1,
                code=code,
                message=message,
                subject=subject,
            )
            for ordinal, (code, message, subject) in enumerate(said)
        ]

    def _decision(
        self,
        outcome: Outcome,
        *,
        code: str | None = None,
        reason: str | None = None,
        revision: int | None = None,
    ) -> Decision:
        encoded = self._encoded
        return Decision(
            decision_id=self._event_id("decided"),
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
        )

    def _event_id(self, event: str, *, ordinal: int = 0) -> str:
        """Name an event; the origin tells repeats of one revision apart."""
        encoded = self._encoded
        origin = stable_id(encoded.origin.topic, encoded.origin.partition, encoded.origin.offset)
        return event_id(
            encoded.source,
            encoded.item_id,
            revision=encoded.revision or 0,
            operation=encoded.operation.value,
            event=event,
            subject=origin,
            ordinal=ordinal,
        )

    # --- rows of the index ---

    def _row_counts(self) -> tuple[ModelWindows, ...]:
        counts: dict[tuple[str, str], int] = {}
        for row in self._encoded.vectors:
            counts[row.modality, row.model] = max(counts.get((row.modality, row.model), 0), row.window + 1)
        return tuple(
            ModelWindows(modality=modality, model=model, windows=windows)
            for (modality, model), windows in sorted(counts.items())
        )

    def _add_rows(self) -> None:
        encoded = self._encoded
        for row in encoded.vectors:
            self._rows.append(
                IndexRow(
                    row_id=row_id(
                        encoded.source,
                        encoded.item_id,
                        revision=encoded.revision or 1,
                        modality=row.modality,
                        model=row.model,
                        window=row.window,
                    ),
                    source=encoded.source,
                    item_id=encoded.item_id,
                    revision=encoded.revision or 1,
                    modality=row.modality,
                    model=row.model,
                    window=row.window,
                    start_ms=row.start_ms,
                    values=row.values,
                )
            )

    def _deleted_row(self, known: UploadState, kept: ModelWindows, window: int) -> IndexRow:
        return IndexRow(
            row_id=row_id(
                known.source,
                known.item_id,
                revision=known.revision,
                modality=kept.modality,
                model=kept.model,
                window=window,
            ),
            source=known.source,
            item_id=known.item_id,
            revision=known.revision,
            modality=kept.modality,
            model=kept.model,
            window=window,
            start_ms=0,
            values=b"",
            state="deleted",
        )


def _trace_id(encoded: EncodedUpload) -> str | None:
    """Read the trace id of a W3C traceparent."""
    parts = (encoded.traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None
