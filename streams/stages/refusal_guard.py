"""Hold a partition whose records are refused one after another, until a person lets it go on."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.core.policy import Exceeded, History, Reading, RefusalLimits, exceeded, observe
from streams.core.records import Refusal, StageControl
from streams.ports import Message, StageMetrics

Partition = tuple[str, int]

# Of a record on which our own code broke.
FAILED: Final = "encode_failed"

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Counted:
    """What was counted of one partition."""

    history: History
    read_to: int = -1  # a batch that comes again counts once
    exempt_before: int = 0


class RefusalGuard:
    """Counts the refusals of each partition against limits; says what is held (`streams.ports.Holds`).

    A hold is a record in `stage.control.v1`, written together with the refusals that led to it: it outlives
    this process, and whoever reads the partition next knows of it. Only a later record there ends it. What
    was counted is kept in memory alone: after a restart a partition starts with a clean history.

    Parameters
    ----------
    stage : str
    limits : RefusalLimits
    metrics : StageMetrics, optional

    Notes
    -----
    Batches come from one thread, what is said in the control log from another.
    """

    def __init__(self, stage: str, limits: RefusalLimits, *, metrics: StageMetrics | None = None) -> None:
        self._stage = stage
        self._limits = limits
        self._metrics = metrics
        self._lock = threading.Lock()
        self._counted: dict[Partition, _Counted] = {}
        self._unsaid: dict[Partition, StageControl] = {}
        self._said: dict[Partition, StageControl] = {}
        self._cut: dict[Partition, int] = {}

    # --- of the thread that processes -----------------------------------------------------------------

    def begin(self) -> None:
        """Begin a batch, perhaps one that came before."""
        self._cut = {}

    def admits(self, message: Message) -> bool:
        """Say whether a record may be decided now; one behind a hold is left where it is."""
        where = (message.topic, message.partition)
        if message.offset >= self._cut.get(where, message.offset + 1):
            # Resumed meanwhile: what lies behind the cut comes again, whole and in order.
            return False
        with self._lock:
            hold = self._unsaid.get(where) or self._said.get(where)
        if hold is None or hold.offset is None or message.offset < hold.offset:
            return True
        self._cut[where] = min(self._cut.get(where, message.offset), hold.offset)
        return False

    def count(self, message: Message, refusal: Refusal | None) -> None:
        """Count what became of a record, and hold its partition when that is one refusal too many."""
        where = (message.topic, message.partition)
        with self._lock:
            counted = self._counted.setdefault(where, _Counted(history=History()))
            if message.offset <= counted.read_to or message.offset < counted.exempt_before:
                return
            counted.read_to = message.offset
            counted.history = observe(counted.history, _reading(refusal), self._limits)
            limit = exceeded(counted.history, self._limits)
            if limit is None or refusal is None or where in self._said:
                return
            hold = StageControl(
                stage=self._stage,
                paused=True,
                topic=message.topic,
                partition=message.partition,
                by=self._stage,
                code=limit.value,
                note=f"{_words(limit, counted.history)}, the last with {refusal.code}",
                offset=message.offset + 1,
            )
            self._unsaid[where] = hold
            self._cut[where] = message.offset + 1
        log.error(
            "%s [%d] is held before offset %d: %s. `samesong deadletters list` shows them; "
            "`samesong stage resume %s --partition %d` goes on",
            message.topic,
            message.partition,
            message.offset + 1,
            hold.note,
            self._stage,
            message.partition,
        )

    def unsaid(self) -> tuple[StageControl, ...]:
        """Give the holds that are to be written: again and again until they were read back."""
        with self._lock:
            return tuple(self._unsaid.values())

    def cut(self) -> Mapping[Partition, int]:
        """Give, of each partition that the last batch has left undone, the first record left."""
        return self._cut

    # --- of the thread that polls ---------------------------------------------------------------------

    def held(self) -> frozenset[Partition]:
        """Name the partitions that are not to be read."""
        with self._lock:
            return frozenset(self._unsaid) | frozenset(self._said)

    def told(self, said: StageControl) -> None:
        """Take what the control log says of one partition."""
        if said.topic is None or said.partition is None:
            return
        where = (said.topic, said.partition)
        with self._lock:
            if said.paused:
                ours = self._unsaid.get(where)
                if ours is not None and ours.offset == said.offset:
                    del self._unsaid[where]
                self._said[where] = said
            else:
                # A hold of ours that is not in the log yet comes after this word and stands.
                self._said.pop(where, None)
                if where not in self._unsaid:
                    counted = self._counted.setdefault(where, _Counted(history=History()))
                    counted.history = History()
                    counted.exempt_before = said.exempt_before
        if self._metrics is not None:
            labels = {"topic": said.topic, "partition": str(said.partition)}
            self._metrics.set("samesong.partition.held", float(where in self.held()), **labels)


def _reading(refusal: Refusal | None) -> Reading:
    if refusal is None:
        return Reading.read
    return Reading.failed if refusal.code == FAILED else Reading.refused


def _words(limit: Exceeded, history: History) -> str:
    match limit:
        case Exceeded.run:
            return f"{history.run} records in a row were refused"
        case Exceeded.share:
            return f"{history.bits.bit_count()} of the last {history.seen} records were refused"
        case Exceeded.failures:
            return f"{history.failures} records in a row broke our own code"
