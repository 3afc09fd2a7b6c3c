"""The first seed of the simulator in which something does not hold, run in a tree of one's own choice."""

import logging
import sys

from streams.threads import one_thread

one_thread()

from streams.simulation.run import simulate  # noqa: E402 - after the threads are bound


def main() -> int:
    """Write the seed and the first thing that does not hold; 0 when all hold, as a test run that passes."""
    # What goes wrong is meant to.
    logging.disable(logging.CRITICAL)
    for seed in range(int(sys.argv[1])):
        problems = simulate(seed).problems
        if problems:
            sys.stdout.write(f"{seed} {problems[0]}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
