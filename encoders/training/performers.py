"""Processes that perform works while the network trains."""

from __future__ import annotations

import multiprocessing as mp
import queue
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.features.audio import FloatArray
from encoders.features.semitones import FRAME_S, POOL, semitone_frames
from encoders.training.arranging import AS_TRAINED, Freedom, performance
from encoders.training.composing import harmonised, invented
from encoders.training.templates import Templates
from encoders.training.works import Work

HalfArray = NDArray[np.float16]

# Performances of one work that are made together.
GROUP: Final = 4
# Two minutes: most of a song, and of a fiddle tune played four times.
SECONDS: Final = 120.0
FRAMES: Final = int(SECONDS / FRAME_S)
_WAITING: Final = 64
_LEAST_FRAMES: Final = 60


def perform(
    work: Work, templates: Sequence[Templates], rng: np.random.Generator, *, freedom: Freedom = AS_TRAINED
) -> FloatArray:
    """Give one performance as semitone frames over their mean: float32 [shape=(t, 84)]."""
    notes = performance(work, rng, seconds=SECONDS, freedom=freedom)
    last = float((notes["start"] + notes["length"]).max()) if len(notes) else 1.0
    frames = max(_LEAST_FRAMES, min(FRAMES, int(last / FRAME_S)))
    chosen = templates[int(rng.integers(len(templates)))]
    heard = semitone_frames(
        chosen.spectrogram(notes, frames=frames * POOL, tuning=int(rng.choice([-1, 0, 0, 0, 1])))
    )
    return heard / np.float32(max(float(heard.mean()), 1e-9))


def group_of(
    number: int, works: Sequence[Work], templates: Sequence[Templates], seed: int
) -> tuple[int, list[HalfArray]]:
    """Perform one work several times.

    Parameters
    ----------
    number : int >= 0
        which group; decides everything together with ``seed``
    works : sequence of Work
        every second group is one of them, the others are invented

    Returns
    -------
    label : int
        the work: 0 and up for those given, below 0 for invented ones
    group : list of float16 [shape=(t, 84)]
    """
    rng = np.random.default_rng([seed, number])
    given = len(works) > 0 and rng.random() < 0.6
    which = int(rng.integers(len(works) if given else 1 << 30))
    work = harmonised(works[which]) if given else invented(which)
    group = [perform(work, templates, rng).astype(np.float16) for _ in range(GROUP)]
    return (which if given else -1 - which), group


def _keep_performing(
    out: Any, first: int, step: int, works: Sequence[Work], templates: Sequence[Templates], seed: int
) -> None:
    number = first
    while True:
        out.put(group_of(number, works, templates, seed))
        number += step


class Performers:
    """A troupe of processes; used as a context.

    Parameters
    ----------
    works : sequence of Work
    templates : sequence of Templates
    seed : int
    processes : int > 0
    """

    def __init__(
        self, works: Sequence[Work], templates: Sequence[Templates], *, seed: int, processes: int
    ) -> None:
        context = mp.get_context("fork")
        self._queue: Any = context.Queue(_WAITING)
        self._processes = [
            context.Process(
                target=_keep_performing,
                args=(self._queue, number, processes, works, templates, seed),
                daemon=True,
            )
            for number in range(processes)
        ]

    def __enter__(self) -> Performers:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.join()

    def next(self) -> tuple[int, list[HalfArray]]:
        """Wait for a group."""
        found: tuple[int, list[HalfArray]] = self._queue.get(timeout=300)
        return found

    def ready(self, most: int) -> list[tuple[int, list[HalfArray]]]:
        """Give groups that are there already."""
        found: list[tuple[int, list[HalfArray]]] = []
        while len(found) < most:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return found
