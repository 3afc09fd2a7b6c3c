"""A span: a part of one sound that is a part of another, and the points that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from encoders.alignment.coincidence import Coincidences, IntArray
from encoders.landmarks import FRAME_MS

# A diagonal takes in a frame and a half to either side.
_ON: Final = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of ``a`` and the part of ``b`` that is the same, each in its own time.

    Attributes
    ----------
    start_a_ms, end_a_ms, start_b_ms, end_b_ms : int
    agreement : float in [0, 1]
        share of the landmarks in it that the other side has at the same place
    worth : float
        log-odds that it is no chance
    """

    start_a_ms: int
    end_a_ms: int
    start_b_ms: int
    end_b_ms: int
    agreement: float
    worth: float

    def offset(self, ratio: float) -> float:
        """Left time less right time in ms of the left's clock, the right side playing so much faster."""
        return self.start_a_ms - ratio * self.start_b_ms


def on_span(found: Coincidences, ratio: float, span: Span) -> IntArray:
    """Give the pairs that lie on a span."""
    pairs = np.flatnonzero(np.abs(found.offsets(ratio) - np.float32(span.offset(ratio) / FRAME_MS)) <= _ON)
    times = found.frames_left[found.left[pairs]]
    return pairs[(times >= span.start_a_ms / FRAME_MS) & (times < span.end_a_ms / FRAME_MS)]
