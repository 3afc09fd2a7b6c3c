"""`python -m streams.simulation`: many seeds, or one of them with its trace."""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from streams.threads import one_thread

one_thread()

from streams.simulation.run import Outcome, simulate  # noqa: E402 - after the threads are bound

AT_ONCE = 20
SHOWN = 10


def main() -> int:
    """Run seeds; 1 when something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m streams.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="run this one alone and write its trace")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at work")
    asked = parser.parse_args()
    # What goes wrong is meant to: warnings of the stages belong to a trace, not to a list of seeds.
    logging.disable(logging.CRITICAL)
    return _trace(asked.seed) if asked.seed is not None else _many(asked.first, asked.seeds, asked.jobs)


def _trace(seed: int) -> int:
    outcome = simulate(seed, trace=True)
    sys.stdout.writelines(f"{line}\n" for line in outcome.trace)
    _say(_described(outcome))
    return bool(outcome.problems)


def _many(first: int, count: int, jobs: int) -> int:
    begun = time.monotonic()
    failed = done = 0
    happened: Counter[str] = Counter()
    for outcome in _outcomes(range(first, first + count), jobs):
        done += 1
        happened.update(outcome.happened)
        if outcome.problems:
            failed += 1
            if failed <= SHOWN:
                _say(_described(outcome))
    seconds = time.monotonic() - begun
    _say(", ".join(f"{times} x {kind}" for kind, times in sorted(happened.items())))
    _say(f"{done} seeds in {seconds:.0f} s; {failed} of them do not hold")
    return bool(failed)


def _outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with ProcessPoolExecutor(jobs, initializer=logging.disable, initargs=(logging.CRITICAL,)) as pool:
        yield from pool.map(simulate, seeds, chunksize=AT_ONCE)


def _described(outcome: Outcome) -> str:
    said = [
        f"seed {outcome.seed}: {len(outcome.problems)} problems "
        f"({outcome.sent} sent, {outcome.starts} processes, {outcome.steps} steps, {outcome.seconds:.1f} s)"
    ]
    said += [f"  {problem}" for problem in outcome.problems]
    said += [f"  ended: {death}" for death in outcome.deaths]
    said.append(f"  again, with its trace: make simulate SEED={outcome.seed}")
    return "\n".join(said)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
