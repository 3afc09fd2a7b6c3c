"""CPU per upload at 5,000 and at 50,000 entities: encode, find, arbitrate and index in this process.

Two catalogues are grown, one after the other; then each takes 256 uploads in turn, eight times, so that a
machine that slows down meanwhile slows both.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from benchmarks.invented_uploads import invented_uploads
from benchmarks.machine import machine_facts, write_result
from benchmarks.stages_in_process import StagesInProcess
from streams.core.records import Upload

SIZES = (5_000, 50_000)
ROUNDS = 8
AT_ONCE = 256
STEP = 1_024
UPLOADS = 80_000


def grow(stages: StagesInProcess, uploads: Iterator[Upload], entities: int) -> None:
    while stages.entities < entities:
        stages.run(islice(uploads, STEP))


@dataclass(slots=True)
class Catalogue:
    """One of the two, with the uploads that it has not seen."""

    stages: StagesInProcess
    uploads: Iterator[Upload]
    seconds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def take(self) -> None:
        """Decide on the next uploads, and note what they cost."""
        before, outcomes = Counter(self.stages.seconds), Counter(self.stages.outcomes)
        self.stages.run(islice(self.uploads, AT_ONCE))
        self.seconds.update({name: spent - before[name] for name, spent in self.stages.seconds.items()})
        self.outcomes += self.stages.outcomes - outcomes

    def figures(self) -> dict[str, Any]:
        """Give what an upload cost."""
        spent = {name: 1000 * seconds / (ROUNDS * AT_ONCE) for name, seconds in self.seconds.items()}
        return {
            "entities": self.stages.entities,
            "cpu_ms_per_upload": {name: round(value, 3) for name, value in spent.items()},
            "find_and_arbitrate_ms": round(spent["find"] + spent["arbitrate"], 3),
            "all_ms": round(sum(spent.values()), 3),
            "outcomes": dict(self.outcomes),
        }


def main() -> None:
    started = machine_facts()
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder, ExitStack() as closing:
        catalogues = []
        for size in SIZES:
            stages = StagesInProcess(Path(folder) / str(size))
            closing.callback(stages.close)
            catalogues.append(Catalogue(stages, invented_uploads(UPLOADS)))
            grow(stages, catalogues[-1].uploads, size)
        for _ in range(ROUNDS):
            for catalogue in catalogues:
                catalogue.take()
        measured = [catalogue.figures() for catalogue in catalogues]
    small, large = measured
    write_result(
        "catalogue_size",
        f"CPU milliseconds per upload over {ROUNDS * AT_ONCE} uploads at two sizes of the catalogue in turn, "
        "in this process, with real stages, Avro, text vectors and Milvus Lite, without Kafka",
        {
            "sizes": measured,
            "rss_mb": round(psutil.Process().memory_info().rss / 2**20),
            "ratio_find_and_arbitrate": round(
                large["find_and_arbitrate_ms"] / small["find_and_arbitrate_ms"], 2
            ),
            "ratio_all": round(large["all_ms"] / small["all_ms"], 2),
        },
        started=started,
    )


if __name__ == "__main__":
    main()
