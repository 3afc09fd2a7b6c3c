"""Runners at work on a real broker, and topics of their own for them."""

import threading
import uuid
from collections.abc import Sequence

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.edges.kafka_producer import Publisher
from streams.edges.log_reader import LogReader
from streams.edges.stateless_runner import StatelessRunner
from streams.edges.transactional_runner import TransactionalRunner
from streams.ports import Message, Processor, Produced


def topics(bootstrap: str, **partitions: int) -> dict[str, str]:
    names = {name: f"{name}.{uuid.uuid4().hex}" for name in partitions}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = [NewTopic(names[name], count, 1) for name, count in partitions.items()]
    for future in admin.create_topics(wanted).values():
        future.result(30)
    return names


def fill(bootstrap: str, topic: str, count: int, *, first: int = 0) -> None:
    with Publisher(bootstrap) as publisher:
        for number in range(first, first + count):
            publisher.publish(topic, key=b"%d" % number, value=b"%d" % number)


def committed(bootstrap: str, topic: str, partitions: int = 1) -> list[bytes]:
    with LogReader(bootstrap) as reader:
        return [
            message.value or b""
            for partition in range(partitions)
            for message in reader.read_committed_to_end(topic, 0, partition=partition)
        ]


def ends(bootstrap: str, topic: str, partitions: int) -> int:
    with LogReader(bootstrap) as reader:
        return sum(reader.bounds(topic, partition)[1] for partition in range(partitions))


class Running:
    """A runner in a thread of its own."""

    def __init__(self, runner: StatelessRunner | TransactionalRunner) -> None:
        self.error: BaseException | None = None
        self.stop = threading.Event()
        self._runner = runner
        # A test that fails leaves its runner at work: the run ends all the same.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._runner.run(self.stop)
        except BaseException as exc:
            self.error = exc

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


class Copy(Processor):
    def __init__(self, output: str, *, failures: Sequence[Exception] = (), seconds: float = 0.0) -> None:
        self.output = output
        self.failures = list(failures)
        self.batches = 0
        self.seen: list[bytes] = []
        self._seconds = seconds

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        if self.failures and self.batches >= 2:
            raise self.failures.pop()
        self.batches += 1
        if self._seconds:
            threading.Event().wait(self._seconds)
        self.seen += [m.value or b"" for m in batch]
        return [
            Produced(topic=self.output, key=m.key or b"", value=m.value, cause=index)
            for index, m in enumerate(batch)
        ]


def numbers(count: int) -> set[bytes]:
    return {b"%d" % number for number in range(count)}
