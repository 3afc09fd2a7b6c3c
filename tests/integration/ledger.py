"""The simplest stage whose outcome is a transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from streams.edges.transactional_runner import TransactionalRunner
from streams.ports import Delivered, Message, Produced, StateReader, TransactionalStage


class Ledger(TransactionalStage):
    """Copies each input to its output, which is its state as well."""

    def __init__(self, source: str, output: str) -> None:
        self.source = source
        self.output = output
        self.state: list[tuple[bytes, int]] = []
        self.restored = 0
        self.rolled = 0
        self.next_offset = 0

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        assert self.output in ends
        self.state = [(m.value or b"", m.offset) for m in read(self.output, 0)]
        self.restored += 1
        self.next_offset = committed or 0
        assert len(self.state) == self.next_offset
        return self.next_offset

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        assert [m.offset for m in batch] == list(range(self.next_offset, self.next_offset + len(batch)))
        return [
            Produced(topic=self.output, key=m.key or b"", value=m.value, cause=index)
            for index, m in enumerate(batch)
        ]

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        self.state += [(d.produced.value or b"", d.offset) for d in deliveries]
        self.next_offset = next_offset

    def rolled_back(self) -> None:
        self.rolled += 1

    def ready(self) -> bool:
        return True


def transactional(bootstrap: str, stage: Ledger, **how: Any) -> TransactionalRunner:
    """Give a runner that decides with a ledger, in small batches."""
    return TransactionalRunner(
        stage,
        bootstrap=bootstrap,
        group_id=stage.source,
        topic=stage.source,
        state_topics=[stage.output],
        transactional_prefix=stage.source,
        **{"batch_items": 100, "batch_ms": 50, **how},
    )
