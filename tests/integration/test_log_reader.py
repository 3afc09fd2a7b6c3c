from collections.abc import Iterator

import pytest

from streams.edges.log_reader import LogReader
from streams.errors import OffsetRegression
from streams.ports import Message
from tests.integration.running import fill, topics

pytestmark = pytest.mark.broker


def test_reader_refuses_offsets_that_are_not_there(broker: str) -> None:
    names = topics(broker, source=1)
    fill(broker, names["source"], 3)

    def read(offset: int) -> Iterator[Message]:
        with LogReader(broker) as reader:
            yield from reader.read_committed_to_end(names["source"], offset)

    assert len(list(read(1))) == 2
    assert list(read(3)) == []
    with pytest.raises(OffsetRegression):
        list(read(4))
