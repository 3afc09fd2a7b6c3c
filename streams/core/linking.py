"""Comparing an upload with its candidates, and keeping the pairs that could matter."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from streams.core.catalogue import Workspace
from streams.core.proposing import propose
from streams.core.records import Candidate, Found, PairScore, PairState, SoundEvidence, UploadState
from streams.core.rules import Confirm, Rules
from streams.core.sound_evidence import mirrored
from streams.core.versions import inverse_relation

# Comparisons per upload are bounded; who is compared first is fixed by the order below.
MAX_COMPARED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One candidate beside the score of the pair, subject first."""

    candidate: Candidate
    state: UploadState
    score: PairScore
    sound: SoundEvidence | None
    looked_up: str


def compare(
    workspace: Workspace, found: Found, overlay: Iterable[Candidate], *, rules: Rules, confirm: Confirm
) -> tuple[list[Compared], bool]:
    """Score an upload against every candidate that is live at the revision proposed.

    Returns
    -------
    compared : list of Compared
        by descending recording log-odds, then work log-odds, then key
    truncated : bool
        more were proposed than are compared, or than the look-up could carry
    """
    encoded = found.encoded
    if encoded.record is None:
        return [], False
    proposed = propose(workspace, found, overlay)
    compared: list[Compared] = []
    for each in proposed[:MAX_COMPARED]:
        state = workspace.upload(each.candidate.key.text())
        if state is None or state.record is None:
            continue
        sound = each.candidate.sound
        if sound is None and encoded.sound is not None and state.sound is not None:
            sound = confirm(encoded.sound, state.sound)
        score = rules.scorer.score(encoded.record, state.record, sound)
        compared.append(
            Compared(
                candidate=each.candidate, state=state, score=score, sound=sound, looked_up=each.looked_up
            )
        )
    compared.sort(
        key=lambda each: (-each.score.recording.log_odds, -each.score.work.log_odds, each.candidate.key)
    )
    return compared, found.truncated or len(proposed) > MAX_COMPARED


def link(workspace: Workspace, key: str, compared: Compared, *, rules: Rules) -> None:
    """Keep a pair when it could matter: a possible link, or a contradiction between the two.

    A pair is kept in one order; what was compared subject first is told from the smaller key's side.
    """
    score, thresholds = compared.score, rules.thresholds
    could_link = (
        score.recording.log_odds >= thresholds.recording_review
        or score.work.log_odds >= thresholds.work_review
    )
    forbids = score.cannot_link is not None or score.recording.log_odds < -thresholds.guard
    if not could_link and not forbids:
        return
    other = compared.candidate.key.text()
    left, right = sorted((key, other))
    turned = left == other
    sound = compared.sound
    workspace.put_pair(
        PairState(
            left=left,
            right=right,
            recording_log_odds=score.recording.log_odds,
            work_log_odds=score.work.log_odds,
            cannot_link=score.cannot_link,
            work_cannot_link=score.work_cannot_link,
            relation=inverse_relation(score.relation) if turned else score.relation,
            sound=mirrored(sound) if turned and sound is not None else sound,
            bundle_version=rules.bundle_version,
        )
    )
