"""Reviewers' verdicts: a person says what two uploads are to each other, and entities follow."""

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.clustering import Judgement
from streams.core.linking import judged
from streams.core.placing import place
from streams.core.records import ItemKey, UploadState, Verdict
from streams.core.rules import Rules
from streams.core.saying import Decided, said_by
from streams.errors import InvariantError


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
