"""Canonical clustering of one component of the pair graph: the same partition whatever the arrival order.

People's verdicts come first, then edges by descending log-odds, ties by the smaller key pair. A merge is
refused when any pair across it is forbidden: a non-match verdict, a cannot-link, or a score below the guard.
A pair that was never compared is neutral.

The greedy order is that of constrained agglomerative clustering; see Davidson and Ravi, "Agglomerative
hierarchical clustering with constraints", PKDD 2005.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from streams.core.records.record import Record

# Beyond this many uploads in one component a person looks at it: the work of one batch must stay bounded,
# and components of this size have so far been glued together by one bad link.
COMPONENT_BOUND: Final = 2_000


class Judgement(StrEnum):
    """What a person said of a pair."""

    match = "match"
    non_match = "non_match"


class Edge(Record, frozen=True, kw_only=True):
    """One compared pair at one level of identity.

    Attributes
    ----------
    left, right : str
        keys of two uploads, ``left < right``
    log_odds : float
    cannot_link : bool
        a typed contradiction (number, version, sound): never one entity, whatever the score
    judgement : Judgement, optional
        a person's verdict; it overrules score and cannot-link
    """

    left: str
    right: str
    log_odds: float
    cannot_link: bool = False
    judgement: Judgement | None = None


class Partition(Record, frozen=True, kw_only=True):
    """Clusters of one component, each sorted, in the order of their smallest key.

    Attributes
    ----------
    clusters : tuple of tuple of str
    refused : tuple of Edge
        edges above the threshold whose merge a guard refused: pairs that a person should see
    too_large : bool
        the component exceeds the bound: nothing but verdicts was joined
    """

    clusters: tuple[tuple[str, ...], ...]
    refused: tuple[Edge, ...] = ()
    too_large: bool = False


def cluster_component(
    keys: Iterable[str],
    edges: Sequence[Edge],
    *,
    threshold: float,
    guard: float,
    bound: int = COMPONENT_BOUND,
) -> Partition:
    """Partition the uploads of one component.

    Parameters
    ----------
    keys : iterable of str
        every upload of the component
    edges : sequence of Edge
        at most one per pair; both ends among ``keys``
    threshold : float [log-odds]
        edges at or above it join
    guard : float > 0 [log-odds]
        no pair inside a cluster scores below ``-guard``
    bound : int > 0
        largest component whose edges are followed

    Returns
    -------
    Partition
        a pure function of the set of keys and the set of edges
    """
    ordered_keys = sorted(set(keys))
    if len(ordered_keys) == 1:  # what most components are
        return Partition(clusters=((ordered_keys[0],),))
    merging = _Merging(ordered_keys)
    for edge in edges:
        if _forbids(edge, guard):
            merging.forbid(edge.left, edge.right)
    ordered = sorted(edges, key=lambda edge: (-edge.log_odds, edge.left, edge.right))
    refused: list[Edge] = []
    for edge in ordered:
        if edge.judgement is Judgement.match and not merging.join(edge.left, edge.right):
            refused.append(edge)
    too_large = len(merging.keys) > bound
    if not too_large:
        for edge in ordered:
            joins = edge.judgement is None and not edge.cannot_link and edge.log_odds >= threshold
            if joins and not merging.join(edge.left, edge.right):
                refused.append(edge)
    return Partition(clusters=merging.clusters(), refused=tuple(refused), too_large=too_large)


def components(links: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Split a graph into its connected components: name the one that each end of a link is in."""
    held = list(links)
    merging = _Merging(sorted({key for link in held for key in link}))
    for left, right in held:
        merging.join(left, right)
    return merging.home


def _forbids(edge: Edge, guard: float) -> bool:
    """Say whether this pair may never share a cluster."""
    if edge.judgement is not None:
        return edge.judgement is Judgement.non_match
    return edge.cannot_link or edge.log_odds < -guard


class _Merging:
    """Disjoint sets that remember which keys each may not meet."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys
        self.home = {key: key for key in keys}
        self._members = {key: [key] for key in keys}
        self._forbidden: dict[str, set[str]] = {key: set() for key in keys}

    def forbid(self, left: str, right: str) -> None:
        """Keep two keys apart."""
        self._forbidden[left].add(right)
        self._forbidden[right].add(left)

    def join(self, left: str, right: str) -> bool:
        """Merge two sets unless a pair across them is forbidden; say whether they are one now."""
        a, b = self.home[left], self.home[right]
        if a == b:
            return True
        if len(self._members[a]) < len(self._members[b]):
            a, b = b, a
        if not self._forbidden[a].isdisjoint(self._members[b]):
            return False
        for key in self._members[b]:
            self.home[key] = a
        self._members[a] += self._members.pop(b)
        self._forbidden[a] |= self._forbidden.pop(b)
        return True

    def clusters(self) -> tuple[tuple[str, ...], ...]:
        """Give the sets, sorted."""
        return tuple(sorted(tuple(sorted(members)) for members in self._members.values()))


class Minted(Record, frozen=True, kw_only=True):
    """An id that exists, and when it was minted."""

    entity_id: str
    sequence: int


class Naming(Record, frozen=True, kw_only=True):
    """Which id each cluster keeps.

    Attributes
    ----------
    names : tuple of str or None
        one per cluster, no id twice; None where one must be minted
    heirs : mapping of str to str
        who holds an id from now on whose holder has left
    """

    names: tuple[str | None, ...]
    heirs: Mapping[str, str]


def name_clusters(
    clusters: Sequence[tuple[str, ...]],
    *,
    held: Mapping[str, Sequence[Minted]],
    belongs: Mapping[str, Sequence[Minted]],
    first: Mapping[str, str],
) -> Naming:
    """Give each cluster the id that it keeps.

    Every id goes with the upload that holds it: its founder, or the heir of one that left. An id without a
    holder goes with the larger share of its members, and one of them becomes the heir. A cluster keeps the
    earliest minted of its ids. So a merge keeps the elder id, and an undone merge gives each side its own
    again, whoever has left meanwhile.

    Parameters
    ----------
    clusters : sequence of tuple of str
        disjoint and sorted
    held : mapping of str to sequence of Minted
        ids that an upload founded, or is the heir of, at the revision it still has
    belongs : mapping of str to sequence of Minted
        ids that an upload is a member of now, or was when they were merged into those
    first : mapping of str to str
        the id that an upload came by before any merge: such a member is the better heir
    """
    if not any(held.values()) and not any(belongs.values()):  # as of an upload that is new
        return Naming(names=(None,) * len(clusters), heirs={})
    claims: list[list[Minted]] = [
        [minted for key in cluster for minted in held.get(key, ())] for cluster in clusters
    ]
    claimed = {minted.entity_id for own in claims for minted in own}
    members: dict[Minted, dict[int, list[str]]] = {}
    for index, cluster in enumerate(clusters):
        for key in cluster:
            for minted in belongs.get(key, ()):
                if minted.entity_id not in claimed:
                    members.setdefault(minted, {}).setdefault(index, []).append(key)
    heirs: dict[str, str] = {}
    for minted, shares in members.items():
        name = minted.entity_id

        def rank(index: int, name: str = name, shares: dict[int, list[str]] = shares) -> tuple[int, int, int]:
            came_first = sum(first.get(key) == name for key in shares[index])
            # The cluster with the smaller key where shares are equal.
            return came_first, len(shares[index]), -index

        best = max(shares, key=rank)
        claims[best].append(minted)
        heirs[name] = min(shares[best], key=lambda key: (first.get(key) != name, key))
    names = tuple(
        min(own, key=lambda minted: (minted.sequence, minted.entity_id)).entity_id if own else None
        for own in claims
    )
    return Naming(names=names, heirs=heirs)
