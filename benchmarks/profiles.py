"""Where the time goes inside encode, find and arbitrate: the functions that cost most, by cProfile.

A profiler makes small functions look dearer than they are: shares, not speeds.
"""

import cProfile
import tempfile
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import Any

from benchmarks.invented_uploads import invented_uploads
from benchmarks.machine import machine_facts, write_result
from benchmarks.stages_in_process import StagesInProcess

GROWN = 4_096
MEASURED = 1_024
TOP = 25
ROOT = Path(__file__).parent.parent


def top(profile: cProfile.Profile, uploads: int) -> list[dict[str, Any]]:
    """Give the functions with the most time of their own."""
    entries = [entry for entry in profile.getstats() if entry.inlinetime > 0]
    entries.sort(key=lambda entry: -entry.inlinetime)
    return [
        {
            "function": _name(entry.code),
            "calls_per_upload": round(entry.callcount / uploads, 2),
            "own_us_per_upload": round(1e6 * entry.inlinetime / uploads, 1),
            "with_callees_us_per_upload": round(1e6 * entry.totaltime / uploads, 1),
        }
        for entry in entries[:TOP]
    ]


def _name(code: CodeType | str) -> str:
    if isinstance(code, str):
        return code
    path = Path(code.co_filename)
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
    return f"{where}:{code.co_qualname}"


def main() -> None:
    started = machine_facts()
    uploads = invented_uploads(GROWN + MEASURED)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        stages = StagesInProcess(Path(folder))
        try:
            stages.run(islice(uploads, GROWN))
            profiles = {name: cProfile.Profile() for name in ("encode", "find", "arbitrate")}
            stages.profiled(profiles)
            stages.run(islice(uploads, MEASURED))
        finally:
            stages.close()
    for name, profile in profiles.items():
        total = sum(each.inlinetime for each in profile.getstats())
        found[name] = {
            "profiled_us_per_upload": round(1e6 * total / MEASURED, 1),
            "functions": top(profile, MEASURED),
        }
    write_result(
        "profiles",
        f"functions by time of their own, over {MEASURED} uploads after {GROWN}, in this process",
        found,
        started=started,
    )


if __name__ == "__main__":
    main()
