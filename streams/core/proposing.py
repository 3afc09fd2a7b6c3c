"""Who is compared with an upload: the union of the blockers, each candidate once, in one fixed order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from streams.core.catalogue import Workspace
from streams.core.records import Candidate, Found, ItemKey, UploadState

# Comparisons per upload are bounded, in find and in the arbiter alike; `precedence` says who goes first.
MAX_COMPARED: Final = 32
# A blocking key that this many uploads share says nothing about any of them.
MAX_HOLDERS: Final = 200

Nearness = Mapping[tuple[ItemKey, int], Mapping[str, float]]
"""Best cosine by modality of each (upload, revision) that a search hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A candidate, its state, and where it was first looked up: index, overlay or key."""

    key: str
    candidate: Candidate
    state: UploadState
    looked_up: str


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
    return tuple(sorted(named, key=lambda each: (-(each.similarity or 0.0), each.key, each.revision)))


def precedence(candidate: Candidate) -> tuple[int, float, str]:
    """Order candidates: whom more blockers name goes first, then the nearer vector, then the smaller key."""
    return -len(candidate.proposed_by), -(candidate.similarity or 0.0), candidate.key.text()


def first_compared(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Give the candidates of an upload that are compared with it, first to last."""
    return sorted(candidates, key=precedence)[:MAX_COMPARED]


def propose(workspace: Workspace, found: Found, overlay: Iterable[Candidate]) -> list[Proposed]:
    """Union the blockers: vectors from the index, from the overlay, and exact keys of the state.

    What is not live in the state at the revision that was hit is left out; an upload never proposes itself.
    The order is that of `precedence`.
    """
    merged: dict[str, Proposed] = {}
    own = found.encoded.key.text()

    def take(candidate: Candidate, looked_up: str) -> None:
        key = candidate.key.text()
        held = merged.get(key)
        state = held.state if held is not None else workspace.upload(key)
        if key == own or state is None or not state.live or state.revision != candidate.revision:
            return
        if held is None:
            merged[key] = Proposed(key=key, candidate=candidate, state=state, looked_up=looked_up)
        else:
            merged[key] = replace(held, candidate=_union(held.candidate, candidate))

    for candidate in found.candidates:
        take(candidate, "index")
    for candidate in overlay:
        take(candidate, "overlay")
    for candidate in _holders(workspace, found):
        take(candidate, "key")
    return sorted(merged.values(), key=lambda each: precedence(each.candidate))


def _holders(workspace: Workspace, found: Found) -> Iterable[Candidate]:
    """Give the uploads that share a blocking key."""
    for blocking_key in found.encoded.blocking_keys:
        holders = workspace.holders(blocking_key)
        if len(holders) > MAX_HOLDERS:
            continue
        blocker = blocking_key.partition(":")[0]
        for holder in holders:
            state = workspace.upload(holder)
            if state is not None:
                yield Candidate(
                    source=state.source,
                    item_id=state.item_id,
                    revision=state.revision,
                    proposed_by=(blocker,),
                )


def _union(first: Candidate, second: Candidate) -> Candidate:
    """Join what two blockers say of one upload."""
    similarities = [each for each in (first.similarity, second.similarity) if each is not None]
    return replace(
        first,
        proposed_by=tuple(sorted({*first.proposed_by, *second.proposed_by})),
        similarity=max(similarities, default=None),
        sound=first.sound or second.sound,
    )
