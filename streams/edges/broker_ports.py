"""The ports and the id of an embedded cluster, which stay the same from start to start."""

import contextlib
import socket
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from streams.edges.broker_config import NodePorts
from streams.edges.json_file import read_json, write_json
from streams.errors import ConfigError

CLUSTER_FILE = "cluster.json"


def keep_cluster(
    home: Path, brokers: int, *, wanted: tuple[NodePorts, ...] | None = None
) -> tuple[str, tuple[NodePorts, ...]]:
    """Give a cluster's id and ports: those kept in its folder, or else new ones, which are kept.

    Parameters
    ----------
    home : Path
    brokers : int
    wanted : tuple of NodePorts, optional
        these, whatever was kept

    Raises
    ------
    ConfigError
        the folder holds a cluster of another size, or so many ports were not given
    """
    facts = read_json(home / CLUSTER_FILE)
    if facts is not None and len(facts["ports"]) != brokers:
        raise ConfigError(
            f"{home} holds a cluster of {len(facts['ports'])} brokers, not {brokers}: "
            "choose another --data-dir."
        )
    if wanted is not None:
        ports = wanted
    elif facts is not None:
        ports = tuple(NodePorts(**p) for p in facts["ports"])
    else:
        free = iter(_free_ports(2 * brokers))
        ports = tuple(NodePorts(broker=a, controller=b) for a, b in zip(free, free, strict=True))
    if len(ports) != brokers:
        raise ConfigError(f"{brokers} brokers need {brokers} pairs of ports")
    cluster_id = facts["cluster_id"] if facts is not None else _new_id()
    kept = [{"broker": p.broker, "controller": p.controller} for p in ports]
    write_json(home / CLUSTER_FILE, {"cluster_id": cluster_id, "ports": kept})
    return cluster_id, ports


def _new_id() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _free_ports(count: int) -> tuple[int, ...]:
    """Return free loopback ports, all different: they are held open together while chosen."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return tuple(int(sock.getsockname()[1]) for sock in sockets)
