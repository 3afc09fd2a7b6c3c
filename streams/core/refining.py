"""Refining: the members of each recording into masters, and those of each master into audios.

Both are canonical clusterings (``streams.core.clustering``) of the pairs inside, as the recordings are; so
audio refines master, master refines recording, and neither depends on the order of arrival. An id is named
after the upload that founded it; it stays with those who stay, and an undone merge gives each side its own
again.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.clustering import Edge, Minted, cluster_component, name_clusters
from streams.core.ids import entity_id
from streams.core.naming import the_upload
from streams.core.records import FoundedId, LevelScores, MemberPlace, PairState, UploadState
from streams.core.rules import Rules

LevelName = Literal["master", "audio"]
# When an id was minted is kept with its founder; one without gives way to those that have theirs.
UNDATED: Final = 2**62


def refine(
    workspace: Workspace,
    clusters: Sequence[tuple[str, ...]],
    pairs: Iterable[PairState],
    *,
    rules: Rules,
    sequence: int,
) -> dict[str, MemberPlace]:
    """Place the members of every recording at master and at audio level; ids that are minted are kept.

    Parameters
    ----------
    workspace : Workspace
        its entities as they were before
    clusters : sequence of tuple of str
        the recordings of one component
    pairs : iterable of PairState
        of that component
    rules : Rules
    sequence : int
        stamped on what is minted
    """
    masters: list[tuple[str, ...]] = []
    audios: list[tuple[str, ...]] = []
    for cluster, held in zip(clusters, _inside(clusters, pairs), strict=True):
        scores = [(pair, _scores(workspace, pair, rules)) for pair in held]
        split = _clustered([cluster], scores, level="master", rules=rules)
        masters += split
        audios += _clustered(split, scores, level="audio", rules=rules)
    before = _places_before(workspace, clusters)
    master_of = _named(workspace, sorted(masters), before, level="master", sequence=sequence)
    audio_of = _named(workspace, sorted(audios), before, level="audio", sequence=sequence)
    return {
        key: MemberPlace(member=key, master_id=name, audio_id=audio_of[key])
        for key, name in master_of.items()
    }


def _places_before(workspace: Workspace, clusters: Iterable[tuple[str, ...]]) -> dict[str, MemberPlace]:
    """Return where uploads stand until now; those that are new, or were taken out, stand nowhere."""
    homes: dict[str, set[str]] = {}
    for cluster in clusters:
        for key in cluster:
            upload = workspace.upload(key)
            if upload is not None and upload.entity_id is not None:
                homes.setdefault(upload.entity_id, set()).add(key)
    before: dict[str, MemberPlace] = {}
    for name, keys in homes.items():
        entity = workspace.entity(name)
        if entity is not None:
            before |= {place.member: place for place in entity.places if place.member in keys}
    return before


def place_of(workspace: Workspace, key: str) -> MemberPlace | None:
    """Return where an upload stands below its recording; none where it has no place yet."""
    upload = workspace.upload(key)
    entity = workspace.entity(upload.entity_id) if upload is not None and upload.entity_id else None
    return next((place for place in entity.places if place.member == key), None) if entity else None


def carried(workspace: Workspace, known: UploadState, *, same_sound: bool) -> UploadState:
    """Let an upload that is about to be replaced take along the ids that nobody else has.

    Its master goes with it while it is the only one there; its audio too, if what is heard is the same.
    """
    key = known.key.text()
    entity = workspace.entity(known.entity_id) if known.entity_id else None
    own = place_of(workspace, key)
    others = [place for place in entity.places if place.member != key] if entity else []
    alone_in_master = own is not None and all(place.master_id != own.master_id for place in others)
    alone_in_audio = own is not None and all(place.audio_id != own.audio_id for place in others)
    return replace(
        known,
        master=known.master if alone_in_master else None,
        audio=known.audio if alone_in_audio and same_sound else None,
    )


def _inside(clusters: Sequence[tuple[str, ...]], pairs: Iterable[PairState]) -> list[list[PairState]]:
    """Sort out the pairs whose ends share a recording."""
    home = {key: number for number, cluster in enumerate(clusters) for key in cluster}
    inside: list[list[PairState]] = [[] for _ in clusters]
    for pair in pairs:
        if home[pair.left] == home[pair.right]:
            inside[home[pair.left]].append(pair)
    return inside


def _scores(workspace: Workspace, pair: PairState, rules: Rules) -> LevelScores | None:
    left, right = workspace.upload(pair.left), workspace.upload(pair.right)
    if left is None or right is None or left.record is None or right.record is None:
        return None
    return rules.scorer.levels(left.record, right.record, pair.sound)


def _clustered(
    groups: Sequence[tuple[str, ...]],
    scores: Sequence[tuple[PairState, LevelScores | None]],
    *,
    level: LevelName,
    rules: Rules,
) -> list[tuple[str, ...]]:
    """Split every group by the scores of one level."""
    thresholds = rules.thresholds
    threshold = thresholds.master_match if level == "master" else thresholds.audio_match
    found: list[tuple[str, ...]] = []
    for group in groups:
        if len(group) == 1:
            found.append(group)
            continue
        keys = set(group)
        edges = [
            Edge(left=pair.left, right=pair.right, log_odds=getattr(score, level).log_odds)
            for pair, score in scores
            if score is not None and pair.left in keys and pair.right in keys
        ]
        # What the bound protects from has been decided: this many uploads do share a recording.
        split = cluster_component(group, edges, threshold=threshold, guard=thresholds.guard, bound=len(group))
        found += split.clusters
    return found


def _named(
    workspace: Workspace,
    clusters: Sequence[tuple[str, ...]],
    before: dict[str, MemberPlace],
    *,
    level: LevelName,
    sequence: int,
) -> dict[str, str]:
    """Give every member the id of its cluster."""
    founded: dict[str, list[Minted]] = {}
    belongs: dict[str, list[Minted]] = {}
    for cluster in clusters:
        for key in cluster:
            upload = workspace.upload(key)
            own: FoundedId | None = getattr(upload, level)
            if own is not None:
                founded[key] = [Minted(entity_id=own.id, sequence=own.sequence)]
            place = before.get(key)
            if place is not None:
                name = place.master_id if level == "master" else place.audio_id
                belongs[key] = [Minted(entity_id=name, sequence=UNDATED)]
    names = name_clusters(clusters, held=founded, belongs=belongs, first={}).names
    ids: dict[str, str] = {}
    for given, cluster in zip(names, clusters, strict=True):
        held = given or _mint(workspace, cluster[0], level=level, sequence=sequence)
        ids |= dict.fromkeys(cluster, held)
    return ids


def _mint(workspace: Workspace, key: str, *, level: LevelName, sequence: int) -> str:
    """Mint the id that an upload founds at its present revision: at most one, since it is remembered."""
    upload = the_upload(workspace, key)
    name = entity_id(upload.source, upload.item_id, revision=upload.revision, kind=level, ordinal=0)
    minted = FoundedId(id=name, sequence=sequence)
    workspace.put_upload(
        replace(upload, master=minted) if level == "master" else replace(upload, audio=minted)
    )
    return name
