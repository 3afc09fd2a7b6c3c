"""Placing: from the pair graph around one upload to entities, at every level of identity.

The partition is a canonical clustering (``streams.core.clustering``) of the component that an upload touches,
recomputed after each change; the recording partition refines the work partition.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from streams.core.bearing import could_join
from streams.core.catalogue import Workspace
from streams.core.clustering import Edge, Judgement, Partition, cluster_component
from streams.core.linking import complete
from streams.core.naming import WORK, former_ids, named, the_entity, the_upload
from streams.core.records import EntitySide, EntityState, PairState, UploadState
from streams.core.records.record import Record
from streams.core.refining import refine
from streams.core.relating import RelationStep, follow
from streams.core.rescoring import current, settled
from streams.core.rules import Rules, Thresholds


class Placement(Record, frozen=True, kw_only=True):
    """What a recomputation changed.

    Attributes
    ----------
    change : str
        minted, joined, left, merged, split, restored, retired or moved; empty when nothing changed
    sides : tuple of EntitySide
        every entity that it touches, as it stands now
    relations : tuple of RelationStep
        relations that follow their uploads to other entities
    refused : tuple of str
        keys, paired with the upload asked about, whose merge a guard refused
    too_large : bool
        a component exceeds the bound
    """

    change: str
    sides: tuple[EntitySide, ...]
    relations: tuple[RelationStep, ...] = ()
    refused: tuple[str, ...] = ()
    too_large: bool = False


def place(
    workspace: Workspace,
    seeds: Iterable[str],
    *,
    subject: str,
    formerly: str | None,
    rules: Rules,
    sequence: int,
) -> Placement:
    """Recompute the entities of every component that ``seeds`` touch and write them to the workspace.

    Parameters
    ----------
    workspace : Workspace
    seeds : iterable of str
        the upload that changed and everything it was linked to before
    subject : str
        the upload that changed
    formerly : str, optional
        the entity that it was in before
    rules : Rules
    sequence : int
        stamped on what is minted
    """
    keys, held = _component(workspace, seeds, rules)
    pairs = complete(workspace, keys, held, rules=rules)
    before = _entities_of(workspace, keys, formerly)
    recordings, works = _partitions(keys, pairs, rules.thresholds)
    if recordings.refused or works.refused:
        # Only now does it matter in which order they are taken.
        pairs = [current(workspace, pair, rules) for pair in pairs]
        recordings, works = _partitions(keys, pairs, rules.thresholds)
    places = refine(workspace, recordings.clusters, pairs, rules=rules, sequence=sequence)
    uploads = {key: the_upload(workspace, key) for key in keys}
    names = named(workspace, uploads, recordings.clusters, kind="", sequence=sequence)
    work_names = named(workspace, uploads, works.clusters, kind=WORK, sequence=sequence)
    home = {key: name for name, cluster in zip(names, recordings.clusters, strict=True) for key in cluster}
    work_home = {
        key: name for name, cluster in zip(work_names, works.clusters, strict=True) for key in cluster
    }
    for name, cluster in zip(names, recordings.clusters, strict=True):
        entity = the_entity(workspace, name)
        _put_if_changed(
            workspace,
            replace(
                entity,
                members=cluster,
                places=tuple(places[key] for key in cluster),
                status="live",
                redirect_to=None,
                work_id=work_home[cluster[0]],
            ),
        )
    for name, cluster in zip(work_names, works.clusters, strict=True):
        members = tuple(sorted({home[key] for key in cluster}))
        _put_if_changed(
            workspace, replace(the_entity(workspace, name), members=members, status="live", redirect_to=None)
        )
    kept = {*names, *work_names}
    was_in = {key: _homes_of(before, upload) for key, upload in uploads.items()}
    heirs: dict[str, set[str]] = {}
    for key, names_before in was_in.items():
        for name in names_before:
            heirs.setdefault(name, set()).add(work_home[key] if before[name].kind == WORK else home[key])
    founders = {
        name: (work_home if entity.kind == WORK else home)[entity.founder]
        for name, entity in before.items()
        if entity.founder in uploads and name in uploads[entity.founder].minted
    }
    _let_go(workspace, before, kept, heirs, founders)
    for key in keys:
        upload = the_upload(workspace, key)
        former = former_ids(workspace, upload, was_in[key], home[key])
        if upload.entity_id != home[key] or upload.former != former:
            workspace.put_upload(replace(upload, entity_id=home[key], former=former))
    relations = follow(workspace, keys) if _parted(workspace, before, kept, sequence) else ()
    refused = tuple(
        sorted(
            {
                pair.right if pair.left == subject else pair.left
                for pair in recordings.refused
                if subject in (pair.left, pair.right)
            }
        )
    )
    change, sides = _difference(workspace, before, kept, sequence=sequence)
    return Placement(
        change=change,
        sides=sides,
        relations=tuple(relations),
        refused=refused,
        too_large=recordings.too_large or works.too_large,
    )


def _partitions(
    keys: Sequence[str], pairs: Sequence[PairState], thresholds: Thresholds
) -> tuple[Partition, Partition]:
    """Cluster a component into recordings, and these into works."""
    recordings = cluster_component(
        keys,
        [_recording_edge(pair) for pair in pairs],
        threshold=thresholds.recording_match,
        guard=thresholds.guard,
    )
    works = cluster_component(
        keys,
        [*_work_edges(pairs, recordings)],
        threshold=thresholds.work_match,
        guard=thresholds.guard,
    )
    return recordings, works


def _component(workspace: Workspace, seeds: Iterable[str], rules: Rules) -> tuple[list[str], list[PairState]]:
    """Collect the live uploads reachable through pairs that could join, and every pair among them."""
    waiting = sorted(set(seeds))
    seen: set[str] = set()
    found: dict[tuple[str, str], PairState] = {}
    while waiting:
        key = waiting.pop()
        upload = workspace.upload(key)
        if key in seen or upload is None or not upload.live:
            continue
        seen.add(key)
        for kept in workspace.pairs_of(key):
            pair = settled(workspace, kept, rules)
            found[pair.left, pair.right] = pair
            if could_join(pair, rules.thresholds):
                waiting.append(pair.right if pair.left == key else pair.left)
    inside = [pair for (left, right), pair in sorted(found.items()) if left in seen and right in seen]
    return sorted(seen), inside


def _recording_edge(pair: PairState) -> Edge:
    return Edge(
        left=pair.left,
        right=pair.right,
        log_odds=pair.recording_log_odds,
        cannot_link=pair.cannot_link is not None,
        judgement=Judgement(pair.verdict) if pair.verdict else None,
    )


def _work_edges(pairs: Sequence[PairState], recordings: Partition) -> Iterator[Edge]:
    """Give the edges at work level: members of one recording are one work before anything else."""
    settled: set[tuple[str, str]] = set()
    for cluster in recordings.clusters:
        for right in cluster[1:]:
            settled.add((cluster[0], right))
            yield Edge(left=cluster[0], right=right, log_odds=0.0, judgement=Judgement.match)
    home = {key: cluster for cluster in recordings.clusters for key in cluster}
    for pair in pairs:
        if (pair.left, pair.right) in settled or home[pair.left] is home[pair.right]:
            continue
        yield Edge(
            left=pair.left,
            right=pair.right,
            log_odds=pair.work_log_odds,
            cannot_link=pair.work_cannot_link is not None,
        )


def _entities_of(workspace: Workspace, keys: Iterable[str], formerly: str | None) -> dict[str, EntityState]:
    """Return the entities, works included, that some uploads are in now, and one more."""
    names = {upload.entity_id for key in keys if (upload := workspace.upload(key)) is not None}
    held: dict[str, EntityState] = {}
    for name in names | {formerly}:
        if name is None:
            continue
        held[name] = entity = the_entity(workspace, name)
        if entity.work_id is not None:
            held[entity.work_id] = the_entity(workspace, entity.work_id)
    return held


def _homes_of(before: Mapping[str, EntityState], upload: UploadState) -> tuple[str, ...]:
    """Name the recording or video that an upload was in, and its work."""
    entity = before.get(upload.entity_id or "")
    return tuple(name for name in (entity.entity_id, entity.work_id) if name) if entity is not None else ()


def _parted(
    workspace: Workspace, before: Mapping[str, EntityState], kept: Iterable[str], sequence: int
) -> bool:
    """Say whether members left an entity, or an id leads elsewhere than before: then relations may too."""
    restored = any(
        the_entity(workspace, name).minted_sequence != sequence for name in kept if name not in before
    )
    return restored or any(
        was.status != (now := the_entity(workspace, name)).status or not set(was.members) <= set(now.members)
        for name, was in before.items()
        if was.kind != WORK
    )


def _let_go(
    workspace: Workspace,
    before: Mapping[str, EntityState],
    kept: Collection[str],
    heirs: Mapping[str, Collection[str]],
    founders: Mapping[str, str],
) -> None:
    """Redirect or retire what no cluster kept.

    Where its members went apart an id leads to where its founder stands: to that upload it comes back, when
    what drew it away is taken back.
    """
    for name, entity in sorted(before.items()):
        if name in kept:
            continue
        # A revision may be of another kind than what it replaces; no id leads from one kind to another.
        same = [heir for heir in heirs.get(name, ()) if the_entity(workspace, heir).kind == entity.kind]
        led = founders.get(name)
        heir = same[0] if len(same) == 1 else led if led in same else None
        _put_if_changed(
            workspace,
            replace(
                entity,
                members=(),
                places=(),
                redirect_to=heir,
                status="redirected" if heir else "retired",
            ),
        )


def _difference(
    workspace: Workspace, before: dict[str, EntityState], kept: set[str], *, sequence: int
) -> tuple[str, tuple[EntitySide, ...]]:
    """Name what changed, and give every touched entity as it stands."""
    touched: list[EntityState] = []
    minted = restored = left = joined = merged = retired = False
    for name in sorted(before.keys() | kept):
        now = the_entity(workspace, name)
        was = before.get(name)
        if was == now:
            continue
        touched.append(now)
        if now.kind == WORK:
            continue
        if was is None:
            fresh = now.minted_sequence == sequence
            minted, restored = minted or fresh, restored or not fresh
            continue
        merged = merged or now.status == "redirected"
        retired = retired or now.status == "retired"
        gone = set(was.members) - set(now.members)
        left = left or (bool(gone) and now.status == "live")
        joined = joined or bool(set(now.members) - set(was.members))
    if not touched:
        return "", ()
    order = (
        ("merged", merged),
        ("restored", restored),
        ("split", minted and left),
        ("moved", left and joined),
        ("minted", minted),
        ("joined", joined),
        ("left", left),
        ("retired", retired),
    )
    change = next((word for word, holds in order if holds), "moved")
    return change, tuple(_side(workspace, entity) for entity in touched)


def _side(workspace: Workspace, entity: EntityState) -> EntitySide:
    first = workspace.upload(entity.members[0]) if entity.members and entity.kind != WORK else None
    return EntitySide(
        entity_id=entity.entity_id,
        kind=entity.kind,
        status=entity.status,
        members=entity.members,
        redirect_to=entity.redirect_to,
        work_id=entity.work_id,
        title=first.title if first else None,
        artist=first.artist if first else None,
        places=entity.places,
    )


def _put_if_changed(workspace: Workspace, entity: EntityState) -> None:
    if workspace.entity(entity.entity_id) != entity:
        workspace.put_entity(entity)
