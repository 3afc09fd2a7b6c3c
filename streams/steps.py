"""Every numbered step of every stage, in one list: where a process may die, and where tests make it die."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

Moment = Literal["before", "after"]
MOMENTS: Final[tuple[Moment, ...]] = ("before", "after")


class Step(StrEnum):
    """Something that a stage does and that a crash can cut off from what follows it."""

    process = "process"
    keep = "keep"
    publish_first = "publish_first"
    publish_rest = "publish_rest"
    acknowledge = "acknowledge"
    commit = "commit"
    catch_up = "catch_up"
    upsert = "upsert"
    flush = "flush"
    watermark = "watermark"
    fence = "fence"
    restore = "restore"
    decide = "decide"
    begin = "begin"
    produce_first = "produce_first"
    produce_rest = "produce_rest"
    send_offsets = "send_offsets"
    apply = "apply"
    look = "look"
    fold = "fold"
    publish = "publish"
    store = "store"


# Publishing and producing come in halves, so that "some of the batch" is a place of its own.
STEPS: Final[Mapping[str, tuple[Step, ...]]] = MappingProxyType(
    {
        "encode": (
            Step.keep,
            Step.process,
            Step.publish_first,
            Step.publish_rest,
            Step.acknowledge,
            Step.commit,
        ),
        "find": (
            Step.process,
            Step.publish_first,
            Step.publish_rest,
            Step.acknowledge,
            Step.commit,
        ),
        "arbitrate": (
            Step.fence,
            Step.restore,
            Step.decide,
            Step.begin,
            Step.produce_first,
            Step.produce_rest,
            Step.send_offsets,
            Step.commit,
            Step.apply,
        ),
        "index": (
            Step.catch_up,
            Step.upsert,
            Step.flush,
            Step.watermark,
            Step.process,
            Step.publish_first,
            Step.publish_rest,
            Step.acknowledge,
            Step.commit,
        ),
        "audit": (Step.look,),
        "drift": (Step.fold, Step.publish, Step.store),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPoint:
    """A moment of one step of one stage, written ``stage.step.moment``."""

    stage: str
    step: Step
    moment: Moment

    @property
    def number(self) -> int:
        """The step's place in its stage, from 1."""
        return STEPS[self.stage].index(self.step) + 1

    def __str__(self) -> str:
        return f"{self.stage}.{self.step}.{self.moment}"


CRASH_POINTS: Final[tuple[CrashPoint, ...]] = tuple(
    CrashPoint(stage=stage, step=step, moment=moment)
    for stage, steps in STEPS.items()
    for step in steps
    for moment in MOMENTS
)

Guard = Callable[[Step], AbstractContextManager[object]]
"""Stands around each step of one stage; a stage that nobody tests has :func:`unguarded`."""

_NOTHING: Final = nullcontext()


def unguarded(_step: Step) -> AbstractContextManager[object]:
    """Let a step be."""
    return _NOTHING
