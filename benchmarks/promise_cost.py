"""What exactly-once costs: the arbiter with transactions, and the same arbiter at least once.

The same records of `arbiter.input.v1`, prepared once by encode and find with real text vectors, are decided
by the real stage on a real broker. At least once, the same records are written by an idempotent producer, and
the offset is committed when they are acknowledged. The two alternate, each on a fresh broker.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from confluent_kafka import Producer, TopicPartition

from benchmarks.invented_uploads import invented_uploads
from benchmarks.machine import machine_facts, write_result
from benchmarks.stages_in_process import StagesInProcess
from streams.core.bundle import Bundle
from streams.edges.avro import AvroCodec
from streams.edges.broker import EmbeddedKafka
from streams.edges.feature_files import FileFeatureStore
from streams.edges.kafka_config import ClientConfig
from streams.edges.kafka_platform import KafkaConsumer, KafkaProducer, Machine, OnCommit
from streams.edges.kafka_producer import Publisher
from streams.edges.sound_comparison import FeatureConfirmer
from streams.edges.topics import ensure_topics
from streams.edges.transactional_runner import TransactionalRunner
from streams.ports import Delivered, Message, Produced, StateReader
from streams.stages.arbiter_records import STATE_TOPICS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.find import INPUT
from streams.wiring.parts import rules

COUNT = 6_000
ROUNDS = 3
FLUSH_S = 60.0


class _Recording(StagesInProcess):
    """Keeps what find gave."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.found: list[Message] = []

    def _through(
        self,
        stage: str,
        process: Callable[[Sequence[Message]], Sequence[Produced]],
        batch: Sequence[Message],
        topic: str,
    ) -> list[Message]:
        given = super()._through(stage, process, batch, topic)
        if stage == "find":
            self.found += given
        return given


class _Acknowledging:
    """A producer whose transactions are none: a commit waits for acknowledgements, then commits offsets."""

    def __init__(self, settings: ClientConfig, consumer: KafkaConsumer) -> None:
        plain = {
            key: value
            for key, value in settings.items()
            if key not in {"transactional.id", "transaction.timeout.ms"}
        }
        self._producer = Producer(plain)
        self._consumer = consumer
        self._offsets: list[TopicPartition] = []

    def __len__(self) -> int:
        return len(self._producer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def init_transactions(self, timeout: float = -1) -> None:
        """Fence nobody."""

    def begin_transaction(self) -> None:
        """Begin nothing."""

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float = -1
    ) -> None:
        """Note the offsets for later."""
        self._offsets = positions

    def commit_transaction(self, timeout: float = -1) -> None:
        """Wait until everything is acknowledged, then commit, as an at-least-once stage does."""
        if self._producer.flush(FLUSH_S):
            raise TimeoutError("records are not acknowledged")
        self._consumer.commit(offsets=self._offsets, asynchronous=True)


class _AtLeastOnce(Machine):
    """The machine, with producers that know no transactions."""

    def __init__(self) -> None:
        self._consumers: list[KafkaConsumer] = []

    def consumer(self, settings: ClientConfig, *, on_commit: OnCommit | None = None) -> KafkaConsumer:
        """Make a consumer, and remember the group's."""
        made = super().consumer(settings, on_commit=on_commit)
        self._consumers.append(made)
        return made

    def producer(self, settings: ClientConfig) -> KafkaProducer:
        """Make a producer that commits with the group's consumer, which is the first that is made."""
        return cast(KafkaProducer, _Acknowledging(settings, self._consumers[0]))


class _Timed(ArbitrateStage):
    """Notes when the first batch came and when the last one was committed."""

    def __init__(self, folder: Path, *, until: int) -> None:
        confirm = FeatureConfirmer(FileFeatureStore(folder / "features")).confirm
        super().__init__(
            AvroCodec(), rules(Bundle.packaged(), confirm), watermark=lambda: 0, overlay_rows=10**9
        )
        self._until = until
        self.began = 0.0
        self.ended = 0.0
        self.batches = 0
        self.done = threading.Event()

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        """Start with nothing: the broker is new."""
        super().restore(read, ends=ends, committed=None)
        return 0

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Decide, and note the first time."""
        self.began = self.began or time.monotonic()
        return super().decide(batch)

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        """Apply, and note the last time."""
        super().committed(deliveries, next_offset=next_offset)
        self.batches += 1
        if next_offset >= self._until:
            self.ended = time.monotonic()
            self.done.set()


def prepare(folder: Path, count: int) -> list[Message]:
    """Encode and look up so many uploads."""
    stages = _Recording(folder)
    try:
        stages.run(invented_uploads(count))
    finally:
        stages.close()
    return stages.found


@contextmanager
def _fresh_broker(folder: Path, records: Sequence[Message]) -> Iterator[str]:
    with EmbeddedKafka(folder) as kafka:
        ensure_topics(kafka.bootstrap, replication_factor=1)
        with Publisher(kafka.bootstrap) as publisher:
            for record in records:
                publisher.publish(INPUT, key=record.key or b"", value=record.value)
        yield kafka.bootstrap


def decide_all(folder: Path, records: Sequence[Message], *, exactly_once: bool) -> dict[str, float]:
    """Decide on all records; give the rate."""
    with _fresh_broker(folder, records) as bootstrap:
        stage = _Timed(folder, until=len(records))
        runner = TransactionalRunner(
            stage,
            bootstrap=bootstrap,
            group_id="bench",
            state_topics=STATE_TOPICS,
            platform=Machine() if exactly_once else _AtLeastOnce(),
        )
        stop, failed = threading.Event(), []

        def work() -> None:
            try:
                runner.run(stop)
            except BaseException as exc:
                failed.append(exc)
                stage.done.set()

        cpu = time.process_time()
        thread = threading.Thread(target=work)
        thread.start()
        stage.done.wait()
        stop.set()
        thread.join()
        if failed:
            raise failed[0]
        return {
            "decisions_per_s": round(len(records) / (stage.ended - stage.began), 1),
            "decisions_per_batch": round(len(records) / stage.batches, 1),
            "arbiter_cpu_s": round(time.process_time() - cpu, 2),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options, _ = parser.parse_known_args()
    started = machine_facts()
    modes = {"exactly_once": True, "at_least_once": False}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in modes}
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        records = prepare(Path(folder), options.count)
        for turn in range(options.rounds):
            # Who goes first changes, so that neither has the warmer machine.
            for name in sorted(modes, reverse=turn % 2 == 1):
                place = Path(folder) / f"{name}-{turn}"
                runs[name].append(decide_all(place, records, exactly_once=modes[name]))
                print(name, runs[name][-1], flush=True)
    rates = {name: statistics.median(run["decisions_per_s"] for run in done) for name, done in runs.items()}
    write_result(
        "promise_cost",
        "the arbiter on the same records with transactions and at least once, in turn, each on a fresh "
        "broker; the cost is the share of the at-least-once rate that transactions take (medians)",
        {
            "records": len(records),
            "runs": runs,
            "median_decisions_per_s": rates,
            "cost_percent": round(100 * (1 - rates["exactly_once"] / rates["at_least_once"]), 1),
        },
        started=started,
    )


if __name__ == "__main__":
    main()
