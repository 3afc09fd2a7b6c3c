"""The arbiter's decision on one found upload: pure, over a workspace, in the order of its log.

What is decided: whether the record was seen before, which uploads it links to, where it and everything its
links touch now stands, and how that is said to subscribers. DESIGN rules behind it: one writer mints, in log
order; pair scores depend on two uploads and one bundle alone; the partition is a canonical clustering.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.claiming import considered, pair_claims, relation_claim
from streams.core.clustering import Judgement
from streams.core.contradicting import contradictions
from streams.core.explaining import counter_evidence, smallest_flip
from streams.core.filming import REPLACED, VIDEO_RELATIONS, holds
from streams.core.gathering import gathered, restated
from streams.core.ids import event_id, stable_id
from streams.core.linking import Compared, compare, judged, link
from streams.core.naming import WORK
from streams.core.origins import Origins
from streams.core.placing import Placement, place
from streams.core.records import (
    Candidate,
    Contradiction,
    DeadLetter,
    Decision,
    EncodedUpload,
    EntityChanged,
    Found,
    IndexRow,
    ItemKey,
    Kind,
    Operation,
    Outcome,
    RelationChanged,
    RelationState,
    ReviewRequested,
    SoundFacts,
    UploadState,
    Verdict,
)
from streams.core.records.decided import Carrier
from streams.core.reembedding import reembed
from streams.core.refining import carried
from streams.core.relating import RelationStep, heard_in, relate, retract
from streams.core.rules import Rules
from streams.core.saying import entity_changed, numbered, relation_changed, said_by
from streams.core.sound_evidence import compared_span
from streams.core.standing import stand
from streams.core.upload_rows import deletions_of, rows_of, windows_of
from streams.errors import InvariantError

Event = Carrier | ReviewRequested | Contradiction | DeadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What one record led to: events in their order, and rows for the index."""

    events: tuple[Event, ...]
    rows: tuple[IndexRow, ...] = ()


def decide_found(
    workspace: Workspace,
    found: Found,
    *,
    origins: Origins,
    sequence: int,
    rules: Rules,
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
    overlay : iterable of Candidate
        hits among rows that the index had not folded

    Returns
    -------
    Decided
        no event at all when this very origin was decided before, or the record only brings other vectors
    """
    encoded = found.encoded
    if encoded.reembedded:
        return Decided(events=(), rows=reembed(workspace, encoded))
    if encoded.origin in origins:
        return Decided(events=())
    origins.add(encoded.origin, gap=encoded.gap)
    deciding = _Deciding(workspace, found, sequence=sequence, rules=rules)
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


def decide_verdict(workspace: Workspace, verdict: Verdict, *, sequence: int, rules: Rules) -> Decided:
    """Settle a pair as a person judged it, or open it again; entities change where the pair demands it.

    A verdict holds for the revisions that it was given on: a revision is new evidence. One that was taken
    already changes nothing.

    Raises
    ------
    InvariantError
        it names an upload that is not live, or would make a recording and a music video one
    """
    keys = (
        ItemKey(verdict.left_source, verdict.left_item_id).text(),
        ItemKey(verdict.right_source, verdict.right_item_id).text(),
    )
    left, right = sorted(keys)
    if left == right:
        raise InvariantError("it names one upload twice")
    a, b = _live(workspace, left), _live(workspace, right)
    if verdict.judgement == Judgement.match and a.kind is not b.kind:
        raise InvariantError("a recording and a music video are never one entity")
    held = judged(workspace, left, right, rules=rules)
    if held.verdict_id == verdict.verdict_id:
        return Decided(events=())
    judgement = None if verdict.judgement == "withdrawn" else verdict.judgement
    workspace.put_pair(replace(held, verdict=judgement, verdict_id=verdict.verdict_id))
    placement = place(
        workspace,
        (left, right),
        subject=left,
        formerly=None,
        rules=rules,
        sequence=sequence,
    )
    return Decided(events=said_by("verdict", verdict.verdict_id, [placement], sequence=sequence))


def _live(workspace: Workspace, key: str) -> UploadState:
    upload = workspace.upload(key)
    if upload is None or not upload.live:
        raise InvariantError(f"there is no live upload {'/'.join(ItemKey.parse(key))}")
    return upload


def _beaten(known: UploadState) -> str:
    return f"everything up to revision {known.withdrawn_up_to} was withdrawn"


class _Deciding:
    """One record on its way to a decision."""

    def __init__(self, workspace: Workspace, found: Found, *, sequence: int, rules: Rules) -> None:
        self._workspace = workspace
        self._found = found
        self._encoded = found.encoded
        self._sequence = sequence
        self._rules = rules
        origin = self._encoded.origin
        self._origin_id = stable_id(origin.topic, origin.partition, origin.offset)
        self._decision_id = self._event_id("decided")
        self._rows: list[IndexRow] = []
        self._retracted: list[RelationState] = []
        self._steps: list[RelationStep] = []

    # --- the shorter outcomes ---

    def say(self, outcome: Outcome, *, code: str | None = None, reason: str | None = None) -> Decided:
        """Decide without touching any entity."""
        return Decided(events=(self._decision(outcome, code=code, reason=reason),), rows=tuple(self._rows))

    def repeat(self, known: UploadState, *, code: str) -> Decided:
        """Name the first decision of what was decided before."""
        decision = self._decision(Outcome.duplicate, code=code, reason="decided before")
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
        seeds = self._unlink(raised, heard=None)
        self._workspace.put_upload(
            replace(
                raised, live=False, rows=(), minted=(), former=(), master=None, audio=None, entity_id=None
            )
        )
        placement = self._place(seeds, formerly=known.entity_id)
        self._relate(())
        return self._whole(
            replace(decision, entity_id=known.entity_id, recording_id=known.entity_id), placement
        )

    # --- the long way ---

    def resolve(self, known: UploadState | None, overlay: Iterable[Candidate]) -> Decided:
        """Compare, link, place and say what became of an upload."""
        encoded = self._encoded
        key = encoded.key.text()
        seeds = self._unlink(known, heard=encoded.sound) if known is not None and known.live else {key}
        before = self._workspace.upload(key)
        was_live = known is not None and known.live
        main = encoded.upload.artists[0].name if encoded.upload and encoded.upload.artists else None
        self._workspace.put_upload(
            UploadState(
                source=encoded.source,
                item_id=encoded.item_id,
                revision=encoded.revision or 1,
                digest=encoded.digest,
                withdrawn_up_to=before.withdrawn_up_to if before else 0,
                live=True,
                decision_id=self._decision_id,
                origin=encoded.origin,
                kind=encoded.kind,
                record=encoded.record,
                blocking_keys=encoded.blocking_keys,
                sound=encoded.sound,
                rows=windows_of(encoded),
                title=encoded.upload.title if encoded.upload else None,
                artist=main,
                minted=self._kept(before) if before and was_live else (),
                master=before.master if before and was_live else None,
                audio=before.audio if before and was_live else None,
                entity_id=before.entity_id if before and was_live else None,
            )
        )
        compared, truncated = compare(self._workspace, self._found, overlay, rules=self._rules)
        for each in compared:
            link(self._workspace, key, each, rules=self._rules)
        compared = gathered(self._workspace, key, compared)
        placement = self._place({*seeds, key}, formerly=known.entity_id if known else None)
        self._rows += rows_of(encoded)
        self._relate(compared)
        decision = replace(self._outcome(key, compared, placement), truncated=truncated)
        return self._whole(decision, placement, compared)

    def _unlink(self, known: UploadState, *, heard: SoundFacts | None) -> set[str]:
        """Take an upload's pairs, rows and membership away; give everything it was linked to.

        Parameters
        ----------
        heard : SoundFacts, optional
            what comes in its place sounds like
        """
        key = known.key.text()
        seeds = {key}
        for pair in self._workspace.pairs_of(key):
            seeds |= {pair.left, pair.right}
            self._workspace.put_pair(replace(pair, live=False))
        self._retracted = retract(self._workspace, key)
        self._rows += deletions_of(known)
        # What it founded stays with the members that are left; an upload alone in its entity takes it along.
        entity = self._workspace.entity(known.entity_id) if known.entity_id else None
        alone = entity is not None and entity.members == (key,)
        same_sound = _content(heard) == _content(known.sound)
        self._workspace.put_upload(
            replace(
                carried(self._workspace, known, same_sound=same_sound),
                live=False,
                rows=(),
                minted=known.minted if alone else (),
                entity_id=known.entity_id if alone else None,
            )
        )
        return seeds

    def _kept(self, before: UploadState) -> tuple[str, ...]:
        """Name what an upload founded and may keep: a recording's id never becomes that of a video."""
        entities = [self._workspace.entity(name) for name in before.minted]
        kinds = {WORK, self._encoded.kind.value}
        return tuple(each.entity_id for each in entities if each is not None and each.kind in kinds)

    def _place(self, seeds: set[str], *, formerly: str | None) -> Placement:
        return place(
            self._workspace,
            seeds,
            subject=self._encoded.key.text(),
            formerly=formerly,
            rules=self._rules,
            sequence=self._sequence,
        )

    # --- saying it ---

    def _outcome(self, key: str, compared: Sequence[Compared], placement: Placement) -> Decision:
        """Say whether the upload joined others, stands alone, or a person must look."""
        standing = stand(self._workspace, key, compared, placement, rules=self._rules)
        entity_id = standing.recording.id
        entity = self._workspace.entity(entity_id) if entity_id is not None else None
        is_video = entity is not None and entity.kind == Kind.music_video.value
        decision = replace(
            self._decision(standing.outcome),
            relation=relation_claim(self._workspace, key, compared, self._rules.thresholds),
            sound_recording_id=heard_in(self._workspace, entity) if is_video and entity else entity_id,
            entity_id=entity_id,
            recording_id=entity_id,
            audio_id=standing.audio.id,
            master_id=standing.master.id,
            work_id=standing.work.id,
            video_id=entity_id if is_video else None,
            sound_track=self._sound_track(compared),
            candidates=considered(self._workspace, compared),
            audio=standing.audio,
            master=standing.master,
            recording=standing.recording,
            work=standing.work,
        )
        deciding, score = standing.deciding, standing.score
        if deciding is None or score is None:
            return decision
        threshold = self._rules.thresholds.recording_match
        return replace(
            decision,
            counter_evidence=counter_evidence(score.recording, positive=standing.outcome is Outcome.match),
            flip=smallest_flip(score.recording, threshold=threshold),
            deciding_source=deciding.state.source,
            deciding_item_id=deciding.state.item_id,
            deciding_models=tuple(sorted({kept.model for kept in deciding.state.rows})),
            heard=compared_span(deciding.sound),
            recording_ledger=score.recording,
            work_ledger=score.work,
        )

    def _sound_track(self, compared: Sequence[Compared]) -> str | None:
        """Say what a video's sound is; replaced where it is another than that of the song it is called by."""
        replaced = any(each.score.contradiction == REPLACED for each in compared)
        heard = any(each.score.relation in VIDEO_RELATIONS and holds(each.sound) for each in compared)
        track = self._encoded.sound_track
        return "replaced" if track == "heard" and replaced and not heard else track

    def _relate(self, compared: Sequence[Compared]) -> None:
        """Assert what the candidates show, beside what was just retracted."""
        key = self._encoded.key.text()
        claims = pair_claims(self._workspace, key, compared, self._rules.thresholds)
        taken, others = restated(self._workspace, key, compared)
        self._steps = relate(self._workspace, [*claims, *others], [*self._retracted, *taken])

    def _relations(self, placement: Placement, cause: str) -> list[RelationChanged]:
        """Say which relations between entities came, changed or went."""
        return [
            relation_changed(
                step,
                event_id=self._event_id("relation", ordinal=ordinal),
                sequence=self._sequence,
                cause=cause,
            )
            for ordinal, step in enumerate((*self._steps, *placement.relations))
        ]

    def _whole(self, decision: Decision, placement: Placement, compared: Sequence[Compared] = ()) -> Decided:
        """Gather a decision and what follows from it under one sequence."""
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
        changes += self._relations(placement, decision.decision_id)
        events: list[Event] = list(numbered((decision, *changes)))
        if decision.outcome is Outcome.review and decision.deciding_source is not None:
            events.append(self._review(decision, placement))
        events += contradictions(
            self._encoded,
            compared,
            sequence=self._sequence,
            name=lambda ordinal: self._event_id("contradiction", ordinal=ordinal),
        )
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
            decision_id=self._decision_id,
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


def _content(sound: SoundFacts | None) -> str | None:
    return sound.content_sha256 if sound is not None else None


def _trace_id(encoded: EncodedUpload) -> str | None:
    """Read the trace id of a W3C traceparent."""
    parts = (encoded.traceparent or "").split("-")
    return parts[1] if len(parts) == 4 else None
