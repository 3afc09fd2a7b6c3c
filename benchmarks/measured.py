"""What the promise costs and how long each fault lasts, in words, from `benchmarks/results`.

`docs/guarantees.md` shows it; `tests/chaos/guarantees.py` writes that page.
"""

import json
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from benchmarks.machine import RESULTS


def _result(name: str) -> Mapping[str, Any] | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _where(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    return (
        f"{machine['cpus']} cores, load {machine['load_1min']} before, "
        f"{machine['load_1min_at_end']} after, commit {machine['commit']}"
    )


def _recovery(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"### Time to recover\n\n{result['what'].capitalize()}. {_where(result)}.\n"
    yield "| fault | times | lasted | longest without a decision | decided again after its end |"
    yield "| --- | --- | --- | --- | --- |"
    for fault, stalls in result["faults"].items():
        cells = [_spread([stall[key] for stall in stalls]) for key in ("fault_s", "stalled_s", "recovered_s")]
        yield f"| {fault} | {len(stalls)} | {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    """Give the median, and the range where there is one."""
    if len(values) == 1:
        return f"{values[0]:.1f} s"
    return f"{median(values):.1f} s ({min(values):.1f} to {max(values):.1f})"


def _promise(result: Mapping[str, Any]) -> Iterator[str]:
    rates = result["median_decisions_per_s"]
    yield "### Cost of exactly once\n"
    yield (
        f"The arbiter on {result['records']} records, in turn with transactions and at least once: "
        f"{rates['exactly_once']:.0f} against {rates['at_least_once']:.0f} decisions/s, a cost of "
        f"{result['cost_percent']:.1f} % (medians of {len(result['runs']['exactly_once'])} runs). "
        f"{_where(result)}."
    )


def _soak(result: Mapping[str, Any]) -> Iterator[str]:
    kills = sum(result["kills"].values())
    yield "### Soak\n"
    yield (
        f"{result['minutes']:g} minutes, {result['uploads']} uploads, {kills} stages killed at random: "
        f"{result['decided']} decided, {result['decided_twice']} twice, "
        f"{result['audit_mismatches']} mismatches in the audit. {_where(result)}.\n"
    )
    limits = result["flat_below"]
    yield (
        "Each part's longest life is judged over its last two thirds: flat is a slope (median of all between "
        f"two samples) of at most {limits['rss_slope_mb_per_hour']:g} MB/h and at most "
        f"{limits['descriptors_more']:g} descriptors more in the last third than in the middle one.\n"
    )
    yield "| part | longest life | memory, middle and last third | slope | descriptors | flat |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for part, said in result["parts"].items():
        flat = "yes" if said["flat"] else "no"
        if "rss_slope_mb_per_hour" not in said:
            yield f"| {part} | {said['longest_life_s']} s | too short a life to be judged | | | {flat} |"
            continue
        rss, files = said["rss_mb_of_thirds"], said["descriptors_of_thirds"]
        yield (
            f"| {part} | {said['longest_life_s']} s | {rss[0]} and {rss[1]} MB "
            f"| {said['rss_slope_mb_per_hour']} MB/h | {files[0]:g} and {files[1]:g} | {flat} |"
        )


def parts() -> Iterator[str]:
    """Write what there are results of."""
    for name, write in (("recovery", _recovery), ("promise_cost", _promise), ("soak", _soak)):
        result = _result(name)
        if result is not None:
            yield "\n".join(write(result)) + "\n\n"
