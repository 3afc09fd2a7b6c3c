"""The reference subscriber: the catalogue from topics alone, and whether it is what the arbiter keeps."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from streams.core.audit import Mismatch
from streams.core.records import ArbiterHead
from streams.core.subscribed import FollowedCatalogue, differences
from streams.core.subscribing import SUBSCRIBED, SequenceAssembler
from streams.errors import SequenceGap
from streams.ports import Codec
from streams.stages.audit import ATTEMPTS, PAUSE_SECONDS, Ends, LogView, ends_between_transactions

HEAD: Final = "arbiter.head.v1"
STATES: Final = ("upload.state.v1", "entity.state.v1", "relation.state.v1")


def follow_to_end(view: LogView, codec: Codec, ends: Mapping[str, Ends]) -> FollowedCatalogue:
    """Build the catalogue from the three topics, up to some ends.

    Raises
    ------
    SequenceGap
        a sequence, or a part of one, is missing or there twice
    """
    assembler, followed = SequenceAssembler(), FollowedCatalogue()
    for topic in SUBSCRIBED:
        for message in view.read(topic, ends[topic]):
            for whole in assembler.take(codec.decode(topic, message.value or b""), message.timestamp_ms):
                followed.apply(whole)
    lacks = assembler.lacks()
    if lacks is not None:
        raise SequenceGap(lacks)
    return followed


def compare_with_arbiter(
    view: LogView,
    codec: Codec,
    *,
    attempts: int = ATTEMPTS,
    wait: Callable[[float], object] = time.sleep,
) -> tuple[Mismatch, ...]:
    """Rebuild everything as a subscriber would and compare it with the arbiter's state; empty: they agree.

    What every attempt finds counts, as in :func:`streams.stages.audit.run_audit`: a commit is seen on one
    partition a moment before it is seen on another.

    Parameters
    ----------
    view : LogView
        ``streams.edges.committed_log.CommittedLog`` of a broker, or a log in memory
    codec : Codec
    attempts : int >= 1
        looks at most; one without a difference ends it
    wait : callable
        called with seconds between two looks
    """
    found = tuple(_look(view, codec))
    for _ in range(attempts - 1):
        if not found:
            break
        wait(PAUSE_SECONDS)
        held = {(each.what, each.subject) for each in found}
        found = tuple(each for each in _look(view, codec) if (each.what, each.subject) in held)
    return found


def _look(view: LogView, codec: Codec) -> Iterator[Mismatch]:
    """Compare once, at a cut that no transaction crosses."""
    ends = ends_between_transactions(view, (*SUBSCRIBED, *STATES))
    try:
        followed = follow_to_end(view, codec, ends)
    except SequenceGap as exc:
        yield Mismatch(hop="subscriber", what="gap", subject="sequence", detail=str(exc))
        return
    heads = list(_latest(view, codec, HEAD, ends[HEAD]))
    uploads, entities, relations = (_latest(view, codec, topic, ends[topic]) for topic in STATES)
    yield from differences(
        followed,
        head=heads[-1] if heads else ArbiterHead(),
        uploads=uploads,
        entities=entities,
        relations=relations,
    )


def _latest(view: LogView, codec: Codec, topic: str, ends: Ends) -> Iterator[Any]:
    """Give the latest record of each key of a compacted topic."""
    latest = {message.key: message.value for message in view.read(topic, ends)}
    for value in latest.values():
        yield codec.decode(topic, value or b"")
