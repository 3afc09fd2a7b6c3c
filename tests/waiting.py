"""Wait for what another thread, process or server does."""

import time
from collections.abc import Callable

LOOK_SECONDS = 0.02


def wait_until(
    condition: Callable[[], object], seconds: float = 15.0, what: str | Callable[[], str] = "the condition"
) -> None:
    """Look until a condition is true, or fail with what was waited for, or with what stands in its way.

    It sleeps between looks: the other side gives no event to wait on, and looking without a pause would take
    the processor from it.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"{said} did not come true within {seconds:g} s")
        time.sleep(LOOK_SECONDS)
