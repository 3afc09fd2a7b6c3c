"""Seeded chance whose draws repeat on every version of Python."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws from one seed, made of ``random()`` alone: nothing else is promised to repeat across versions."""

    __slots__ = ("_next",)

    def __init__(self, seed: str) -> None:
        self._next = random.Random(seed).random  # noqa: S311 - it must repeat

    def roll(self, share: float) -> bool:
        """Say yes in this share of the draws."""
        return self._next() < share

    def between(self, low: int, high: int) -> int:
        """Draw an integer, both ends included."""
        return low + int(self._next() * (high - low + 1))

    def factor(self, low: float, high: float) -> float:
        """Draw a number between two others."""
        return low + self._next() * (high - low)

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of several."""
        return choices[self.between(0, len(choices) - 1)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Give them in a drawn order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.between(0, last)
            order[last], order[other] = order[other], order[last]
        return order
