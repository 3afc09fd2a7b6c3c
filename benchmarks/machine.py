"""What a figure was measured on, and where figures are written."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.yardstick import yardstick

RESULTS = Path(__file__).parent / "results"
_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("confluent-kafka", "fastavro", "milvus-lite", "pymilvus", "numpy", "onnxruntime", "av")


def machine_facts() -> dict[str, Any]:
    """Describe the machine, its load at this moment and the code that runs."""
    return {
        "cpus": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load_1min": round(os.getloadavg()[0], 2),
        "yardstick": yardstick(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": os.environ.get("BENCH_COMMIT") or _commit(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def write_result(name: str, what: str, figures: Mapping[str, Any], *, started: Mapping[str, Any]) -> None:
    """Write ``benchmarks/results/NAME.json`` and print it.

    Parameters
    ----------
    name : str
    what : str
        what was measured, in a sentence
    figures : mapping
    started : mapping
        :func:`machine_facts` from before the measurement: its own load is not in them
    """
    at_end = {"load_1min_at_end": round(os.getloadavg()[0], 2), "yardstick_at_end": yardstick()}
    machine = {**started, **at_end}
    text = json.dumps({"what": what, **figures, "machine": machine}, indent=2, ensure_ascii=False)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text, flush=True)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Name the commit that is checked out; "+" when files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=9"]
    try:
        done = subprocess.run(  # noqa: S603 - constants only
            command, cwd=_ROOT, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
