from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer

from streams.edges import kafka_config as kc

WHERE = "127.0.0.1:1"


def test_stateless_starts_at_the_earliest_and_stateful_fails() -> None:
    assert kc.stateless_consumer_config(WHERE, group_id="g")["auto.offset.reset"] == "earliest"
    assert kc.stateful_consumer_config(WHERE, group_id="g")["auto.offset.reset"] == "error"


@pytest.mark.parametrize("config", [kc.stateless_consumer_config, kc.stateful_consumer_config])
def test_consumers_commit_by_themselves_never(config: Callable[..., dict[str, kc.Setting]]) -> None:
    settings = config(WHERE, group_id="g")
    assert settings["enable.auto.commit"] is False
    assert settings["enable.auto.offset.store"] is False
    assert settings["isolation.level"] == "read_committed"
    assert settings["check.crcs"] is True


@pytest.mark.parametrize("config", [kc.stateless_consumer_config, kc.stateful_consumer_config])
def test_the_broker_holds_a_fetch_only_for_who_works_in_batches(
    config: Callable[..., dict[str, kc.Setting]],
) -> None:
    assert not {"fetch.min.bytes", "fetch.wait.max.ms"} & set(config(WHERE, group_id="g"))
    gathered = config(WHERE, group_id="g", gathered=True)
    assert gathered["fetch.min.bytes"] == kc.GATHERED_BYTES
    assert gathered["fetch.wait.max.ms"] == kc.GATHERED_WITHIN_MS


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_library_accepts_the_consumer_settings(protocol: kc.GroupProtocol) -> None:
    settings = kc.stateful_consumer_config(WHERE, group_id="g", instance_id="a", protocol=protocol)
    Consumer({**settings, "log_level": 0}).close()


def test_newer_protocol_has_no_static_member() -> None:
    settings = kc.stateless_consumer_config(WHERE, group_id="g", instance_id="a", protocol="consumer")
    assert not {"group.instance.id", "session.timeout.ms", "partition.assignment.strategy"} & set(settings)


def test_library_accepts_the_producer_settings() -> None:
    Producer({**kc.idempotent_producer_config(WHERE), "log_level": 0})
    Producer({**kc.transactional_producer_config(WHERE, transactional_id="t"), "log_level": 0})


def test_message_times_out_before_its_transaction() -> None:
    assert kc.MESSAGE_TIMEOUT_MS < kc.TRANSACTION_TIMEOUT_MS


def test_security_goes_through_and_leaves_out_what_is_unset() -> None:
    security = kc.security_config(
        protocol="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        username="u",
        password="p",  # noqa: S106 - of nobody
    )
    assert set(security) == {"security.protocol", "sasl.mechanism", "sasl.username", "sasl.password"}
    assert kc.admin_config(WHERE, security)["security.protocol"] == "SASL_SSL"
    assert kc.admin_config(WHERE, {"log_level": 0})["log_level"] == 0
