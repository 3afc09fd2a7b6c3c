"""Some seeds of the many that `make simulate` runs, and what makes a seed worth having."""

import os
import subprocess
import sys
from collections import Counter

from streams.simulation.run import simulate

SEEDS = 60


def test_a_seed_is_the_same_run_in_every_process() -> None:
    script = (
        "import hashlib; from streams.simulation.run import simulate; "
        "out = [simulate(seed, trace=True) for seed in (3, 4)]; "
        "print(hashlib.sha256('\\n'.join(line for each in out for line in each.trace).encode()).hexdigest())"
    )
    traces = {
        subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(traces) == 1


def test_what_must_hold_holds_and_all_that_can_go_wrong_goes_wrong_in_some_seed() -> None:
    happened: Counter[str] = Counter()
    for seed in range(SEEDS):
        outcome = simulate(seed)
        assert outcome.problems == ()
        happened.update(outcome.happened)
    assert {kind for kind, times in happened.items() if times} == {
        "answer lost",
        "compacted",
        "crash",
        "cut",
        "fenced",
        "index lost",
        "index rebuilt",
        "looked up again",
        "moved on alone",
        "offsets refused",
        "partitions given up",
        "pause",
        "place taken again",
        "put out of the group",
        "size raised",
        "transaction aborted",
        "transaction committed",
    }
