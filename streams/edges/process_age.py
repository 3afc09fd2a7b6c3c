"""When a process was started, which tells it from a later one with the same id."""

import psutil


def started(pid: int) -> float | None:
    """Return when a process was started, in seconds since 1970; none when it is gone."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def is_alive(pid: int, since: float) -> bool:
    """Say whether the process that was started then is alive."""
    found = started(pid)
    return found is not None and abs(found - since) < 1.0
