"""The clock of this machine."""

import time


class SystemClock:
    """Real time behind the port ``streams.ports.Clock``."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()
