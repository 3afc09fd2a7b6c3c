"""Two stories of the same things: what their events say and what the arbiter keeps of them."""

from collections.abc import Hashable, Iterator

from streams.core.audit.cut import Mismatch


class Agreement:
    """Compares the fold of events with the state beside them, by name.

    Where the two agree only a hash is kept, to know a state that changes without an event by.

    Parameters
    ----------
    hop : str
        what a mismatch is called
    """

    def __init__(self, hop: str) -> None:
        self._hop = hop
        self._agreed: dict[str, int] = {}
        self._said: dict[str, Hashable] = {}
        self._kept: dict[str, Hashable] = {}

    def said(self, name: str, value: Hashable) -> None:
        """Take in what an event says; the last one counts."""
        self._said[name] = value

    def kept(self, name: str, value: Hashable) -> None:
        """Take in what is kept; the last one counts."""
        if self._said.get(name) == value:
            self._agree(name, value)
        else:
            self._kept[name] = value

    def settle(self) -> None:
        """Forget where the two agree."""
        for name in [*self._said, *self._kept]:
            said, kept = self._said.get(name), self._kept.get(name)
            one = kept if said is None else said
            both = said == kept or ((said is None or kept is None) and hash(one) == self._agreed.get(name))
            if one is not None and both:
                self._agree(name, one)

    def _agree(self, name: str, value: Hashable) -> None:
        self._said.pop(name, None)
        self._kept.pop(name, None)
        self._agreed[name] = hash(value)

    def mismatches(self) -> Iterator[Mismatch]:
        """Name what is on one side alone or differs."""
        for name in sorted(self._said.keys() | self._kept.keys()):
            said, kept = self._said.get(name), self._kept.get(name)
            if kept is None and name not in self._agreed:
                detail = "its events are there, its state is not"
            elif said is None and name not in self._agreed:
                detail = "its state is there, no event says so"
            else:
                detail = f"its events say {said or 'as before'}, its state says {kept or 'as before'}"
            yield Mismatch(hop=self._hop, what="differs", subject=name, detail=detail)
