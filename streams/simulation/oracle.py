"""What must hold after every run, whatever went wrong in it.

O1 conservation from hop to hop, one decision or dead letter of each origin, sequences gapless; O2 each
entity minted once, each event said once, each size of the catalogue asked for once; O3 the fold of the log is
the arbiter's state is what a subscriber builds is the index; O4 the partition is that of an undisturbed run,
and the arbiter's log decided again, in other batches, says the same to the bit; O5 whoever read meanwhile
read what was committed, in order, and nothing else.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from streams.core.catalogue import Changes
from streams.core.growing import ARBITER
from streams.core.index_rows import LiveRows
from streams.core.records import EntityState, Origin, Promotion, UploadState
from streams.errors import FatalError, Fenced, TransientError
from streams.ports import Codec, Delivered, Message
from streams.simulation.calm import CalmRun
from streams.simulation.codecs import PassingCodec
from streams.simulation.installation import ARRIVING, Installation
from streams.simulation.process import SimulatedProcess
from streams.simulation.workload import Workload
from streams.stages.arbiter_records import ENTITIES, ROWS, STATE_TOPICS, UPLOADS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.audit import run_audit
from streams.stages.find import AGAIN, INPUT, PROMOTIONS
from streams.subscriber import compare_with_arbiter

DECISIONS: Final = "resolution.decided.v1"
LETTERS: Final = "deadletter.v1"
CHANGES: Final = "entity.changed.v1"
RELATION_CHANGES: Final = "relation.changed.v1"
# What subscribers read, whole.
SAID: Final = (DECISIONS, CHANGES, RELATION_CHANGES, LETTERS)

Read = Mapping[str, Sequence[tuple[int, bytes]]]
"""What a reader saw, by topic: offsets and values in the order in which they came."""


def judge(installation: Installation, workload: Workload, read: Read, sizes: Sequence[int]) -> list[str]:
    """Give everything that does not hold.

    Parameters
    ----------
    installation : Installation
    workload : Workload
    read : Read
    sizes : sequence of int
        of the catalogue, as it was asked for by the end of each round
    """
    again = sum(1 for _ in _values(installation, AGAIN))
    installation.world.happened["looked up again"] += again
    installation.world.happened["size raised"] += len(_sizes_asked(installation))
    return [
        *_died_of_their_own(installation),
        *_conserved(installation),
        *_once(installation),
        *_folded(installation),
        *_same_partition(installation, workload, sizes),
        *_same_again(installation),
        *_read(installation, read),
    ]


def _died_of_their_own(installation: Installation) -> Iterator[str]:
    """Name ends of processes that no mishap explains: what they found in their own logs and stores."""
    operators = [(each.name, error) for each in installation.operators for error in each.errors]
    for place, error in (*installation.deaths, *operators):
        if not isinstance(error, TransientError | Fenced) and type(error) is not FatalError:
            yield f"{place} ended: {error!r}"


class _View:
    """A simulated log as the audit looks at it."""

    def __init__(self, installation: Installation) -> None:
        self._broker = installation.broker

    def ends(self, topics: tuple[str, ...]) -> Mapping[str, Mapping[int, int]]:
        return {
            topic: {n: self._broker.logs[topic, n].stable_end for n in range(self._broker.counts[topic])}
            for topic in topics
        }

    def read(
        self, topic: str, ends: Mapping[int, int] | None, since: Mapping[int, int] | None = None
    ) -> Iterator[Message]:
        for number in range(self._broker.counts[topic]):
            yield from self._broker.messages(topic, number)

    def committed(self, group: str, topics: tuple[str, ...]) -> Mapping[tuple[str, int], int]:
        held = self._broker.committed.get(group, {})
        return {where: offset for where, offset in held.items() if where[0] in topics}


# --- O1 ---


def _conserved(installation: Installation) -> Iterator[str]:
    report = run_audit(_View(installation), installation.codec, attempts=1)
    for each in report.mismatches:
        yield f"O1 {each.hop} {each.what} {each.subject}: {each.detail}"
    decided = Counter(_origin(each.origin) for each in _values(installation, DECISIONS))
    for number in range(installation.broker.counts[ARRIVING]):
        for message in installation.broker.messages(ARRIVING, number):
            times = decided[ARRIVING, number, message.offset]
            if times != 1:
                yield f"O1 {times} decisions of {ARRIVING}[{number}]@{message.offset}"


def _origin(origin: Origin) -> tuple[str, int, int]:
    return origin.topic, origin.partition, origin.offset


# --- O2 ---


def _once(installation: Installation) -> Iterator[str]:
    ids: Counter[str] = Counter()
    first: dict[str, int] = {}
    for change in _values(installation, CHANGES):
        ids[change.event_id] += 1
        for side in change.sides:
            first.setdefault(side.entity_id, change.sequence)
    for topic, name in ((DECISIONS, "decision_id"), (RELATION_CHANGES, "event_id"), (LETTERS, "event_id")):
        ids.update(getattr(each, name) for each in _values(installation, topic))
    ids.update(each.promotion_id for each in _sizes_asked(installation))
    for event, times in ids.items():
        if times > 1:
            yield f"O2 event {event} was said {times} times"
    homes: dict[tuple[bool, str], str] = {}
    for entity in _last(installation, ENTITIES):
        if first.get(entity.entity_id) != entity.minted_sequence:
            yield (
                f"O2 {entity.entity_id} was minted at {entity.minted_sequence}, "
                f"and first said at {first.get(entity.entity_id)}"
            )
        for member in entity.members if entity.status == "live" else ():
            other = homes.setdefault((entity.kind == "work", member), entity.entity_id)
            if other != entity.entity_id:
                yield f"O2 {member} is in {other} and in {entity.entity_id}"


def _sizes_asked(installation: Installation) -> list[Promotion]:
    """Return what the arbiter has asked for; operators write to the same topic."""
    return [each for each in _values(installation, PROMOTIONS) if each.by == ARBITER]


# --- O3 ---


def _folded(installation: Installation) -> Iterator[str]:
    restored = _restored(installation)
    owners = installation.owners()
    # One that was fenced may not know it yet, as long as nothing comes for it to decide.
    if all(stage.head != restored.head for stage in owners):
        yield f"O3 the arbiters' heads are {[stage.head for stage in owners]}, the log's {restored.head}"
    for stage in owners:
        if stage.head == restored.head and _texts(stage.catalogue.held()) != _texts(
            restored.catalogue.held()
        ):
            yield "O3 the arbiter's state is not the fold of its topics"
    for lack in compare_with_arbiter(_View(installation), installation.codec, attempts=1):
        yield f"O3 a subscriber {lack.what} {lack.subject}: {lack.detail}"
    live = LiveRows()
    live.fold(_values(installation, ROWS))
    held = installation.disk.index.summary(installation.disk.index.active().name)
    if (held.rows, held.checksum) != (len(live.ids), live.checksum()):
        yield f"O3 the index holds {held.rows} rows, its log says {len(live.ids)}"


def _texts(changes: Changes) -> dict[str, Any]:
    """Write a state so that what is gone does not count: a restore has not kept it."""
    return {
        "uploads": changes.uploads,
        "entities": changes.entities,
        "pairs": {key: pair for key, pair in changes.pairs.items() if pair.live},
        "relations": changes.relations,
    }


def _restored(installation: Installation) -> ArbitrateStage:
    """Restore an arbiter from what is committed."""
    stage = _fresh(installation, installation.codec)
    broker = installation.broker
    stage.restore(
        lambda topic, offset: (each for each in broker.messages(topic) if each.offset >= offset),
        ends={topic: broker.logs[topic, 0].stable_end for topic in STATE_TOPICS},
        committed=None,
    )
    return stage


def _fresh(installation: Installation, codec: Codec) -> ArbitrateStage:
    process = SimulatedProcess("oracle", installation.cluster, installation.weather, {})
    return ArbitrateStage(codec, installation.rules(process), watermark=lambda: 0, overlay_rows=2**62)


# --- O4 ---


def partition(entities: Sequence[EntityState]) -> tuple[set[frozenset[str]], set[frozenset[str]]]:
    """Return the live recordings and the live works as sets of uploads."""
    live = {each.entity_id: each for each in entities if each.status == "live"}
    recordings = {frozenset(each.members) for each in live.values() if each.kind != "work"}
    works = {
        frozenset(key for name in each.members if name in live for key in live[name].members)
        for each in live.values()
        if each.kind == "work"
    }
    return recordings, works


def _same_partition(installation: Installation, workload: Workload, sizes: Sequence[int]) -> Iterator[str]:
    calm = CalmRun(PassingCodec(installation.codec), installation.bundle)
    calm.run(workload, sizes)
    held = calm.catalogue.held()
    wanted = partition(list(held.entities.values()))
    found = partition(_last(installation, ENTITIES))
    for level, one, other in zip(("recordings", "works"), found, wanted, strict=True):
        if one != other:
            yield f"O4 {level}: here {_sorted(one - other)}, undisturbed {_sorted(other - one)}"
    for state in _last(installation, UPLOADS):
        calmly = held.uploads.get(state.key.text())
        if calmly is None or _standing(state) != _standing(calmly):
            yield f"O4 {state.key} is {state}, undisturbed {calmly}"


def _standing(state: UploadState) -> tuple[bool, int, int]:
    """Say how an item stands; of one that is withdrawn the order tells whether it ever came."""
    return state.live, state.revision if state.live else 0, state.withdrawn_up_to


def _sorted(clusters: set[frozenset[str]]) -> list[list[str]]:
    return sorted(sorted(each) for each in clusters)


def _same_again(installation: Installation) -> Iterator[str]:
    """Decide the arbiter's log anew, in batches of other sizes, and compare every word."""
    codec = PassingCodec(installation.codec)
    stage = _fresh(installation, codec)
    broker, chance = installation.broker, installation.world.chance
    # A look-up's watermark is an offset of this very log of rows.
    offsets = [each.offset for each in broker.logs[ROWS, 0].ever_committed()]
    said: dict[str, list[Any]] = {topic: [] for topic in (*SAID, PROMOTIONS)}
    written = 0

    def decide(batch: Sequence[Message]) -> None:
        nonlocal written
        produced = stage.decide(batch)
        delivered = []
        for each in produced:
            if each.topic in said:
                said[each.topic].append(codec.decode(each.topic, each.value or b""))
            row = each.topic == ROWS
            delivered.append(Delivered(each, offsets[written] if row and written < len(offsets) else 0))
            written += row
        stage.committed(delivered, next_offset=batch[-1].offset + 1)

    batch: list[Message] = []
    size = chance.randint(1, 20)
    for message, watermark in _decided_on(installation):
        # Whoever looked a record up at a watermark read the rows below it: they were committed before.
        saw_more = written < len(offsets) and watermark > offsets[written]
        if batch and (len(batch) >= size or saw_more):
            decide(batch)
            batch, size = [], chance.randint(1, 20)
        batch.append(message)
    if batch:
        decide(batch)
    for topic, values in said.items():
        before = [
            installation.codec.decode(topic, each.value or b"")
            for each in broker.logs[topic, 0].ever_committed()
        ]
        if topic == PROMOTIONS:  # operators write there as well
            before = [each for each in before if each.by == ARBITER]
        for number, (one, other) in enumerate(zip(before, values, strict=False)):
            if one != other:
                yield f"O4 {topic} number {number} again: {_difference(one, other)}"
                break
        if len(before) != len(values):
            yield f"O4 {topic} has {len(before)} records, decided again {len(values)}"


def _decided_on(installation: Installation) -> Iterator[tuple[Message, int]]:
    """Give the arbiter's log, with the watermark of each look-up, but for what was sent back."""
    sent_back = Counter(_origin(each.origin) for each in _values(installation, AGAIN))
    for message in installation.broker.messages(INPUT):
        found = installation.codec.decode(INPUT, message.value or b"").found
        if found is None:
            yield message, 0
            continue
        origin = _origin(found.encoded.origin)
        if sent_back[origin]:
            sent_back[origin] -= 1
        else:
            yield message, found.lookup.watermark if found.lookup is not None else 0


def _difference(left: Any, right: Any) -> str:
    return "; ".join(
        f"{name} {getattr(left, name)!r} -> {getattr(right, name)!r}"
        for name in left.__dataclass_fields__
        if getattr(left, name) != getattr(right, name)
    )


# --- O5 ---


def _read(installation: Installation, read: Read) -> Iterator[str]:
    for topic, seen in read.items():
        committed = [(each.offset, each.value) for each in installation.broker.messages(topic)]
        if list(seen) != committed[: len(seen)]:
            yield f"O5 a reader of {topic} saw other records than are committed"
        elif len(seen) != len(committed):
            yield f"O5 a reader of {topic} saw {len(seen)} of {len(committed)} records"


# --- reading the log ---


def _values(installation: Installation, topic: str) -> Iterator[Any]:
    for number in range(installation.broker.counts[topic]):
        for message in installation.broker.messages(topic, number):
            yield installation.codec.decode(topic, message.value or b"")


def _last(installation: Installation, topic: str) -> list[Any]:
    kept = {message.key: message for message in installation.broker.messages(topic)}
    return [installation.codec.decode(topic, each.value or b"") for each in kept.values()]
