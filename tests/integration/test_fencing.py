import asyncio
import threading
from collections.abc import Sequence

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.protocol.group import LeaveGroupRequest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from streams.edges.committed_log import committed_offsets
from streams.edges.kafka_config import stateful_consumer_config, transactional_producer_config
from streams.errors import Fenced
from streams.ports import Message, Produced
from tests.integration.ledger import Ledger, transactional
from tests.integration.running import Running, committed, fill, topics
from tests.waiting import wait_until

pytestmark = pytest.mark.broker


class Paused(Ledger):
    """Computes, then waits: as a process that sleeps while another takes over."""

    def __init__(self, source: str, output: str) -> None:
        super().__init__(source, output)
        self.computed = threading.Event()
        self.wake = threading.Event()

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        self.computed.set()
        assert self.wake.wait(30)
        return [Produced(topic=self.output, key=b"old", value=b"old")]


def test_a_fenced_old_owner_ends_and_nothing_of_it_is_seen(broker: str) -> None:
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 50)
    stage = Paused(names["source"], names["output"])
    running = Running(transactional(broker, stage))
    wait_until(stage.computed.is_set)
    newer = Producer(transactional_producer_config(broker, transactional_id=f"{names['source']}-0"))
    newer.init_transactions(15)
    stage.wake.set()
    wait_until(lambda: not running.alive)
    assert isinstance(running.error, Fenced)
    assert committed(broker, names["output"]) == []
    assert stage.state == []


def test_a_member_that_was_replaced_commits_nothing(broker: str) -> None:
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 50)
    stage = Paused(names["source"], names["output"])
    runner = transactional(broker, stage, instance_id="the one")
    running = Running(runner)
    wait_until(stage.computed.is_set)
    # The same member again, as a supervisor starts it that took the first for dead; it has fenced nobody yet.
    newer = Consumer(stateful_consumer_config(broker, group_id=stage.source, instance_id="the one"))
    try:
        newer.subscribe([stage.source])

        def joined() -> bool:
            newer.poll(0.1)
            return bool(newer.assignment())

        wait_until(joined, 30)
        stage.wake.set()
        wait_until(lambda: not running.alive, 30)
    finally:
        newer.close()
    assert isinstance(running.error, Fenced)
    assert committed(broker, names["output"]) == []
    assert committed_offsets(broker, None, stage.source, [stage.source]) == {}


def _put_out(bootstrap: str, group: str) -> None:
    """Let the coordinator forget the one member of a group, who does not know it yet."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    (member,) = admin.describe_consumer_groups([group])[group].result(30).members

    async def leave() -> int:
        client = AIOKafkaClient(bootstrap_servers=bootstrap)
        await client.bootstrap()
        try:
            coordinator = await client.coordinator_lookup(0, group)
            request = LeaveGroupRequest(group, member.member_id)
            answer = await client.send(coordinator, request, group=ConnectionGroup.COORDINATION)
            return int(answer.error_code)
        finally:
            await client.close()

    assert asyncio.run(leave()) == 0


def test_a_member_that_was_put_out_commits_nothing_before_it_is_in_again(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No heartbeat tells it in time: that it is out it hears from the answer to its offsets alone.
    monkeypatch.setattr("streams.edges.kafka_config.SESSION_TIMEOUT_MS", 60_000)
    names = topics(broker, source=1, output=1)
    fill(broker, names["source"], 50)
    stage = Paused(names["source"], names["output"])
    runner = transactional(broker, stage)
    running = Running(runner)
    wait_until(stage.computed.is_set, 30)
    _put_out(broker, stage.source)
    assert stage.rolled == 0
    stage.wake.set()
    wait_until(lambda: stage.rolled or stage.state or not running.alive, 30)
    assert (stage.rolled, stage.state) == (1, [])
    running.end()
