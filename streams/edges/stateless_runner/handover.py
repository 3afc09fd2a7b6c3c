"""What the polling thread and the worker share: one lock, and every change is told to the other."""

import sys
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final

from streams.edges.batching import Batch, Buffer, Partition
from streams.edges.kafka_platform import Condition
from streams.ports import Clock, Message

# Of a held partition of which nothing was read and left: it goes on from where the client stands.
NOTHING_LEFT: Final = sys.maxsize


class Handover:
    """Messages from the polling thread to the worker, finished offsets on their way back.

    Parameters
    ----------
    buffer : Buffer
        read ahead, and bounded
    changed : Condition
        the lock; whoever changes something tells the others
    clock : Clock
    """

    def __init__(self, buffer: Buffer, changed: Condition, clock: Clock) -> None:
        self._buffer = buffer
        self._changed = changed
        self._clock = clock
        self._at_work: Batch | None = None
        self._finished: dict[Partition, int] = {}
        # Of each partition the offset of the latest commit since it is ours, whatever became of that.
        self._asked: dict[Partition, int] = {}
        self._closing = False
        self._open = True
        # Of each held partition the first record that was read and not worked on.
        self._undone: dict[Partition, int] = {}
        self._failure: BaseException | None = None
        # Written by the polling thread alone; replaced, never changed, as the worker looks at it.
        self._assigned: frozenset[Partition] = frozenset()

    @property
    def assigned(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return self._assigned

    @property
    def failure(self) -> BaseException | None:
        """What the worker ended of."""
        return self._failure

    @property
    def is_open(self) -> bool:
        """Whether the gate is open."""
        return self._open

    # --- polling --------------------------------------------------------------------------------------

    def add(self, messages: Sequence[Message], *, now: float) -> None:
        """Hand messages to the worker; those of a held partition are read again later."""
        with self._changed:
            for message in messages:
                where = (message.topic, message.partition)
                if where in self._undone:
                    self._undone[where] = min(self._undone[where], message.offset)
                else:
                    self._buffer.add(message, now=now)
            self._changed.notify_all()

    def await_room(self, seconds: float) -> tuple[bool, bool]:
        """Wait a while for room to read on; say whether there is none, and whether there is plenty."""
        with self._changed:
            if seconds:
                self._changed.wait_for(lambda: not self._buffer.full or self._stuck, seconds)
            return self._buffer.full, self._buffer.roomy

    def set_open(self, is_open: bool) -> None:
        """Let the worker take batches, or not."""
        with self._changed:
            self._open = is_open
            self._changed.notify_all()

    def oldest_seconds(self) -> float:
        """Return how long the oldest message read has waited for work."""
        with self._changed:
            return self._buffer.oldest_seconds(self._clock.monotonic())

    def close(self) -> None:
        """Let the worker end after the batch at work."""
        with self._changed:
            self._buffer.drop(set(self._assigned))
            self._closing = True
            self._changed.notify_all()

    # --- held partitions ------------------------------------------------------------------------------

    def leave(self, held: Set[Partition]) -> dict[Partition, int]:
        """Let go of what was read of held partitions; give where those go on that are held no more."""
        with self._changed:
            fresh = (held & self._assigned) - self._undone.keys()
            left = self._buffer.drop(fresh)
            self._undone.update({where: left.get(where, NOTHING_LEFT) for where in fresh})
            return {where: at for where, at in self._undone.items() if where not in held}

    def went_back(self, where: Partition, offset: int) -> None:
        """Note that a partition is read again from where it was left."""
        with self._changed:
            # The batch at work may have left more just now: then we go back once more.
            if self._undone.get(where) == offset:
                del self._undone[where]

    def left(self) -> frozenset[Partition]:
        """Name the partitions of which nothing is worked on."""
        with self._changed:
            return frozenset(self._undone)

    # --- rebalance ------------------------------------------------------------------------------------

    def given(self, partitions: Set[Partition], *, held: Set[Partition] = frozenset()) -> None:
        """Note what is ours."""
        self._assigned |= partitions
        if ours := partitions & held:
            with self._changed:
                self._undone.update(dict.fromkeys(ours, NOTHING_LEFT))

    def forget(self, gone: Set[Partition]) -> None:
        """Drop what was read of partitions and not begun."""
        self._assigned -= gone
        with self._changed:
            self._buffer.drop(gone)
            for where in gone:
                self._undone.pop(where, None)

    def await_work(self, gone: Set[Partition], seconds: float) -> None:
        """Wait until the batch at work, if it concerns these partitions, is finished."""

        def free() -> bool:
            return self._at_work is None or not gone & self._at_work.offsets.keys() or self._stuck

        with self._changed:
            self._changed.wait_for(free, seconds)

    def disown(self, gone: Set[Partition]) -> None:
        """Never give these partitions' offsets, neither of finished work nor of that still going on."""
        with self._changed:
            for where in gone:
                self._finished.pop(where, None)
                self._asked.pop(where, None)
                if self._at_work is not None:
                    self._at_work.offsets.pop(where, None)
            self._changed.notify_all()

    # --- offsets --------------------------------------------------------------------------------------

    def take_finished(self) -> dict[Partition, int]:
        """Give the next offset of each partition of which something is finished, once."""
        with self._changed:
            finished, self._finished = self._finished, {}
            self._asked.update(finished)
        return finished

    def give_back(self, uncommitted: Sequence[tuple[Partition, int]]) -> None:
        """Keep what could not be committed, unless it is somebody else's by now."""
        with self._changed:
            for where, offset in uncommitted:
                # Several commits are under way at a time, and what became of them is told late, even when the
                # partition was lost and is ours again. Only the latest since then is made again: any other
                # would take back what has been committed meanwhile.
                if where in self._assigned and self._asked.get(where) == offset:
                    self._finished[where] = max(offset, self._finished.get(where, offset))

    # --- the worker -----------------------------------------------------------------------------------

    def next(self, rest_due: float | None) -> Batch | None:
        """Wait for a batch that is due, an empty one when rest is; none when told to end."""
        with self._changed:
            while not self._closing:
                now = self._clock.monotonic()
                batch = self._buffer.take(now) if self._open else None
                if batch is None and rest_due is not None and now >= rest_due:
                    batch = Batch(messages=())
                if batch is not None:
                    self._at_work = batch
                    return batch
                due = self._buffer.due_in(now) if self._open else None
                if due is None and rest_due is not None:
                    due = rest_due - now
                self._changed.wait(due)
            return None

    def finish(self, cut: Callable[[], Mapping[Partition, int]] | None) -> None:
        """Note that the batch at work is done, up to where it was cut."""
        with self._changed:
            if self._at_work is not None:
                if cut is not None:
                    self._leave_cut(self._at_work, cut())
                # What was revoked meanwhile is no longer in the batch's offsets.
                self._finished.update(self._at_work.offsets)
            self._at_work = None
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Note that the worker ends of an error."""
        with self._changed:
            self._failure = error
            self._at_work = None
            self._changed.notify_all()

    def wait(self, batch: Batch, seconds: float) -> bool:
        """Wait before the next attempt; false when the batch is not ours to finish any more."""

        def over() -> bool:
            return self._closing or not batch.offsets

        with self._changed:
            batch.waiting = True
            self._changed.notify_all()
            self._changed.wait_for(over, seconds)
            batch.waiting = False
            if not over():
                return True
            batch.offsets.clear()
            return False

    def _leave_cut(self, batch: Batch, cut: Mapping[Partition, int]) -> None:
        """Take out of a batch what it has left undone, and of the buffer what lies behind that."""
        ours = {where: offset for where, offset in cut.items() if where in batch.offsets}
        self._buffer.drop(ours.keys())
        for where, offset in ours.items():
            batch.offsets[where] = min(batch.offsets[where], offset)
            if where in self._assigned:  # else it is revoked while we finish: who reads it next starts there
                self._undone[where] = min(self._undone.get(where, NOTHING_LEFT), offset)

    @property
    def _stuck(self) -> bool:
        """Say whether waiting for the worker makes no sense: it failed, or waits for a dependency."""
        return self._failure is not None or (self._at_work is not None and self._at_work.waiting)
