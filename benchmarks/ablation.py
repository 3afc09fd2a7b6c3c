"""What each kind of evidence adds: decisions on real music with one kind after the other left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec import structs

from benchmarks.heard_uploads import Publication, as_lines, heard_uploads, kinds
from benchmarks.machine import machine_facts, write_result
from streams.config import Settings
from streams.core.blocking import blocking_keys
from streams.core.bundle import Bundle
from streams.core.features import featurize
from streams.core.promoting import rules_of
from streams.core.records import Decision, EncodedUpload, ItemKey, SoundEvidence, SoundFacts
from streams.demo.truth import Verdict, judge
from streams.edges.memory_index import MemoryCandidateIndex
from streams.offline import BATCH, OfflineParts, decide_encoded, encode_lines
from streams.ports import Produced
from streams.stages.encode import ENCODED
from streams.wiring.offline import offline_parts

# Recordings that uploads are made of.
COUNT = int(os.environ.get("SAMESONG_BENCH_ABLATION", "12"))

Upload = Callable[[EncodedUpload], EncodedUpload]
Evidence = Callable[[SoundEvidence], SoundEvidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What one run goes without.

    Attributes
    ----------
    upload : callable, optional
        takes it from what is known of an upload
    evidence : callable, optional
        takes it from what two sounds say
    material : bool
        whether sounds are searched for material in common
    """

    upload: Upload | None = None
    evidence: Evidence | None = None
    material: bool = True


def _told(encoded: EncodedUpload, **changed: Any) -> EncodedUpload:
    """Read an upload as if it had been told otherwise; what was heard of it stays."""
    if encoded.upload is None or encoded.record is None:
        return encoded
    record = featurize(structs.replace(encoded.upload, **changed))
    record = structs.replace(record, duration_ms=encoded.record.duration_ms, pictures=encoded.record.pictures)
    return structs.replace(encoded, record=record, blocking_keys=blocking_keys(record))


def _without_vectors(*modalities: str) -> Upload:
    def left(encoded: EncodedUpload) -> EncodedUpload:
        return structs.replace(
            encoded, vectors=tuple(row for row in encoded.vectors if row.modality not in modalities)
        )

    return left


def _without_names(encoded: EncodedUpload) -> EncodedUpload:
    return _without_vectors("text")(_told(encoded, title=None, artists=()))


def _without_identifiers(encoded: EncodedUpload) -> EncodedUpload:
    return _told(encoded, identifiers=type(encoded.upload.identifiers)()) if encoded.upload else encoded


def _without_length(encoded: EncodedUpload) -> EncodedUpload:
    if encoded.record is None:
        return encoded
    record = structs.replace(encoded.record, duration_ms=None)
    return structs.replace(encoded, record=record, blocking_keys=blocking_keys(record))


def _without_sound(encoded: EncodedUpload) -> EncodedUpload:
    return structs.replace(_without_vectors("identity", "version")(encoded), sound=None)


def _without_fingerprint(evidence: SoundEvidence) -> SoundEvidence:
    return structs.replace(
        evidence, bit_error=None, offset_ms=None, overlap_ms=None, start_ms=None,
        coverage_left=None, coverage_right=None, speed_ratio=None,
    )  # fmt: skip


def _without_landmarks(evidence: SoundEvidence) -> SoundEvidence:
    return structs.replace(evidence, alignment=None)


def _without_harmony(evidence: SoundEvidence) -> SoundEvidence:
    return structs.replace(evidence, harmony=None, pitch_shift=None)


RUNS: Final[Mapping[str, LeftOut]] = {
    "nothing": LeftOut(),
    "names": LeftOut(upload=_without_names),
    "text vectors": LeftOut(upload=_without_vectors("text")),
    "identifiers": LeftOut(upload=_without_identifiers),
    "lengths": LeftOut(upload=_without_length),
    "identity windows": LeftOut(upload=_without_vectors("identity")),
    "work vectors, harmony": LeftOut(upload=_without_vectors("version"), evidence=_without_harmony),
    "fingerprints": LeftOut(evidence=_without_fingerprint),
    "landmarks": LeftOut(evidence=_without_landmarks, material=False),
    "fingerprints and landmarks": LeftOut(
        evidence=lambda each: _without_fingerprint(_without_landmarks(each)), material=False
    ),
    "all sound": LeftOut(upload=_without_sound, material=False),
}


class Heard:
    """Uploads that were encoded once, for any number of runs."""

    def __init__(self, made: tuple[Publication, ...], parts: OfflineParts) -> None:
        self._made, self._parts = made, parts
        self._produced = [each for batch in encode_lines(as_lines(made), parts) for each in batch]
        if all(self._encoded(each).sound is None for each in self._produced):
            raise SystemExit("nothing was heard: build the models first (samesong models build)")

    def without(self, left: LeftOut) -> dict[str, Any]:
        """Decide on all of them; give right, wrong and in review, of all and by kind."""
        parts = self._parts
        confirm = parts.confirm

        def asked(one: SoundFacts, other: SoundFacts) -> SoundEvidence:
            found = confirm(one, other)
            return found if left.evidence is None else left.evidence(found)

        decisions, _ = decide_encoded(
            _batches([self._changed(each, left) for each in self._produced]),
            replace(parts, confirm=asked, material=parts.material if left.material else None),
            index=MemoryCandidateIndex(),
            rules=rules_of(Bundle.packaged(), asked),
        )
        self._forget()
        judged = judge(
            [expectation for _, expectation in self._made], _of_the_original(decisions, self._made)
        )
        names = [kind for kind, _ in kinds(self._made)]
        by_kind: dict[str, Counter[Verdict]] = {name: Counter() for name in dict.fromkeys(names)}
        for name, one in zip(names, judged, strict=True):
            by_kind[name][one.verdict] += 1
        return {
            "all": _counted(sum(by_kind.values(), Counter())),
            "by kind": {name: _counted(found) for name, found in by_kind.items()},
        }

    def _changed(self, produced: Produced, left: LeftOut) -> Produced:
        if left.upload is None:
            return produced
        changed = left.upload(self._encoded(produced))
        return replace(produced, value=self._parts.codec.encode(ENCODED, changed))

    def _encoded(self, produced: Produced) -> EncodedUpload:
        encoded: EncodedUpload = self._parts.codec.decode(ENCODED, produced.value or b"")
        return encoded

    def _forget(self) -> None:
        """Empty the search for material again."""
        for encoded in map(self._encoded, self._produced):
            if self._parts.material is not None and encoded.revision is not None:
                self._parts.material.remove(encoded.key, encoded.revision)


def _of_the_original(decisions: Sequence[Decision], made: tuple[Publication, ...]) -> Iterable[Decision]:
    """Let a relation to any upload of the recording be one to its original, as the truth names it."""
    entity_of = {ItemKey(each.source, each.item_id): each.entity_id for each in decisions}
    original_of = {expectation.key: expectation.of for _, expectation in made}
    for decision in decisions:
        claim, original = decision.relation, original_of.get(ItemKey(decision.source, decision.item_id))
        if claim is not None and original is not None:
            told = entity_of.get(ItemKey(claim.to_source, claim.to_item_id))
            if told is not None and told == entity_of.get(original):
                claim = structs.replace(claim, to_source=original.source, to_item_id=original.item_id)
                decision = structs.replace(decision, relation=claim)
        yield decision


def _counted(found: Counter[Verdict]) -> dict[str, int]:
    return {verdict.value: found[verdict] for verdict in Verdict if found[verdict]}


def _batches(produced: Sequence[Produced]) -> Iterable[Sequence[Produced]]:
    for start in range(0, len(produced), BATCH):
        yield produced[start : start + BATCH]


def main() -> None:
    started = machine_facts()
    with TemporaryDirectory(prefix="samesong-bench-") as name:
        folder = Path(name)
        made = heard_uploads(folder, COUNT)
        with offline_parts(Settings(), folder / "uploads.jsonl") as parts:
            heard = Heard(made, parts)
            figures = {f"without {label}": heard.without(left) for label, left in RUNS.items()}
    write_result(
        "ablation",
        f"decisions on {len(made)} uploads of {COUNT} real recordings (45 s each), one kind of evidence "
        "after the other left out of all uploads; packaged bundle",
        figures,
        started=started,
    )


if __name__ == "__main__":
    main()
