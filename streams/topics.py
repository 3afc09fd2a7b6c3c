"""Every topic, declared in one place: partitions, clean-up, retention, what for and who writes it."""

from dataclasses import dataclass
from typing import Literal

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FOREVER = -1
MAX_MESSAGE_BYTES = 1_048_576

Cleanup = Literal["delete", "compact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One topic as it must be on the cluster.

    Attributes
    ----------
    name : str
    partitions : int >= 1
    purpose : str
        what a record of it says
    writer : str
        the one part that writes to it
    key : str
        the partition key; order holds only inside a partition
    cleanup : {"delete", "compact"}
    retention_ms : int [ms]
        -1 keeps for ever; without meaning where ``cleanup`` is "compact"
    max_message_bytes : int [bytes]
    append_time : bool
        stamp records with the broker's clock instead of the sender's
    """

    name: str
    partitions: int
    purpose: str
    writer: str
    key: str
    cleanup: Cleanup = "delete"
    retention_ms: int = 7 * DAY_MS
    max_message_bytes: int = MAX_MESSAGE_BYTES
    append_time: bool = False

    def settings(self) -> dict[str, str]:
        """Return the topic's settings under Kafka's names."""
        settings = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
        }
        if self.cleanup == "delete":
            settings["retention.ms"] = str(self.retention_ms)
            # A cluster may bound every topic by size; these are bounded by time alone.
            settings["retention.bytes"] = "-1"
        return settings


def _compacted(name: str, *, key: str, writer: str, purpose: str) -> TopicSpec:
    """Declare a compacted topic of one partition: the latest record of each key is kept."""
    return TopicSpec(name=name, partitions=1, key=key, writer=writer, purpose=purpose, cleanup="compact")


def _log(name: str, *, key: str, writer: str, purpose: str, append_time: bool = False) -> TopicSpec:
    """Declare a topic of one partition that is kept for ever."""
    return TopicSpec(
        name=name,
        partitions=1,
        key=key,
        writer=writer,
        purpose=purpose,
        retention_ms=FOREVER,
        append_time=append_time,
    )


_ITEM = "(source, item)"

TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(
        name="catalog.upload.v1",
        partitions=4,
        key=_ITEM,
        writer="upstream ingestion",
        purpose="uploads and withdrawals as they arrive",
        retention_ms=30 * DAY_MS,
    ),
    TopicSpec(
        name="upload.encoded.v1",
        partitions=4,
        key=_ITEM,
        writer="encode, operators",
        purpose="uploads with vectors, fingerprints, parsed titles and checked identifiers, or a refusal",
        retention_ms=30 * DAY_MS,
    ),
    TopicSpec(
        name="lookup.again.v1",
        partitions=2,
        key=_ITEM,
        writer="arbitrate",
        purpose="records whose index watermark is older than the overlay's floor: find looks them up anew",
    ),
    TopicSpec(
        name="embedding.sketch.v1",
        partitions=2,
        key="(modality, model)",
        writer="encode",
        purpose="sketches of embeddings per range of input offsets, for the drift monitor",
        append_time=True,
    ),
    TopicSpec(
        name="drift.window.v1",
        partitions=1,
        key="(modality, model)",
        writer="drift",
        purpose="what one closed window of embeddings looked like beside the reference",
        retention_ms=90 * DAY_MS,
    ),
    TopicSpec(
        name="drift.alert.v1",
        partitions=1,
        key="(modality, model)",
        writer="drift",
        purpose="a window drifted, or never closed",
        retention_ms=90 * DAY_MS,
    ),
    TopicSpec(
        name="review.verdict.v1",
        partitions=1,
        key="pair",
        writer="reviewers",
        purpose="a person's match or non-match of two uploads",
        retention_ms=90 * DAY_MS,
    ),
    TopicSpec(
        name="admin.command.v1",
        partitions=1,
        key="command id",
        writer="operators",
        purpose="commands that change what the arbiter decides",
        retention_ms=90 * DAY_MS,
    ),
    TopicSpec(
        name="model.promoted.v1",
        partitions=1,
        key="subject",
        writer="operators, arbitrate",
        purpose="a bundle of rules and thresholds comes into force, or the catalogue has outgrown its size",
        retention_ms=90 * DAY_MS,
    ),
    _compacted(
        "stage.control.v1",
        key="stage, or stage and partition",
        writer="operators, encode",
        purpose="which stages and partitions take nothing in for now",
    ),
    _log(
        "arbiter.input.v1",
        key=_ITEM,
        writer="find",
        purpose="the one log that is decided on: candidates with evidence, verdicts, commands, promotions",
    ),
    _log(
        "resolution.decided.v1",
        key=_ITEM,
        writer="arbitrate",
        purpose="what became of each upload, with its evidence",
    ),
    _log(
        "entity.changed.v1",
        key="entity id",
        writer="arbitrate",
        purpose="entities minted, joined, merged, split, restored or retired",
        # As-of reads compare with one clock, the broker's.
        append_time=True,
    ),
    _log(
        "relation.changed.v1",
        key="relation id",
        writer="arbitrate",
        purpose="typed relations between entities, made and withdrawn",
        # As-of reads compare with one clock, the broker's.
        append_time=True,
    ),
    TopicSpec(
        name="review.requested.v1",
        partitions=1,
        key="pair",
        writer="arbitrate",
        purpose="pairs that a person must settle",
        retention_ms=90 * DAY_MS,
    ),
    TopicSpec(
        name="upload.contradiction.v1",
        partitions=1,
        key=_ITEM,
        writer="arbitrate",
        purpose="facts of an upload that cannot be true, such as a wrong check digit",
        retention_ms=90 * DAY_MS,
    ),
    TopicSpec(
        name="deadletter.v1",
        partitions=1,
        key="origin",
        writer="arbitrate",
        purpose="refused records with code, reason and raw bytes",
        retention_ms=90 * DAY_MS,
    ),
    _compacted(
        "upload.state.v1", key=_ITEM, writer="arbitrate", purpose="per item: revision, digest, decision"
    ),
    _compacted("entity.state.v1", key="entity id", writer="arbitrate", purpose="per entity: its members"),
    _compacted(
        "relation.state.v1", key="relation id", writer="arbitrate", purpose="per relation: both sides"
    ),
    _compacted("pair.state.v1", key="pair", writer="arbitrate", purpose="per pair: score or verdict"),
    _compacted(
        "arbiter.head.v1", key="partition", writer="arbitrate", purpose="how far the arbiter has decided"
    ),
    _compacted("index.row.v1", key="row id", writer="arbitrate", purpose="rows of the vector index"),
    _compacted(
        "index.watermark.v1", key="build", writer="index", purpose="how far each index build has folded"
    ),
)


def topic(name: str) -> TopicSpec:
    """Return one topic's declaration.

    Raises
    ------
    KeyError
        no topic has this name
    """
    for spec in TOPICS:
        if spec.name == name:
            return spec
    raise KeyError(name)
