"""Where the brokers of a data folder are: written by their owner, read by every command."""

import os
from collections.abc import Mapping
from pathlib import Path

from streams.edges.json_file import read_json, write_json
from streams.edges.process_age import is_alive, started

BROKER_FILE = "broker.json"


def publish_brokers(data_dir: Path, bootstrap: str, running: Mapping[str, int]) -> None:
    """Tell other commands where the running brokers are.

    Parameters
    ----------
    data_dir : Path
    bootstrap : str
        addresses of all, also of those that do not run just now
    running : mapping
        process id by address
    """
    nodes = [
        {"pid": pid, "started": started(pid) or 0.0, "address": address} for address, pid in running.items()
    ]
    facts = {"bootstrap": bootstrap, "owner_pid": os.getpid(), "nodes": nodes}
    write_json(data_dir / BROKER_FILE, facts)


def discover_bootstrap(data_dir: Path) -> str | None:
    """Return the address of the broker that runs on a data folder; none when no such broker is alive.

    Parameters
    ----------
    data_dir : Path
        the installation's folder
    """
    facts = read_json(data_dir / BROKER_FILE)
    if facts is None:
        return None
    alive = [node["address"] for node in facts["nodes"] if is_alive(node["pid"], node["started"])]
    return ",".join(alive) or None
