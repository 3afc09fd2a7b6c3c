"""Who may do what on the cluster, declared in one place: one user for each part, and nothing beyond its job.

What a part writes follows from ``streams.topics``; what it reads, its consumer group and its transactions are
declared here. A broker that refuses whatever is not granted does the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from streams.topics import TOPICS

Resource = Literal["topic", "group", "transactional_id"]
Operation = Literal["read", "write", "describe", "create", "describe_configs"]

ENCODE, FIND, ARBITRATE, INDEX, DRIFT = (
    "samesong.encode",
    "samesong.find",
    "samesong.arbitrate",
    "samesong.index",
    "samesong-drift",
)
TRANSACTIONS = "samesong-arbitrate"
# Who reads outside of a group still asks which broker would keep its offsets; nothing is kept there.
READERS = "samesong-reader-"
FOLLOWERS = "samesong-follower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One permission.

    Attributes
    ----------
    resource : {"topic", "group", "transactional_id"}
    name : str
    operation : str
        reading or writing includes describing
    prefix : bool
        whether it holds for every name that begins so
    """

    resource: Resource
    name: str
    operation: Operation
    prefix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One part of the system, or one kind of person, with a user of its own.

    Attributes
    ----------
    name : str
        as in ``samesong run`` where it is a stage
    purpose : str
    grants : tuple of Grant
        each once
    """

    name: str
    purpose: str
    grants: tuple[Grant, ...]


def _reads(*topics: str) -> list[Grant]:
    return [Grant(resource="topic", name=name, operation="read") for name in topics]


def _writes(writer: str) -> list[Grant]:
    """Grant what ``streams.topics`` says that this part writes."""
    return [
        Grant(resource="topic", name=spec.name, operation="write")
        for spec in TOPICS
        if writer in spec.writer.split(", ")
    ]


def _joins(*groups: str) -> list[Grant]:
    return [Grant(resource="group", name=name, operation="read") for name in groups]


def _asks_for_offsets(*groups: str) -> list[Grant]:
    return [Grant(resource="group", name=name, operation="describe") for name in groups]


def _without_group() -> list[Grant]:
    return [
        Grant(resource="group", name=READERS, operation="describe", prefix=True),
        Grant(resource="group", name=FOLLOWERS, operation="describe"),
    ]


def _stage(name: str, purpose: str, *parts: Iterable[Grant]) -> Role:
    """Declare a stage: each follows whether it is paused, outside of any group."""
    return _role(name, purpose, *parts, _reads("stage.control.v1"), _without_group())


def _role(name: str, purpose: str, *parts: Iterable[Grant]) -> Role:
    return Role(
        name=name, purpose=purpose, grants=tuple(dict.fromkeys(grant for part in parts for grant in part))
    )


_STATE = (
    "arbiter.head.v1",
    "upload.state.v1",
    "entity.state.v1",
    "pair.state.v1",
    "relation.state.v1",
    "index.row.v1",
)
_PUBLIC = (
    "resolution.decided.v1",
    "entity.changed.v1",
    "relation.changed.v1",
    "review.requested.v1",
    "upload.contradiction.v1",
    "drift.window.v1",
    "drift.alert.v1",
)

_FIND = (
    *_reads(
        "upload.encoded.v1", "lookup.again.v1", "review.verdict.v1", "admin.command.v1", "model.promoted.v1"
    ),
    *_writes("find"),
    *_joins(FIND),
    # It pauses while the arbiter is behind.
    *_asks_for_offsets(ARBITRATE),
)
_INDEX = (*_reads("index.row.v1"), *_writes("index"), *_joins(INDEX))

ROLES: tuple[Role, ...] = (
    _role("upstream", "sends uploads", _writes("upstream ingestion")),
    _stage("encode", "the encode stage", _reads("catalog.upload.v1"), _writes("encode"), _joins(ENCODE)),
    _stage("find", "the find stage, with a Milvus server", _FIND),
    _stage("index", "the index stage, with a Milvus server", _INDEX),
    _stage("index-lite", "the index stage with Milvus Lite, which also finds", _INDEX, _FIND),
    _stage(
        "arbitrate",
        "the arbiter",
        _reads("arbiter.input.v1", "index.watermark.v1", *_STATE),
        _writes("arbitrate"),
        _joins(ARBITRATE),
        [Grant(resource="transactional_id", name=f"{TRANSACTIONS}-", operation="write", prefix=True)],
    ),
    _stage(
        "audit",
        "the audit",
        _reads(*(spec.name for spec in TOPICS)),
        _asks_for_offsets(ENCODE, FIND, ARBITRATE),
    ),
    _stage(
        "drift",
        "the drift monitor",
        _reads("embedding.sketch.v1"),
        _writes("drift"),
        _joins(DRIFT),
        # The changelog of its table; Faust makes it.
        [
            Grant(resource="topic", name=f"{DRIFT}-", operation=operation, prefix=True)
            for operation in ("read", "write", "create", "describe_configs")
        ],
    ),
    _role(
        "reviewer",
        "settles pairs",
        _writes("reviewers"),
        _reads("review.requested.v1", "pair.state.v1", "upload.state.v1", "resolution.decided.v1"),
        _without_group(),
    ),
    _role(
        "operator",
        "commands, pauses, dead letters and their replay, topics",
        _writes("operators"),
        _writes("upstream ingestion"),
        _reads(*(spec.name for spec in TOPICS)),
        [
            Grant(resource="topic", name=spec.name, operation=operation)
            for spec in TOPICS
            for operation in ("create", "describe_configs")
        ],
        _asks_for_offsets(ENCODE, FIND, ARBITRATE, INDEX),
        _without_group(),
    ),
    _role("subscriber", "follows what is decided", _reads(*_PUBLIC), _without_group()),
)
