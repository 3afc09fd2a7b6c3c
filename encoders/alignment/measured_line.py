"""A span while its ends are measured: where it runs, and which points of both sides lie on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A span in frames of the left side, and which points lie on its diagonal.

    Attributes
    ----------
    offset, begin, end : float
    on_left, on_right : bool [shape=(n,)]
        whether each point has its partner
    """

    offset: float
    begin: float
    end: float
    on_left: NDArray[np.bool_]
    on_right: NDArray[np.bool_]

    def on(self, side: int) -> NDArray[np.bool_]:
        """Say of each point of a side whether it has its partner."""
        return self.on_right if side else self.on_left

    def within(self, side: int, ratio: float) -> tuple[float, float]:
        """Give where it is in a side's own frames, the right side playing so much faster."""
        if not side:
            return self.begin, self.end
        return (self.begin - self.offset) / ratio, (self.end - self.offset) / ratio
