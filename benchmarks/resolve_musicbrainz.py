"""`samesong resolve` on labelled real metadata: time, and precision and recall of pairs.

The records are those of MusicBrainz 20K (Leipzig), of which a folder of data sets holds a part. Without that
folder there is nothing to measure, and that is said.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from benchmarks.labelled_tables import labelled, read_rows
from benchmarks.machine import machine_facts, write_result

TABLE = Path("musicbrainz-20k") / "dev.csv.gz"
MAPPING = Path("docs/examples/mappings/musicbrainz-20k.toml")


def pairs_in(groups: Iterable[object]) -> int:
    """Count the pairs within groups, given the group of each member."""
    return sum(size * (size - 1) // 2 for size in Counter(groups).values())


def scores(truth: Mapping[str, str], found: Mapping[str, str]) -> dict[str, float]:
    """Compare two partitions by their pairs."""
    right = pairs_in((truth[item], found[item]) for item in truth)
    wanted, said = pairs_in(truth.values()), pairs_in(found.values())
    precision, recall = right / max(1, said), right / max(1, wanted)
    return {
        "true_pairs": wanted,
        "pairs_found": said,
        "right": right,
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
    }


def upload_lines(table: Path) -> bytes:
    """Read the table as a person would: `samesong import` with the mapping that ships."""
    command = [sys.executable, "-m", "streams.cli", "import", "--mapping", str(MAPPING), str(table)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own command
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode(errors="replace"))
    return done.stdout


def resolve(uploads: bytes, folder: Path) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Run the command as a person would; give its answers and what it took."""
    given, answers = folder / "uploads.jsonl", folder / "answers.jsonl"
    given.write_bytes(uploads)
    command = [sys.executable, "-m", "streams.cli", "resolve", str(given), "--output", str(answers)]
    wall, before = time.perf_counter(), os.times()
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own command
    spent = os.times()
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode(errors="replace"))
    cost = {
        "wall_s": round(time.perf_counter() - wall, 1),
        "cpu_s": round(
            spent.children_user + spent.children_system - before.children_user - before.children_system, 1
        ),
    }
    return [orjson.loads(line) for line in answers.read_bytes().splitlines()], cost


def main() -> None:
    table = labelled("resolve_musicbrainz", TABLE, about=__doc__)
    if table is None:
        return
    started = machine_facts()
    rows = read_rows(table)
    uploads = upload_lines(table)
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        answers, cost = resolve(uploads, Path(folder))
    truth = {row["TID"]: row["CID"] for row in rows}
    # What was refused, on reading or later, is alone.
    entities = {each["item_id"]: each["entity_id"] for each in answers}
    found = {item: entities.get(item) or f"refused {item}" for item in truth}
    write_result(
        "resolve_musicbrainz",
        "`samesong resolve` on the part of MusicBrainz 20K at hand, metadata alone; pairs of one entity "
        "against pairs of one true cluster",
        {
            "rows": len(rows),
            "rows_refused": len(rows) - uploads.count(b"\n"),
            **cost,
            "uploads_per_s": round(len(answers) / cost["wall_s"], 1),
            "decisions": dict(Counter(each["decision"] for each in answers)),
            "pairs": scores(truth, found),
        },
        started=started,
    )


if __name__ == "__main__":
    main()
