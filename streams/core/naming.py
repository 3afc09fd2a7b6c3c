"""Naming: which id each cluster of one component keeps, who holds it, and what is minted.

An id is held by the upload that founded it, or by an heir among its members where the founder has left. An
upload remembers the ids through which it came to be where it is, so that an undone merge restores them.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.clustering import Minted, name_clusters
from streams.core.ids import entity_id
from streams.core.records import EntityState, ItemKey, UploadState
from streams.core.relating import entity_now
from streams.errors import CorruptState

WORK = "work"


def named(
    workspace: Workspace,
    uploads: dict[str, UploadState],
    clusters: Sequence[tuple[str, ...]],
    *,
    kind: str,
    sequence: int,
) -> tuple[str, ...]:
    """Give every cluster its id, minting where none is kept.

    Parameters
    ----------
    workspace : Workspace
    uploads : dict of str to UploadState
        of one component, by key
    clusters : sequence of tuple of str
        of its keys
    kind : str
        ``WORK``, or "" for the kind that the uploads are of
    sequence : int
        stamped on what is minted
    """
    held: dict[str, list[Minted]] = {}
    belongs: dict[str, list[Minted]] = {}
    first: dict[str, str] = {}
    for key, upload in uploads.items():
        if upload.entity_id is None and not upload.minted and not upload.former:  # as of one that is new
            continue
        own = kind or upload.kind.value
        home = _current(workspace, upload, kind)
        mine = [entity for name in upload.minted if (entity := the_entity(workspace, name)).kind == own]
        theirs = [entity for name in upload.former if (entity := the_entity(workspace, name)).kind == own]
        here = [home] if home is not None and home.kind == own else []
        held[key] = [_minted(entity) for entity in mine]
        belongs[key] = [_minted(entity) for entity in (*_unheld(workspace, theirs, home), *here)]
        for entity in (*mine, *theirs, *here)[:1]:
            first[key] = entity.entity_id
    naming = name_clusters(clusters, held=held, belongs=belongs, first=first)
    for name, key in sorted(naming.heirs.items()):
        workspace.put_entity(replace(the_entity(workspace, name), heir=key))
        heir = the_upload(workspace, key)
        workspace.put_upload(replace(heir, minted=(*heir.minted, name)))
    return tuple(
        name if name is not None else _mint(workspace, cluster[0], kind=kind, sequence=sequence)
        for name, cluster in zip(naming.names, clusters, strict=True)
    )


def _minted(entity: EntityState) -> Minted:
    return Minted(entity_id=entity.entity_id, sequence=entity.minted_sequence)


def _current(workspace: Workspace, upload: UploadState, kind: str) -> EntityState | None:
    """Return the entity that an upload is in now, at recording or at work level."""
    if upload.entity_id is None:
        return None
    entity = the_entity(workspace, upload.entity_id)
    if kind != WORK:
        return entity
    return None if entity.work_id is None else the_entity(workspace, entity.work_id)


def _unheld(
    workspace: Workspace, merged: Iterable[EntityState], home: EntityState | None
) -> Iterator[EntityState]:
    """Give, of the ids merged into an upload's entity, those whose holder has left."""
    for entity in merged:
        holder = workspace.upload(entity.heir or entity.founder)
        is_held = holder is not None and holder.live and entity.entity_id in holder.minted
        if entity.status == "redirected" and not is_held and entity_now(workspace, entity.entity_id) == home:
            yield entity


def _mint(workspace: Workspace, key: str, *, kind: str, sequence: int) -> str:
    """Mint the next id that an upload founds at its present revision."""
    upload = the_upload(workspace, key)
    kind = kind or upload.kind.value
    own = [the_entity(workspace, name) for name in upload.minted]
    ordinal = sum(entity.kind == kind and entity.founder == key for entity in own)
    name = entity_id(upload.source, upload.item_id, revision=upload.revision, kind=kind, ordinal=ordinal)
    if workspace.entity(name) is not None:
        raise CorruptState(f"entity {name} was minted before")
    workspace.put_entity(
        EntityState(entity_id=name, kind=kind, status="live", founder=key, minted_sequence=sequence)
    )
    workspace.put_upload(replace(upload, minted=(*upload.minted, name)))
    return name


def former_ids(
    workspace: Workspace, upload: UploadState, was_in: Iterable[str], home: str
) -> tuple[str, ...]:
    """Name the ids, founded by others, through which an upload came to be where it is: merged into that."""
    work = the_entity(workspace, home).work_id
    names = dict.fromkeys((*upload.former, *was_in))
    return tuple(
        name
        for name in names
        if name not in upload.minted
        and the_entity(workspace, name).status == "redirected"
        and (now := entity_now(workspace, name)) is not None
        and now.entity_id in (home, work)
    )


def the_upload(workspace: Workspace, key: str) -> UploadState:
    """Return an upload that must be there.

    Raises
    ------
    CorruptState
        it is not
    """
    upload = workspace.upload(key)
    if upload is None:
        raise CorruptState(f"no upload {ItemKey.parse(key)} in the state")
    return upload


def the_entity(workspace: Workspace, name: str) -> EntityState:
    """Return an entity that must be there.

    Raises
    ------
    CorruptState
        it is not
    """
    entity = workspace.entity(name)
    if entity is None:
        raise CorruptState(f"no entity {name} in the state")
    return entity
