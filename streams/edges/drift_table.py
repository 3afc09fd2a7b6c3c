"""The drift fold as entries of a table: plain JSON values, so that a changelog can bring it back."""

import base64
import json
from collections.abc import Iterable
from typing import Any

from streams.core.drift import DriftStream, Kept, Role
from streams.core.records import EmbeddingSketch
from streams.ports import Codec

SKETCH_TOPIC = "embedding.sketch.v1"
Entry = dict[str, Any]  # a JSON object

_SCALARS = (
    "closed_ms",
    "taken_ms",
    "reference_windows",
    "frozen",
    "judged",
    "suspicious",
    "alerted",
    "late",
    "replayed",
    "stuck_ms",
)


def position_change(partition: int, next_offset: int) -> dict[str, Entry | None]:
    """Return what to write, after all else, when the events of a partition are folded up to an offset."""
    return {json.dumps([partition]): {"next": next_offset}}


def positions_from(items: Iterable[tuple[str, Entry]]) -> dict[int, int]:
    """Bring back how far each partition was folded."""
    named = ((json.loads(key), entry) for key, entry in items)
    return {int(name[0]): int(entry["next"]) for name, entry in named if len(name) == 1}


def _key(stream: DriftStream, name: str) -> str:
    return json.dumps([stream.modality, stream.model, name])


def table_changes(before: DriftStream, after: DriftStream, codec: Codec) -> dict[str, Entry | None]:
    """Return what to write (None: delete) so that the table holds ``after`` instead of ``before``.

    In the order in which it is to be written: a worker that dies in between leaves a table from which the
    same event, folded once more, leads to the same. First what is new, of which a fold takes no notice before
    the scalars say so; a sketch before the mark that knows it again; at last what the scalars have made void.
    """
    changes: dict[str, Entry | None] = {}
    fresh = [(name, kept) for name, kept in after.kept.items() if before.kept.get(name) is not kept]
    for name, kept in sorted(fresh, key=lambda each: each[1].role is Role.latest):
        changes[_key(after, name)] = {
            "role": kept.role.value,
            "window_ms": kept.window_ms,
            "sketch": base64.b64encode(codec.encode(SKETCH_TOPIC, kept.sketch)).decode(),
        }
    if any(getattr(before, name) != getattr(after, name) for name in _SCALARS):
        changes[_key(after, "")] = {name: getattr(after, name) for name in _SCALARS}
    changes |= {_key(after, name): None for name in before.kept if name not in after.kept}
    return changes


def streams_from(items: Iterable[tuple[str, Entry]], codec: Codec) -> dict[tuple[str, str], DriftStream]:
    """Bring back what was written."""
    kept: dict[tuple[str, str], dict[str, Kept]] = {}
    heads: dict[tuple[str, str], Entry] = {}
    for key, entry in items:
        named = json.loads(key)
        if len(named) == 1:
            continue
        modality, model, name = named
        mine = kept.setdefault((modality, model), {})
        if name:
            sketch: EmbeddingSketch = codec.decode(SKETCH_TOPIC, base64.b64decode(entry["sketch"]))
            mine[name] = Kept(role=Role(entry["role"]), window_ms=entry["window_ms"], sketch=sketch)
        else:
            heads[modality, model] = entry
    return {
        (modality, model): DriftStream(
            modality=modality, model=model, kept=found, **_whole(heads.get((modality, model), {}), found)
        )
        for (modality, model), found in kept.items()
    }


def _whole(head: Entry, kept: dict[str, Kept]) -> Entry:
    """Complete what was written before ``taken_ms`` was: all that waited was later than all references."""
    if not head or "taken_ms" in head:
        return head
    learned = [each.window_ms for each in kept.values() if each.role is Role.reference]
    return {**head, "taken_ms": max(learned, default=-1) + 1}
