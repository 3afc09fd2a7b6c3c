import json
import os
from pathlib import Path

from streams.edges.broker_config import NodePorts, java_options, server_properties
from streams.edges.broker_discovery import BROKER_FILE, discover_bootstrap

PORTS = tuple(NodePorts(broker=9000 + n, controller=9100 + n) for n in range(3))


def _parsed(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_one_broker_has_one_copy() -> None:
    settings = _parsed(server_properties(node=1, ports=PORTS[:1], log_dir="d"))
    assert settings["offsets.topic.replication.factor"] == "1"
    assert settings["transaction.state.log.min.isr"] == "1"
    assert settings["auto.create.topics.enable"] == "false"


def test_three_brokers_have_three_copies_of_which_two_in_sync() -> None:
    settings = _parsed(server_properties(node=2, ports=PORTS, log_dir="d"))
    assert settings["default.replication.factor"] == "3"
    assert settings["min.insync.replicas"] == "2"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:9100,2@127.0.0.1:9101,3@127.0.0.1:9102"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9001"


def test_every_listener_is_on_loopback() -> None:
    settings = _parsed(server_properties(node=1, ports=PORTS, log_dir="d"))
    assert all("//127.0.0.1:" in listener for listener in settings["listeners"].split(","))


def test_a_broker_has_a_heap_of_one_size() -> None:
    options = java_options(log_config="x")
    assert {"-Xms256m", "-Xmx256m"} <= set(options)


def test_no_broker_is_found_in_an_empty_folder(tmp_path: Path) -> None:
    assert discover_bootstrap(tmp_path) is None


def test_torn_broker_file_is_no_broker(tmp_path: Path) -> None:
    (tmp_path / BROKER_FILE).write_text('{"nodes": [')
    assert discover_bootstrap(tmp_path) is None


def test_reused_process_id_is_no_broker(tmp_path: Path) -> None:
    node = {"pid": os.getpid(), "started": 1.0, "address": "127.0.0.1:1"}
    (tmp_path / BROKER_FILE).write_text(json.dumps({"bootstrap": "127.0.0.1:1", "nodes": [node]}))
    assert discover_bootstrap(tmp_path) is None


def test_a_controller_alone_listens_to_its_quorum_only() -> None:
    settings = _parsed(server_properties(node=1, ports=PORTS[:1], log_dir="d", controller_only=True))
    assert settings["process.roles"] == "controller"
    assert settings["listeners"] == f"CONTROLLER://127.0.0.1:{PORTS[0].controller}"
    assert not {"advertised.listeners", "inter.broker.listener.name"} & set(settings)
