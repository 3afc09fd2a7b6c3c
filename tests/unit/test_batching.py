from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from streams.edges.batching import BackOff, Buffer
from streams.edges.kafka_messages import with_trace
from streams.ports import Message, Produced


def _message(offset: int, *, partition: int = 0, value: bytes = b"x") -> Message:
    return Message(topic="t", partition=partition, offset=offset, key=None, value=value)


def _buffer(
    *,
    items: int = 3,
    cost: Callable[[Message], float] | None = None,
    budget: float | None = None,
    max_bytes: int = 1000,
) -> Buffer:
    return Buffer(
        batch_items=items,
        batch_seconds=0.1,
        cost=cost,
        work_budget=budget,
        max_items=6,
        max_bytes=max_bytes,
    )


def test_a_lone_message_does_not_wait_and_those_after_it_wait_for_each_other() -> None:
    buffer = _buffer()
    assert buffer.take(0.0) is None
    buffer.add(_message(6), now=1.0)
    first = buffer.take(1.0)
    assert first is not None
    assert first.offsets == {("t", 0): 7}
    buffer.add(_message(7), now=1.01)
    buffer.add(_message(9, partition=1), now=1.05)
    assert buffer.take(1.05) is None
    batch = buffer.take(1.1)
    assert batch is not None
    assert batch.offsets == {("t", 0): 8, ("t", 1): 10}


def test_a_full_batch_is_due_at_once() -> None:
    buffer = _buffer()
    buffer.add(_message(0), now=2.0)
    assert buffer.take(2.0) is not None
    for offset in range(1, 4):
        buffer.add(_message(offset), now=2.0)
    assert buffer.due_in(2.0) == 0.0


def _value(message: Message) -> float:
    return float(message.value or b"0")


def test_work_budget_ends_a_batch_and_one_message_always_fits() -> None:
    buffer = _buffer(cost=_value, budget=5.0)
    for offset, work in enumerate((b"3", b"2", b"9", b"1")):
        buffer.add(_message(offset, value=work), now=0.0)
    taken = [buffer.take(9.0) for _ in range(4)]
    assert [len(b.messages) if b else 0 for b in taken] == [2, 1, 1, 0]


def test_full_by_items_or_bytes_until_half_is_gone() -> None:
    buffer = _buffer()
    for offset in range(6):
        assert not buffer.full
        buffer.add(_message(offset), now=0.0)
    assert (buffer.full, buffer.roomy) == (True, False)
    buffer.take(0.0)
    assert (buffer.full, buffer.roomy) == (False, True)
    heavy = _buffer(max_bytes=10)
    heavy.add(_message(0, value=b"x" * 11), now=0.0)
    assert heavy.full


def test_dropped_partition_leaves_room() -> None:
    buffer = _buffer(max_bytes=10)
    buffer.add(_message(0, value=b"x" * 11), now=0.0)
    buffer.add(_message(4, partition=1), now=0.0)
    buffer.drop({("t", 0)})
    assert not buffer.full
    batch = buffer.take(1.0)
    assert batch is not None
    assert batch.offsets == {("t", 1): 5}


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 9)), max_size=40))
def test_batches_keep_order_and_lose_nothing(arrivals: list[tuple[int, float]]) -> None:
    buffer = _buffer(cost=_value, budget=10.0)
    sent = []
    for offset, (partition, work) in enumerate(arrivals):
        message = _message(offset, partition=partition, value=str(work).encode())
        sent.append(message)
        buffer.add(message, now=0.0)
    got: list[Message] = []
    while (batch := buffer.take(1.0)) is not None:
        assert 1 <= len(batch.messages) <= 3
        got += batch.messages
    assert got == sent


def test_back_off_doubles_to_its_limit_and_starts_anew() -> None:
    back_off = BackOff(first=1.0, longest=3.0)
    assert [back_off.step() for _ in range(4)] == [1.0, 2.0, 3.0, 3.0]
    back_off.reset()
    assert back_off.step() == 1.0


def test_trace_replaces_headers_of_its_name_only() -> None:
    produced = Produced(topic="t", key=b"", value=b"", headers=(("a", b"1"), ("traceparent", b"old")))
    assert with_trace(produced, (("traceparent", b"new"),)) == (("a", b"1"), ("traceparent", b"new"))
    assert with_trace(produced, ()) == produced.headers
