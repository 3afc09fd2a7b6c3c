"""How the stages of an installation stand: paused or not, and how much waits for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.cli.reaching import reached
from streams.cli.stages import Stage
from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.controls import Controls
from streams.core.records import StageControl
from streams.edges.committed_log import committed_offsets, partitions_of, read_topic
from streams.edges.control_log import CONTROLS
from streams.edges.log_reader import LogReader
from streams.errors import DecodeError
from streams.stages.arbiter_records import ROWS
from streams.stages.audit import ARBITER_GROUP, ENCODE_GROUP, FIND_GROUP, UPLOADS
from streams.stages.encode import ENCODED
from streams.stages.find import AGAIN, INPUT, PASSED_ON
from streams.stages.index import INDEX_GROUP
from streams.supervision import read_status

INPUTS_OF = {
    "encode": (ENCODE_GROUP, (UPLOADS,)),
    "find": (FIND_GROUP, (ENCODED, AGAIN, *PASSED_ON)),
    "arbitrate": (ARBITER_GROUP, (INPUT,)),
    "index": (INDEX_GROUP, (ROWS,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRow:
    """One stage, or one partition that a stage does not read."""

    stage: str
    what: str
    intake: str  # open, or paused
    since: str | None = None
    by: str = ""
    why: str = ""
    waiting: int | None = None
    process: str = ""


def read_controls(settings: Settings) -> tuple[Controls, dict[str, int]]:
    """Read the latest word on every stage, and when each was said."""
    codec, controls, at_ms = codec_for(settings), Controls(), {}
    for message in read_topic(reached(settings), kafka_extra(settings), CONTROLS):
        try:
            said: StageControl = codec.decode(CONTROLS, message.value or b"")
        except DecodeError:
            continue
        controls.take(said)
        at_ms[said.key()] = message.timestamp_ms
    return controls, at_ms


def stage_rows(settings: Settings) -> Iterator[StageRow]:
    """Tell how each stage stands, and below it the partitions that it does not read.

    Raises
    ------
    BrokerUnavailable
        Kafka does not answer
    """
    controls, at_ms = read_controls(settings)
    running = {each.name: each for each in read_status(settings.data_dir)}
    # With Milvus Lite the index process finds as well.
    if "find" not in running and settings.index.uri is None and "index" in running:
        running["find"] = running["index"]
    for name in (stage.value for stage in Stage):
        process = running.get(name)
        said = controls.paused(name)
        yield StageRow(
            stage=name,
            what=name,
            intake="open" if said is None else "paused",
            since=_time(at_ms.get(said.key())) if said else None,
            by=said.by if said else "",
            why=(said.note or "") if said else "",
            waiting=_waiting(settings, name),
            process="" if process is None else (f"{process.pid}" if process.alive else "not running"),
        )
        for held in controls.held(name):
            yield StageRow(
                stage=name,
                what=f"{held.topic} [{held.partition}]",
                intake="paused",
                since=_time(at_ms.get(held.key())),
                by=held.by,
                why=" ".join(filter(None, (held.code, held.note))),
            )


def partitions_of_uploads(settings: Settings) -> tuple[int, ...]:
    """Return the partitions of the uploads as the cluster has them."""
    return partitions_of(reached(settings), kafka_extra(settings), [UPLOADS])[UPLOADS]


def end_of_uploads(settings: Settings, partition: int) -> int:
    """Return the end of one partition of the uploads, as of now."""
    with LogReader(bootstrap_of(settings), kafka_extra(settings)) as reader:
        return reader.bounds(UPLOADS, partition)[1]


def _waiting(settings: Settings, stage: str) -> int | None:
    """Count what lies between a stage's committed offsets and the ends of its topics."""
    if stage not in INPUTS_OF:
        return None
    group, topics = INPUTS_OF[stage]
    bootstrap, extra = bootstrap_of(settings), kafka_extra(settings)
    committed = committed_offsets(bootstrap, extra, group, topics)
    waiting = 0
    with LogReader(bootstrap, extra) as reader:
        for topic, partitions in partitions_of(bootstrap, extra, topics).items():
            for partition in partitions:
                low, end = reader.bounds(topic, partition)
                waiting += end - max(low, min(end, committed.get((topic, partition), low)))
    return waiting


def _time(at_ms: int | None) -> str | None:
    """Write a time as people read it."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(" ", "seconds")
