"""A consumer of the simulated brokers, with the errors of the client library.

It behaves as ``confluent_kafka`` does as far as the runners look at it; messages, partitions and errors are
the library's own classes.
"""

from types import SimpleNamespace
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.cimpl import Message as RawMessage

from streams.edges.kafka_config import ClientConfig
from streams.edges.kafka_errors import kafka_error
from streams.edges.kafka_platform import OnCommit, OnPartitions
from streams.simulation.broker import Entry, Partition, Refused
from streams.simulation.groups import Group, Member, Sleeper
from streams.simulation.host import Host, failure

# A poll that finds nothing waits at least so long: a process is never sure to run on at once, and a run
# costs less.
IDLE_SECONDS: Final = 0.3
HELD_SECONDS: Final = 0.8
ASYNC_SECONDS: Final = 5.0
NO_OFFSET: Final = -1001
_OF_CLASSIC: Final = frozenset(
    {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"}
)


class SimulatedConsumer:
    """The calls of ``streams.edges.kafka_platform.KafkaConsumer``."""

    def __init__(self, host: Host, settings: ClientConfig, *, on_commit: OnCommit | None = None) -> None:
        self._host = host
        self._on_commit = on_commit
        self._commits: list[tuple[KafkaError | None, list[TopicPartition]]] = []  # whose fate is to be told
        self._world = host.cluster.world
        self._broker = host.cluster.broker
        self._group = str(settings["group.id"])
        self._protocol = str(settings.get("group.protocol", "classic"))
        if self._protocol != "classic" and (refused := _OF_CLASSIC & settings.keys()):
            raise KafkaException(KafkaError(KafkaError._INVALID_ARG, f"{min(refused)} is not for KIP-848"))
        instance = settings.get("group.instance.id")
        self._instance = None if instance is None else str(instance)
        self._fenced = False  # a later start has our name in the group
        self._session = int(settings.get("session.timeout.ms", 10_000)) / 1000
        self._resets = settings.get("auto.offset.reset") == "earliest"
        self._says_end = bool(settings.get("enable.partition.eof", False))
        self._topics: tuple[str, ...] = ()
        self._callbacks: tuple[OnPartitions | None, ...] = (None, None, None)
        self._member: Member | None = None
        self._positions: dict[Partition, int] = {}  # of what is assigned; negative: not known yet
        self._paused: set[Partition] = set()
        self._slips: set[Partition] = set()
        self._unready: set[Partition] = set()
        self._held: dict[Partition, float] = {}
        self._ends_told: set[Partition] = set()
        self._closed = False

    # --- the group ---

    def subscribe(
        self,
        topics: list[str],
        on_assign: OnPartitions | None = None,
        on_revoke: OnPartitions | None = None,
        on_lost: OnPartitions | None = None,
    ) -> None:
        """Join the group with the next poll."""
        self._host.point("subscribe")
        self._topics = tuple(topics)
        self._callbacks = (on_assign, on_revoke, on_lost or on_revoke)

    def _serve_group(self) -> None:
        """Take part in rebalances; callbacks run in here."""
        if not self._topics or self._host.cut or self._fenced:
            return
        group = self._coordinator()
        if self._member is not None and not group.poll(self._member):
            if group.is_replaced(self._member):
                self._fenced = True
                return
            self._member = None
            self._world.say(f"put out of {self._group}")
            self._world.happened["put out of the group"] += 1
            self._give_up(set(self._positions), self._callbacks[2])
        if self._member is None:
            number = self._world.chance.getrandbits(32)
            self._member = Member(
                f"{self._host.name}-{number:08x}",
                self._topics,
                self._session,
                self._host.silence,
                self._world.now,
                instance=self._instance,
            )
            group.join(self._member)
        member = self._member
        target = group.move(member)
        if target is None:
            return
        leaving = member.owned - target
        if leaving:
            self._world.say(f"gives up {sorted(leaving)}")
            self._world.happened["partitions given up"] += 1
            self._give_up(leaving, self._callbacks[1])
            member.owned -= leaving
            group.gave_up(member)
        coming = target - member.owned
        member.owned |= coming
        self._world.say(f"is given {sorted(coming)} in generation {member.generation}")
        partitions = [TopicPartition(topic, number) for topic, number in sorted(coming)]
        self._unready |= coming
        if self._callbacks[0] is not None:
            self._callbacks[0](self, partitions)
        for where in sorted(coming - self._positions.keys()):
            self._positions[where] = -1
            self._paused.discard(where)

    def _coordinator(self) -> Group:
        return self._host.cluster.group(self._group, protocol=self._protocol)

    def _give_up(self, gone: set[Partition], callback: OnPartitions | None) -> None:
        if gone and callback is not None:
            callback(self, [TopicPartition(topic, number) for topic, number in sorted(gone)])
        for where in gone:
            self._positions.pop(where, None)
            self._forget(where)

    def _forget(self, where: Partition) -> None:
        for kept in (self._paused, self._slips, self._unready, self._ends_told):
            kept.discard(where)
        self._held.pop(where, None)

    def consumer_group_metadata(self) -> object:
        """Return group, member, generation and the name that stays, as of now."""
        member = self._member
        name, generation = (member.name, member.generation) if member else ("", -1)
        return self._group, name, generation, self._instance

    def close(self) -> None:
        """Give everything up and leave."""
        if self._closed:
            return
        self._host.point("close")
        self._closed = True
        if self._member is not None:
            self._give_up(set(self._member.owned), self._callbacks[1])
            if not self._host.cut and not self._fenced:
                self._coordinator().leave(self._member)
            self._member = None
        self._positions.clear()

    # --- assignment ---

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions, each from its offset."""
        self._positions.clear()
        self.incremental_assign(partitions)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions as well."""
        for each in partitions:
            where = (each.topic, each.partition)
            self._forget(where)
            self._positions[where] = each.offset
            self._unready.add(where)

    def unassign(self) -> None:
        """Read nothing any more."""
        for where in tuple(self._positions):
            self._forget(where)
        self._positions.clear()

    def seek(self, partition: TopicPartition) -> None:
        """Go on from an offset."""
        self._host.point("seek")
        where = (partition.topic, partition.partition)
        unready = where in self._unready and self._world.chance.random() < self._host.weather.unready_seek
        self._unready.discard(where)
        if where not in self._positions or unready:
            raise failure(KafkaError._STATE)
        self._positions[where] = partition.offset
        self._ends_told.discard(where)
        self._slips.discard(where)

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Give no records of these partitions; one may slip through."""
        for each in partitions:
            where = (each.topic, each.partition)
            self._paused.add(where)
            if self._world.chance.random() < self._host.weather.slipped:
                self._slips.add(where)

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Give records of these partitions again."""
        for each in partitions:
            self._paused.discard((each.topic, each.partition))

    def position(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Return the offset after the last record given."""
        return [
            TopicPartition(
                each.topic, each.partition, self._positions.get((each.topic, each.partition), NO_OFFSET)
            )
            for each in partitions
        ]

    # --- reading ---

    def poll(self, timeout: float = -1) -> RawMessage | None:
        """Return the next record, event or nothing."""
        self._host.point("poll")
        self._tell_commits()
        deadline = self._world.now + (max(timeout, IDLE_SECONDS) if timeout else 0.0)
        while True:
            self._serve_group()
            if self._fenced:
                return RawMessage("", 0, 0, None, None, None, KafkaError(KafkaError.FENCED_INSTANCE_ID))
            found = self._fetch()
            if found is not None or self._world.now >= deadline:
                return found
            self._rest(deadline)

    def _rest(self, deadline: float) -> None:
        """Wait for something to read."""
        soonest = min((until for until in self._held.values() if until > self._world.now), default=deadline)
        sleeper = Sleeper(self._world.current, self._positions.keys())
        self._host.cluster.asleep.append(sleeper)
        try:
            self._world.sleep_until(min(deadline, soonest))
        finally:
            self._host.cluster.asleep.remove(sleeper)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[RawMessage]:
        """Return what is there, up to so many."""
        self._host.point("consume")
        self._serve_group()
        found: list[RawMessage] = []
        # What lies ready is only what a client has fetched so far.
        for _ in range(min(num_messages, self._world.chance.randint(1, 12))):
            message = self._fetch()
            if message is None:
                break
            found.append(message)
        return found

    def _fetch(self) -> RawMessage | None:
        """Give a record of a partition that has one; which one is up to chance."""
        if self._host.cut:
            return None
        self._broker.expire_transactions(self._world.now)
        ready: list[tuple[Partition, Entry]] = []
        for where in self._positions:
            if where in self._paused and where not in self._slips:
                continue
            if self._held.get(where, 0.0) > self._world.now:
                continue
            position = self._start(where)
            if position is None:
                continue
            log = self._broker.logs[where]
            if position > log.end:
                return self._event(where, KafkaError._AUTO_OFFSET_RESET, position)
            entry = log.next_readable(position)
            if entry is not None:
                ready.append((where, entry))
            elif self._says_end and where not in self._ends_told:
                self._ends_told.add(where)
                return self._event(where, KafkaError._PARTITION_EOF, log.stable_end)
        if not ready:
            return None
        where, entry = ready[0] if len(ready) == 1 else self._world.chance.choice(ready)
        self._slips.discard(where)
        self._positions[where] = entry.offset + 1
        self._ends_told.discard(where)
        if self._host.weather.held_back and self._world.chance.random() < self._host.weather.held_back:
            self._held[where] = self._world.now + self._world.chance.random() * HELD_SECONDS
        self._world.say(f"reads {where[0]}[{where[1]}]@{entry.offset}")
        return RawMessage(
            where[0],
            where[1],
            entry.offset,
            entry.key,
            entry.value,
            list(entry.headers),
            None,
            (1, entry.timestamp_ms),
        )

    def _start(self, where: Partition) -> int | None:
        """Return where a partition is read from; none while that cannot be told."""
        position = self._positions[where]
        if position >= 0:
            return position
        if self._broker.is_pending(self._group, where):
            return None
        committed = self._broker.committed.get(self._group, {}).get(where)
        if committed is None:
            committed = 0 if self._resets else self._broker.logs[where].end + 1
        self._positions[where] = committed
        return committed

    def _tell_commits(self) -> None:
        """Tell what became of commits in their order, though not always before the next one is asked for."""
        late = self._host.weather.told_late
        if late and self._world.chance.random() < late:
            return
        while self._commits and self._on_commit is not None:
            self._on_commit(*self._commits.pop(0))

    def _event(self, where: Partition, code: int, offset: int) -> RawMessage:
        return RawMessage(where[0], where[1], offset, None, None, None, KafkaError(code))

    # --- offsets ---

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> object:
        """Commit; what is not waited for may fail unseen."""
        self._host.point(f"commit {[(each.topic, each.partition, each.offset) for each in offsets]}")
        try:
            if self._host.cut:
                if not asynchronous:
                    self._world.sleep(ASYNC_SECONDS)
                raise failure(KafkaError._TIMED_OUT)
            member = self._member
            name, generation = (member.name, member.generation) if member else ("", -1)
            where = [(each.topic, each.partition) for each in offsets]
            self._coordinator().check(name, generation, where, instance=self._instance)
        except (Refused, KafkaException) as exc:
            error = exc.error if isinstance(exc, Refused) else kafka_error(exc)
            if not asynchronous:
                raise KafkaException(error) from exc
            self._commits.append((error, offsets))
            return None
        kept = self._broker.committed.setdefault(self._group, {})
        kept.update({(each.topic, each.partition): each.offset for each in offsets})
        self._commits.append((None, offsets))
        self._host.point("committed")
        return offsets

    def committed(self, partitions: list[TopicPartition], timeout: float = -1) -> list[TopicPartition]:
        """Return the group's committed offsets, once no open transaction may change them."""
        self._ask(timeout)
        until = self._world.now + max(timeout, 0.0)
        while any(self._broker.is_pending(self._group, (each.topic, each.partition)) for each in partitions):
            if self._world.now >= until:
                raise failure(KafkaError._TIMED_OUT)
            self._world.sleep(0.1)
            self._broker.expire_transactions(self._world.now)
        kept = self._broker.committed.get(self._group, {})
        return [
            TopicPartition(each.topic, each.partition, kept.get((each.topic, each.partition), NO_OFFSET))
            for each in partitions
        ]

    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float = -1, cached: bool = False
    ) -> tuple[int, int]:
        """Return the first offset and the stable end."""
        if not cached:
            self._ask(timeout)
        log = self._broker.logs[partition.topic, partition.partition]
        return log.first, log.stable_end

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        """Return topics and their partitions."""
        self._ask(timeout)
        names = self._broker.counts if topic is None else [topic]
        return SimpleNamespace(
            topics={
                name: SimpleNamespace(error=None, partitions=dict.fromkeys(range(self._broker.counts[name])))
                for name in names
            }
        )

    def _ask(self, timeout: float) -> None:
        """Ask the brokers something."""
        self._host.point("ask")
        if self._host.cut:
            self._world.sleep(max(timeout, 0.0))
            raise failure(KafkaError._TIMED_OUT)
        self._broker.expire_transactions(self._world.now)
