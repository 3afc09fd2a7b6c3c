"""How many threads the numeric libraries take; to be said before NumPy is first imported."""

import os


def one_thread() -> None:
    """Let matrices be multiplied in the calling thread, unless the environment says otherwise.

    A stage is one of several on a machine, and its matrices are small: threads that spin for work would take
    the cores from its neighbours.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
