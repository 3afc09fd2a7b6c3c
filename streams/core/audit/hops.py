"""Encode, find, arbitrate: what came into each must have left it, once.

What has left is remembered as ranges of offsets, and only what has not is remembered one by one.
"""

from collections import Counter
from collections.abc import Iterator

from streams.core.audit.cut import AuditLog, Carried, Committed, DecidedAt, Mismatch, below, where
from streams.core.origins import Origins
from streams.core.records import Origin


class Hops:
    """Every upload on its way from the log of uploads to its decision."""

    def __init__(self) -> None:
        self._passed = Origins()  # encode wrote something for them
        self._arrived = Origins()  # they are in the arbiter's log
        self._decided = Origins()
        self._refused = Origins()
        self._more_decisions: Counter[Origin] = Counter()
        self._more_letters: Counter[Origin] = Counter()
        # What is open, in the order of its log:
        self._uploads: dict[Origin, None] = {}
        self._encoded: dict[Origin, list[Origin]] = {}
        self._arrivals: dict[Origin, list[Origin]] = {}
        self._asked_anew: dict[Origin, list[Origin]] = {}
        self._unreadable: dict[Origin, None] = {}

    # --- what the logs hold: call in this order ---

    def decided(self, decision: DecidedAt) -> None:
        """Take in a decision."""
        if decision.origin in self._decided:
            self._more_decisions[decision.origin] += 1
        self._decided.add(decision.origin)

    def refused(self, letter: Carried) -> None:
        """Take in a dead letter."""
        if letter.origin is None:
            return
        if letter.origin in self._refused:
            self._more_letters[letter.origin] += 1
        self._refused.add(letter.origin)

    def asked_anew(self, again: Carried) -> None:
        """Take in a record that the arbiter has sent back for another look-up."""
        origin = again.origin
        # One that was settled at an earlier cut came back before the cut could see that it was asked for.
        if origin is not None and (origin not in self._arrived or origin in self._arrivals):
            self._asked_anew.setdefault(origin, []).append(again.at)

    def arrived(self, given: Carried) -> None:
        """Take in a record of the arbiter's log."""
        origin = given.origin
        if origin is None:
            return
        self._arrived.add(origin)
        # What was decided on is kept for ever, what was encoded is not: either proves that encode did its
        # part.
        self._passed.add(origin)
        if origin in self._asked_anew or origin in self._arrivals or not self._ended(origin):
            self._arrivals.setdefault(origin, []).append(given.at)

    def unreadable(self, at: Origin) -> None:
        """Take in a place of the arbiter's log where nothing can be read."""
        self._unreadable[at] = None

    def encoded(self, written: Carried) -> None:
        """Take in what encode wrote."""
        if written.origin is None:
            return
        self._passed.add(written.origin)
        if written.origin not in self._arrived:
            self._encoded.setdefault(written.origin, []).append(written.at)

    def uploaded(self, at: Origin) -> None:
        """Take in an upload."""
        if at not in self._passed:
            self._uploads[at] = None

    # --- what follows ---

    def settle(self) -> None:
        """Forget what is whole."""
        for origin in [*self._arrivals]:
            asked = len(self._asked_anew.get(origin, ()))
            # It has arrived once to be sent back at all, and once more for each time it was sent back.
            if self._ended(origin) and len(self._arrivals[origin]) > asked:
                del self._arrivals[origin]
                self._asked_anew.pop(origin, None)
        for origin in [each for each in self._encoded if each in self._arrived]:
            del self._encoded[origin]
        for at in [each for each in self._uploads if each in self._passed]:
            del self._uploads[at]
        for at in [each for each in self._unreadable if each in self._refused]:
            del self._unreadable[at]

    def mismatches(self, log: AuditLog) -> Iterator[Mismatch]:
        """Name what does not add up below the offsets that the stages have committed."""
        for at in self._uploads:
            if below(at, log.encode_committed):
                detail = "encode has committed past this upload, and wrote nothing for it"
                yield Mismatch(hop="encode", what="lost", subject=where(at), detail=detail)
        yield from self._of_find(log.find_committed)
        yield from self._of_arbiter(log.arbiter_committed)

    def _of_find(self, committed: Committed) -> Iterator[Mismatch]:
        """Look for each encoded upload, and each look-up asked for anew, in the arbiter's log."""
        for origin, written in self._encoded.items():
            for at in written:
                if below(at, committed):
                    detail = f"find has committed past {where(origin)}, and wrote nothing for it"
                    yield Mismatch(hop="find", what="lost", subject=where(at), detail=detail)
        for origin, asked in self._asked_anew.items():
            came = len(self._arrivals.get(origin, ()))
            for at in asked[max(0, came - 1) :]:
                if below(at, committed):
                    detail = f"{where(origin)} was to be looked up anew, and did not come back"
                    yield Mismatch(hop="find", what="lost", subject=where(at), detail=detail)

    def _of_arbiter(self, committed: Committed) -> Iterator[Mismatch]:
        """Look for exactly one decision (or dead letter) of each origin below the arbiter's offset."""
        for origin, given in self._arrivals.items():
            read = sum(below(at, committed) for at in given)
            # Every time it came it may have been sent back for a look-up at a newer watermark.
            if not self._ended(origin) and read > len(self._asked_anew.get(origin, ())):
                detail = "the arbiter has committed past it without a decision or dead letter"
                yield Mismatch(hop="arbitrate", what="lost", subject=where(origin), detail=detail)
        for at in self._unreadable:
            if below(at, committed):
                detail = "an unreadable record of the arbiter's log has no dead letter"
                yield Mismatch(hop="arbitrate", what="lost", subject=where(at), detail=detail)
        for origin, more in self._more_decisions.items():
            detail = f"{more + 1} decisions of one upload"
            yield Mismatch(hop="arbitrate", what="doubled", subject=where(origin), detail=detail)
        for origin in self._decided.without(self._arrived):
            detail = "decided, and never in the arbiter's log"
            yield Mismatch(hop="arbitrate", what="from_nowhere", subject=where(origin), detail=detail)
        for origin, more in self._more_letters.items():
            detail = f"{more + 1} dead letters of one upload"
            yield Mismatch(hop="arbitrate", what="doubled", subject=where(origin), detail=detail)

    def _ended(self, origin: Origin) -> bool:
        return origin in self._decided or origin in self._refused
