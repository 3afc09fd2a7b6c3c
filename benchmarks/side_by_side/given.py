"""What every tool is given and gives back; nothing here is Samesong's, so that any environment can run it.

``python TOOL.py given.json answer.json``: ``given.json`` holds records and the labels that a tool may learn
from, ``answer.json`` a cluster for each record and what it took.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Labels = Mapping[str, str]
"""The true cluster of some records, by id; none: learn without."""

Resolve = Callable[[list[Row], Labels], Mapping[str, str]]


def spent() -> float:
    """Give the processor seconds of this process and of those that it ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def connected(ids: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Make clusters of matching pairs: whatever hangs together is one."""
    home = {each: each for each in ids}

    def root(each: str) -> str:
        while home[each] != each:
            home[each] = home[home[each]]
            each = home[each]
        return each

    for left, right in pairs:
        home[root(left)] = root(right)
    return {each: root(each) for each in home}


def main(resolve: Resolve) -> None:
    """Resolve what is given and write the answer."""
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wall, cpu = time.perf_counter(), spent()
    clusters = resolve(given["records"], given["labels"])
    answer = {
        "clusters": dict(clusters),
        "wall_s": round(time.perf_counter() - wall, 1),
        "cpu_s": round(spent() - cpu, 1),
    }
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")
