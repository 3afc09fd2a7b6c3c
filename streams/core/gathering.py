"""Gathering what an upload is made of: all that is heard in it, in the state and in what just came.

A pair is kept as it is heard by itself. That it is of several shows by the other pairs, so it is said again
when one more comes, and the relations of before give way.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from streams.core.catalogue import CatalogueState, Workspace
from streams.core.hearing import OF_SEVERAL, OF_VOICES
from streams.core.linking import Compared
from streams.core.records import PairState, RelationState, SoundEvidence
from streams.core.relating import PairClaim
from streams.core.several import MASHUP, MEDLEY, Source, of_several
from streams.core.sound_evidence import mirrored
from streams.core.versions import inverse_relation

_WHOLE: Final = "sound:excerpt"
_PARTS: Final = frozenset({"sound:part", "sound:shares", _WHOLE})
_MADE_OF: Final = frozenset({MEDLEY, MASHUP})
# Who has something in common with more than these is the source of others.
_MOST: Final = 64


def gathered(workspace: CatalogueState, key: str, compared: Sequence[Compared]) -> list[Compared]:
    """Name those again that an upload is made of together, and those that are made of it and others.

    Parameters
    ----------
    workspace : CatalogueState
        with the pairs of the upload
    key : str
    compared : sequence of Compared
    """
    own = _made_of(workspace, key)
    told = []
    for each in compared:
        relation = own.get(each.key)
        if relation is None and each.score.cannot_link in _PARTS:
            back = _made_of(workspace, each.key).get(key)
            relation = inverse_relation(back) if back is not None else None
        told.append(each if relation is None else each._replace(score=replace(each.score, relation=relation)))
    return told


def restated(
    workspace: Workspace, key: str, compared: Sequence[Compared]
) -> tuple[list[RelationState], list[PairClaim]]:
    """Take back what others were said to be, now that they turn out to be made of this upload too.

    Parameters
    ----------
    workspace : Workspace
    key : str
    compared : sequence of Compared
        gathered

    Returns
    -------
    taken : list of RelationState
        what was retracted
    claims : list of PairClaim
        what they are instead
    """
    taken: list[RelationState] = []
    claims: list[PairClaim] = []
    for each in compared:
        if inverse_relation(each.score.relation) not in _MADE_OF:
            continue
        told = _made_of(workspace, each.key)
        for was in workspace.relations_of(each.key):
            other = was.right if was.left == each.key else was.left
            relation = told.get(other)
            if relation is None or other == key or was.relation in OF_SEVERAL:
                continue
            workspace.put_relation(replace(was, status="retracted"))
            taken.append(was)
            pair = next(pair for pair in workspace.pairs_of(each.key) if other in (pair.left, pair.right))
            claims.append(
                PairClaim(
                    relation=relation,
                    left=each.key,
                    right=other,
                    probability=was.probability,
                    sound=_told_from(pair, each.key),
                )
            )
    return taken, claims


def _made_of(workspace: CatalogueState, key: str) -> dict[str, str]:
    """Say of which others an upload is made together."""
    upload = workspace.upload(key)
    pairs = [pair for pair in workspace.pairs_of(key) if _holds_a_part(pair)]
    if upload is None or upload.sound is None or not 1 < len(pairs) <= _MOST:
        return {}
    sources = [_source(workspace, key, pair) for pair in pairs]
    year = upload.record.year if upload.record is not None else None
    return of_several(upload.sound.duration_ms, year, [each for each in sources if each is not None])


def _holds_a_part(pair: PairState) -> bool:
    return (
        pair.cannot_link in _PARTS
        and pair.relation not in OF_VOICES
        and pair.sound is not None
        and pair.sound.alignment is not None
    )


def _source(workspace: CatalogueState, key: str, pair: PairState) -> Source | None:
    other = pair.right if pair.left == key else pair.left
    upload, sound = workspace.upload(other), _told_from(pair, key)
    if upload is None or sound is None or sound.alignment is None:
        return None
    entity = workspace.entity(upload.entity_id) if upload.entity_id is not None else None
    return Source(
        key=other,
        work=(entity.work_id if entity is not None else None) or upload.entity_id or other,
        found=sound.alignment,
        year=upload.record.year if upload.record is not None else None,
        whole=pair.cannot_link == _WHOLE,
        akin=frozenset(side for each in workspace.pairs_of(other) for side in (each.left, each.right)),
    )


def _told_from(pair: PairState, key: str) -> SoundEvidence | None:
    """Give how the sounds of a pair relate, told from one of its sides."""
    return pair.sound if pair.left == key or pair.sound is None else mirrored(pair.sound)
