"""No upload is in two live recordings, or in two live works."""

from collections.abc import Iterator

from streams.core.audit.cut import Mismatch
from streams.core.records import EntityState


class Homes:
    """Counts the live entities that name each member; one count per level."""

    def __init__(self) -> None:
        self._members: dict[str, tuple[bool, tuple[str, ...]]] = {}  # of each live entity
        self._counts: dict[bool, dict[str, int]] = {True: {}, False: {}}
        self._shared: set[tuple[bool, str]] = set()

    def kept(self, state: EntityState) -> None:
        """Take in what is kept of an entity; the last one counts."""
        level, before = self._members.pop(state.entity_id, (False, ()))
        for member in before:
            self._count(level, member, -1)
        if state.status == "live":
            level = state.kind == "work"
            self._members[state.entity_id] = level, state.members
            for member in state.members:
                self._count(level, member, 1)

    def _count(self, level: bool, member: str, by: int) -> None:
        counts = self._counts[level]
        counts[member] = now = counts.get(member, 0) + by
        if not now:
            del counts[member]
        if now > 1:
            self._shared.add((level, member))
        else:
            self._shared.discard((level, member))

    def mismatches(self) -> Iterator[Mismatch]:
        """Name the members of two live entities."""
        for level, member in sorted(self._shared):
            homes = (
                name for name, (of, members) in self._members.items() if of == level and member in members
            )
            first, *others = sorted(homes)
            for name in others:
                detail = f"member {member!r} is in {first} too"
                yield Mismatch(hop="entity", what="doubled", subject=name, detail=detail)
