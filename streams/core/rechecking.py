"""Uploads that were decided while the index lacked rows: compared again, and merges proposed.

What an index that had lost rows did not find, the arbiter took for new. Once the index is whole again every
upload decided since it was last known to be is looked up once more; this is what is made of the answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from streams.core.catalogue import Workspace
from streams.core.index_rows import LiveRows
from streams.core.linking import compare
from streams.core.records import Found, IndexRow, IndexWatermark
from streams.core.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Two entities that should be one, by the pair of uploads that says so.

    Attributes
    ----------
    log_odds, probability : float
        of one recording, by the rules in force
    proposed_by : tuple of str
        the blockers that name the pair now
    """

    upload: str
    entity_id: str
    other: str
    other_entity_id: str
    log_odds: float
    probability: float
    proposed_by: tuple[str, ...]


def last_good_watermark(rows: Iterable[tuple[int, IndexRow]], marks: Iterable[IndexWatermark]) -> int:
    """Give the highest watermark at which a build held exactly what its log says.

    Parameters
    ----------
    rows : iterable of (int, IndexRow)
        `index.row.v1` from its start, with offsets
    marks : iterable of IndexWatermark
        what builds said of themselves; one without a checksum proves nothing

    Returns
    -------
    int
        0 where no build ever proved to be whole
    """
    told = sorted((mark for mark in marks if mark.checksum), key=lambda mark: mark.watermark)
    live, good, batch = LiveRows(), 0, list[IndexRow]()
    following = iter(rows)
    waiting = next(following, None)
    for mark in told:
        while waiting is not None and waiting[0] < mark.watermark:
            batch.append(waiting[1])
            waiting = next(following, None)
        live.fold(batch)
        batch.clear()
        if (mark.rows, mark.checksum) == (len(live.ids), live.checksum()):
            good = mark.watermark
    return good


def propose_merge(workspace: Workspace, found: Found, *, rules: Rules) -> Proposal | None:
    """Compare an upload that was decided with whom its new look-up names; propose the best match elsewhere.

    A pair that is kept was compared when it was decided, or settled by a person: it is not proposed again.
    """
    key = found.encoded.key.text()
    own = workspace.upload(key)
    if own is None or not own.live or own.entity_id is None:
        return None
    known = {end for pair in workspace.pairs_of(key) for end in (pair.left, pair.right)}
    compared, _ = compare(workspace, found, (), rules=rules)
    for each in compared:
        score = each.score
        if score.recording.log_odds < rules.thresholds.recording_match:
            break
        elsewhere = each.state.entity_id
        if (
            each.key in known
            or score.cannot_link
            or each.state.kind is not own.kind
            or elsewhere in (None, own.entity_id)
        ):
            continue
        return Proposal(
            upload=key,
            entity_id=own.entity_id,
            other=each.key,
            other_entity_id=str(elsewhere),
            log_odds=score.recording.log_odds,
            probability=score.recording.probability,
            proposed_by=each.proposed_by,
        )
    return None
