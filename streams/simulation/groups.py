"""Consumer groups in memory: members, rebalances of both protocols, sessions that run out.

In the classic protocol a rebalance begins when a member comes, goes or is silent for too long. It is complete
when every member has polled; then there is a new generation, and what moves is first given up by its owner
and given out by the rebalance after that. Whoever missed a generation may not commit. A member with a name
that stays (static membership) keeps its place while it is away, and takes it again without a rebalance; its
earlier self is fenced.

In the newer one (KIP-848) the brokers say who is to have what. Each member has an epoch of its own: it moves
on when it has given up what is to go to others, and is given what is free; nobody waits for the slowest. A
commit of an earlier epoch still counts for partitions that the member has had since then (KIP-1251, shown of
Kafka 4.4).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from confluent_kafka import KafkaError

from streams.simulation.broker import Partition, Refused, SimulatedBroker
from streams.simulation.world import Task, World


@dataclass(slots=True, eq=False)
class Member:
    """One consumer as the coordinator knows it."""

    name: str
    topics: tuple[str, ...]
    session_seconds: float
    silence: Callable[[float], float]  # the longest time without a heartbeat, from a time on
    since: float
    generation: int = -1
    owned: set[Partition] = field(default_factory=set)
    target: set[Partition] = field(default_factory=set)
    joined: bool = False
    instance: str | None = None  # a name that stays over restarts
    given_at: dict[Partition, int] = field(default_factory=dict)  # in which epoch of a KIP-848 group
    away_since: float | None = None  # left without a word: a static member that was closed


class Group(Protocol):
    """What a member asks of its group's coordinator."""

    def join(self, member: Member) -> None:
        """Take a new member in."""
        ...

    def leave(self, member: Member) -> None:
        """Let a member go."""
        ...

    def poll(self, member: Member) -> bool:
        """Let a member take part; false when it was put out of the group."""
        ...

    def move(self, member: Member) -> set[Partition] | None:
        """Say what a member is to have now, beside what others still hold; none when nothing is new."""
        ...

    def gave_up(self, member: Member) -> None:
        """Note that a member has let go of what it was to."""
        ...

    def check(
        self,
        name: str,
        generation: int,
        partitions: Collection[Partition],
        *,
        instance: str | None = None,
        in_transaction: bool = False,
    ) -> None:
        """Refuse a commit of somebody who is no member, or not up to date."""
        ...

    def is_replaced(self, member: Member) -> bool:
        """Say whether a later start of the same static member has taken its place."""
        ...


class ClassicGroup:
    """One consumer group of the classic protocol, rebalanced cooperatively."""

    def __init__(self, world: World, counts: dict[str, int], *, poll_seconds: float) -> None:
        self._world = world
        self._counts = counts
        self._poll_seconds = poll_seconds
        self.generation = 0
        self.members: dict[str, Member] = {}
        self._rebalancing_since: float | None = None

    def join(self, member: Member) -> None:
        """Take a new member in; its arrival begins a rebalance, unless it was here before."""
        earlier = self._of(member.instance)
        self.members[member.name] = member
        if earlier is not None:
            del self.members[earlier.name]
            self._world.happened["place taken again"] += 1
            member.target = set(earlier.target)
            member.joined = True
            self._complete()
            return
        self.rebalance()
        member.joined = True
        self._complete()

    def leave(self, member: Member) -> None:
        """Let a member go; a static one keeps its place until its session is over."""
        if member.instance is not None:
            member.away_since = self._world.now
        elif self.members.pop(member.name, None) is not None:
            self.rebalance()
            self._complete()

    def _of(self, instance: str | None) -> Member | None:
        """Return the static member of a name."""
        if instance is None:
            return None
        return next((each for each in self.members.values() if each.instance == instance), None)

    def is_replaced(self, member: Member) -> bool:
        """Say whether a later start of the same static member has taken its place."""
        held = self._of(member.instance)
        return held is not None and held is not member

    def move(self, member: Member) -> set[Partition] | None:
        """Say what a member has in a generation that is new to it."""
        if member.generation >= self.generation or member.name not in self.members:
            return None
        member.generation = self.generation
        return set(member.target)

    def gave_up(self, member: Member) -> None:
        """Begin the rebalance that gives it out."""
        self.rebalance()

    def rebalance(self) -> None:
        """Ask every member to join again."""
        if self._rebalancing_since is None:
            self._rebalancing_since = self._world.now
            for member in self.members.values():
                member.joined = False

    def poll(self, member: Member) -> bool:
        """Let a member take part; false when it was put out of the group."""
        self.expire()
        if member.name not in self.members:
            return False
        if self._rebalancing_since is not None and not member.joined:
            member.joined = True
            self._complete()
        return True

    def expire(self) -> None:
        """Put out who was silent for a session, or did not join again in time."""
        now = self._world.now
        gone = [each.name for each in self.members.values() if is_silent(each, now)]
        if self._rebalancing_since is not None and now - self._rebalancing_since > self._poll_seconds:
            gone += [each.name for each in self.members.values() if not each.joined and each.name not in gone]
        for name in gone:
            del self.members[name]
        if gone:
            self.rebalance()
            self._complete()

    def check(
        self,
        name: str,
        generation: int,
        partitions: Collection[Partition],
        *,
        instance: str | None = None,
        in_transaction: bool = False,
    ) -> None:
        """Refuse a commit of somebody who is no member, was replaced, or missed a generation."""
        self.expire()
        member = self.members.get(name)
        if member is None and self._of(instance) is not None:
            raise Refused(KafkaError.FENCED_INSTANCE_ID, fatal=True)
        if member is None:
            raise Refused(KafkaError.UNKNOWN_MEMBER_ID, abort=True)
        if generation != self.generation:
            raise Refused(KafkaError.ILLEGAL_GENERATION, abort=True)

    def _complete(self) -> None:
        """When all have joined, begin a generation and say who gets what."""
        if self._rebalancing_since is None or not all(each.joined for each in self.members.values()):
            return
        self._rebalancing_since = None
        self.generation += 1
        held = {where for each in self.members.values() for where in each.owned}
        for member, wanted in self._balanced():
            # What another member still holds it gives up first; the rebalance after that gives it out.
            member.target = {where for where in wanted if where in member.owned or where not in held}

    def _balanced(self) -> Iterable[tuple[Member, set[Partition]]]:
        """Spread the partitions evenly, moving as few as possible."""
        return balanced(self.members.values(), self._counts)


def is_silent(member: Member, now: float) -> bool:
    """Say whether nothing was heard of a member for longer than its session."""
    if member.away_since is not None and now - member.away_since > member.session_seconds:
        return True
    return member.silence(member.since) > member.session_seconds


def balanced(members: Iterable[Member], counts: Mapping[str, int]) -> list[tuple[Member, set[Partition]]]:
    """Spread the partitions of all topics evenly, moving as few as possible."""
    among = sorted(members, key=lambda each: each.name)
    if not among:
        return []
    every = sorted(
        {(topic, number) for each in among for topic in each.topics for number in range(counts[topic])}
    )
    most = -(-len(every) // len(among))
    wanted: dict[str, set[Partition]] = {}
    taken: set[Partition] = set()
    for member in among:
        kept = sorted(where for where in member.owned if where in every and where not in taken)[:most]
        wanted[member.name] = set(kept)
        taken |= wanted[member.name]
    for where in every:
        if where not in taken:
            least = min(among, key=lambda each: (len(wanted[each.name]), each.name))
            wanted[least.name].add(where)
    return [(member, wanted[member.name]) for member in among]


class IncrementalGroup:
    """One consumer group of KIP-848: the brokers assign, and each member moves on by itself."""

    def __init__(
        self, world: World, counts: dict[str, int], *, session_seconds: float, revoke_seconds: float
    ) -> None:
        self._world = world
        self._counts = counts
        self._session_seconds = session_seconds
        self._revoke_seconds = revoke_seconds
        self.epoch = 0
        self.members: dict[str, Member] = {}
        self._revoking_since: dict[str, float] = {}

    def join(self, member: Member) -> None:
        """Take a new member in: what it is to have is decided at once."""
        # Not the client but the brokers say how long a session is.
        member.session_seconds = self._session_seconds
        self.members[member.name] = member
        self._assign()

    def leave(self, member: Member) -> None:
        """Let a member go: what it had is free at once."""
        if self.members.pop(member.name, None) is not None:
            self._assign()

    def poll(self, member: Member) -> bool:
        """Hear of a member; false when it was put out of the group."""
        self._expire()
        return member.name in self.members

    def move(self, member: Member) -> set[Partition] | None:
        """Say what a member is to have now: first less, then, at its new epoch, what is free."""
        if member.owned - member.target:
            self._revoking_since.setdefault(member.name, self._world.now)
            return member.owned & member.target
        self._revoking_since.pop(member.name, None)
        held = {where for each in self.members.values() if each is not member for where in each.owned}
        given = member.owned | (member.target - held)
        if member.generation < self.epoch and any(
            each.generation < self.epoch for each in self.members.values() if each is not member
        ):
            self._world.happened["moved on alone"] += 1
        member.generation = self.epoch
        if given == member.owned:
            return None
        member.given_at.update(dict.fromkeys(given - member.owned, self.epoch))
        return given

    def gave_up(self, member: Member) -> None:
        """Note that others may have it now: they hear of it when they are next heard of."""
        self._revoking_since.pop(member.name, None)

    def check(
        self,
        name: str,
        generation: int,
        partitions: Collection[Partition],
        *,
        instance: str | None = None,
        in_transaction: bool = False,
    ) -> None:
        """Refuse a commit of somebody who is no member, or of an epoch before it had the partitions."""
        self._expire()
        member = self.members.get(name)
        if member is None:
            raise Refused(KafkaError.UNKNOWN_MEMBER_ID, abort=True)
        since = member.given_at
        lasting = generation <= member.generation and all(
            where in member.owned and since.get(where, generation) <= generation for where in partitions
        )
        if generation != member.generation and not lasting:
            # The protocol of transactions has no word for a stale epoch.
            code = KafkaError.ILLEGAL_GENERATION if in_transaction else KafkaError.STALE_MEMBER_EPOCH
            raise Refused(code, abort=in_transaction)

    def is_replaced(self, member: Member) -> bool:
        """Say no: members have no names that stay here."""
        return False

    def _expire(self) -> None:
        """Put out who was silent for a session, or did not give up in time what it was to."""
        now = self._world.now
        late = {name for name, since in self._revoking_since.items() if now - since > self._revoke_seconds}
        gone = [each.name for each in self.members.values() if is_silent(each, now) or each.name in late]
        for name in gone:
            del self.members[name]
            self._revoking_since.pop(name, None)
        if gone:
            self._assign()

    def _assign(self) -> None:
        """Begin an epoch: say who is to have what in the end."""
        self.epoch += 1
        for member, wanted in balanced(self.members.values(), self._counts):
            member.target = wanted


class Cluster:
    """The brokers, and the groups that they coordinate.

    Parameters
    ----------
    world : World
    broker : SimulatedBroker
    poll_seconds : float [s]
        how long a rebalance waits for a member that does not poll
    session_seconds : float [s]
        after how long a silent member of a KIP-848 group is put out
    """

    def __init__(
        self,
        world: World,
        broker: SimulatedBroker,
        *,
        poll_seconds: float = 60.0,
        session_seconds: float = 10.0,
    ) -> None:
        self.world = world
        self.broker = broker
        self.asleep: list[Sleeper] = []
        self._poll_seconds = poll_seconds
        self._session_seconds = session_seconds
        self._groups: dict[str, ClassicGroup | IncrementalGroup] = {}

    def group(self, name: str, *, protocol: str = "classic") -> Group:
        """Return a group; it begins, in a protocol, with the first who asks."""
        if name not in self._groups:
            if protocol == "classic":
                classic = ClassicGroup(self.world, self.broker.counts, poll_seconds=self._poll_seconds)
                self._groups[name] = classic
            else:
                self._groups[name] = IncrementalGroup(
                    self.world,
                    self.broker.counts,
                    session_seconds=self._session_seconds,
                    revoke_seconds=self._poll_seconds,
                )
        return self._groups[name]

    def stir(self, where: Iterable[Partition]) -> None:
        """Wake whoever waits for records of these partitions."""
        changed = set(where)
        for sleeper in self.asleep:
            if not changed.isdisjoint(sleeper.reads):
                sleeper.task.wake_at = min(sleeper.task.wake_at, self.world.now)


@dataclass(slots=True, eq=False)
class Sleeper:
    """A thread that waits for records."""

    task: Task
    reads: Iterable[Partition]
