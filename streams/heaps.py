"""Where freed memory is kept for later; to be said before there are threads, or pyarrow is imported."""

import contextlib
import ctypes
import os

_M_ARENA_MAX = -8  # of malloc.h
ARENAS = 2


def few_heaps() -> None:
    """Let all threads share two heaps, and Arrow with them, where the system's library has such a thing.

    The GNU library gives each of up to eight threads per core a heap of its own, Arrow keeps one more, and
    what was freed in one is of no use to the others: a stage with fifty threads grows for a long time on
    memory that it has.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with contextlib.suppress(OSError, AttributeError):  # another library, another system
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
