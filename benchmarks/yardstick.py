"""A fixed piece of work, timed: how fast this machine is just now, with one core at it and with all of them.

Machines are shared: the same commit has cost 1.6 times the processor time at another hour. Figures in
absolute units are compared after division by this one.
"""

import os
import statistics
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray

ROUNDS = 15
WORDS = 4_000
SIDE = 256


def work() -> int:
    """Do what stages do: many small objects, and a product of matrices."""
    matrix: NDArray[np.float32] = np.linspace(-1.0, 1.0, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    counts: dict[str, int] = {}
    for number in range(WORDS):
        word = f"{number % 997}:{number}"
        counts[word[:4]] = counts.get(word[:4], 0) + len(word)
    for _ in range(8):
        matrix = (matrix @ matrix / SIDE).astype(np.float32)
    return len(counts) + int(matrix.shape[0])


def yardstick() -> dict[str, float]:
    """Give the median milliseconds of :func:`work` in one process, and in one process per core at a time."""
    cores = os.cpu_count() or 1
    return {"one_core_ms": _median(1), "all_cores_ms": _median(cores)}


def _median(processes: int) -> float:
    command = [sys.executable, "-m", "benchmarks.yardstick"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)  # noqa: S603 - constants only
        for _ in range(processes)
    ]
    said = [each.communicate()[0] for each in running]
    return round(statistics.median(float(each) for each in said), 2)


def main() -> None:
    work()
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    print(statistics.median(took))


if __name__ == "__main__":
    main()
