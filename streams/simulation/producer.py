"""A producer of the simulated brokers, with or without transactions, with the errors of the client library.

It behaves as ``confluent_kafka`` does as far as the runners look at it.
"""

from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.cimpl import Message as RawMessage

from streams.edges.kafka_config import ClientConfig
from streams.edges.kafka_platform import OnDelivery
from streams.ports import Headers
from streams.simulation.broker import Fate, Partition, ProducerState, Refused
from streams.simulation.host import Host, failure

Waiting = tuple[str, bytes | None, bytes | None, Headers, OnDelivery | None]


class SimulatedProducer:
    """The calls of ``streams.edges.kafka_platform.KafkaProducer``."""

    def __init__(self, host: Host, settings: ClientConfig) -> None:
        self._host = host
        self._world = host.cluster.world
        self._broker = host.cluster.broker
        name = settings.get("transactional.id")
        self._name = None if name is None else str(name)
        self._timeout = int(settings.get("transaction.timeout.ms", 60_000)) / 1000
        self._message_seconds = int(settings.get("message.timeout.ms", 300_000)) / 1000
        self._state: ProducerState | None = None
        self._epoch = -1
        self._working = False
        self._committed = False  # at the brokers, although we may not know yet
        self._deaf = False  # no answer about this transaction will ever come
        self._queue: list[Waiting] = []
        self._fates: list[tuple[OnDelivery | None, KafkaError | None, RawMessage]] = []
        self._problem: KafkaError | None = None

    def __len__(self) -> int:
        return len(self._queue) + len(self._fates)

    # --- records ---

    def produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        *,
        headers: Sequence[tuple[str, str | bytes | None]] | None = None,
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """Take a record; it is sent now or later."""
        if self._name is not None and not self._working:
            raise failure(KafkaError._STATE)
        if self._queue and self._world.chance.random() < self._host.weather.full_queue:
            raise BufferError("queue full")
        self._queue.append((topic, key, value, tuple(headers or ()), on_delivery))  # type: ignore[arg-type]
        if self._world.chance.random() < 0.2:
            self._send(self._world.chance.randint(1, 3))

    def poll(self, timeout: float = -1) -> int:
        """Tell the fates of records."""
        if self._queue and self._world.chance.random() < 0.2:
            self._send(1)
        if timeout > 0:
            self._send(len(self._queue))
            self._world.sleep(timeout)
        return self._tell()

    def flush(self, timeout: float = -1) -> int:
        """Send everything and tell the fates; what cannot be sent in time has failed."""
        self._host.point(f"flush {len(self._queue)}")
        if self._queue and self._host.cut:
            until = self._world.now + min(timeout, self._message_seconds)
            while self._host.cut and self._world.now < until:
                self._world.sleep(0.5)
            if self._host.cut:
                self._drop(KafkaError._MSG_TIMED_OUT)
        self._send(len(self._queue))
        self._tell()
        return len(self._queue)

    def _send(self, count: int) -> None:
        """Write so many of the waiting records, others going on in between."""
        for _ in range(min(count, len(self._queue))):
            self._host.point("send")
            if self._host.cut or not self._queue:
                return
            topic, key, value, headers, told = self._queue.pop(0)
            where = (topic, self._broker.partition_for(topic, key))
            try:
                if self._state is not None:
                    self._broker.check_epoch(self._state, self._epoch, now=self._world.now)
                offset = self._broker.write(
                    where, key, value, headers, state=self._state, now=self._world.now
                )
            except Refused as exc:
                self._fail(where, told, exc.error)
                continue
            self._host.cluster.stir([where])
            self._world.say(f"writes {topic}[{where[1]}]@{offset}")
            if self._world.chance.random() < self._host.weather.lost_acknowledgement:
                self._fail(where, told, KafkaError(KafkaError._MSG_TIMED_OUT))
            else:
                self._fates.append((told, None, RawMessage(topic, where[1], offset)))

    def _fail(self, where: Partition, told: OnDelivery | None, error: KafkaError) -> None:
        self._problem = error
        self._fates.append((told, error, RawMessage(where[0], where[1])))

    def _drop(self, code: int) -> None:
        for topic, _key, _value, _headers, told in self._queue:
            self._fail((topic, 0), told, KafkaError(code))
        self._queue.clear()

    def _tell(self) -> int:
        told = 0
        while self._fates:
            callback, error, message = self._fates.pop(0)
            told += 1
            if callback is not None:
                callback(error, message)
        return told

    # --- transactions ---

    def init_transactions(self, timeout: float = -1) -> None:
        """Fence every older producer of this transactional id."""
        self._reach("init", timeout)
        self._state, self._epoch = self._broker.init_producer(
            str(self._name), timeout=self._timeout, now=self._world.now
        )
        self._stir_everybody()
        self._host.point(f"initialised, epoch {self._epoch}")

    def begin_transaction(self) -> None:
        """Begin."""
        self._host.point("begin")
        if self._state is None or self._working:
            raise failure(KafkaError._STATE)
        self._working, self._committed, self._deaf, self._problem = True, False, False, None

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float = -1
    ) -> None:
        """Put a group's offsets into the transaction, if its member is of this generation."""
        state = self._reach("offsets", timeout)
        group, member, generation, instance = group_metadata
        offsets = {(each.topic, each.partition): each.offset for each in positions}
        try:
            self._host.cluster.group(group).check(
                member, generation, offsets, instance=instance, in_transaction=True
            )
        except Refused as exc:
            self._world.happened["offsets refused"] += 1
            raise KafkaException(exc.error) from exc
        self._broker.add_offsets(state, group, offsets, now=self._world.now)
        self._host.point("offsets sent")

    def commit_transaction(self, timeout: float = -1) -> None:
        """Flush and commit; asked again it goes on where it was."""
        if not self._committed:
            self._send(len(self._queue))
            state = self._reach("commit", timeout)
            if self._queue:
                raise failure(KafkaError._TIMED_OUT, retriable=True)
            if self._problem is not None:
                fenced = self._problem.code() == KafkaError._FENCED
                raise failure(self._problem.code(), fatal=fenced, abort=not fenced)
            lost = self._lost()
            if lost == "request":
                self._world.sleep(max(timeout, 0.0))
                raise failure(KafkaError._TIMED_OUT, retriable=True)
            self._end(state, Fate.committed)
            self._committed = True
            self._host.point("commit done")
            self._deaf = lost == "answer" and self._world.chance.random() < 0.5
            if lost == "answer":
                self._world.sleep(max(timeout, 0.0))
                raise failure(KafkaError._TIMED_OUT, retriable=True)
            if lost == "client":
                # An error of no class: nobody can tell what became of the transaction.
                raise failure(KafkaError._FAIL)
        if self._deaf:
            self._reach("commit", timeout)
            self._world.sleep(max(timeout, 0.0))
            raise failure(KafkaError._TIMED_OUT, retriable=True)
        self._working = False
        self._tell()

    def abort_transaction(self, timeout: float = -1) -> None:
        """Abort."""
        self._queue.clear()
        state = self._reach("abort", timeout)
        self._end(state, Fate.aborted)
        self._working = False
        self._fates.clear()
        self._host.point("aborted")

    def _end(self, state: ProducerState, fate: Fate) -> None:
        touched = sorted(state.partitions)
        self._broker.end_transaction(state, fate, now=self._world.now)
        self._world.happened[f"transaction {fate.value}"] += 1
        self._world.say(f"transaction {fate.value}: {len(touched)} partitions")
        self._stir_everybody()

    def _stir_everybody(self) -> None:
        """Wake all who read: what they waited for may lie before them now."""
        self._host.cluster.stir(self._broker.logs)

    def _lost(self) -> str | None:
        """Say what of a request gets lost."""
        chance = self._world.chance.random()
        share = self._host.weather.lost_answer
        if chance >= share:
            return None
        self._world.happened["answer lost"] += 1
        return "request" if chance < share * 0.4 else "answer" if chance < share * 0.8 else "client"

    def _reach(self, what: str, timeout: float) -> ProducerState:
        """Reach the coordinator, as the producer that is in force."""
        self._host.point(what)
        if self._host.cut:
            self._world.sleep(max(timeout, 0.0))
            raise failure(KafkaError._TIMED_OUT, retriable=True)
        if self._state is None:
            if what != "init":
                raise failure(KafkaError._STATE)
            return ProducerState(-1)
        try:
            self._broker.check_epoch(self._state, self._epoch, now=self._world.now)
        except Refused as exc:
            self._world.happened["fenced"] += 1
            raise KafkaException(exc.error) from exc
        return self._state
