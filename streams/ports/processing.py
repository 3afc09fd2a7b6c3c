"""What the runners ask of a stage."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from streams.ports.messages import Delivered, Message, Produced


class Processor(Protocol):
    """What a stage does with a batch: no Kafka client, no thread, no offset in here."""

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Turn a batch into the records that follow from it.

        Raises
        ------
        TransientError
            one of our own dependencies does not answer: the runner pauses and gives the same batch again
        FatalError
            going on would corrupt state
        """
        ...


class Holds(Protocol):
    """Partitions that a stage must not read for a while, and where it has left them."""

    def held(self) -> frozenset[tuple[str, int]]:
        """Name the partitions that are not to be read; called often, from the polling thread."""
        ...

    def cut(self) -> Mapping[tuple[str, int], int]:
        """Give, of partitions that the batch just processed has left undone, the first record left.

        Called from the processor's thread after each batch. What lies before that record is finished;
        from there on the partition is read again once it is held no more.
        """
        ...


StateReader = Callable[[str, int], Iterator[Message]]
"""``read(topic, from_offset)``: what is committed from an offset on, up to the end taken at the restore.

Aborted records are never given. ``from_offset`` 0 means from the earliest record that is kept; another
offset that is no longer kept, or beyond the end, raises ``OffsetRegression``.
"""


class TransactionalStage(Protocol):
    """A stage whose outcome is one Kafka transaction per micro-batch; all calls come from one thread.

    The order of calls is ``restore``, then any number of ``decide`` followed by either ``committed`` or
    ``rolled_back`` or a new ``restore``. ``decide`` must leave the stage's state as it was until
    ``committed``: compute first, apply after the commit is confirmed.
    """

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        """Rebuild the state from its topics.

        Called whenever a partition is given to us, and after every error that leaves a transaction's fate
        unknown; older owners are already fenced.

        Parameters
        ----------
        read : StateReader
            reads the stage's state topics, in the partition of the input that was given to us
        ends : mapping
            next offset of each state topic, read_committed, taken after the older owner was fenced
        committed : int, optional
            the group's committed offset of the input; none when nothing was ever committed

        Returns
        -------
        next_offset : int
            offset of the input to go on from: what the state says it has decided up to; the runner goes
            there, whatever ``committed`` says (a group's offsets expire, the state's topics do not)
        """
        ...

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Compute what follows from a batch, without applying it.

        Raises
        ------
        TransientError
            a dependency does not answer: nothing is written, the same batch comes again after a pause
        FatalError
            going on would corrupt state
        """
        ...

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        """Apply the batch last decided: its transaction is committed.

        Parameters
        ----------
        deliveries : sequence of Delivered
            every record of the batch, in the order of ``decide``, with its offset
        next_offset : int
            offset of the input that comes next
        """
        ...

    def rolled_back(self) -> None:
        """Drop what the last ``decide`` computed: its transaction was aborted; the same input comes again."""
        ...

    def ready(self) -> bool:
        """Say whether intake may go on; false while the overlay is full or the index is behind."""
        ...
