"""The arbiter's local store beside its log: gone on with where the two fit, else emptied and filled anew."""

import logging
from collections.abc import Callable, Mapping

from streams.core.catalogue import Changes
from streams.core.records import ArbiterHead
from streams.core.store_mark import LogIdentity, StoreMark, misfit
from streams.ports import Codec, StateReader, StateStore

log = logging.getLogger(__name__)


class KeptState:
    """A fold of the state topics that survives a restart.

    Parameters
    ----------
    store : StateStore
    identity : callable
        asks the cluster whose log it is
    form : str
        of what is stored; see ``StoreMark``
    codec : Codec
    head : str
        the topic whose last record says how far the state has come
    """

    def __init__(
        self, store: StateStore, *, identity: Callable[[], LogIdentity], form: str, codec: Codec, head: str
    ) -> None:
        self._store = store
        self._identity = identity
        self._form = form
        self._codec = codec
        self._head = head
        self._log: LogIdentity | None = None

    def open(self, read: StateReader, ends: Mapping[str, int]) -> tuple[Changes, dict[str, int]]:
        """Take the store over; give what it holds, and from which offset of each topic the log goes on.

        Parameters
        ----------
        read : StateReader
        ends : mapping of str to int
            next offset of each topic that is folded
        """
        self._log = self._identity()
        mark = self._store.take_over()
        if mark is None:
            log.info("the local store is empty: the state is read from the log")
            return Changes(), dict.fromkeys(ends, 0)
        why = misfit(mark, log=self._log, form=self._form, ends=ends) or self._other_head(read, mark)
        held = self._store.read() if why is None else None
        if held is None:
            log.warning("the local store is made anew: %s", why or "it is damaged")
            self._store.reset()
            return Changes(), dict.fromkeys(ends, 0)
        return held, {topic: mark.offsets[topic] for topic in ends}

    def fold(self, changes: Changes, offsets: Mapping[str, int], *, sequence: int) -> None:
        """Take over what a committed transaction, or the tail of the log, has changed."""
        if self._log is not None:
            mark = StoreMark(log=self._log, form=self._form, offsets=dict(offsets), sequence=sequence)
            self._store.write(changes, mark)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _other_head(self, read: StateReader, mark: StoreMark) -> str | None:
        """Say whether the log tells another story at the very offset that the store has come to."""
        last = mark.offsets[self._head] - 1
        # Compaction may have dropped that record, a later one being there.
        for message in list(read(self._head, last)) if last >= 0 else ():
            head: ArbiterHead = self._codec.decode(self._head, message.value or b"")
            if message.offset == last and head.sequence != mark.sequence:
                return f"it stands at sequence {mark.sequence}, the log there at {head.sequence}"
        return None
