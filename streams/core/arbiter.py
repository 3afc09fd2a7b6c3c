"""The arbiter's decision on one found upload: pure, over a workspace, in the order of its log.

What is decided: whether the record was seen before, which uploads it links to, where it and everything its
links touch now stands, and how that is said to subscribers. DESIGN rules behind it: one writer mints, in log
order; pair scores depend on two uploads and one bundle alone; the partition is a canonical clustering.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from streams.core.answering import Answer
from streams.core.catalogue import Workspace
from streams.core.claiming import considered, pair_claims, relation_claim
from streams.core.explaining import counter_evidence, smallest_flip
from streams.core.filming import REPLACED, VIDEO_RELATIONS, holds
from streams.core.gathering import gathered, restated
from streams.core.linking import Compared, compare, link
from streams.core.naming import WORK
from streams.core.origins import Origins
from streams.core.placing import Placement, place
from streams.core.records import (
    Candidate,
    Decision,
    Found,
    IndexRow,
    Kind,
    Operation,
    Outcome,
    RelationState,
    SoundFacts,
    UploadState,
)
from streams.core.reembedding import reembed
from streams.core.refining import carried
from streams.core.relating import RelationStep, heard_in, relate, retract
from streams.core.rules import Rules
from streams.core.saying import Decided
from streams.core.sound_evidence import compared_span
from streams.core.standing import stand
from streams.core.upload_rows import deletions_of, rows_of, windows_of


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
    answer = Answer(found, sequence=sequence, rules=rules)
    if encoded.refusal is not None:
        return answer.refuse(encoded.refusal.code, encoded.refusal.reason)
    known = workspace.upload(encoded.key.text())
    deciding = _Deciding(workspace, found, answer, sequence=sequence, rules=rules)
    if encoded.operation is Operation.withdraw:
        return deciding.withdraw(known)
    revision = encoded.revision or 1
    if known is not None and revision <= known.withdrawn_up_to:
        reason = f"everything up to revision {known.withdrawn_up_to} was withdrawn"
        return Decided(events=(answer.decision(Outcome.withdrawn, code="withdrawn_before", reason=reason),))
    if known is not None and revision < known.revision:
        return answer.repeat(known, code="superseded")
    if known is not None and revision == known.revision:
        if encoded.digest == known.digest:
            return answer.repeat(known, code="repeated")
        return answer.refuse(
            "revision_conflict", f"revision {revision} was decided before with other content"
        )
    return deciding.resolve(known, overlay)


class _Deciding:
    """One record on its way to a decision."""

    def __init__(
        self, workspace: Workspace, found: Found, answer: Answer, *, sequence: int, rules: Rules
    ) -> None:
        self._workspace = workspace
        self._found = found
        self._encoded = found.encoded
        self._answer = answer
        self._sequence = sequence
        self._rules = rules
        self._rows: list[IndexRow] = []
        self._retracted: list[RelationState] = []

    def withdraw(self, known: UploadState | None) -> Decided:
        """Take an item's support back; a later arrival of what it covers is withdrawn at once."""
        asked = self._encoded.revision
        up_to = asked if asked is not None else (known.revision if known and known.revision else 1)
        decision = self._answer.decision(Outcome.withdrawn, revision=up_to)
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
        return self._answer.whole(
            replace(decision, entity_id=known.entity_id, recording_id=known.entity_id),
            placement,
            steps=self._relate(()),
            rows=self._rows,
        )

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
                decision_id=self._answer.decision_id,
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
        steps = self._relate(compared)
        decision = replace(self._outcome(key, compared, placement), truncated=truncated)
        return self._answer.whole(decision, placement, steps=steps, rows=self._rows, compared=compared)

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

    def _outcome(self, key: str, compared: Sequence[Compared], placement: Placement) -> Decision:
        """Say whether the upload joined others, stands alone, or a person must look."""
        standing = stand(self._workspace, key, compared, placement, rules=self._rules)
        entity_id = standing.recording.id
        entity = self._workspace.entity(entity_id) if entity_id is not None else None
        is_video = entity is not None and entity.kind == Kind.music_video.value
        decision = replace(
            self._answer.decision(standing.outcome),
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

    def _relate(self, compared: Sequence[Compared]) -> list[RelationStep]:
        """Assert what the candidates show, beside what was just retracted."""
        key = self._encoded.key.text()
        claims = pair_claims(self._workspace, key, compared, self._rules.thresholds)
        taken, others = restated(self._workspace, key, compared)
        return relate(self._workspace, [*claims, *others], [*self._retracted, *taken])


def _content(sound: SoundFacts | None) -> str | None:
    return sound.content_sha256 if sound is not None else None
