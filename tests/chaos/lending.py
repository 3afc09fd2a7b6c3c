"""An installation that several tests share as long as it is sound."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Lending(Generic[T]):
    """Lends one thing to a test at a time; after a failure another one is made: no fault is told of twice.

    Parameters
    ----------
    make : callable
        makes the thing, and puts on the stack what it takes to end it
    """

    def __init__(self, make: Callable[[ExitStack], T]) -> None:
        self._make = make
        self._opened = ExitStack()
        self._there: T | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def take(self) -> T:
        """Give a sound one; it counts as broken until it is given back."""
        thing, self._there = self._there, None
        if thing is None:
            self._opened.close()
            thing = self._make(self._opened)
        return thing

    def give_back(self, thing: T) -> None:
        """Keep it for the next test."""
        self._there = thing
