"""Processes that perform works while the network trains."""

from __future__ import annotations

import multiprocessing as mp
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

import numpy as np

from encoders.training.arranging import AS_TRAINED, Freedom, performance
from encoders.training.composing import harmonised, invented
from encoders.training.note_bank import SECONDS, Names, Notation
from encoders.training.quilts import excerpt, quilt
from encoders.training.works import Work

# Performances of one work that are made together.
GROUP: Final = 4
# As free as most covers, half of the time; further on; and as far as it goes.
NEAR: Final = Freedom(tempo=(0.8, 1.25), drop_voice=0.0, drums=0.0, dropped_notes=0.1)
_MIDDLE: Final = Freedom(tempo=(0.75, 1.3), drop_voice=0.1, edits=0.5, drums=0.2, dropped_notes=0.1)
_FREEDOMS: Final = (NEAR, NEAR, _MIDDLE, AS_TRAINED)
# How often a group is an excerpt of a score for several voices, a quilt of such, a single tune with chords
# put under it; the rest is invented.
_SHARES: Final = (0.30, 0.22, 0.18)
_BEATS: Final = 200.0
_LEAST_NOTES: Final = 30
_WAITING: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Performances of one work.

    Attributes
    ----------
    label : int
        of this group alone
    origin : int
        the score it was cut from; groups of one origin are no strangers of each other
    notation : Notation
    """

    label: int
    origin: int
    notation: Notation


@dataclass(frozen=True, slots=True)
class Repertoire:
    """The works that groups are drawn from.

    Attributes
    ----------
    scores : sequence of Work
        for several voices
    tunes : sequence of Work
    """

    scores: Sequence[Work]
    tunes: Sequence[Work]

    @classmethod
    def of(cls, works: Sequence[Work]) -> Repertoire:
        """Sort works by whether they have more than one voice."""
        several = [len(np.unique(work.notes["voice"])) > 1 for work in works]
        return cls(
            [work for work, more in zip(works, several, strict=True) if more],
            [work for work, more in zip(works, several, strict=True) if not more],
        )

    def draw(self, rng: np.random.Generator) -> tuple[int, Work]:
        """Draw a work, and which score it is from; below 0 for none."""
        kind, (scores, quilts, tunes) = float(rng.random()), np.cumsum(_SHARES)
        if kind < scores and self.scores:
            which = int(rng.integers(len(self.scores)))
            work = self.scores[which]
            spare = max(0.0, work.beats - 64.0)
            begin = 0.0 if rng.random() < 0.4 else 4.0 * (rng.uniform(0.0, spare) // 4.0)
            return which, excerpt(work, begin, _BEATS)
        if scores <= kind < quilts and self.scores:
            return -1, quilt(self.scores, rng)
        if quilts <= kind < tunes and self.tunes:
            which = int(rng.integers(len(self.tunes)))
            return len(self.scores) + which, harmonised(self.tunes[which]).head(_BEATS)
        return -1, invented(int(rng.integers(1 << 29)))


def group_of(number: int, repertoire: Repertoire, names: Names, seed: int) -> Group:
    """Perform one work several times.

    Parameters
    ----------
    number : int >= 0
        which group; decides everything together with ``seed``
    repertoire : Repertoire
    names : Names
    seed : int
    """
    rng = np.random.default_rng([seed, number])
    while True:
        origin, work = repertoire.draw(rng)
        freedom = _FREEDOMS[int(rng.integers(len(_FREEDOMS)))]
        played = (
            [performance(work, rng, seconds=SECONDS, freedom=freedom) for _ in range(GROUP)]
            if len(work.notes)
            else []
        )
        if played and min(map(len, played)) >= _LEAST_NOTES:
            return Group(
                label=number,
                origin=origin if origin >= 0 else -1 - number,
                notation=names.written(played, rng),
            )


_T = TypeVar("_T")


def _keep_performing(out: Any, first: int, step: int, perform: Callable[[int], Any]) -> None:
    number = first
    while True:
        out.put(perform(number))
        number += step


class Performers(Generic[_T]):
    """A troupe of processes; used as a context.

    Parameters
    ----------
    perform : callable
        given a number from 0 on, each once
    processes : int > 0
    """

    def __init__(self, perform: Callable[[int], _T], *, processes: int) -> None:
        context = mp.get_context("fork")
        self._queue: Any = context.Queue(_WAITING)
        self._processes = [
            context.Process(
                target=_keep_performing, args=(self._queue, number, processes, perform), daemon=True
            )
            for number in range(processes)
        ]

    def __enter__(self) -> Performers[_T]:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.join()

    def next(self) -> _T:
        """Wait for a performance."""
        found: _T = self._queue.get(timeout=300)
        return found

    def ready(self, most: int) -> list[_T]:
        """Give those that are there already."""
        found: list[_T] = []
        while len(found) < most:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return found
