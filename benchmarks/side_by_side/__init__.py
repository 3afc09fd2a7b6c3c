"""Splink, dedupe and the Record Linkage Toolkit beside Samesong, on the same records by the same scorer.

The records are those of MusicBrainz 20K at hand, as `samesong import` reads them: units and years are made
one, what stands in the wrong column is put right, texts are in small letters. No tool is told that a source
names each recording once. Without labels each learns from the records alone. With labels it learns from those
of half of the clusters and is scored on the records of the other half, among all records, then the other way
round. Packages are in an environment of their own (`requirements.lock`).
"""

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.labelled_tables import labelled, read_rows
from benchmarks.machine import machine_facts, write_result
from benchmarks.resolve_musicbrainz import TABLE, resolve, scores, upload_lines
from streams.core.bundle import Bundle
from streams.core.normalize import normalize_text

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
ENVIRONMENT: Final = ROOT / ".local" / "side_by_side"
# For the 5,930 records; the slowest that ends takes a minute.
LIMIT_S: Final = 240
# dedupe cannot learn without labels.
TOOLS: Final = {"splink": (False, True), "dedupe": (True,), "recordlinkage": (False, True)}


def environment() -> Path:
    """Make the environment that the lock describes; give its Python."""
    uv = subprocess.run(  # noqa: S603 - our own script
        [ROOT / "deploy" / "venv.sh", "--uv"], capture_output=True, text=True, check=True
    ).stdout.strip()
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", "3.11", ENVIRONMENT], cwd=ROOT, check=True)  # noqa: S603
    lock = HERE / "requirements.lock"
    command: list[str | Path] = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own lock
    return python


def versions(python: Path) -> dict[str, str]:
    """Name the versions that are measured."""
    code = "import importlib.metadata as m, sys; print(*(m.version(name) for name in sys.argv[1:]))"
    said = subprocess.run([python, "-c", code, *TOOLS], capture_output=True, text=True, check=True)  # noqa: S603
    return dict(zip(TOOLS, said.stdout.split(), strict=True))


def rows_of(lines: bytes) -> list[dict[str, Any]]:
    """Make flat rows of imported uploads."""

    def text(value: str | None) -> str | None:
        return normalize_text(value) or None if value else None

    rows = []
    for line in lines.splitlines():
        upload = orjson.loads(line)
        release = (upload.get("releases") or [{}])[0]
        artists = " ".join(each["name"] for each in upload.get("artists") or ())
        date = release.get("date") or ""
        rows.append(
            {
                "id": upload["item_id"],
                "title": text(upload.get("title")),
                "artist": text(artists),
                "album": text(release.get("title")),
                "year": int(date[:4]) if date[:4].isdigit() else None,
                "duration_s": upload["duration_ms"] / 1000 if upload.get("duration_ms") else None,
                "language": next(iter(upload.get("languages") or ()), None),
                "track_number": release.get("track_number"),
            }
        )
    return rows


def half_of(cluster: str) -> int:
    """Put a true cluster into one of two halves."""
    return hashlib.sha256(cluster.encode()).digest()[0] % 2


def ask(python: Path, tool: str, rows: list[dict[str, Any]], labels: Mapping[str, str]) -> dict[str, Any]:
    """Let a tool resolve the records.

    Raises
    ------
    TimeoutExpired
        it was not through within ``LIMIT_S``
    """
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        given, answer = Path(folder) / "given.json", Path(folder) / "answer.json"
        given.write_bytes(orjson.dumps({"records": rows, "labels": dict(labels)}))
        subprocess.run(  # noqa: S603 - our own scripts
            [python, HERE / f"with_{tool}.py", given, answer],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=LIMIT_S,
        )
        said: dict[str, Any] = orjson.loads(answer.read_bytes())
    return said


def judged(truth: Mapping[str, str], clusters: Mapping[str, str]) -> dict[str, float]:
    """Score a partition of the records; what is in no cluster is alone."""
    return scores(truth, {item: clusters.get(item) or f"alone {item}" for item in truth})


def unsupervised(
    python: Path, tool: str, rows: list[dict[str, Any]], truth: Mapping[str, str]
) -> dict[str, Any]:
    """Learn from the records alone."""
    said = ask(python, tool, rows, {})
    return {
        "pairs": judged(truth, said["clusters"]),
        "cpu_ms_per_record": round(1000 * said["cpu_s"] / len(truth), 2),
    }


def with_labels(
    python: Path, tool: str, rows: list[dict[str, Any]], truth: Mapping[str, str]
) -> dict[str, Any]:
    """Train on each half of the clusters and score on the other; the pairs of both are counted together."""
    counts = {"true_pairs": 0.0, "pairs_found": 0.0, "right": 0.0}
    cpu = 0.0
    for half in (0, 1):
        labels = {row["id"]: truth[row["id"]] for row in rows if half_of(truth[row["id"]]) == half}
        said = ask(python, tool, rows, labels)
        unseen = {item: cluster for item, cluster in truth.items() if half_of(cluster) != half}
        found = judged(unseen, said["clusters"])
        counts = {name: counts[name] + found[name] for name in counts}
        cpu += said["cpu_s"]
    precision = counts["right"] / max(1.0, counts["pairs_found"])
    recall = counts["right"] / max(1.0, counts["true_pairs"])
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    pairs = {**counts, "precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}
    return {"pairs": pairs, "cpu_ms_per_record": round(1000 * cpu / 2 / len(truth), 2)}


def main() -> None:
    table = labelled("side_by_side", TABLE, about=__doc__)
    if table is None:
        return
    started = machine_facts()
    python = environment()
    uploads = upload_lines(table)
    rows, truth = rows_of(uploads), {row["TID"]: row["CID"] for row in read_rows(table)}
    measured: dict[str, Any] = {}
    for tool, kinds in TOOLS.items():
        for trained in kinds:
            name = f"{tool}, {'trained' if trained else 'unsupervised'}"
            try:
                if trained:
                    measured[name] = with_labels(python, tool, rows, truth)
                else:
                    measured[name] = unsupervised(python, tool, rows, truth)
            except subprocess.TimeoutExpired:
                measured[name] = {"not_through_within_s": LIMIT_S}
            print(name, json.dumps(measured[name]), flush=True)
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        answers, cost = resolve(uploads, Path(folder))
    measured["samesong, packaged bundle"] = {
        "pairs": judged(truth, {each["item_id"]: each["entity_id"] for each in answers}),
        "cpu_ms_per_record": round(1000 * cost["cpu_s"] / len(truth), 2),
    }
    write_result(
        "side_by_side",
        "pairs of MusicBrainz 20K at hand found by each tool on the same imported records; trained: learned "
        "from one half of the true clusters and scored on the records of the other, both ways. Samesong "
        "resolves one record at a time; its packaged bundle was fitted on this set among others",
        {
            "records": len(truth),
            "bundle": Bundle.packaged().version,
            "versions": versions(python),
            "tools": measured,
        },
        started=started,
    )


if __name__ == "__main__":
    main()
