"""What must hold whatever went wrong, asked of the real log after each fault, once the stages are at rest.

O1  Conservation: every upload is in the next topic of each hop, and has exactly one decision (an unreadable
    record also one dead letter); sequences have no gap.
O2  Every entity is minted once.
O3  What a subscriber builds of the events, the arbiter's state and the index agree, by count and checksum.
O4  The partition into entities is that of an undisturbed run; the arbiter's log, decided on again, gives the
    same bytes, ids included.
O5  A subscriber that read committed all along saw all of it and no aborted record.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.core.records import IndexWatermark, Origin
from streams.core.rules import Confirm
from streams.errors import DecodeError
from streams.ports import Codec, Message
from streams.stages.arbiter_records import ENTITIES, ROWS
from streams.stages.arbiter_records import UPLOADS as UPLOAD_STATES
from streams.stages.audit import ARBITER_GROUP, ENCODE_GROUP, FIND_GROUP, run_audit
from streams.stages.encode import ENCODED
from streams.stages.find import AGAIN, INPUT, PASSED_ON
from streams.subscriber import compare_with_arbiter
from tests.chaos.group_offsets import Partition
from tests.chaos.logs import Isolation, Onlooker, Place, place_of, read_everything
from tests.chaos.undisturbed import (
    DECISIONS,
    KEPT,
    SAID,
    Arbiter,
    Undisturbed,
    groups_of,
    last_of_each_key,
)
from tests.waiting import wait_until

UPLOADS, WATERMARKS = "catalog.upload.v1", "index.watermark.v1"
REST_SECONDS = 300.0

# What may be in a topic once only: an upload, a look-up of it, a decision, a row.
NAMES: Mapping[str, Callable[[Any], object]] = {
    ENCODED: lambda record: record.origin,
    INPUT: lambda record: (
        (record.found.encoded.origin, record.found.lookup.attempt) if record.found else record
    ),
    DECISIONS: lambda record: record.origin,
    ROWS: lambda record: (record.row_id, record.state),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the oracle looked at since it last looked.

    Attributes
    ----------
    uploads, decisions, entities : int
        in all
    repeated : int
        records that an at-least-once stage has written again
    aborted : int
        records of transactions that came to nothing
    """

    uploads: int
    decisions: int
    entities: int
    repeated: int
    aborted: int

    def __str__(self) -> str:
        return f"{self.repeated} records repeated upstream, {self.aborted} aborted and seen by nobody"


class Oracle:
    """Judges the log of one installation, again and again as it grows.

    Parameters
    ----------
    bootstrap : str
    onlooker : Onlooker
        reads along from before the first upload
    codec : Codec
    confirm : callable
        compares sounds as the stages do
    """

    def __init__(self, bootstrap: str, onlooker: Onlooker, codec: Codec, confirm: Confirm) -> None:
        self._bootstrap = bootstrap
        self._onlooker = onlooker
        self._codec = codec
        self._sent: set[Origin] = set()
        self._decided: set[Origin] = set()
        self._decided_seen = 0
        self._replay = Arbiter(codec, confirm)
        self._undisturbed = Undisturbed(codec, confirm)
        self._checked_to: dict[Partition, int] = {}
        self._confirmed: set[Place] = set()
        self._replayed = 0
        self._encoded: dict[Origin, bytes] = {}
        self._encoded_seen = 0
        self._repeated = 0

    def expect(self, origins: Iterable[Origin]) -> None:
        """Note what a sender knows to be written."""
        self._sent |= set(origins)

    def undecided(self) -> int:
        """Count what was sent and has no decision that the onlooker saw."""
        return len(self._sent) - len(self._onlooker.seen(DECISIONS))

    def written_twice(self) -> dict[str, int]:
        """Count what lies in the topics more than once, in transactions that came to nothing as well.

        An entity comes back to a state that it had when one joins it and, revised, moves on. So of states
        those count that came to nothing: they are written again by whoever goes on.
        """
        found: dict[str, Counter[object]] = {topic: Counter() for topic in NAMES}
        for message in read_everything(
            self._bootstrap, starts={}, isolation="read_uncommitted", topics=NAMES
        ):
            name = NAMES[message.topic](self._codec.decode(message.topic, message.value or b""))
            found[message.topic][name] += 1
        twice = {topic: found[topic].total() - len(found[topic]) for topic in NAMES}
        return twice | {ENTITIES: self._states("read_uncommitted") - self._states("read_committed")}

    def _states(self, isolation: Isolation) -> int:
        """Count the states of entities in the log."""
        return sum(
            1 for _ in read_everything(self._bootstrap, starts={}, isolation=isolation, topics=[ENTITIES])
        )

    def judge(self, *, alive: Callable[[], None] = lambda: None) -> Verdict:
        """Wait until nothing is left to do, and check everything.

        Parameters
        ----------
        alive : callable
            asked while waiting; raises where waiting makes no sense

        Raises
        ------
        AssertionError
            something does not hold; it says what and where
        """
        self.await_rest(alive=alive)
        aborted = self._check_onlooker()
        repeated = self._check_conservation()
        entities = self._check_minted_once()
        self._check_audit()
        self._check_replay()
        self._check_partition()
        return Verdict(
            uploads=len(self._onlooker.seen(UPLOADS)),
            decisions=len(self._onlooker.seen(DECISIONS)),
            entities=entities,
            repeated=repeated,
            aborted=aborted,
        )

    # --- rest ---

    def await_rest(self, seconds: float = REST_SECONDS, *, alive: Callable[[], None] = lambda: None) -> None:
        """Wait until every stage has done, committed and announced what there is."""

        def at_rest() -> bool:
            alive()
            return not self._unfinished()

        wait_until(at_rest, seconds, self._unfinished)

    def _unfinished(self) -> str:
        """Say who has something left to do; nothing when all are at rest."""
        # Asked again and again: only what is new since the last time is looked at.
        decided = self._onlooker.seen(DECISIONS, since=self._decided_seen)
        self._decided_seen += len(decided)
        self._decided |= {self._codec.decode(DECISIONS, each.value or b"").origin for each in decided}
        if undecided := self._sent - self._decided:
            return f"a decision on {next(iter(undecided))} and {len(undecided) - 1} other uploads"
        rows = self._onlooker.seen(ROWS)
        folded = max((each.watermark for each in self._watermarks()), default=0)
        if rows and folded <= rows[-1].offset:
            return f"a fold of {ROWS} up to {rows[-1].offset + 1}, beyond {folded},"
        for group, topics in (
            (ENCODE_GROUP, (UPLOADS,)),
            (FIND_GROUP, (ENCODED, AGAIN, *PASSED_ON)),
            (ARBITER_GROUP, (INPUT,)),
        ):
            committed = self._onlooker.committed(group, topics)
            for (topic, partition), end in self._onlooker.offsets.ends(topics).items():
                if committed.get((topic, partition), 0) < end:
                    return f"a commit of {topic}[{partition}] up to {end} (it is at {committed})"
        return ""

    def _watermarks(self) -> Iterator[IndexWatermark]:
        return (each for each in self._decoded(WATERMARKS) if each.active)

    def _decoded(self, topic: str) -> Iterator[Any]:
        for message in self._onlooker.seen(topic):
            if message.value is not None:
                yield self._codec.decode(topic, message.value)

    # --- O1 ---

    def _check_conservation(self) -> int:
        """Find one decision per origin; what was written again must be the same."""
        origins = Counter(message.origin for message in self._onlooker.seen(UPLOADS))
        assert origins == Counter(self._sent), _difference(
            origins, Counter(self._sent), "uploads seen and sent"
        )
        decided = Counter(each.origin for each in self._decoded(DECISIONS) if each.origin.topic == UPLOADS)
        assert decided == origins, _difference(decided, origins, "decisions and uploads")
        refused = Counter(each.origin for each in self._decoded("deadletter.v1"))
        assert set(refused.values()) <= {1}, f"dead letters written twice: {refused}"
        fresh = self._onlooker.seen(ENCODED, since=self._encoded_seen)
        self._encoded_seen += len(fresh)
        first: list[Message] = []
        for message in fresh:
            upload = self._codec.decode(ENCODED, message.value or b"")
            before = self._encoded.setdefault(upload.origin, message.value or b"")
            if before is message.value:
                first.append(message)
            assert before == message.value, f"{upload.origin} was encoded twice, and differently"
        assert self._encoded.keys() == origins.keys()
        self._undisturbed.take(sorted(first, key=_arrival(self._codec)))
        looked_up = Counter(NAMES[INPUT](each) for each in self._decoded(INPUT))
        repeated = self._encoded_seen - len(self._encoded) + looked_up.total() - len(looked_up)
        self._repeated, before_that = repeated, self._repeated
        return repeated - before_that

    # --- O2 ---

    def _check_minted_once(self) -> int:
        """See that an id has one founder and one birth in every state it ever had, and one holder at most.

        When a founder leaves, an heir among its members holds the id. Give the number of ids.
        """
        born: dict[str, tuple[str, str, int]] = {}
        for state in self._decoded(ENTITIES):
            birth = state.kind, state.founder, state.minted_sequence
            assert born.setdefault(state.entity_id, birth) == birth, f"{state.entity_id} was minted anew"
        now = {upload.key: upload for upload in self._decoded(UPLOAD_STATES)}
        held = Counter(name for upload in now.values() for name in upload.minted)
        assert held.keys() <= born.keys(), f"held, and never minted: {held.keys() - born.keys()}"
        twice = [name for name, holders in held.items() if holders > 1]
        assert not twice, f"held by two uploads: {twice}"
        return len(born)

    # --- O1, O3 ---

    def _check_audit(self) -> None:
        report = run_audit(self._onlooker, self._codec, attempts=1)
        assert report.mismatches == (), report.mismatches
        lacks = compare_with_arbiter(self._onlooker, self._codec, attempts=1)
        assert lacks == (), lacks
        newest = list(self._watermarks())[-1:]
        assert all(mark.checksum for mark in newest), "the index was counted but not summed"

    # --- O4 ---

    def _check_replay(self) -> None:
        """Decide on the log anew, one record at a time: the same bytes, in the same order."""
        fresh = self._onlooker.seen(INPUT, since=self._replayed)
        self._replayed += len(fresh)
        offsets = [message.offset for message in self._onlooker.seen(ROWS)]
        for message in fresh:
            if not self._sent_back(message):
                self._replay.take(message, offsets)
        for topic in SAID:
            there = [message.value or b"" for message in self._onlooker.seen(topic)]
            again = self._replay.said[topic]
            assert len(there) == len(again), f"{topic} has {len(there)} records, a replay gives {len(again)}"
            for at, (one, other) in enumerate(zip(there, again, strict=True)):
                assert one == other, (
                    f"{topic}@{at}: {self._shown(topic, one)}, replayed: {self._shown(topic, other)}"
                )
        kept = last_of_each_key(message for topic in KEPT for message in self._onlooker.seen(topic))
        assert kept.keys() == self._replay.kept.keys(), "a replay keeps other keys"
        for (topic, key), value in kept.items():
            again_kept = self._replay.kept[topic, key]
            assert value == again_kept, (
                f"{topic} {key!r}: {self._shown(topic, value)}, replayed: {self._shown(topic, again_kept)}"
            )

    def _sent_back(self, message: Message) -> bool:
        """Say whether the arbiter asked for another look-up instead of deciding."""
        found = self._codec.decode(message.topic, message.value or b"").found
        if found is None or found.lookup is None:
            return False
        asked_again = sum(each.origin == found.encoded.origin for each in self._decoded(AGAIN))
        return bool(found.lookup.attempt < asked_again)

    def _shown(self, topic: str, value: bytes | None) -> object:
        try:
            return self._codec.decode(topic, value or b"")
        except DecodeError:
            return value

    def _check_partition(self) -> None:
        kept = last_of_each_key(message for topic in KEPT for message in self._onlooker.seen(topic))
        there, undisturbed = groups_of(kept, self._codec), self._undisturbed.groups()
        assert there == undisturbed, (
            f"only here: {there - undisturbed}; only in an undisturbed run: {undisturbed - there}"
        )

    # --- O5 ---

    def _check_onlooker(self) -> int:
        """Compare what was seen along the way with what is committed now; count what was aborted."""
        committed = {place_of(m): m for m in read_everything(self._bootstrap, starts=self._checked_to)}
        written = {
            place_of(m)
            for m in read_everything(self._bootstrap, starts=self._checked_to, isolation="read_uncommitted")
        }
        wait_until(lambda: self._onlooker.places() >= committed.keys(), what="the onlooker's reading")
        # What stages say while at rest, such as heartbeats, may be newer than this reading.
        extra = self._onlooker.places() - self._confirmed - committed.keys()
        newest = {(place.topic, place.partition): place.offset for place in sorted(committed)}
        early = {p for p in extra if p.offset <= newest.get((p.topic, p.partition), -1)}
        assert early == set(), f"seen, and not committed: {early}"
        self._confirmed |= committed.keys()
        self._checked_to |= {partition: offset + 1 for partition, offset in newest.items()}
        return len(written - committed.keys() - {p for p in written if p.offset > newest.get(p[:2], -1)})


def _arrival(codec: Codec) -> Callable[[Message], tuple[int, int]]:
    """Order as the uploads lie: within an item that is the order in which they were sent."""

    def key(message: Message) -> tuple[int, int]:
        origin = codec.decode(message.topic, message.value or b"").origin
        return origin.partition, origin.offset

    return key


def _difference(one: Counter[Origin], other: Counter[Origin], what: str) -> str:
    return f"{what} differ: {dict(one - other)} against {dict(other - one)}"
