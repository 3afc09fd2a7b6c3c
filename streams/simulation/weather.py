"""What goes wrong, how often, and what happens to a process at one of its steps."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to a process.

    Attributes
    ----------
    kind : {"crash", "pause", "cut"}
        it dies; none of its threads goes on for a time; it cannot reach the brokers for a time
    seconds : float [s]
    """

    kind: Literal["crash", "pause", "cut"]
    seconds: float = 0.0


Fates = dict[int | str, Fault]
"""What happens to a process: at its n-th step, or at a named one of ``streams.steps`` (``after begin 2``:
when it passes that for the second time).
"""


@dataclass(slots=True, kw_only=True)
class Weather:
    """Chances of small mishaps, each in [0, 1], at every occasion for one.

    Attributes
    ----------
    lost_answer : float
        of a request to end a transaction: it arrives or not, and its answer never does
    lost_acknowledgement : float
        a record is written and its writer is told that it was not
    full_queue : float
        a producer takes no record just now
    held_back : float
        a partition gives a consumer nothing for a while, after any record
    slipped : float
        a record comes through just after a pause
    unready_seek : float
        a seek just after an assignment is refused
    told_late : float
        a poll does not tell yet what became of the commits before it
    """

    lost_answer: float = 0.0
    lost_acknowledgement: float = 0.0
    full_queue: float = 0.0
    held_back: float = 0.0
    slipped: float = 0.0
    unready_seek: float = 0.0
    told_late: float = 0.0

    def clear_up(self) -> None:
        """Let nothing go wrong any more."""
        self.lost_answer = self.lost_acknowledgement = self.full_queue = 0.0
        self.held_back = self.slipped = self.unready_seek = self.told_late = 0.0
