"""CPU per upload at 5,000 and at 50,000 entities: encode, find, arbitrate and index in this process.

Uploads are decided until the catalogue holds so many entities, then the next 2,048 are measured.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from benchmarks.invented_uploads import invented_uploads
from benchmarks.machine import machine_facts, write_result
from benchmarks.stages_in_process import StagesInProcess
from streams.core.records import Upload

SIZES = (5_000, 50_000)
MEASURED = 2_048
STEP = 1_024
UPLOADS = 80_000


def grow(stages: StagesInProcess, uploads: Iterator[Upload], entities: int) -> None:
    while stages.entities < entities:
        stages.run(islice(uploads, STEP))


def cost(stages: StagesInProcess, uploads: Iterator[Upload]) -> dict[str, Any]:
    before, outcomes, entities = dict(stages.seconds), Counter(stages.outcomes), stages.entities
    stages.run(islice(uploads, MEASURED))
    spent = {
        name: 1000 * (stages.seconds[name] - before.get(name, 0.0)) / MEASURED for name in stages.seconds
    }
    return {
        "entities": entities,
        "cpu_ms_per_upload": {name: round(value, 3) for name, value in spent.items()},
        "find_and_arbitrate_ms": round(spent["find"] + spent["arbitrate"], 3),
        "all_ms": round(sum(spent.values()), 3),
        "rss_mb": round(psutil.Process().memory_info().rss / 2**20),
        "outcomes": dict(stages.outcomes - outcomes),
    }


def main() -> None:
    started = machine_facts()
    uploads = invented_uploads(UPLOADS)
    measured = []
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        stages = StagesInProcess(Path(folder))
        try:
            for size in SIZES:
                grow(stages, uploads, size)
                measured.append(cost(stages, uploads))
        finally:
            stages.close()
    small, large = measured[0], measured[-1]
    write_result(
        "catalogue_size",
        f"CPU milliseconds per upload over {MEASURED} uploads at two sizes of the catalogue, in this "
        "process, with real stages, Avro, text vectors and Milvus Lite, without Kafka",
        {
            "sizes": measured,
            "ratio_find_and_arbitrate": round(
                large["find_and_arbitrate_ms"] / small["find_and_arbitrate_ms"], 2
            ),
            "ratio_all": round(large["all_ms"] / small["all_ms"], 2),
        },
        started=started,
    )


if __name__ == "__main__":
    main()
