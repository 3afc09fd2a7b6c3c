import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.edges.faust_order import InOrder

TP = ("sketches", 1)


@dataclass
class Message:
    offset: int
    topic: str = "sketches"
    partition: int = 1
    tp: tuple[str, int] = TP


@dataclass
class FakeConsumer:
    first: int = 0
    sought: list[int] = field(default_factory=list)

    async def earliest_offsets(self, tp: tuple[str, int]) -> dict[tuple[str, int], int]:
        return {tp: self.first}

    async def seek(self, tp: tuple[str, int], offset: int) -> None:
        assert tp == TP
        self.sought.append(offset)


def fold(order: InOrder, offsets: Iterable[int]) -> list[int]:
    """Give events in this order; return those that were due."""
    folded = []
    for offset in offsets:
        if asyncio.run(order.due(Message(offset))):
            order.done(Message(offset))
            folded.append(offset)
    return folded


def test_what_comes_in_order_or_again_is_due() -> None:
    consumer = FakeConsumer()
    order = InOrder(lambda: consumer)
    order.take_up({1: 5})
    assert fold(order, [5, 6, 7, 6, 7, 8]) == [5, 6, 7, 6, 7, 8]
    assert consumer.sought == []


def test_of_a_partition_that_nothing_is_known_of_the_first_event_is_due() -> None:
    order = InOrder(FakeConsumer)
    order.take_up({0: 5})
    assert fold(order, [41, 42]) == [41, 42]


def test_what_is_missing_is_asked_for_and_nothing_is_folded_before_it() -> None:
    consumer = FakeConsumer()
    order = InOrder(lambda: consumer, clock=lambda: 0.0)
    order.take_up({1: 5})
    assert fold(order, [5, 7, 8, 6, 7, 8, 9]) == [5, 6, 7, 8, 9]
    assert consumer.sought == [6]


def test_it_is_asked_for_again_after_a_while() -> None:
    consumer, now = FakeConsumer(), [0.0]
    order = InOrder(lambda: consumer, clock=lambda: now[0])
    order.take_up({1: 5})
    assert fold(order, [7, 8]) == []
    now[0] = 1.0
    assert fold(order, [9]) == []
    assert consumer.sought == [5, 5]


def test_what_was_deleted_is_not_waited_for() -> None:
    consumer = FakeConsumer(first=7)
    order = InOrder(lambda: consumer)
    order.take_up({1: 5})
    assert fold(order, [7, 8]) == [7, 8]
    order.take_up({1: 5})
    assert fold(order, [9, 7, 8, 9]) == [7, 8, 9]
    assert consumer.sought == [7]
