"""Sequences without gaps, each number used once, and every change there with all of its parts."""

from collections.abc import Iterator

from streams.core.audit.cut import DecidedAt, Mismatch, where
from streams.core.ranges import Ranges
from streams.core.records import EntityChanged, RelationChanged

_AT_ODDS = -1  # parts of one sequence that name different totals


class Sequences:
    """The numbers that decisions and changes carry; verdicts and commands have some too.

    One sequence counts its parts over all three topics. Whole ones are remembered as ranges.
    """

    def __init__(self) -> None:
        self._last = -1
        self._seen = Ranges()
        self._whole = Ranges()
        self._parts: dict[int, tuple[int, int]] = {}  # of those that are not: how many, and a bit for each
        self._twice: list[Mismatch] = []

    def decided(self, decision: DecidedAt) -> None:
        """Take in a decision, in the order of their log."""
        number = decision.sequence
        if number <= self._last:
            detail = f"sequence {number} comes after {self._last}, at {where(decision.at)}"
            self._twice.append(Mismatch(hop="sequence", what="doubled", subject=str(number), detail=detail))
        self._last = max(self._last, number)
        self._seen.add(number)
        if decision.parts:
            self._add(number, decision.part, decision.parts)

    def changed(self, change: EntityChanged | RelationChanged) -> None:
        """Take in a change of an entity or relation."""
        self._seen.add(change.sequence)
        if not self._add(change.sequence, change.part, change.parts):
            detail = f"part {change.part} of {change.parts} is there twice"
            subject = str(change.sequence)
            self._twice.append(Mismatch(hop="sequence", what="doubled", subject=subject, detail=detail))

    def _add(self, sequence: int, part: int, parts: int) -> bool:
        """Note a part; say whether it was missing."""
        if sequence in self._whole:
            return False
        total, held = self._parts.get(sequence, (parts, 0))
        if held >> part & 1:
            return False
        held |= 1 << part
        if total == parts and held == (1 << parts + 1) - 2:  # parts are counted from 1
            self._parts.pop(sequence, None)
            self._whole.add(sequence)
        else:
            self._parts[sequence] = (total if total == parts else _AT_ODDS, held)
        return True

    def mismatches(self) -> Iterator[Mismatch]:
        """Name gaps, numbers used twice, and changes of which a part is missing."""
        yield from self._twice
        for sequence, (total, held) in self._parts.items():
            of = "differing numbers of" if total == _AT_ODDS else f"its {total}"
            detail = f"decision, entity and relation changes hold {held.bit_count()} of {of} parts"
            yield Mismatch(hop="sequence", what="torn", subject=str(sequence), detail=detail)
        before = 0
        for first, end in self._seen:
            if first > before + 1:
                missing = f"{before + 1}" if first == before + 2 else f"{before + 1}-{first - 1}"
                detail = f"nothing carries sequence {missing}; {first} follows"
                yield Mismatch(hop="sequence", what="gap", subject=missing, detail=detail)
            before = end - 1
