"""What a decision says of those an upload was compared with: candidates, the nearest related recording."""

from collections.abc import Sequence
from typing import Final

from streams.core.catalogue import Workspace
from streams.core.linking import Compared
from streams.core.records import ConsideredCandidate, RelationClaim
from streams.core.relating import PairClaim, assertion
from streams.core.rules import Thresholds
from streams.core.sound_evidence import compared_span, compared_spans, placed

# A decision names this many of those it was compared with.
MAX_NAMED: Final = 20


def related(
    workspace: Workspace, key: str, compared: Sequence[Compared], thresholds: Thresholds
) -> list[tuple[Compared, float]]:
    """Give the other recordings that a typed relation leads to, with its probability, the likeliest first."""
    own = workspace.upload(key)
    likely = []
    for each in compared:
        probability = assertion(each.score, each.sound, thresholds)
        if probability is None:
            continue
        now = workspace.upload(each.key)
        if now is not None and own is not None and now.entity_id != own.entity_id:
            likely.append((each, probability))
    return sorted(likely, key=lambda told: (-told[1], -told[0].score.work.log_odds, told[0].key))


def relation_claim(
    workspace: Workspace, key: str, compared: Sequence[Compared], thresholds: Thresholds
) -> RelationClaim | None:
    """Name the nearest other recording, told from this upload."""
    found = related(workspace, key, compared, thresholds)
    if not found:
        return None
    nearest, probability = found[0]
    now, at = workspace.upload(nearest.key), placed(nearest.sound)
    return RelationClaim(
        relation=nearest.score.relation or "",
        to_entity=(now.entity_id if now else None) or "",
        to_source=nearest.state.source,
        to_item_id=nearest.state.item_id,
        probability=probability,
        offset_ms=at.offset_ms,
        overlap_ms=at.overlap_ms,
        speed_ratio=at.speed_ratio,
        span=compared_span(nearest.sound),
        pitch_cents=at.pitch_cents,
        pitch_tied=at.pitch_tied,
        spans=compared_spans(nearest.sound),
    )


def pair_claims(
    workspace: Workspace, key: str, compared: Sequence[Compared], thresholds: Thresholds
) -> list[PairClaim]:
    """Give what the candidates show of this upload, to be asserted."""
    return [
        PairClaim(
            relation=each.score.relation or "",
            left=key,
            right=each.key,
            probability=probability,
            sound=each.sound,
        )
        for each, probability in related(workspace, key, compared, thresholds)
    ]


def considered(workspace: Workspace, compared: Sequence[Compared]) -> tuple[ConsideredCandidate, ...]:
    """Name those that an upload was compared with, and where each of them stands now."""
    named = []
    for each in compared[:MAX_NAMED]:
        now = workspace.upload(each.key)
        named.append(
            ConsideredCandidate(
                source=each.state.source,
                item_id=each.state.item_id,
                entity_id=now.entity_id if now else None,
                proposed_by=each.proposed_by,
                recording_log_odds=each.score.recording.log_odds,
                work_log_odds=each.score.work.log_odds,
                cannot_link=each.score.cannot_link,
                relation=each.score.relation,
                looked_up=each.looked_up,
            )
        )
    return tuple(named)
