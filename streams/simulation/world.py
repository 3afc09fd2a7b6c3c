"""The scheduler: many threads of which one goes on at a time, in an order and at times drawn from a seed.

A thread gives way only where it asks for something (a client call, a wait, a sleep); between two such points
it runs undisturbed. Time passes when everybody waits. The threads are greenlets, all of one thread of the
system: handing over between those costs more than most of what is done between two points.
"""

import random
from collections import Counter
from collections.abc import Callable
from math import inf
from typing import Final

from greenlet import getcurrent, greenlet

# What a call takes: enough for loops that never wait to see their deadlines come.
CALL_SECONDS: Final = 0.0005


class Crashed(BaseException):
    """The process of the running thread is dead: unwind, with no effect on anything outside."""


class Stuck(Exception):
    """Nobody will ever go on."""


class Actor:
    """Whatever lives and may die: a process, and the test's own hand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.paused_until = 0.0


class Task:
    """One thread of an actor."""

    __slots__ = ("actor", "done", "error", "heir", "name", "stack", "wake_at")

    def __init__(self, actor: Actor, name: str, stack: greenlet) -> None:
        self.actor = actor
        self.name = name
        self.wake_at = 0.0
        self.done = False
        self.error: BaseException | None = None
        self.heir: Task | None = None  # who goes on when this thread ends
        self.stack = stack


class World:
    """Time, chance, and who goes on next.

    Parameters
    ----------
    seed : int
    restless : float in [0, 1]
        how likely a thread gives way at a point where it need not
    trace : bool
        keep a line per step

    Attributes
    ----------
    now : float [s]
    chance : random.Random
    lines : list of str
        the trace
    happened : Counter
        how often what happened
    """

    def __init__(self, seed: int, *, restless: float = 0.25, trace: bool = False) -> None:
        self.now = 0.0
        self.chance = random.Random(seed)  # noqa: S311 - a run must repeat
        self.tracing = trace
        self.lines: list[str] = []
        self.happened: Counter[str] = Counter()
        self._restless = restless
        self._tasks: list[Task] = []
        self.hand = Task(Actor("hand"), "hand", getcurrent())
        self._tasks.append(self.hand)
        self.current = self.hand

    # --- threads ---

    def start(self, actor: Actor, work: Callable[[], None], *, name: str) -> Task:
        """Start a thread; it goes on when it is its turn."""

        def run() -> None:
            try:
                if not actor.dead:
                    work()
            except Crashed:
                pass
            except BaseException as exc:
                task.error = exc
            self._end(task)

        task = Task(actor, f"{actor.name}/{name}", greenlet(run, self.hand.stack))
        task.wake_at = self.now
        self._tasks.append(task)
        return task

    def _end(self, task: Task) -> None:
        """Leave the stage for good."""
        task.done = True
        self._tasks.remove(task)
        self.current = task.heir or self._next()

    def reap(self, actor: Actor) -> None:
        """Unwind every other thread of a dead actor, now."""
        running = self.current
        for task in [each for each in self._tasks if each.actor is actor and each is not running]:
            task.heir = running
            self._hand_over(task)

    # --- taking turns ---

    def point(self, what: str) -> None:
        """Pass a point at which others may go on."""
        task = self.current
        if task.actor.dead:
            raise Crashed
        self.now += CALL_SECONDS
        if self.tracing:
            self.say(what)
        if task.actor.paused_until > self.now or self.chance.random() < self._restless:
            self._give_way(self.now)

    def sleep(self, seconds: float) -> None:
        """Let the running thread wait."""
        self._give_way(self.now + seconds)

    def sleep_until(self, when: float) -> None:
        """Let the running thread wait until a time, or until somebody sets its ``wake_at`` earlier."""
        self._give_way(when)

    def _give_way(self, wake_at: float) -> None:
        task = self.current
        if task.actor.dead:
            raise Crashed
        task.wake_at = wake_at
        follower = self._next()
        if follower is not task:
            self._hand_over(follower)
        if task.actor.dead:
            raise Crashed

    def _hand_over(self, follower: Task) -> None:
        """Let another thread go on until it is the running one's turn again."""
        task, self.current = self.current, follower
        follower.stack.switch()
        # A thread that ends goes on in its parent, the hand, whoever's turn it is.
        while self.current is not task:
            self.current.stack.switch()

    def _next(self) -> Task:
        """Choose among those who can go on; when nobody can, let time pass."""
        now = self.now
        ready = [task for task in self._tasks if task.wake_at <= now and task.actor.paused_until <= now]
        if not ready:
            self.now = min(max(task.wake_at, task.actor.paused_until) for task in self._tasks)
            if self.now == inf:
                self.now = now
                raise Stuck(", ".join(task.name for task in self._tasks))
            now = self.now
            ready = [task for task in self._tasks if task.wake_at <= now and task.actor.paused_until <= now]
        return ready[0] if len(ready) == 1 else self.chance.choice(ready)

    # --- telling ---

    def say(self, what: str) -> None:
        """Note a line of the trace."""
        if self.tracing:
            self.lines.append(f"{self.now:9.4f}  {self.current.name:<24} {what}")
