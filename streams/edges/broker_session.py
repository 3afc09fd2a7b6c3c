"""A broker that was killed, and what its cluster still takes it for.

A single node of Kafka 4 that is started while its session of before still counts takes its partitions for
led, and sends itself the markers of a transaction that was just being committed. When that session ends and
nobody leads, it skips the markers as if the topics were deleted (its TransactionMarkerChannelManager says
"likely deleted already"): the transaction counts as committed, and its records stay open until the next one
takes them along. So its controller is started alone first, and the broker once that has noticed. With several
brokers another one leads by then.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from streams.edges.broker_config import SESSION_MS

POLL_SECONDS: Final = 0.1
# For a Java that starts on a busy machine, beside the session itself.
START_SECONDS: Final = 20.0
_CLEAN_FILE: Final = ".kafka_cleanshutdown"  # Kafka leaves it when it ends by itself
_ENDED: Final = b"because its session has timed out"


def was_killed(data: Path) -> bool:
    """Say whether a node ran on this folder of partitions and did not end by itself."""
    return any((data / "__cluster_metadata-0").glob("*.log")) and not (data / _CLEAN_FILE).exists()


def size_of(log: Path) -> int:
    """Return the bytes of a log that may not be there yet."""
    return log.stat().st_size if log.exists() else 0


def await_session_end(log: Path, *, since: int, alive: Callable[[], None]) -> bool:
    """Wait until a controller says in its log that the broker's session is over.

    Parameters
    ----------
    log : Path
    since : int >= 0
        its bytes before the controller was started
    alive : callable
        raises where the controller has ended

    Returns
    -------
    bool
        false when the time is over: the session had ended before, or the machine is very slow
    """
    deadline = time.monotonic() + SESSION_MS / 1000 + START_SECONDS
    while time.monotonic() < deadline:
        alive()
        if log.exists():
            with log.open("rb") as said:
                # One that is shorter now is a new one.
                said.seek(since if size_of(log) >= since else 0)
                if _ENDED in said.read():
                    return True
        time.sleep(POLL_SECONDS)
    return False
