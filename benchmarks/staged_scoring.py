"""Staged scoring against full scoring: what becomes of 10,000 uploads when no comparison is skipped.

The labelled records at hand, the golden catalogue and invented uploads, in one catalogue, resolved once by
each. A pair of strangers is not compared further (docs/matching.md): this counts the uploads that would have
had another outcome, or another entity.
"""

import argparse
import dataclasses
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.invented_uploads import invented_uploads
from benchmarks.labelled_tables import DATA
from benchmarks.machine import machine_facts, write_result
from benchmarks.resolve_musicbrainz import TABLE, upload_lines
from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.records import Decision
from streams.core.relating import entity_now
from streams.core.scoring import Scorer
from streams.core.upload_json import upload_line
from streams.edges.memory_index import MemoryCandidateIndex
from streams.evaluation.golden.catalogue import golden_catalogue
from streams.offline import OfflineParts, decide_encoded, encode_lines
from streams.ports import Produced
from streams.wiring.offline import offline_parts
from streams.wiring.parts import rules

SAMPLES: Final = 10_000
Homes = dict[str, str | None]


def samples(data: Path) -> tuple[list[bytes], dict[str, int]]:
    """Give the uploads, and how many of each kind there are."""
    labelled = upload_lines(data / TABLE).splitlines() if (data / TABLE).is_file() else []
    golden = [upload_line(each.upload) for each in golden_catalogue().uploads]
    lines = [*labelled, *golden][:SAMPLES]
    lines += [upload_line(each) for each in islice(invented_uploads(SAMPLES), SAMPLES - len(lines))]
    kinds = {"musicbrainz-20k": len(labelled), "golden": min(len(golden), SAMPLES - len(labelled))}
    return lines, {**kinds, "invented": SAMPLES - sum(kinds.values())}


def decided(
    encoded: list[list[Produced]], parts: OfflineParts, *, staged: bool
) -> tuple[list[Decision], Homes, float]:
    """Resolve the samples; give decisions, the entity of each at the end, and CPU seconds."""
    bundle = Bundle.packaged()
    used = dataclasses.replace(rules(bundle, parts.confirm), scorer=Scorer(bundle, staged=staged))
    began = time.process_time()
    decisions, catalogue = decide_encoded(encoded, parts, index=MemoryCandidateIndex(), rules=used)
    seconds = time.process_time() - began
    homes: Homes = {}
    for decision in decisions:
        entity = entity_now(catalogue, decision.entity_id)
        homes[decision.decision_id] = entity.entity_id if entity else None
    return decisions, homes, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    options, _ = parser.parse_known_args()
    started = machine_facts()
    lines, kinds = samples(options.data)
    with offline_parts(Settings()) as parts:
        encoded = list(encode_lines(lines, parts))
        by_stages, homes, quick = decided(encoded, parts, staged=True)
        in_full, full_homes, slow = decided(encoded, parts, staged=False)
    differing: list[dict[str, Any]] = []
    changes: Counter[str] = Counter()
    for one, other in zip(by_stages, in_full, strict=True):
        moved = homes[one.decision_id] != full_homes[other.decision_id]
        if one.outcome is not other.outcome or moved:
            changes[f"{one.outcome.value}, in full {other.outcome.value}"] += 1
            differing.append({"item": one.item_id, "source": one.source, "other_entity": moved})
    write_result(
        "staged_scoring",
        "the same uploads resolved with staged scoring and with every comparison made: which uploads have "
        "another outcome when they come, or another entity at the end",
        {
            "uploads": len(lines),
            "kinds": kinds,
            "bundle": Bundle.packaged().version,
            "differing": len(differing),
            "changes": dict(changes),
            "first_differing": differing[:20],
            "candidates": sum(len(each.candidates) for each in by_stages),
            "decide_cpu_s": {"staged": round(quick, 1), "full": round(slow, 1)},
        },
        started=started,
    )


if __name__ == "__main__":
    main()
