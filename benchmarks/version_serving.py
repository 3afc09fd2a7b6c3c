"""What `find` names for renderings of works and what is decided of them: the path that serves, measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import combinations
from time import process_time
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from benchmarks.kept_renderings import kept_works
from benchmarks.machine import machine_facts
from benchmarks.rows import write_rows
from benchmarks.version_encoders import COUNT, PROCESSES, rendered, soundfonts
from benchmarks.version_queries import NEAR, RENDERINGS, Rendering
from benchmarks.version_realigned import labels_of
from encoders.build import WORK_CARD, build_models, card_path, default_models_dir
from encoders.cards import EncoderCard
from streams.core.bundle import Bundle
from streams.core.encoding import encode_metadata
from streams.core.proposing import ranked_again, reach_of
from streams.core.records import (
    ArbiterInput,
    Candidate,
    EncodedUpload,
    Kind,
    Origin,
    SoundEvidence,
    SoundFacts,
    Upload,
    VectorRow,
)
from streams.edges.avro import AvroCodec
from streams.edges.encoder import half_precision
from streams.edges.harmony_lines import FeatureLines
from streams.edges.landmark_material import LandmarkMaterial
from streams.edges.memory_features import MemoryFeatureStore
from streams.edges.memory_index import MemoryCandidateIndex
from streams.edges.passing import PassingCodec
from streams.edges.sound_blobs import unpack
from streams.edges.sound_comparison import FeatureConfirmer
from streams.errors import ConfigError
from streams.offline import SEARCH_LIMIT, OfflineParts, decide_encoded
from streams.ports import Lines, Message, Produced
from streams.stages.encode import ENCODED
from streams.stages.find import FindProcessor
from streams.wiring.parts import rules

_MATERIAL: Final = 32_000_000
# As many as a look-up of a busy stage; rows are in the index when the next ones come.
_AT_ONCE: Final = 50


class _Encoded:
    """In place of the encode stage: what comes is encoded."""

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        return ()


class TimedLines:
    """Lines, and how long they took."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.seconds: list[float] = []
        self.asked: list[int] = []

    def scores(self, asked: SoundFacts, others: Sequence[SoundFacts]) -> list[float]:
        """Give what the lines give."""
        started = process_time()
        found = self._lines.scores(asked, others)
        self.seconds.append(process_time() - started)
        self.asked.append(len(others))
        return found


class Asked(NamedTuple):
    """One rendering that asks: the places of its candidates, and how each is heard."""

    candidates: list[int]
    evidence: list[SoundEvidence | None]


def upload_of(number: int, each: Rendering, store: MemoryFeatureStore, model: str) -> EncodedUpload:
    """Make an upload whose names say nothing of any other."""
    blob = each.features.tobytes()
    heard = unpack(blob)
    digest = store.put(blob)
    letters = "".join(
        chr(ord("a") + int(at)) for at in np.random.default_rng([5, number]).integers(26, size=14)
    )
    upload = Upload(
        source="bench", item_id=f"{number:04}", kind=Kind.recording, title=f"{letters[:7]} {letters[7:]}"
    )
    rows = [
        VectorRow(
            modality="identity", model=heard.model, window=at, start_ms=5_000 * at, values=half_precision(row)
        )
        for at, row in enumerate(heard.windows)
        if row.any()
    ]
    rows.append(
        VectorRow(modality="version", model=model, window=0, start_ms=0, values=half_precision(each.vector))
    )
    origin = Origin(topic="catalog.upload.v1", partition=0, offset=number)
    return replace(
        encode_metadata(upload, origin=origin, received_ms=0),
        vectors=tuple(rows),
        sound=SoundFacts(
            duration_ms=heard.duration_ms,
            silent_share=0.0,
            rms_dbfs=-20.0,
            features=digest,
            content_sha256=digest,
        ),
    )


class Serving:
    """Everything behind encode, with all renderings decided one after another.

    Parameters
    ----------
    renderings : sequence of Rendering
    """

    def __init__(self, renderings: Sequence[Rendering]) -> None:
        self.labels = labels_of(renderings)
        self.vectors = np.stack([each.vector for each in renderings])
        store = MemoryFeatureStore()
        self._codec = PassingCodec(AvroCodec())
        self._index = MemoryCandidateIndex()
        self.lines = TimedLines(FeatureLines(store))
        self._confirm = FeatureConfirmer(store).confirm
        self.model = EncoderCard.load(card_path(default_models_dir(), WORK_CARD)).key
        self.uploads = [upload_of(number, each, store, self.model) for number, each in enumerate(renderings)]
        self._parts = OfflineParts(
            codec=self._codec,
            encode=_Encoded(),
            confirm=self._confirm,
            material=LandmarkMaterial(store, most_entries=_MATERIAL),
            lines=self.lines,
        )

    def decide(self, bundle: Bundle) -> dict[str, Any]:
        """Decide on all of them in a drawn order; count the pairs that are related, by relation."""
        order = np.random.default_rng(7).permutation(len(self.uploads))
        batches = (
            [self._produced(self.uploads[at]) for at in order[first : first + _AT_ONCE]]
            for first in range(0, len(order), _AT_ONCE)
        )
        _, catalogue = decide_encoded(
            batches, self._parts, index=self._index, rules=rules(bundle, self._confirm)
        )
        keys = [upload.key.text() for upload in self.uploads]
        places = {key: at for at, key in enumerate(keys)}
        related: dict[str, set[tuple[int, int]]] = {}
        works = []
        for key in keys:
            state = catalogue.upload(key)
            entity = catalogue.entity(state.entity_id) if state is not None and state.entity_id else None
            works.append(entity.work_id if entity is not None else None)
            for relation in catalogue.relations_of(key):
                if relation.status == "asserted":
                    one, other = sorted((places[relation.left], places[relation.right]))
                    related.setdefault(relation.relation, set()).add((one, other))
        pairs = list(combinations(range(len(keys)), 2))
        together = {(a, b) for a, b in pairs if works[a] is not None and works[a] == works[b]}
        same = {(a, b) for a, b in pairs if self.labels[a] == self.labels[b]}
        return {
            "pairs of one work": len(same),
            "related": {
                name: {"right": len(each & same), "wrong": len(each - same)}
                for name, each in sorted(related.items())
            },
            "in one work": {"right": len(together & same), "wrong": len(together - same)},
        }

    def ask(self, numbers: Sequence[int], *, lines: bool) -> list[Asked]:
        """Look renderings up among all others."""
        find = FindProcessor(
            self._index,
            self._codec,
            limit=SEARCH_LIMIT,
            confirm=self._confirm,
            lines=self.lines if lines else None,
        )
        values = [self._produced(self.uploads[at]).value for at in numbers]
        messages = [
            Message(topic=ENCODED, partition=0, offset=at, key=b"", value=value)
            for at, value in enumerate(values)
        ]
        found = []
        for produced in find.process(messages):
            record: ArbiterInput = self._codec.decode(produced.topic, produced.value or b"")
            named: tuple[Candidate, ...] = record.found.candidates if record.found is not None else ()
            found.append(Asked([int(each.item_id) for each in named], [each.sound for each in named]))
        return found

    def _produced(self, upload: EncodedUpload) -> Produced:
        return Produced(topic=ENCODED, key=b"", value=self._codec.encode(ENCODED, upload))

    def near(self, one: int, other: int) -> float:
        """Give the cosine of two."""
        return float(self.vectors[one] @ self.vectors[other])


Order = Callable[[Sequence[float], Sequence[SoundEvidence]], Sequence[int]]


def by_path(near: Sequence[float], heard: Sequence[SoundEvidence]) -> Sequence[int]:
    """Put candidates in the order that their paths and cosines say."""
    scores = [2.0 * cosine + (each.harmony or 0.0) for cosine, each in zip(near, heard, strict=True)]
    return sorted(range(len(near)), key=lambda at: -scores[at])


def by_line(near: Sequence[float], heard: Sequence[SoundEvidence]) -> Sequence[int]:
    """Put candidates in the order that their lines and cosines say, as find does."""
    return ranked_again(near, [line_of(each) for each in heard])


def line_of(heard: SoundEvidence) -> float:
    """Give how far two go along a line."""
    return heard.line.score if heard.line is not None else 0.0


def ranked(serving: Serving, asking: Sequence[int], asked: Sequence[Asked], order: Order) -> dict[str, Any]:
    """Give MAP of what find named and compared, who is missing counting nothing."""
    precisions, first, recall = [], [], []
    for own, each in zip(asking, asked, strict=True):
        compared = [
            (at, heard) for at, heard in zip(each.candidates, each.evidence, strict=True) if heard is not None
        ]
        near = [serving.near(own, at) for at, _ in compared]
        places = order(near, [heard for _, heard in compared])
        right = serving.labels[[compared[at][0] for at in places]] == serving.labels[own]
        relatives = int((serving.labels == serving.labels[own]).sum()) - 1
        ranks = np.flatnonzero(right) + 1
        precisions.append(float((np.arange(1, len(ranks) + 1) / ranks).sum()) / relatives)
        first.append(bool(right[:1].any()))
        recall.append(len(ranks) / relatives)
    return {
        "map": round(float(np.mean(precisions)), 4),
        "map, works that nothing was chosen on": round(float(np.mean(precisions[1::2])), 4),
        "top1": round(float(np.mean(first)), 4),
        "among the compared": round(float(np.mean(recall)), 4),
    }


def average_precision(right: NDArray[np.bool_]) -> float:
    """Give the mean precision at each right one of a whole ranking."""
    ranks = np.flatnonzero(right) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def believed(serving: Serving) -> dict[str, Any]:
    """Let every rendering ask for the lines of its nearest: MAP, and what the bundle that ships believes."""
    packaged = Bundle.packaged().sound
    if packaged is None:
        raise ConfigError("the bundle that ships says nothing of sounds")
    least = packaged.limits(len(serving.uploads)).least_line
    best: list[float] = []
    wrong: list[float] = []
    right: list[float] = []
    by_vector: list[float] = []
    again: list[float] = []
    reach = reach_of(serving.model)
    for own, upload in enumerate(serving.uploads):
        close = serving.vectors @ serving.vectors[own]
        order = [int(at) for at in np.argsort(-close, kind="stable") if at != own]
        near = [at for at in order if close[at] >= reach.floor][: reach.ranked_again]
        sounds = [sound for at in near if (sound := serving.uploads[at].sound) is not None]
        if upload.sound is None or not near:
            continue
        scores = np.array(serving.lines.scores(upload.sound, sounds))
        same = serving.labels[near] == serving.labels[own]
        best.append(float(scores[~same].max(initial=0.0)))
        wrong += scores[~same].tolist()
        right += scores[same].tolist()
        by_vector.append(average_precision(serving.labels[order] == serving.labels[own]))
        first = [near[at] for at in ranked_again(close[near].tolist(), scores.tolist())]
        order = [*first, *order[len(first) :]]
        again.append(average_precision(serving.labels[order] == serving.labels[own]))
    return {
        "least line of the bundle that ships": round(least, 3) if math.isfinite(least) else None,
        "asked": len(best),
        "map by vector": round(float(np.mean(by_vector)), 4),
        "map ranked again": round(float(np.mean(again)), 4),
        "best wrong, percentiles 50 90 99 100": np.percentile(best, [50, 90, 99, 100]).round(2).tolist(),
        "right, percentiles 5 25 50": np.percentile(right, [5, 25, 50]).round(2).tolist(),
        "right ones": len(right),
        "right ones believed": round(float(np.mean(np.array(right) >= least)), 4),
        "wrong ones": len(wrong),
        "wrong ones believed": int((np.array(wrong) >= least).sum()),
    }


def found(serving: Serving) -> dict[str, Any]:
    """Let the first rendering of each work ask `find`, with lines and without."""
    asking = np.flatnonzero(np.diff(serving.labels, prepend=-1)).tolist()
    serving.lines.seconds.clear()
    serving.lines.asked.clear()
    served = serving.ask(asking, lines=True)
    asked, seconds = list(serving.lines.asked), list(serving.lines.seconds)
    nearest = serving.ask(asking, lines=False)
    return {
        "asking": len(asking),
        "ten of the 100 nearest, by lines (serves)": ranked(serving, asking, served, by_line),
        "the ten nearest by vector, by lines": ranked(serving, asking, nearest, by_line),
        "the ten nearest by vector, by paths (served before)": ranked(serving, asking, nearest, by_path),
        "ranked again, each": round(float(np.mean(asked)), 1),
        "ranking, ms of CPU each": round(1e3 * float(np.mean(seconds)), 1),
        "ranking, ms of CPU at most": round(1e3 * float(np.max(seconds)), 1),
    }


def main() -> None:
    started = machine_facts()
    build_models(default_models_dir())
    works = kept_works(COUNT)
    with ProcessPoolExecutor(PROCESSES) as pool:
        tasks = [(work, k, NEAR) for work in works for k in range(RENDERINGS)]
        renderings = list(pool.map(rendered, tasks, chunksize=4))
    serving = Serving(renderings)

    @cache
    def decided() -> dict[str, Any]:
        return serving.decide(Bundle.packaged())

    def asked() -> dict[str, Any]:
        decided()  # then all rows are in the index
        return found(serving)

    write_rows(
        "version_serving",
        f"{RENDERINGS} renderings of each work that was not trained on, through the stages that serve: "
        "rendered, so nothing is claimed of covers by others; names say nothing",
        (
            ("decided", decided),
            ("find", asked),
            ("lines", lambda: believed(serving)),
        ),
        started=started,
        works=len(works),
        soundfonts=[font.name for font in soundfonts()],
    )


if __name__ == "__main__":
    main()
