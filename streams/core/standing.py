"""Standing: what became of an upload among its candidates, and its score at every level of identity.

The score of an entity is that of its closest member. What the rules around the pair scores do to it (a hard
contradiction, a merge that a third upload forbids) is a line of the ledger, so that outcome and score can be
computed again from the ledger and the thresholds alone (``streams.core.verifying``).
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.linking import Compared
from streams.core.placing import Placement
from streams.core.records import (
    EntityState,
    HeadScore,
    LedgerLine,
    Level,
    MemberPlace,
    Outcome,
    PairScore,
    PairState,
    SoundEvidence,
    UploadState,
)
from streams.core.records.record import Record
from streams.core.refining import LevelName
from streams.core.rules import Rules
from streams.core.scoring import SHORT_OF_A_MATCH, explained, probability
from streams.core.sound_evidence import mirrored

RULED_OUT: Final = -9.21
"""Log-odds left to what a hard fact excludes: a probability of 1e-4."""
AGGREGATION, GUARD = "aggregation", "guard"


class Bound(NamedTuple):
    """Where a rule puts a score, and why."""

    reason: str
    log_odds: float


class Standing(Record, frozen=True, kw_only=True):
    """An outcome, the upload that it hangs on, and the scores.

    Attributes
    ----------
    outcome : Outcome
        match, new or review
    deciding : Compared, optional
        the closest member, or whom a person must compare with, or the best of those that were ruled out
    score : PairScore, optional
        of the deciding upload, with the lines of aggregation and guards
    audio, master, recording, work : Level
    """

    outcome: Outcome
    deciding: Compared | None
    score: PairScore | None
    audio: Level
    master: Level
    recording: Level
    work: Level


def outcome_of(log_odds: float, *, match: float, review: float) -> Outcome:
    """Turn the score of an entity into an outcome."""
    return Outcome.match if log_odds >= match else Outcome.review if log_odds >= review else Outcome.new


def with_line(score: HeadScore, line: LedgerLine) -> HeadScore:
    """Add a line to a ledger."""
    total = score.log_odds + line.contribution
    return replace(score, lines=(*score.lines, line), log_odds=total, probability=probability(total))


def bounded(score: HeadScore, bound: Bound | None) -> HeadScore:
    """Bring a score to where a rule wants it, by a line of its own."""
    if bound is None or bound.log_odds == score.log_odds:
        return score
    line = LedgerLine(name=GUARD, level=bound.reason, contribution=bound.log_odds - score.log_odds)
    return with_line(score, line)


def stand(
    workspace: Workspace, key: str, compared: Sequence[Compared], placement: Placement, *, rules: Rules
) -> Standing:
    """Say where an upload stands, once it is placed.

    Parameters
    ----------
    workspace : Workspace
    key : str
        of the upload
    compared : sequence of Compared
        its candidates, the likeliest first
    placement : Placement
    rules : Rules
    """
    return _Standing(workspace, key, compared, placement, rules).stand()


class _Standing:
    """One upload on its way to an outcome."""

    def __init__(
        self,
        workspace: Workspace,
        key: str,
        compared: Sequence[Compared],
        placement: Placement,
        rules: Rules,
    ) -> None:
        self._workspace = workspace
        self._key = key
        self._compared = compared
        self._placement = placement
        self._rules = rules
        self._state = workspace.upload(key)
        held = self._state.entity_id if self._state is not None else None
        self._entity = workspace.entity(held) if held is not None else None

    def stand(self) -> Standing:
        thresholds, entity = self._rules.thresholds, self._entity
        members = [key for key in entity.members if key != self._key] if entity else []
        outcome, deciding, bound = self._decide(members)
        own = self._place(self._key)
        work_id = entity.work_id if entity else None
        # Nobody to share with has no probability.
        audio = Level(id=own.audio_id if own else None, threshold=thresholds.audio_match)
        master = Level(id=own.master_id if own else None, threshold=thresholds.master_match)
        recording = Level(id=entity.entity_id if entity else None, threshold=thresholds.recording_match)
        work = Level(id=work_id, threshold=thresholds.work_match)
        if deciding is None:
            return Standing(
                outcome=outcome,
                deciding=None,
                score=None,
                audio=audio,
                master=master,
                recording=recording,
                work=work,
            )
        score = self._explained(deciding, bound)
        recording = replace(recording, probability=score.recording.probability)
        # One recording is one work.
        work = replace(work, probability=max(score.work.probability, score.recording.probability))
        if members and own is not None:
            master = self._below(master, self._partner("master", members, own), recording)
            audio = self._below(audio, self._partner("audio", members, own), master)
        return Standing(
            outcome=outcome,
            deciding=deciding,
            score=score,
            audio=audio,
            master=master,
            recording=recording,
            work=work,
        )

    def _decide(self, members: Sequence[str]) -> tuple[Outcome, Compared | None, Bound | None]:
        """Give the outcome, what it hangs on, and what bounds its score."""
        thresholds = self._rules.thresholds
        if members:
            return Outcome.match, self._closest(members), None
        doubtful = self._doubtful()
        refused = self._refused()
        if doubtful or refused or self._placement.too_large:
            deciding = next(iter((*doubtful, *refused, *self._compared)), None)
            if deciding is None:
                return Outcome.review, None, None
            reason = "too_large" if self._placement.too_large else "another_member"
            log_odds = deciding.score.recording.log_odds
            short = thresholds.recording_match - SHORT_OF_A_MATCH
            within = max(min(log_odds, short), min(thresholds.recording_review, short))
            return Outcome.review, deciding, Bound(reason, within)
        if not self._compared:
            return Outcome.new, None, None
        strongest = self._compared[0]
        log_odds = strongest.score.recording.log_odds
        if log_odds < thresholds.recording_review:
            return Outcome.new, strongest, None
        reason = strongest.score.cannot_link or self._excluded().get(self._home(strongest) or "", "")
        return Outcome.new, strongest, Bound(reason, RULED_OUT)

    def _closest(self, members: Sequence[str]) -> Compared | None:
        """Give the member that brought the upload in: the likeliest with which it may share a recording."""
        inside = set(members)
        known = {each.key: each for each in self._compared}
        found: list[Compared] = []
        for pair in self._workspace.pairs_of(self._key):
            other = pair.right if pair.left == self._key else pair.left
            if other in inside and pair.cannot_link is None:
                compared = known.get(other) or self._from_pair(pair, other)
                if compared is not None:
                    found.append(compared)
        return min(found, key=lambda each: (-each.score.recording.log_odds, each.key), default=None)

    def _from_pair(self, pair: PairState, other: str) -> Compared | None:
        """Tell a pair that the clustering scored, though nobody proposed it, from the upload's side."""
        state = self._workspace.upload(other)
        if self._state is None or state is None or self._state.record is None or state.record is None:
            return None
        sound = self._sound(pair)
        score = self._rules.scorer.score(self._state.record, state.record, sound)
        return Compared(
            key=other,
            state=state,
            score=score,
            sound=sound,
            looked_up="component",
            proposed_by=("component",),
        )

    def _doubtful(self) -> list[Compared]:
        """Give those that a person must compare with the upload.

        What one member of an entity rules out, no silent member of it leaves open: a live take beside an
        album track that another source sent without saying so.
        """
        excluded, review = self._excluded(), self._rules.thresholds.recording_review
        return [
            each
            for each in self._compared
            if each.score.recording.log_odds >= review
            and each.score.cannot_link is None
            and self._home(each) not in excluded
        ]

    def _refused(self) -> list[Compared]:
        """Give those whose entity a third upload keeps this one out of."""
        named = set(self._placement.refused)
        known = {each.key: each for each in self._compared}
        pairs = {
            pair.right if pair.left == self._key else pair.left: pair
            for pair in (self._workspace.pairs_of(self._key) if named else ())
        }
        found = [known.get(key) or self._from_pair(pairs[key], key) for key in sorted(named) if key in pairs]
        return sorted(
            (each for each in found if each is not None),
            key=lambda each: (-each.score.recording.log_odds, each.key),
        )

    def _excluded(self) -> dict[str, str]:
        """Give the entities that a candidate rules out, and why."""
        return {
            home: f"member:{each.score.cannot_link}"
            for each in reversed(self._compared)
            if each.score.cannot_link is not None and (home := self._home(each)) is not None
        }

    def _home(self, each: Compared) -> str | None:
        """Give the entity that a candidate is in now."""
        now = self._workspace.upload(each.key)
        return now.entity_id if now is not None else None

    def _explained(self, deciding: Compared, bound: Bound | None) -> PairScore:
        """Give the score of the deciding pair with the values on its lines and what the rules make of it."""
        score = deciding.score
        if self._state is not None and self._state.record is not None and deciding.state.record is not None:
            score = explained(score, self._state.record, deciding.state.record, deciding.sound)
        home = self._home(deciding)
        entity = self._workspace.entity(home) if home else None
        recording = bounded(with_line(score.recording, _aggregation(entity)), bound)
        work = score.work
        if score.work_cannot_link is not None and work.log_odds > RULED_OUT:
            work = bounded(work, Bound(score.work_cannot_link, RULED_OUT))
        return replace(score, recording=recording, work=work)

    # --- below the recording ---

    def _place(self, key: str) -> MemberPlace | None:
        places = self._entity.places if self._entity is not None else ()
        return next((place for place in places if place.member == key), None)

    def _partner(
        self, level: LevelName, members: Iterable[str], own: MemberPlace
    ) -> tuple[UploadState, HeadScore] | None:
        """Find the member to compare with at a level: one that shares it if any does, then the likeliest."""
        places = {place.member: place for place in (self._entity.places if self._entity else ())}
        inside = set(members)
        best: tuple[tuple[int, float, str], UploadState, SoundEvidence | None] | None = None
        for pair in self._workspace.pairs_of(self._key):
            other = pair.right if pair.left == self._key else pair.left
            if other not in inside:
                continue
            state, sound = self._workspace.upload(other), self._sound(pair)
            head = self._level_score(level, state, sound)
            if state is None or head is None:
                continue
            place = places.get(other)
            closeness = int(place is not None and place.master_id == own.master_id)
            if level == "audio":
                closeness += int(place is not None and place.audio_id == own.audio_id)
            rank = (-closeness, -head.log_odds, other)
            if best is None or rank < best[0]:
                best = rank, state, sound
        if best is None:
            return None
        rank, state, sound = best
        head = self._level_score(level, state, sound, explained=True)
        shared = -rank[0] > (1 if level == "audio" else 0)
        thresholds = self._rules.thresholds
        bar = thresholds.master_match if level == "master" else thresholds.audio_match
        if head is not None and head.log_odds >= bar and not shared:
            head = bounded(head, Bound("another_member", bar - SHORT_OF_A_MATCH))
        return None if head is None else (state, head)

    def _sound(self, pair: PairState) -> SoundEvidence | None:
        """Tell a pair's sound from the upload's side."""
        return mirrored(pair.sound) if pair.sound is not None and pair.left != self._key else pair.sound

    def _level_score(
        self,
        level: LevelName,
        other: UploadState | None,
        sound: SoundEvidence | None,
        *,
        explained: bool = False,
    ) -> HeadScore | None:
        own = self._state.record if self._state is not None else None
        if own is None or other is None or other.record is None:
            return None
        scores = self._rules.scorer.levels(own, other.record, sound, explained=explained)
        return scores.master if level == "master" else scores.audio

    @staticmethod
    def _below(level: Level, partner: tuple[UploadState, HeadScore] | None, above: Level) -> Level:
        """Give a level its probability: that of the level above, times that of its own score."""
        if partner is None or above.probability is None:
            return level
        state, head = partner
        return replace(
            level,
            probability=above.probability * head.probability,
            ledger=head,
            deciding_source=state.source,
            deciding_item_id=state.item_id,
        )


def _aggregation(entity: EntityState | None) -> LedgerLine:
    """Say whose score stands for the entity's."""
    members = len(entity.members) if entity is not None else 0
    return LedgerLine(
        name=AGGREGATION, level="closest_member", contribution=0.0, right=f"{members} members in its entity"
    )
