"""Placing: from the pair graph around one upload to entities, at every level of identity.

The partition is a canonical clustering (``streams.core.clustering``) of the component that an upload touches,
recomputed after each change; the recording partition refines the work partition.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from streams.core.catalogue import Workspace
from streams.core.clustering import Edge, Judgement, Minted, Partition, cluster_component, name_clusters
from streams.core.ids import entity_id
from streams.core.linking import complete
from streams.core.records import EntitySide, EntityState, ItemKey, PairState, UploadState
from streams.core.refining import refine
from streams.core.rules import Rules, Thresholds
from streams.errors import CorruptState

WORK = "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What a recomputation changed.

    Attributes
    ----------
    change : str
        minted, joined, left, merged, split, restored, retired or moved; empty when nothing changed
    sides : tuple of EntitySide
        every entity that it touches, as it stands now
    refused : tuple of str
        keys, paired with the upload asked about, whose merge a guard refused
    too_large : bool
        a component exceeds the bound
    """

    change: str
    sides: tuple[EntitySide, ...]
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
    thresholds = rules.thresholds
    keys, kept = _component(workspace, seeds, thresholds)
    pairs = complete(workspace, keys, kept, rules=rules)
    uploads = {key: _upload(workspace, key) for key in keys}
    before = _entities_of(workspace, keys, formerly)
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
    places = refine(workspace, recordings.clusters, pairs, rules=rules, sequence=sequence)
    uploads = {key: _upload(workspace, key) for key in keys}
    names = _named(workspace, uploads, recordings.clusters, kind="", sequence=sequence)
    work_names = _named(workspace, uploads, works.clusters, kind=WORK, sequence=sequence)
    home = {key: name for name, cluster in zip(names, recordings.clusters, strict=True) for key in cluster}
    work_home = {
        key: name for name, cluster in zip(work_names, works.clusters, strict=True) for key in cluster
    }
    for name, cluster in zip(names, recordings.clusters, strict=True):
        entity = _entity(workspace, name)
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
            workspace, replace(_entity(workspace, name), members=members, status="live", redirect_to=None)
        )
    for key in keys:
        upload = _upload(workspace, key)
        if upload.entity_id != home[key]:
            workspace.put_upload(replace(upload, entity_id=home[key]))
    _let_go(workspace, before, set(names) | set(work_names), home, work_home)
    refused = tuple(
        sorted(
            {
                pair.right if pair.left == subject else pair.left
                for pair in recordings.refused
                if subject in (pair.left, pair.right)
            }
        )
    )
    change, sides = _difference(workspace, before, set(names) | set(work_names), sequence=sequence)
    return Placement(
        change=change, sides=sides, refused=refused, too_large=recordings.too_large or works.too_large
    )


def _component(
    workspace: Workspace, seeds: Iterable[str], thresholds: Thresholds
) -> tuple[list[str], list[PairState]]:
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
        for pair in workspace.pairs_of(key):
            found[pair.left, pair.right] = pair
            if could_join(pair, thresholds):
                waiting.append(pair.right if pair.left == key else pair.left)
    inside = [pair for (left, right), pair in sorted(found.items()) if left in seen and right in seen]
    return sorted(seen), inside


def could_join(pair: PairState, thresholds: Thresholds) -> bool:
    """Say whether a pair can bring its ends into one recording or one work."""
    if pair.verdict == "match":
        return True
    recording = pair.cannot_link is None and pair.recording_log_odds >= thresholds.recording_match
    work = pair.work_cannot_link is None and pair.work_log_odds >= thresholds.work_match
    return recording or work


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


def _named(
    workspace: Workspace,
    uploads: dict[str, UploadState],
    clusters: Sequence[tuple[str, ...]],
    *,
    kind: str,
    sequence: int,
) -> tuple[str, ...]:
    """Give every cluster its id, minting where none is kept."""
    founded: dict[str, list[Minted]] = {}
    current: dict[str, Minted] = {}
    for key, upload in uploads.items():
        for name in upload.minted:
            entity = _entity(workspace, name)
            if (entity.kind == WORK) == (kind == WORK):
                founded.setdefault(key, []).append(Minted(entity_id=name, sequence=entity.minted_sequence))
        held = _current(workspace, upload, kind)
        if held is not None:
            current[key] = Minted(entity_id=held.entity_id, sequence=held.minted_sequence)
    names = name_clusters(clusters, founded=founded, current=current)
    return tuple(
        name if name is not None else _mint(workspace, cluster[0], kind=kind, sequence=sequence)
        for name, cluster in zip(names, clusters, strict=True)
    )


def _current(workspace: Workspace, upload: UploadState, kind: str) -> EntityState | None:
    """Return the entity that an upload is in now, at recording or at work level."""
    if upload.entity_id is None:
        return None
    entity = _entity(workspace, upload.entity_id)
    if kind != WORK:
        return entity
    return None if entity.work_id is None else _entity(workspace, entity.work_id)


def _mint(workspace: Workspace, key: str, *, kind: str, sequence: int) -> str:
    """Mint the next id that an upload founds at its present revision."""
    upload = _upload(workspace, key)
    kind = kind or upload.kind.value
    ordinal = sum(_entity(workspace, name).kind == kind for name in upload.minted)
    name = entity_id(upload.source, upload.item_id, revision=upload.revision, kind=kind, ordinal=ordinal)
    if workspace.entity(name) is not None:
        raise CorruptState(f"entity {name} was minted before")
    workspace.put_entity(
        EntityState(entity_id=name, kind=kind, status="live", founder=key, minted_sequence=sequence)
    )
    workspace.put_upload(replace(upload, minted=(*upload.minted, name)))
    return name


def _entities_of(workspace: Workspace, keys: Iterable[str], formerly: str | None) -> dict[str, EntityState]:
    """Return the entities, works included, that some uploads are in now, and one more."""
    names = {upload.entity_id for key in keys if (upload := workspace.upload(key)) is not None}
    held: dict[str, EntityState] = {}
    for name in names | {formerly}:
        if name is None:
            continue
        held[name] = entity = _entity(workspace, name)
        if entity.work_id is not None:
            held[entity.work_id] = _entity(workspace, entity.work_id)
    return held


def _let_go(
    workspace: Workspace,
    before: dict[str, EntityState],
    kept: set[str],
    home: dict[str, str],
    work_home: dict[str, str],
) -> None:
    """Redirect or retire what no cluster kept."""
    work_of = {home[key]: work_home[key] for key in home}
    for name, entity in sorted(before.items()):
        if name in kept:
            continue
        if entity.kind == WORK:
            heirs = {work_of[member] for member in entity.members if member in work_of}
        else:
            heirs = {home[member] for member in entity.members if member in home}
        heir = min(heirs) if len(heirs) == 1 else None
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
        now = _entity(workspace, name)
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


def _upload(workspace: Workspace, key: str) -> UploadState:
    upload = workspace.upload(key)
    if upload is None:
        raise CorruptState(f"no upload {ItemKey.parse(key)} in the state")
    return upload


def _entity(workspace: Workspace, name: str) -> EntityState:
    entity = workspace.entity(name)
    if entity is None:
        raise CorruptState(f"no entity {name} in the state")
    return entity
