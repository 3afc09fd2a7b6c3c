"""Promotions: another parameter bundle comes into force at its place in the log.

From that input on every pair is scored by it. Those that are kept are scored anew, from features and evidence
alone, and the entities they touch are placed anew; so the partition never rests on scores of two bundles. The
same holds when the catalogue has outgrown the size that its bundle states.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from streams.core.bearing import could_join
from streams.core.bundle import Bundle, greatest_fall, sized, version_as_made
from streams.core.catalogue import Workspace
from streams.core.growing import CATALOGUE_SIZE, size_asked
from streams.core.letters import letter
from streams.core.placing import place
from streams.core.records import Origin, Promotion, UploadState
from streams.core.rescoring import score_all, score_grown
from streams.core.rules import Confirm, Rules, Thresholds
from streams.core.saying import Decided, said_by
from streams.core.scoring import Scorer
from streams.errors import RecordError, SchemaError

BUNDLE: Final = "bundle"
# The bundle in force travels in the head that every transaction writes.
MAX_BUNDLE_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a verdict, a command or a promotion led to.

    Attributes
    ----------
    decided : Decided
    rules : Rules
        in force from here on
    size : int
        the largest size that the catalogue has asked for or was given, from here on
    bundle : bytes, optional
        canonical JSON of a bundle that came into force
    """

    decided: Decided
    rules: Rules
    size: int
    bundle: bytes | None = None


def rules_of(bundle: Bundle, confirm: Confirm) -> Rules:
    """Put a parameter bundle to work."""
    return Rules(
        scorer=Scorer(bundle),
        thresholds=Thresholds(
            recording_match=bundle.recording_match,
            recording_review=bundle.recording_review,
            work_match=bundle.work_match,
            work_review=bundle.work_review,
            guard=bundle.guard_tau,
            master_match=bundle.master_match,
            audio_match=bundle.audio_match,
        ),
        confirm=confirm,
        bundle_version=bundle.version,
        fall=cache(lambda version: greatest_fall(bundle, since=version)),
    )


def decide_promotion(
    workspace: Workspace,
    promotion: Promotion,
    *,
    at: Origin,
    body: bytes,
    sequence: int,
    rules: Rules,
    size: int,
) -> Settled:
    """Bring a bundle into force, or a larger size of the catalogue, or refuse it with a dead letter.

    Parameters
    ----------
    workspace : Workspace
    promotion : Promotion
    at : Origin
        where it lies in `arbiter.input.v1`
    body : bytes
        the record as it was read, for the dead letter
    sequence : int
        of the changes, used only when there are some
    rules : Rules
        in force until now
    size : int
        what the catalogue has asked for: no bundle comes into force for a smaller one
    """
    try:
        bundle, size = _read(promotion, rules, size)
    except RecordError as exc:
        reason = f"promotion {promotion.promotion_id} of {promotion.subject} {promotion.version}: {exc}"
        refused = letter(at, code="promotion_refused", reason=reason, body=body, sequence=sequence - 1)
        return Settled(decided=Decided(events=(refused,)), rules=rules, size=size)
    if bundle == in_force(rules):
        return Settled(decided=Decided(events=()), rules=rules, size=size)
    new = rules_of(bundle, rules.confirm)
    seeds = _scored_anew(workspace, bundle, until_now=rules, rules=new)
    placements = [
        place(workspace, group, subject="", formerly=None, rules=new, sequence=sequence)
        for group in groups(workspace, seeds, new.thresholds)
    ]
    events = said_by("promotion", promotion.promotion_id, placements, sequence=sequence)
    return Settled(decided=Decided(events=events), rules=new, size=size, bundle=bundle.to_json())


def in_force(rules: Rules) -> Bundle | None:
    """Give the bundle that is at work; none where a double scores."""
    return rules.scorer.bundle if isinstance(rules.scorer, Scorer) else None


def _read(promotion: Promotion, rules: Rules, size: int) -> tuple[Bundle, int]:
    """Check a promotion; give the bundle that it asks for, and the size that the catalogue has come to.

    Raises
    ------
    SchemaError
        it must not come into force
    """
    until_now = in_force(rules)
    if not promotion.promotion_id:
        raise SchemaError("a promotion needs an id")
    if promotion.subject == CATALOGUE_SIZE:
        if until_now is None:
            raise SchemaError("no bundle is in force")
        asked = size_asked(promotion)
        return sized(until_now, asked), max(size, asked)
    if promotion.subject != BUNDLE:
        raise SchemaError(f"only {BUNDLE!r} can be promoted, not {promotion.subject!r}")
    if len(promotion.payload) > MAX_BUNDLE_BYTES:
        raise SchemaError(f"{len(promotion.payload)} bytes; a bundle has at most {MAX_BUNDLE_BYTES}")
    found = hashlib.sha256(promotion.payload).hexdigest()
    if found != promotion.sha256.lower():
        raise SchemaError(f"the payload's sha256 is {found}, not {promotion.sha256 or 'given'}")
    bundle = Bundle.from_json(promotion.payload)
    if bundle.version != promotion.version or not bundle.version:
        raise SchemaError(f"the payload is version {bundle.version!r}")
    if version_as_made(bundle.version) != bundle.version:
        raise SchemaError(f"{bundle.version!r} names a size: promote the bundle as it was made")
    if bundle.guard_tau <= 0:
        raise SchemaError(f"guard_tau is {bundle.guard_tau}, and must be above 0")
    # What is kept is what will be restored.
    if Bundle.from_json(bundle.to_json()) != bundle:
        raise SchemaError("it does not read back as it was written")
    grown = sized(bundle, size)
    if bundle.version == version_as_made(rules.bundle_version) and grown != until_now:
        raise SchemaError("other parameters are in force under this version: give it a version of its own")
    return grown, size


def _scored_anew(workspace: Workspace, bundle: Bundle, *, until_now: Rules, rules: Rules) -> Iterable[str]:
    """Score kept pairs by what is in force from now on; give the uploads whose place may change."""
    before = in_force(until_now)
    if before is not None and sized(before, bundle.catalogue_size) == bundle:
        return score_grown(workspace, before, bundle, until_now=until_now, rules=rules)
    score_all(workspace, rules)
    return workspace.live_keys()


def groups(workspace: Workspace, seeds: Iterable[str], thresholds: Thresholds) -> list[list[str]]:
    """Give the uploads that must be placed together: they share a work, or a pair now joins them.

    Parameters
    ----------
    workspace : Workspace
    seeds : iterable of str
        keys of uploads; groups without one of them are left out
    thresholds : Thresholds

    Returns
    -------
    list of list of str
        of two and more each, in the order of their smallest keys
    """
    seen: set[str] = set()
    opened: set[str] = set()
    found: list[list[str]] = []
    for first in seeds:
        waiting, group = [first], []
        while waiting:
            key = waiting.pop()
            upload = workspace.upload(key)
            if key in seen or upload is None or not upload.live:
                continue
            seen.add(key)
            group.append(key)
            for pair in workspace.pairs_of(key):
                if could_join(pair, thresholds):
                    waiting.append(pair.right if pair.left == key else pair.left)
            waiting += _of_one_work(workspace, upload, opened)
        if len(group) > 1:
            found.append(group)
    return sorted(found, key=min)


def _of_one_work(workspace: Workspace, upload: UploadState, opened: set[str]) -> Iterator[str]:
    """Give the members of every recording of an upload's work, once for each work."""
    home = workspace.entity(upload.entity_id) if upload.entity_id else None
    work = workspace.entity(home.work_id) if home is not None and home.work_id else None
    if work is None or work.entity_id in opened:
        return
    opened.add(work.entity_id)
    for name in work.members:
        entity = workspace.entity(name)
        if entity is not None:
            yield from entity.members
