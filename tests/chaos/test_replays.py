"""The same again: replays from offset 0, duplicates, revisions and withdrawals in any order, twins."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.core.records import Decision, EntityState, Outcome
from streams.edges.avro import AvroCodec
from streams.edges.broker import EmbeddedKafka
from streams.edges.kafka_config import admin_config
from streams.stages.audit import ENCODE_GROUP, FIND_GROUP
from streams.topics import topic
from tests.chaos.oracle import UPLOADS
from tests.chaos.stages import Stages, stages
from tests.chaos.uploads import Load, Sent, upload
from tests.waiting import wait_until

pytestmark = pytest.mark.broker

Chronicle = Callable[..., None]
CODEC = AvroCodec()
DECISIONS, ENTITIES = "resolution.decided.v1", "entity.state.v1"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """Run one installation for all that is sent again here."""
    folder: Path = tmp_path_factory.mktemp("replays")
    with EmbeddedKafka(folder) as kafka, stages(folder, bootstrap=kafka.bootstrap) as running:
        running.start_all()
        yield running


def decisions(running: Stages, *, since: int = 0) -> list[Decision]:
    return [CODEC.decode(DECISIONS, m.value or b"") for m in running.onlooker.seen(DECISIONS, since=since)]


def entities(running: Stages) -> dict[str, EntityState]:
    """Give the last state of each entity."""
    found: list[EntityState] = [
        CODEC.decode(ENTITIES, m.value or b"") for m in running.onlooker.seen(ENTITIES)
    ]
    return {state.entity_id: state for state in found}


def said_of(running: Stages, source: str) -> list[tuple[str, int, str, str | None]]:
    """Give item, revision, outcome and code of each decision on a source, in order."""
    return [
        (d.item_id, d.revision, d.outcome.value, d.code) for d in decisions(running) if d.source == source
    ]


def song(title: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "recording",
        "title": title,
        "artists": [{"name": f"{title} Ensemble"}],
        "duration_ms": 201_000,
        **more,
    }


def rewind(running: Stages, group: str, topics: tuple[str, ...]) -> None:
    """Let a group that nobody is in read its topics from the start."""
    admin = AdminClient(admin_config(running.bootstrap))
    starts = [TopicPartition(name, number, 0) for name in topics for number in range(topic(name).partitions)]

    def done() -> bool:
        wanted = [ConsumerGroupTopicPartitions(group, starts)]
        (answer,) = admin.alter_consumer_group_offsets(wanted).values()
        if answer.exception(30) is not None:
            return False
        return all(at.error is None for at in answer.result().topic_partitions)

    # Members without a session are still counted until it is over.
    wait_until(done, 60, f"{group} without members")


def test_a_replay_of_everything_from_offset_0_decides_nothing_anew(
    service: Stages, chronicle: Chronicle
) -> None:
    load = Load(service.music)
    service.publish(load.next())
    service.publish(load.next())
    before = service.judge()
    known, said = entities(service), len(decisions(service))
    for name in ("encode", "index"):
        service.stop(name)
    rewind(service, ENCODE_GROUP, (UPLOADS,))
    rewind(service, FIND_GROUP, ("upload.encoded.v1",))
    for name in ("encode", "index"):
        service.start(name)
    again = 2 * before.uploads
    wait_until(lambda: len(service.onlooker.seen("upload.encoded.v1")) >= again, 90, "the second reading")
    wait_until(
        lambda: len(service.onlooker.seen("arbiter.input.v1")) >= again + before.uploads, 90, "the third"
    )
    verdict = service.judge()
    assert (len(decisions(service)), entities(service)) == (said, known)
    assert verdict.repeated >= before.uploads
    chronicle(
        where="uploads",
        step="all decided",
        fault="encode and find read everything from offset 0 again",
        outcome=f"nothing is decided anew; holds: {verdict}",
    )


def test_duplicates_of_everything_name_the_first_decision_and_change_no_entity(
    service: Stages, chronicle: Chronicle
) -> None:
    load = Load()
    # Songs that nobody has sent here.
    first = [each for each in [load.next() for _ in range(3)][-1] if each.key != b"rubbish"]
    at = len(decisions(service))
    service.publish(first)
    service.judge()
    known = entities(service)
    firsts = {d.decision_id for d in decisions(service, since=at)}
    at = len(decisions(service))
    service.publish(first)
    verdict = service.judge()
    again = decisions(service, since=at)
    assert Counter(d.outcome for d in again).keys() <= {Outcome.duplicate, Outcome.withdrawn}
    assert {d.first_decision_id for d in again if d.outcome is Outcome.duplicate} <= firsts
    assert entities(service) == known
    chronicle(
        where="uploads",
        step="all decided",
        fault="every upload sent again",
        outcome=f"{len(again)} duplicates, no entity changed; holds: {verdict}",
    )


def test_late_lower_revisions_are_superseded_and_another_content_of_one_is_refused(service: Stages) -> None:
    for revision, title in (
        (3, "Third Take"),
        (1, "First Take"),
        (2, "Second Take"),
        (3, "Third Take, Changed"),
    ):
        service.publish([upload("revised", "1", revision=revision, **song(title))])
        service.oracle.await_rest()
    service.judge()
    assert [(revision, outcome, code) for _, revision, outcome, code in said_of(service, "revised")] == [
        (3, "new", None),
        (1, "duplicate", "superseded"),
        (2, "duplicate", "superseded"),
        (3, "rejected", "revision_conflict"),
    ]


def test_a_withdrawal_holds_whether_it_comes_before_or_after(service: Stages) -> None:
    after = [upload("withdrawn", "after", **song("Gone Later")), _withdrawal("after", 1)]
    before = [_withdrawal("before", 2), upload("withdrawn", "before", revision=2, **song("Gone Before"))]
    beyond = [_withdrawal("beyond", 1), upload("withdrawn", "beyond", revision=2, **song("Back Again"))]
    for pair in (after, before, beyond):
        for each in pair:
            service.publish([each])
            service.oracle.await_rest()
    service.judge()
    said = {item: [] for item in ("after", "before", "beyond")}  # type: dict[str, list[str]]
    for item, _, outcome, _ in said_of(service, "withdrawn"):
        said[item].append(outcome)
    assert said == {
        "after": ["new", "withdrawn"],
        "before": ["withdrawn", "withdrawn"],
        "beyond": ["withdrawn", "new"],
    }
    gone = [d.entity_id for d in decisions(service) if (d.source, d.item_id) == ("withdrawn", "after")]
    assert entities(service)[gone[0] or ""].status == "retired"


def _withdrawal(item: str, revision: int) -> Sent:
    return upload("withdrawn", item, operation="withdraw", revision=revision)


@pytest.mark.parametrize("apart", ["one batch", "adjacent batches"])
def test_twins_become_one_entity_whatever_batch_and_partition_they_come_in(
    service: Stages, apart: str, chronicle: Chronicle
) -> None:
    source = f"twins, {apart}"
    # One second apart at most: their names lead them into different partitions.
    twins = [
        upload(
            source, str(number), **song(f"Twin Rivers {apart.title()}", duration_ms=201_000 + 100 * number)
        )
        for number in range(8)
    ]
    service.stop("arbitrate")
    service.publish(twins)
    wait_until(lambda: _found(service, source) == len(twins), 60, "find's look at all of them")
    batch_items = "1" if apart == "adjacent batches" else "256"
    service.start("arbitrate", environment={"SAMESONG_ARBITER__BATCH_ITEMS": batch_items})
    verdict = service.judge()
    decided = [d for d in decisions(service) if d.source == source]
    assert [d.outcome for d in decided] == [Outcome.new, *[Outcome.match] * (len(twins) - 1)]
    assert len({d.entity_id for d in decided}) == 1
    partitions = {d.origin.partition for d in decided}
    assert len(partitions) > 1
    chronicle(
        where="twins",
        step=f"in {apart}, from {len(partitions)} input partitions",
        fault=f"{len(twins)} new uploads that are near-identical",
        outcome=f"one entity; holds: {verdict}",
    )


def _found(running: Stages, source: str) -> int:
    inputs = (CODEC.decode(m.topic, m.value or b"") for m in running.onlooker.seen("arbiter.input.v1"))
    return sum(each.found is not None and each.found.encoded.source == source for each in inputs)
