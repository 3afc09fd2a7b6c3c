"""Find: encoded uploads in, the same with candidates of the vector look-up out; reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from streams.core.records import ArbiterInput, Candidate, EncodedUpload, Found, ItemKey, Lookup, Operation
from streams.ports import CandidateIndex, Codec, FloatArray, Message, Produced

INPUT: Final = "arbiter.input.v1"
AGAIN: Final = "lookup.again.v1"
# A record carries this many candidates at most; the ones left out are the least similar.
MAX_CANDIDATES: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """One vector of one upload of the batch."""

    asker: int
    values: FloatArray


class FindProcessor:
    """Look a batch up, one search per collection.

    Parameters
    ----------
    index : CandidateIndex
    codec : Codec
    limit : int > 0
        hits per query vector
    """

    def __init__(self, index: CandidateIndex, codec: Codec, *, limit: int) -> None:
        self._index = index
        self._codec = codec
        self._limit = limit

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Give one `arbiter.input.v1` record for every `upload.encoded.v1` or `lookup.again.v1` message.

        Raises
        ------
        IndexUnavailable
            the index does not answer
        """
        uploads: list[EncodedUpload] = [self._codec.decode(m.topic, m.value or b"") for m in batch]
        # The watermark is read before the search: what is folded in between is found twice, never missed.
        build = self._index.active()
        candidates = self._look_up(build.name, uploads)
        produced: list[Produced] = []
        for cause, (message, upload) in enumerate(zip(batch, uploads, strict=True)):
            found = Found(
                encoded=upload,
                candidates=candidates[cause][:MAX_CANDIDATES],
                lookup=Lookup(
                    build=build.name,
                    watermark=build.watermark,
                    rows=build.rows,
                    attempt=1 if message.topic == AGAIN else 0,
                ),
                truncated=len(candidates[cause]) > MAX_CANDIDATES,
            )
            value = self._codec.encode(INPUT, ArbiterInput(found=found))
            produced.append(Produced(topic=INPUT, key=upload.key.text().encode(), value=value, cause=cause))
        return produced

    def _look_up(self, build: str, uploads: Sequence[EncodedUpload]) -> list[tuple[Candidate, ...]]:
        """Search every collection once for the whole batch; nearest candidates first."""
        queries: dict[tuple[str, str], list[_Query]] = {}
        for asker, upload in enumerate(uploads):
            if upload.refusal is not None or upload.operation is not Operation.upsert:
                continue
            for row in upload.vectors:
                values = np.frombuffer(row.values, dtype="<f2").astype(np.float32)
                queries.setdefault((row.modality, row.model), []).append(_Query(asker=asker, values=values))
        best: list[dict[tuple[ItemKey, int], dict[str, float]]] = [{} for _ in uploads]
        for (modality, model), asked in sorted(queries.items()):
            vectors = np.stack([query.values for query in asked])
            answers = self._index.search(
                build, modality=modality, model=model, vectors=vectors, limit=self._limit
            )
            for query, hits in zip(asked, answers, strict=True):
                for hit in hits:
                    key = ItemKey(hit.source, hit.item_id)
                    if key == uploads[query.asker].key:
                        continue
                    nearest = best[query.asker].setdefault((key, hit.revision), {})
                    nearest[modality] = max(hit.similarity, nearest.get(modality, -1.0))
        return [_candidates(nearest) for nearest in best]


def _candidates(nearest: dict[tuple[ItemKey, int], dict[str, float]]) -> tuple[Candidate, ...]:
    """Name the blockers of each upload that was hit."""
    named = [
        Candidate(
            source=key.source,
            item_id=key.item_id,
            revision=revision,
            proposed_by=tuple(f"vector:{modality}" for modality in sorted(by)),
            similarity=max(by.values()),
        )
        for (key, revision), by in nearest.items()
    ]
    return tuple(sorted(named, key=lambda each: (-(each.similarity or 0.0), each.key, each.revision)))
