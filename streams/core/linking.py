"""Comparing an upload with its candidates, and the pairs that are kept of it.

A pair is kept when the two could be one recording or one work. Strangers are not: what forbids two uploads
from sharing an entity is looked up, or scored, when a chain of others brings them together.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from streams.core.catalogue import Workspace
from streams.core.proposing import propose
from streams.core.records import Candidate, Found, PairScore, PairState, SoundEvidence, UploadState
from streams.core.relating import assertion
from streams.core.rules import Rules
from streams.core.sound_evidence import mirrored
from streams.core.versions import inverse_relation

# Of a component this many uploads, those with the smallest keys, are compared with every other one.
REPRESENTATIVES: Final = 16


class Compared(NamedTuple):
    """One candidate beside the score of the pair, subject first."""

    key: str
    state: UploadState
    score: PairScore
    sound: SoundEvidence | None
    looked_up: str
    proposed_by: tuple[str, ...]


def compare(
    workspace: Workspace, found: Found, overlay: Iterable[Candidate], *, rules: Rules
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
    proposed, truncated = propose(workspace, found, overlay)
    compared: list[Compared] = []
    for each in proposed:
        state = each.state
        if state.record is None:
            continue
        # Find has compared the sounds of those it named; at the revision proposed they are these very sounds.
        sound = each.sound
        if sound is None and encoded.sound is not None and state.sound is not None:
            sound = rules.confirm(encoded.sound, state.sound)
        score = rules.scorer.score(encoded.record, state.record, sound)
        compared.append(Compared(each.key, state, score, sound, each.looked_up, each.proposed_by))
    compared.sort(key=lambda each: (-each.score.recording.log_odds, -each.score.work.log_odds, each.key))
    return compared, found.truncated or truncated


def link(workspace: Workspace, key: str, compared: Compared, *, rules: Rules) -> None:
    """Keep a pair that could be one, or that is related by ear, told from the smaller key's side."""
    score = compared.score
    if (
        _could_link(score.recording.log_odds, score.work.log_odds, rules)
        or assertion(score, compared.sound, rules.thresholds) is not None
    ):
        workspace.put_pair(_pair(key, compared.key, score, compared.sound, rules))


def complete(
    workspace: Workspace, keys: Sequence[str], pairs: Iterable[PairState], *, rules: Rules
) -> list[PairState]:
    """Give the pairs of one component that its clustering depends on, scoring those never compared.

    Parameters
    ----------
    keys : sequence of str
        the component, sorted
    pairs : iterable of PairState
        those that are kept

    Returns
    -------
    list of PairState
        every pair that was kept, and every pair of a representative; a function of the component alone,
        whatever order its uploads came in
    """
    representatives = set(keys[:REPRESENTATIVES])
    # What an earlier, smaller component scored for its representatives says nothing about this one.
    known = {
        (pair.left, pair.right): pair
        for pair in pairs
        if pair.verdict is not None
        or _could_link(pair.recording_log_odds, pair.work_log_odds, rules)
        or not representatives.isdisjoint((pair.left, pair.right))
    }
    for left, right in combinations(keys, 2):
        if left not in representatives or (left, right) in known:
            continue
        pair = scored(workspace, left, right, rules=rules)
        if pair is not None:
            known[left, right] = pair
            workspace.put_pair(pair)
    return [known[pair_key] for pair_key in sorted(known)]


def scored(workspace: Workspace, left: str, right: str, *, rules: Rules) -> PairState | None:
    """Score two uploads that were never compared, ``left < right``; none where one has nothing to compare."""
    a, b = workspace.upload(left), workspace.upload(right)
    if a is None or b is None or a.record is None or b.record is None:
        return None
    sound = rules.confirm(a.sound, b.sound) if a.sound is not None and b.sound is not None else None
    return _pair(left, right, rules.scorer.score(a.record, b.record, sound), sound, rules)


def judged(workspace: Workspace, left: str, right: str, *, rules: Rules) -> PairState:
    """Give the pair that a person or an operator speaks of, ``left < right``, with what the evidence says.

    Whether the two were compared before depends on who else came when; the place of a judgement among others
    must not, and what it leaves when it is taken back must mean something.
    """
    held = next((pair for pair in workspace.pairs_of(left) if pair.right == right), None)
    unknown = PairState(left=left, right=right, recording_log_odds=0.0, work_log_odds=0.0)
    return held or scored(workspace, left, right, rules=rules) or unknown


def _could_link(recording_log_odds: float, work_log_odds: float, rules: Rules) -> bool:
    """Say whether two uploads could be one recording or one work."""
    thresholds = rules.thresholds
    return recording_log_odds >= thresholds.recording_review or work_log_odds >= thresholds.work_review


def _pair(key: str, other: str, score: PairScore, sound: SoundEvidence | None, rules: Rules) -> PairState:
    """Turn a score told from ``key``'s side into the pair as it is kept."""
    turned = other < key
    return PairState(
        left=min(key, other),
        right=max(key, other),
        recording_log_odds=score.recording.log_odds,
        work_log_odds=score.work.log_odds,
        cannot_link=score.cannot_link,
        work_cannot_link=score.work_cannot_link,
        relation=inverse_relation(score.relation) if turned else score.relation,
        sound=mirrored(sound) if turned and sound is not None else sound,
        bundle_version=rules.bundle_version,
    )
