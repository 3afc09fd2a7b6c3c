"""Rebuild the index from the log: fold into a new build, verify it, then move the alias."""

import itertools
import logging

from streams.core.index_rows import LiveRows
from streams.errors import CorruptState
from streams.ports import CandidateIndex, Codec, IndexBuild, IndexSummary, Message, RowLog
from streams.stages.index import decode_rows

BATCH_ROWS = 4096
# Under load rows come while others are folded: each round is shorter than the one before, or it is given up.
ROUNDS = 20

log = logging.getLogger(__name__)


def rebuild(index: CandidateIndex, rows: RowLog, codec: Codec, *, batch_rows: int = BATCH_ROWS) -> IndexBuild:
    """Fold the whole of `index.row.v1` into a new build and make it the active one.

    It may run beside an index stage that shares the store: a build that is being filled is left to its
    rebuild. The alias moves when the new build lacks less than one batch of rows; the index stage folds
    those. The build that was active stays, for roll-back (``promote`` it again), and goes on being folded
    until it is dropped. What an earlier rebuild left unfinished is dropped: one at a time may run.

    Parameters
    ----------
    index : CandidateIndex
    rows : RowLog
    codec : Codec
    batch_rows : int >= 1
        rows folded between two flushes

    Raises
    ------
    CorruptState
        the new build does not hold what the log says (it is left for inspection and not promoted), or another
        rebuild dropped it
    """
    index.active()
    for build in index.builds():
        if build.filling:
            log.warning("index build %r was never finished and is dropped", build.name)
            index.drop(build.name)
    name = _unused_name(index)
    index.create(name)
    filling = _Filling(index, rows, codec, name, batch_rows)
    for _ in range(ROUNDS):
        if filling.fold_to(rows.end()) <= batch_rows:
            break
    filling.verify()
    # What came during the verification, which reads the whole build.
    filling.fold_to(rows.end())
    index.promote(name)
    return index.active()


def _unused_name(index: CandidateIndex) -> str:
    """Name a build as no other that is there."""
    there = {build.name for build in index.builds()}
    return next(name for number in itertools.count(1) if (name := f"rebuild_{number}") not in there)


class _Filling:
    """A build, how far it has come, and what it must hold."""

    def __init__(
        self, index: CandidateIndex, rows: RowLog, codec: Codec, build: str, batch_rows: int
    ) -> None:
        self._index = index
        self._rows = rows
        self._codec = codec
        self._build = build
        self._batch_rows = batch_rows
        self._live = LiveRows()
        self._watermark = 0

    def fold_to(self, end: int) -> int:
        """Fold up to an end; give how many offsets that was."""
        start = self._watermark
        if end > start:
            rows = self._rows.read(start, end)
            while batch := list(itertools.islice(rows, self._batch_rows)):
                self._fold(batch)
            # Markers of transactions have offsets too: below the end everything is folded.
            self._index.apply(self._build, (), watermark=end)
            self._watermark = end
        return end - start

    def _fold(self, batch: list[Message]) -> None:
        """Fold one batch into the build and into what the build must hold."""
        decoded = decode_rows(batch, self._codec)
        self._live.fold(decoded)
        self._index.apply(self._build, decoded, watermark=batch[-1].offset + 1)

    def verify(self) -> None:
        """Compare the build with the log by count and checksum."""
        expected = IndexSummary(rows=len(self._live.ids), checksum=self._live.checksum())
        found = self._index.summary(self._build)
        if found != expected:
            raise CorruptState(f"index build {self._build!r} holds {found}, its log says {expected}")
