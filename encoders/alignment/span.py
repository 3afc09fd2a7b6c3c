"""A span: a part of one sound that is a part of another."""

from __future__ import annotations

from dataclasses import dataclass


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
