"""`samesong resolve` and `samesong compare`: the same stages without Kafka, over a log in memory."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from streams.core.catalogue import CatalogueState
from streams.core.compare import compare_uploads
from streams.core.records import Decision, EncodedUpload, IndexRow, Kind, Pictures
from streams.core.relating import entity_now, heard_in
from streams.core.rules import Confirm, Rules
from streams.core.scoring import Scorer
from streams.core.upload_json import read_json
from streams.errors import SchemaError
from streams.ports import CandidateIndex, Codec, Delivered, Lines, Material, Message, Processor, Produced
from streams.stages.arbiter_records import ROWS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.encode import ENCODED
from streams.stages.find import PROMOTIONS, FindProcessor

UPLOADS: Final = "catalog.upload.v1"
DECISIONS: Final = "resolution.decided.v1"
BATCH: Final = 256
SEARCH_LIMIT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineParts:
    """What both commands are built of.

    Attributes
    ----------
    codec : Codec
    encode : Processor
        the encode stage, with or without models
    confirm : callable
        compares two sounds from the features that ``encode`` kept
    material : Material, optional
        empty: the sounds that come are searched for material in common
    lines : Lines, optional
        ranks the nearest by harmony once more
    settled : callable
        called when a batch has been taken into the catalogue
    """

    codec: Codec
    encode: Processor
    confirm: Confirm
    settled: Callable[[], object] = lambda: None
    material: Material | None = None
    lines: Lines | None = None


def resolve_lines(
    lines: Iterable[bytes], parts: OfflineParts, *, index: CandidateIndex, rules: Rules
) -> Iterator[dict[str, Any]]:
    """Resolve uploads in their order; give one answer per line once all are read, ids after all merges.

    Parameters
    ----------
    lines : iterable of bytes
        one JSON upload each; one that cannot be read is answered with decision `rejected` and a reason
    index : CandidateIndex
        empty
    rules : Rules
    """
    decisions, catalogue = decide_lines(lines, parts, index=index, rules=rules)
    for decision in decisions:
        yield _answer(decision, catalogue)


def decide_lines(
    lines: Iterable[bytes], parts: OfflineParts, *, index: CandidateIndex, rules: Rules
) -> tuple[list[Decision], CatalogueState]:
    """Run uploads through every stage; give the decisions as they were written, and the state at the end."""
    return decide_encoded(encode_lines(lines, parts), parts, index=index, rules=rules)


def encode_lines(lines: Iterable[bytes], parts: OfflineParts) -> Iterator[list[Produced]]:
    """Run uploads through the encode stage, batch by batch."""
    log = _Log()
    for batch in _batches(lines):
        yield _encode(parts, log, batch)


def decide_encoded(
    batches: Iterable[Sequence[Produced]], parts: OfflineParts, *, index: CandidateIndex, rules: Rules
) -> tuple[list[Decision], CatalogueState]:
    """Run encoded uploads through the stages that follow; their order decides, whatever they were read in."""
    log = _Log()
    material = parts.material
    find = FindProcessor(
        index,
        parts.codec,
        limit=SEARCH_LIMIT,
        confirm=parts.confirm,
        material=None if material is None else lambda: material,
        lines=parts.lines,
    )
    stage = ArbitrateStage(
        parts.codec,
        rules,
        watermark=lambda: index.active().watermark,
        overlay_rows=2**62,
        settled=parts.settled,
    )
    decisions: list[Decision] = []
    promoted: list[Message] = []
    for encoded in batches:
        found = log.append(find.process([*promoted, *log.append(encoded)]))
        produced = stage.decide(found)
        written = log.append(produced)
        promoted = [each for each in written if each.topic == PROMOTIONS]
        delivered = [Delivered(p, m.offset) for p, m in zip(produced, written, strict=True)]
        stage.committed(delivered, next_offset=found[-1].offset + 1)
        for each in produced:
            if each.topic == DECISIONS:
                decisions.append(parts.codec.decode(DECISIONS, each.value or b""))
        rows: list[IndexRow] = [
            parts.codec.decode(ROWS, each.value or b"") for each in produced if each.topic == ROWS
        ]
        index.apply(index.active().name, rows, watermark=log.end(ROWS))
    return decisions, stage.catalogue


def compare_lines(lines: Iterable[bytes], parts: OfflineParts, scorer: Scorer) -> Iterator[dict[str, Any]]:
    """Compare pairs in their order; a pair that cannot be read or heard is answered with an ``error``."""
    log = _Log()
    for line in lines:
        try:
            sides = _pair(line)
            left, right = (_encoded(parts, produced) for produced in _encode(parts, log, sides))
        except SchemaError as exc:
            yield {"error": str(exc)}
            continue
        if left.upload is None or right.upload is None:
            yield {"error": _unread(left, right)}
            continue
        sound = None
        if left.sound is not None and right.sound is not None:
            sound = parts.confirm(left.sound, right.sound)
        seen = _seen(left), _seen(right)
        yield asdict(compare_uploads(left.upload, right.upload, sound, scorer, seen=seen))


def read_lines(path: Path) -> list[bytes]:
    """Read the lines of a file that hold anything."""
    return [line for line in path.read_bytes().splitlines() if line.strip()]


def write_lines(path: Path, answers: Sequence[dict[str, Any]]) -> None:
    """Write JSON Lines."""
    path.write_bytes(b"".join(orjson.dumps(answer) + b"\n" for answer in answers))


class _Log:
    """Topics of one partition each, of which only the ends are kept."""

    def __init__(self) -> None:
        self._ends: Counter[str] = Counter()

    def end(self, topic: str) -> int:
        """Give the next offset of a topic."""
        return self._ends[topic]

    def append(self, produced: Iterable[Produced]) -> list[Message]:
        """Give records their offsets."""
        messages = []
        for each in produced:
            offset = self._ends[each.topic]
            self._ends[each.topic] += 1
            messages.append(
                Message(topic=each.topic, partition=0, offset=offset, key=each.key, value=each.value)
            )
        return messages


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    waiting = iter(lines)
    while batch := list(itertools.islice(waiting, BATCH)):
        yield batch


def _encode(parts: OfflineParts, log: _Log, lines: Iterable[bytes]) -> list[Produced]:
    """Run the encode stage; its sketches are for a drift monitor, which does not run here."""
    uploads = log.append(Produced(topic=UPLOADS, key=b"", value=line) for line in lines)
    return [each for each in parts.encode.process(uploads) if each.topic == ENCODED]


def _encoded(parts: OfflineParts, produced: Produced) -> EncodedUpload:
    encoded: EncodedUpload = parts.codec.decode(ENCODED, produced.value or b"")
    return encoded


def _seen(encoded: EncodedUpload) -> Pictures | None:
    return encoded.record.pictures if encoded.record is not None else None


def _unread(left: EncodedUpload, right: EncodedUpload) -> str:
    """Say why a pair has no answer."""
    sides = (("left", left), ("right", right))
    refusals = [f"{name}: {side.refusal.reason}" for name, side in sides if side.refusal is not None]
    return "; ".join(refusals) or "a withdrawal cannot be compared"


def _pair(line: bytes) -> tuple[bytes, bytes]:
    pair = read_json(line)
    if not isinstance(pair, dict) or set(pair) != {"left", "right"}:
        raise SchemaError('a pair is {"left": upload, "right": upload}')
    return orjson.dumps(pair["left"]), orjson.dumps(pair["right"])


def _answer(decision: Decision, catalogue: CatalogueState) -> dict[str, Any]:
    """Give the public line of a decision, with the ids that hold at the end."""
    entity = entity_now(catalogue, decision.entity_id)
    is_video = entity is not None and entity.kind == Kind.music_video.value
    entity_id = entity.entity_id if entity else None
    answer: dict[str, Any] = {
        "source": decision.source or None,
        "item_id": decision.item_id or None,
        "decision": decision.outcome.value,
        "entity_id": entity_id,
        "work_id": entity.work_id if entity else None,
        "video_id": entity_id if is_video else None,
        # Also of a recording that came after its video.
        "sound_recording_id": heard_in(catalogue, entity) if entity and is_video else entity_id,
        "probability": decision.recording.probability if decision.recording else None,
    }
    if decision.reason is not None:
        answer["reason"] = decision.reason
    return answer
