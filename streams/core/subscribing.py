"""From three topics to whole sequences: what a subscriber may apply, in order, or why it must stop.

Everything that one input of the arbiter led to carries one sequence and is counted, n of m, over decisions,
entity changes and relation changes. The three topics are read side by side, so a sequence may be seen in
part; nothing of it is given before all of it is there, and nothing after it before itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from streams.core.records import Decision, EntityChanged, RelationChanged
from streams.core.records.decided import Carrier
from streams.errors import SequenceGap

DECIDED: Final = "resolution.decided.v1"
ENTITY_CHANGED: Final = "entity.changed.v1"
RELATION_CHANGED: Final = "relation.changed.v1"
SUBSCRIBED: Final = (DECIDED, ENTITY_CHANGED, RELATION_CHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeSequence:
    """All that one input of the arbiter led to.

    Attributes
    ----------
    sequence : int
    decision : Decision, optional
        None where a verdict, a command or a promotion changed entities
    entities : tuple of EntityChanged
    relations : tuple of RelationChanged
    at_ms : int [ms]
        when the last part was written, milliseconds since 1970; 0 when nobody told
    """

    sequence: int
    decision: Decision | None = None
    entities: tuple[EntityChanged, ...] = ()
    relations: tuple[RelationChanged, ...] = ()
    at_ms: int = 0


@dataclass(slots=True)
class _Held:
    """Parts of one sequence by their number."""

    total: int
    parts: dict[int, Carrier] = field(default_factory=dict)
    at_ms: int = 0


class SequenceAssembler:
    """Puts the parts of sequences together.

    Parameters
    ----------
    after : int >= 0
        the last sequence that was applied: what is read of it or before it again is passed over
    """

    def __init__(self, after: int = 0) -> None:
        self._done = after
        self._held: dict[int, _Held] = {}
        self._last: dict[type[Carrier], int] = {}

    @property
    def done(self) -> int:
        """The last sequence that was given."""
        return self._done

    def take(self, part: Carrier, at_ms: int = 0) -> Iterator[WholeSequence]:
        """Take one record, in the order of its topic, and give the sequences that are whole now.

        Raises
        ------
        SequenceGap
            the record contradicts what was read before it
        """
        number = part.sequence
        before = self._last.get(type(part), 0)
        if number < before or (number == before and isinstance(part, Decision)):
            raise SequenceGap(f"{type(part).__name__} of sequence {number} comes after that of {before}")
        self._last[type(part)] = number
        if number > self._done:
            self._keep(part, at_ms)
        while (held := self._held.get(self._done + 1)) is not None and len(held.parts) == held.total:
            self._done += 1
            del self._held[self._done]
            yield _whole(self._done, held)

    def _keep(self, part: Carrier, at_ms: int) -> None:
        if not part.parts:
            raise SequenceGap(
                f"the decision of sequence {part.sequence} does not say how many parts the sequence has: "
                "it was written before decisions were counted"
            )
        held = self._held.setdefault(part.sequence, _Held(total=part.parts))
        if part.parts != held.total or not 1 <= part.part <= part.parts or part.part in held.parts:
            raise SequenceGap(
                f"part {part.part} of {part.parts} of sequence {part.sequence} does not belong to the "
                f"{len(held.parts)} of {held.total} parts that are there"
            )
        held.parts[part.part] = part
        held.at_ms = max(held.at_ms, at_ms)

    def lacks(self) -> str | None:
        """Say what is missing before anything later can be given; None when nothing waits.

        At the end of all three topics this is a gap. While they are read it may be a part still to come.
        """
        if not self._held:
            return None
        number = self._done + 1
        later = sum(each > number for each in self._held)
        held = self._held.get(number)
        if held is None:
            return f"nothing carries sequence {number}; {later} later ones are there, up to {max(self._held)}"
        return (
            f"of sequence {number} there are {len(held.parts)} of {held.total} parts; "
            f"{later} later sequences are there"
        )


def _whole(sequence: int, held: _Held) -> WholeSequence:
    parts = [held.parts[number] for number in sorted(held.parts)]
    decisions = [part for part in parts if isinstance(part, Decision)]
    if len(decisions) > 1:
        raise SequenceGap(f"sequence {sequence} has {len(decisions)} decisions")
    return WholeSequence(
        sequence=sequence,
        decision=decisions[0] if decisions else None,
        entities=tuple(part for part in parts if isinstance(part, EntityChanged)),
        relations=tuple(part for part in parts if isinstance(part, RelationChanged)),
        at_ms=held.at_ms,
    )
