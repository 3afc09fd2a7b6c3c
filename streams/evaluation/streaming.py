"""Labelled uploads run through the resolver, one after the other, in any order: what became of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streams.core.bundle import Bundle
from streams.core.promoting import rules_of
from streams.core.records import Decision
from streams.core.relating import entity_now, heard_in
from streams.core.upload_json import upload_line
from streams.edges.memory_index import MemoryCandidateIndex
from streams.evaluation.labelled import LabelledStream, LabelledUpload
from streams.offline import BATCH, OfflineParts, decide_encoded, encode_lines
from streams.ports import Produced


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the resolver made of a stream, by the key of each upload.

    Attributes
    ----------
    order : tuple of str
        in which the uploads came
    decisions : mapping of str to Decision
        as each was decided when it came
    recording, work, sounds : mapping of str to str or None
        the entity at the end, its work, and the recording heard in it where it is a video
    """

    order: tuple[str, ...]
    decisions: Mapping[str, Decision]
    recording: Mapping[str, str | None]
    work: Mapping[str, str | None]
    sounds: Mapping[str, str | None]


class Encoded:
    """A stream that was read and embedded once, for any number of runs."""

    def __init__(self, stream: LabelledStream, parts: OfflineParts) -> None:
        self.stream = stream
        self._parts = parts
        lines = [upload_line(each.upload) for each in stream.uploads]
        self._produced = [each for batch in encode_lines(lines, parts) for each in batch]
        self._keys = [key_of(each) for each in stream.uploads]
        self.labelled: dict[str, LabelledUpload] = dict(zip(self._keys, stream.uploads, strict=True))

    def resolve(self, bundle: Bundle, *, order: int | None = None) -> Resolved:
        """Resolve the uploads in the order of the stream, or in a random one of this number."""
        numbers = list(range(len(self._produced)))
        if order is not None:
            np.random.default_rng(order).shuffle(numbers)
        decisions, catalogue = decide_encoded(
            _batches([self._produced[number] for number in numbers]),
            self._parts,
            index=MemoryCandidateIndex(),
            rules=rules_of(bundle, self._parts.confirm),
        )
        keys = tuple(self._keys[number] for number in numbers)
        by_key = dict(zip(keys, decisions, strict=True))
        recording: dict[str, str | None] = {}
        work: dict[str, str | None] = {}
        sounds: dict[str, str | None] = {}
        for key, decision in by_key.items():
            entity = entity_now(catalogue, decision.entity_id)
            recording[key] = entity.entity_id if entity else None
            work[key] = entity.work_id if entity else None
            sounds[key] = heard_in(catalogue, entity) if entity else None
        return Resolved(order=keys, decisions=by_key, recording=recording, work=work, sounds=sounds)


def key_of(labelled: LabelledUpload) -> str:
    """Name an upload as the resolver does."""
    return labelled.upload.key.text()


def partitions(
    encoded: Encoded, resolved: Resolved, level: str
) -> tuple[dict[str, str], dict[str, str]] | None:
    """Give the true and the found cluster of every upload that is judged at a level, the refused alone.

    Returns
    -------
    tuple of dict, optional
        true and found by key; none where the set knows nothing of the level
    """
    true: dict[str, str] = {}
    found: dict[str, str] = {}
    answered = resolved.recording if level == "recording" else resolved.work
    for key, each in encoded.labelled.items():
        label = each.recording if level == "recording" else each.work
        if label is not None:
            true[key] = label
            found[key] = answered[key] or f"alone {key}"
    for name, labels in encoded.stream.refused.items():
        label = labels[0] if level == "recording" else labels[1]
        if label is not None:
            true[f"refused {name}"] = label
            found[f"refused {name}"] = f"refused {name}"
    return (true, found) if true else None


def _batches(produced: Sequence[Produced]) -> Iterator[Sequence[Produced]]:
    for start in range(0, len(produced), BATCH):
        yield produced[start : start + BATCH]
