"""Who is compared with an upload: the union of the blockers, each candidate once, in one fixed order."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.records import Candidate, Found, ItemKey, SoundEvidence, UploadState
from streams.core.records.common import key_text

# Comparisons per upload are bounded, in find and in the arbiter alike; `_order` says who goes first. Of the
# true matches of two labelled catalogues the bound leaves out none (benchmarks, `blocking`).
MAX_COMPARED: Final = 20
# A blocking key that more uploads share says nothing about any of them.
MAX_HOLDERS: Final = 200
# One that names more than can be compared names nobody alone: who of them was compared would hang on what
# their senders call them. Any of many that share an identifier will do.
MAX_NAMED_ALONE: Final = MAX_COMPARED
_IDENTIFIERS: Final = frozenset({"isrc", "iswc", "mbid", "acoustid", "proprietary", "video_id"})
LANDMARKS: Final = "landmarks"
"""The blocker that names whoever may hold material in common: a loop, a sample."""
LINE: Final = "harmony_line"
"""The blocker that names whoever goes along a straight line of harmony with an upload best: a version."""


class Reach(NamedTuple):
    """How far a model's vectors are followed.

    Attributes
    ----------
    floor : float
        the least cosine at which a vector proposes anybody
    neighbours : int >= 1
        how many a query proposes at most, the nearest
    ranked_again : int >= 0
        among how many of the nearest whoever goes along a line with the upload is looked for
    """

    floor: float
    neighbours: int
    ranked_again: int = 0


# Eight neighbours by text, not more, which crowd out who shares a blocking key: blocking keeps 0.971 and
# 0.874 of the true pairs of two labelled catalogues. Below the floor lie 5 of 4,491 and 81 of 27,511 of
# those that scores would join (benchmarks, `blocking`). What the first version asked with is decided as
# it was.
#
# Ten by harmony, where strangers stand at half: 0.95 of the four other renderings of a work are among the ten
# nearest of 750. Under the floor lie 0.1 % of them, and 61 % of strangers, which are much alike there: 57 of
# the 150 works are of one school (docs/models.md, "How they compare").
_REACHES: Final[Mapping[str, Reach]] = {
    "samesong-text": Reach(floor=0.3, neighbours=8),
    "samesong-text@1": Reach(floor=0.3, neighbours=10),
    "samesong-work": Reach(floor=0.58, neighbours=10, ranked_again=100),
}
# How much a cosine counts beside a line, chosen on every other of 150 works (benchmarks, `version_encoders`).
_COSINE: Final = 5.0
# Of those that are compared so many are the nearest whatever their lines say.
_NEAREST_KEPT: Final = 3
_UNMEASURED: Final = Reach(floor=-math.inf, neighbours=2**31 - 1)

Nearness = Mapping[tuple[ItemKey, int], Mapping[str, float]]
"""Best cosine by modality of each (upload, revision) that a search hit."""


@dataclass(slots=True, kw_only=True)
class Proposed:
    """An upload that blockers name: what is kept of it, who names it, and where it was first looked up."""

    key: str
    state: UploadState
    looked_up: str  # index, overlay or key
    blockers: set[str]
    similarity: float | None = None
    sound: SoundEvidence | None = None

    @property
    def proposed_by(self) -> tuple[str, ...]:
        """Name the blockers, in their order."""
        return tuple(sorted(self.blockers))


@cache
def reach_of(model: str) -> Reach:
    """Give how far a model's vectors are followed: without end where that is unmeasured."""
    version, name = model.partition("+")[0], model.partition("@")[0]
    return _REACHES.get(version) or _REACHES.get(name, _UNMEASURED)


def candidates_of(nearness: Nearness) -> tuple[Candidate, ...]:
    """Name the vector blockers of each upload that was hit, the nearest first."""
    named = [
        Candidate(
            source=key.source,
            item_id=key.item_id,
            revision=revision,
            proposed_by=tuple(f"vector:{modality}" for modality in sorted(by)),
            similarity=max(by.values()),
        )
        for (key, revision), by in nearness.items()
    ]
    return tuple(
        sorted(named, key=lambda each: (-(each.similarity or 0.0), each.source, each.item_id, each.revision))
    )


def ranked_again(near: Sequence[float], lines: Sequence[float]) -> list[int]:
    """Put the nearest of a vector in the order in which they are likely to be of the same work.

    Parameters
    ----------
    near : sequence of float
        their cosines
    lines : sequence of float
        how far each goes along a straight line of harmony with the upload; 0 where that is not known

    Returns
    -------
    order : list of int
        places in what was given, the likeliest first
    """
    return sorted(range(len(near)), key=lambda at: (-(lines[at] + _COSINE * near[at]), at))


def versions_of(near: Sequence[float], lines: Sequence[float], *, most: int) -> tuple[list[int], list[int]]:
    """Choose whom to compare of the nearest of a vector: by lines, and of the others the nearest.

    What has no line, as of a performance that keeps no tempo, is not pushed out by strangers that happen to
    have one.

    Returns
    -------
    lined, others : list of int
        places in what was given, together at most ``most``
    """
    lined = [at for at in ranked_again(near, lines) if lines[at] > 0.0][: most - _NEAREST_KEPT]
    others = [at for at in sorted(range(len(near)), key=lambda at: (-near[at], at)) if at not in lined]
    return lined, others[: most - len(lined)]


def with_lines(
    candidates: Sequence[Candidate], lined: Collection[tuple[ItemKey, int]]
) -> tuple[Candidate, ...]:
    """Note who goes along a line with the upload."""
    return tuple(
        replace(each, proposed_by=tuple(sorted((*each.proposed_by, LINE))))
        if (each.key, each.revision) in lined
        else each
        for each in candidates
    )


def with_sharers(
    candidates: Sequence[Candidate], sharers: Iterable[tuple[ItemKey, int]]
) -> tuple[Candidate, ...]:
    """Add who may hold material in common, in front: a record carries only so many candidates."""
    named = {(each.key, each.revision): each for each in candidates}
    first = []
    for key, revision in sharers:
        known = named.pop((key, revision), None)
        blockers = (LANDMARKS, *known.proposed_by) if known is not None else (LANDMARKS,)
        first.append(
            Candidate(
                source=key.source,
                item_id=key.item_id,
                revision=revision,
                proposed_by=blockers,
                similarity=known.similarity if known is not None else None,
            )
        )
    return (*first, *named.values())


def first_compared(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Give the candidates of an upload that are compared with it, first to last."""

    def order(each: Candidate) -> tuple[bool, int, float, str]:
        key = key_text(each.source, each.item_id)
        return _order(len(each.proposed_by), each.proposed_by, each.similarity, key)

    return sorted(candidates, key=order)[:MAX_COMPARED]


def propose(workspace: Workspace, found: Found, overlay: Iterable[Candidate]) -> tuple[list[Proposed], bool]:
    """Union the blockers: vectors from the index, from the overlay, and exact keys of the state.

    What is not live in the state at the revision that was hit is left out; an upload never proposes itself.

    Returns
    -------
    proposed : list of Proposed
        at most ``MAX_COMPARED``, first to last
    truncated : bool
        there were more
    """
    own = found.encoded.key.text()
    merged: dict[str, Proposed] = {}
    for looked_up, candidates in (("index", found.candidates), ("overlay", overlay)):
        for candidate in candidates:
            key = key_text(candidate.source, candidate.item_id)
            held = merged.get(key)
            if held is None:
                state = workspace.upload(key)
                if key == own or state is None or not state.live or state.revision != candidate.revision:
                    continue
                merged[key] = Proposed(
                    key=key,
                    state=state,
                    looked_up=looked_up,
                    blockers=set(candidate.proposed_by),
                    similarity=candidate.similarity,
                    sound=candidate.sound,
                )
            elif held.state.revision == candidate.revision:
                held.blockers.update(candidate.proposed_by)
                held.similarity = _nearer(held.similarity, candidate.similarity)
                held.sound = held.sound or candidate.sound
    _keep_nearest(merged, found)
    holders: dict[str, Set[str]] = {}
    alone: set[str] = set()
    for blocking_key in found.encoded.blocking_keys:
        if held_by := workspace.holders(blocking_key, at_most=MAX_HOLDERS):
            blocker = blocking_key.partition(":")[0]
            others = holders.get(blocker)
            holders[blocker] = held_by if others is None else others | held_by
            if names_alone(blocker, len(held_by)):
                alone.update(held_by)
    # Keys name several times as many as may be compared: who is named by several is found for whole sets, and
    # what is kept of an upload is looked up for those alone that are compared.
    once, again = set[str](), set[str]()
    for keys in holders.values():
        again |= once & keys
        once |= keys
    new = (again | alone).difference(merged, (own,))
    named = {key: sum(key in keys for keys in holders.values()) for key in new}
    for blocker, keys in holders.items():
        for key in merged.keys() & keys:
            merged[key].blockers.add(blocker)
    order = [_order(len(each.blockers), each.blockers, each.similarity, key) for key, each in merged.items()]
    order += [_order(count, (), None, key) for key, count in _most_named(named)]
    order.sort()
    first: list[Proposed] = []
    for *_, key in order[:MAX_COMPARED]:
        held = merged.get(key)
        if held is None and (state := workspace.upload(key)) is not None:
            blockers = {blocker for blocker, keys in holders.items() if key in keys}
            held = Proposed(key=key, state=state, looked_up="key", blockers=blockers)
        if held is not None:
            first.append(held)
    return first, len(merged) + len(named) > MAX_COMPARED


def names_alone(blocker: str, holders: int) -> bool:
    """Say whether a key that so many uploads hold proposes one that no other blocker names."""
    return holders <= MAX_NAMED_ALONE or blocker in _IDENTIFIERS


def _most_named(named: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    """Give those that may be among the first to be compared: the most named, and whoever equals the last."""
    if len(named) <= MAX_COMPARED:
        return named.items()
    fewest = sorted(named.values(), reverse=True)[MAX_COMPARED - 1]
    return [each for each in named.items() if each[1] >= fewest]


def _keep_nearest(merged: dict[str, Proposed], found: Found) -> None:
    """Leave of the neighbours in index and overlay together those that one index would have named.

    How many of them each holds depends on how far the index has come; who is compared must not.
    """
    for modality, model in {(row.modality, row.model): None for row in found.encoded.vectors}:
        name = f"vector:{modality}"
        near = [each for each in merged.values() if name in each.blockers]
        near.sort(key=lambda each: (-(each.similarity or 0.0), each.key))
        for each in near[reach_of(model).neighbours :]:
            if each.blockers == {name}:
                del merged[each.key]


def _order(
    count: int, blockers: Collection[str], similarity: float | None, key: str
) -> tuple[bool, int, float, str]:
    """Order candidates: whom more blockers name goes first, then the nearer vector, then the smaller key.

    Before all others go the few that may hold material in common: nothing else names those, as a rule.
    """
    return LANDMARKS not in blockers, -count, -(similarity or 0.0), key


def _nearer(one: float | None, two: float | None) -> float | None:
    return two if one is None else one if two is None else max(one, two)
