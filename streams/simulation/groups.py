"""Consumer groups in memory: members, generations, cooperative rebalances, sessions that run out.

A rebalance begins when a member comes, goes or is silent for too long. It is complete when every member has
polled; then there is a new generation, and what moves is first given up by its owner and given out by the
rebalance after that. Whoever missed a generation may not commit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

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


class Group:
    """One consumer group."""

    def __init__(self, world: World, counts: dict[str, int], *, poll_seconds: float) -> None:
        self._world = world
        self._counts = counts
        self._poll_seconds = poll_seconds
        self.generation = 0
        self.members: dict[str, Member] = {}
        self._rebalancing_since: float | None = None

    def join(self, member: Member) -> None:
        """Take a new member in; its arrival begins a rebalance."""
        self.members[member.name] = member
        self.rebalance()
        member.joined = True
        self._complete()

    def leave(self, member: Member) -> None:
        """Let a member go."""
        if self.members.pop(member.name, None) is not None:
            self.rebalance()
            self._complete()

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
        gone = [
            each.name for each in self.members.values() if each.silence(each.since) > each.session_seconds
        ]
        if self._rebalancing_since is not None and now - self._rebalancing_since > self._poll_seconds:
            gone += [each.name for each in self.members.values() if not each.joined and each.name not in gone]
        for name in gone:
            del self.members[name]
        if gone:
            self.rebalance()
            self._complete()

    def check(self, name: str, generation: int) -> None:
        """Refuse a commit of somebody who is no member, or who missed a generation."""
        self.expire()
        member = self.members.get(name)
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
        members = sorted(self.members.values(), key=lambda each: each.name)
        if not members:
            return []
        every = sorted(
            {
                (topic, number)
                for each in members
                for topic in each.topics
                for number in range(self._counts[topic])
            }
        )
        most = -(-len(every) // len(members))
        wanted: dict[str, set[Partition]] = {}
        taken: set[Partition] = set()
        for member in members:
            kept = sorted(where for where in member.owned if where in every and where not in taken)[:most]
            wanted[member.name] = set(kept)
            taken |= wanted[member.name]
        for where in every:
            if where not in taken:
                least = min(members, key=lambda each: (len(wanted[each.name]), each.name))
                wanted[least.name].add(where)
        return [(member, wanted[member.name]) for member in members]


class Cluster:
    """The brokers, and the groups that they coordinate.

    Parameters
    ----------
    world : World
    broker : SimulatedBroker
    poll_seconds : float [s]
        how long a rebalance waits for a member that does not poll
    """

    def __init__(self, world: World, broker: SimulatedBroker, *, poll_seconds: float = 60.0) -> None:
        self.world = world
        self.broker = broker
        self.asleep: list[Sleeper] = []
        self._poll_seconds = poll_seconds
        self._groups: dict[str, Group] = {}

    def group(self, name: str) -> Group:
        """Return a group; it begins with the first who asks."""
        if name not in self._groups:
            self._groups[name] = Group(self.world, self.broker.counts, poll_seconds=self._poll_seconds)
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
