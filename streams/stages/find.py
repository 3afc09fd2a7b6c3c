"""Find: encoded uploads in, the same with candidates of the vector look-up out; reads only."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec.structs import replace

from streams.core.encoding import refused
from streams.core.proposing import (
    candidates_of,
    first_compared,
    reach_of,
    versions_of,
    with_lines,
    with_sharers,
)
from streams.core.records import (
    ArbiterInput,
    Candidate,
    EncodedUpload,
    Found,
    ItemKey,
    Lookup,
    Operation,
    SoundEvidence,
    SoundFacts,
)
from streams.core.rules import Confirm
from streams.errors import DecodeError, FeatureMissing
from streams.ports import CandidateIndex, Codec, FloatArray, Hit, Lines, Material, Message, Produced

INPUT: Final = "arbiter.input.v1"
AGAIN: Final = "lookup.again.v1"
VERDICTS: Final = "review.verdict.v1"
COMMANDS: Final = "admin.command.v1"
PROMOTIONS: Final = "model.promoted.v1"
# What is no upload, and the field of the arbiter's log that carries it.
PASSED_ON: Final = {VERDICTS: "verdict", COMMANDS: "command", PROMOTIONS: "promotion"}
# Beside what the envelope adds, a record must stay under 1 MB.
MAX_PASSED_ON: Final = 1_000_000
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
    confirm : callable, optional
        compares two sounds from their stored features; what is not compared here the arbiter compares
    material : callable, optional
        gives the sounds decided so far, up to date; those that are looked up here are added at once, so that
        of two on their way together the later one finds the earlier
    lines : Lines, optional
        ranks the nearest by harmony once more
    """

    def __init__(
        self,
        index: CandidateIndex,
        codec: Codec,
        *,
        limit: int,
        confirm: Confirm | None = None,
        material: Callable[[], Material] | None = None,
        lines: Lines | None = None,
    ) -> None:
        self._index = index
        self._codec = codec
        self._limit = limit
        self._confirm = confirm
        self._material = material
        self._lines = lines

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Give one `arbiter.input.v1` record for every message.

        Encoded uploads, new or to be looked up again, get their candidates. Verdicts, operators' commands
        and promotions are passed on, so that their place in the one log that is decided on is recorded; one
        that cannot be read travels on as a refusal, of which the arbiter makes a dead letter.

        Raises
        ------
        IndexUnavailable
            the index does not answer
        """
        produced: list[Produced] = []
        looked_up: list[tuple[int, Message, EncodedUpload]] = []
        for cause, message in enumerate(batch):
            passed: Produced | EncodedUpload
            if message.topic in PASSED_ON:
                passed = self._pass_on(message, cause)
            else:
                passed = self._codec.decode(message.topic, message.value or b"")
            if isinstance(passed, Produced):
                produced.append(passed)
            else:
                looked_up.append((cause, message, passed))
        if not looked_up:
            return produced
        # The watermark is read before the search: what is folded in between is found twice, never missed.
        build = self._index.active()
        candidates = self._look_up(build.name, [upload for _, _, upload in looked_up])
        for (cause, message, upload), named in zip(looked_up, candidates, strict=True):
            found = Found(
                encoded=upload,
                candidates=named[:MAX_CANDIDATES],
                lookup=Lookup(
                    build=build.name,
                    watermark=build.watermark,
                    rows=build.rows,
                    attempt=1 if message.topic == AGAIN else 0,
                ),
                truncated=len(named) > MAX_CANDIDATES,
            )
            value = self._codec.encode(INPUT, ArbiterInput(found=found))
            produced.append(Produced(topic=INPUT, key=upload.key.text().encode(), value=value, cause=cause))
        return produced

    def _pass_on(self, message: Message, cause: int) -> Produced | EncodedUpload:
        """Forward a verdict, command or promotion, or refuse it."""
        body = message.value or b""
        if len(body) > MAX_PASSED_ON:
            return _refused(message, "too_large", f"{len(body)} bytes; at most {MAX_PASSED_ON} are read")
        try:
            record = self._codec.decode(message.topic, body)
        except DecodeError as exc:
            return _refused(message, exc.code, str(exc))
        value = self._codec.encode(INPUT, ArbiterInput(**{PASSED_ON[message.topic]: record}))
        return Produced(topic=INPUT, key=message.key or b"", value=value, cause=cause)

    def _look_up(self, build: str, uploads: Sequence[EncodedUpload]) -> list[tuple[Candidate, ...]]:
        """Search every collection once for the whole batch; nearest candidates first."""
        queries: dict[tuple[str, str], list[_Query]] = {}
        for asker, upload in enumerate(uploads):
            if upload.refusal is not None or upload.operation is not Operation.upsert or upload.reembedded:
                continue
            for row in upload.vectors:
                values = np.frombuffer(row.values, dtype="<f2").astype(np.float32)
                queries.setdefault((row.modality, row.model), []).append(_Query(asker=asker, values=values))
        best: list[dict[tuple[ItemKey, int], dict[str, float]]] = [{} for _ in uploads]
        lined: list[set[tuple[ItemKey, int]]] = [set() for _ in uploads]
        sounds: dict[tuple[ItemKey, int], SoundFacts] = {}
        sharers = self._sharers(uploads, sounds)
        for (modality, model), asked in sorted(queries.items()):
            vectors = np.stack([query.values for query in asked])
            reach = reach_of(model)
            limit = min(self._limit, reach.neighbours)
            again = reach.ranked_again if self._lines is not None else 0
            answers = self._index.search(
                build, modality=modality, model=model, vectors=vectors, limit=max(limit, again)
            )
            for query, answer in zip(asked, answers, strict=True):
                upload = uploads[query.asker]
                hits = [hit for hit in answer if hit.similarity >= reach.floor and _key(hit) != upload.key]
                if again:
                    hits, along = self._along_lines(upload, hits, limit)
                    lined[query.asker].update((_key(hit), hit.revision) for hit in along)
                for hit in hits:
                    at = _key(hit), hit.revision
                    nearest = best[query.asker].setdefault(at, {})
                    nearest[modality] = max(hit.similarity, nearest.get(modality, -1.0))
                    if hit.sound is not None:
                        sounds[at] = hit.sound
        return [
            self._with_sound(upload, with_sharers(with_lines(candidates_of(nearest), along), sharing), sounds)
            for upload, nearest, along, sharing in zip(uploads, best, lined, sharers, strict=True)
        ]

    def _along_lines(
        self, upload: EncodedUpload, hits: Sequence[Hit], limit: int
    ) -> tuple[list[Hit], list[Hit]]:
        """Choose of the nearest by harmony whom to compare; with it, whom a line speaks for."""
        lines = [0.0] * len(hits)
        if self._lines is not None and upload.sound is not None:
            heard = [(at, hit.sound) for at, hit in enumerate(hits) if hit.sound is not None]
            scores = self._lines.scores(upload.sound, [sound for _, sound in heard])
            for (at, _), score in zip(heard, scores, strict=True):
                lines[at] = score
        lined, others = versions_of([hit.similarity for hit in hits], lines, most=limit)
        along = [hits[at] for at in lined]
        return along + [hits[at] for at in others], along

    def _sharers(
        self, uploads: Sequence[EncodedUpload], sounds: dict[tuple[ItemKey, int], SoundFacts]
    ) -> list[list[tuple[ItemKey, int]]]:
        """Name who may hold material in common with each upload, and note how they sound."""
        named: list[list[tuple[ItemKey, int]]] = [[] for _ in uploads]
        heard = [(at, each) for at, each in enumerate(uploads) if _is_heard(each)]
        if self._material is None or not heard:
            return named
        material = self._material()
        for at, upload in heard:
            if upload.sound is None:
                continue
            for sharer in material.search(upload.sound):
                if sharer.key != upload.key:
                    named[at].append((sharer.key, sharer.revision))
                    sounds[sharer.key, sharer.revision] = sharer.sound
            material.add(upload.key, upload.revision or 1, upload.sound)
        return named

    def _with_sound(
        self,
        upload: EncodedUpload,
        candidates: tuple[Candidate, ...],
        sounds: Mapping[tuple[ItemKey, int], SoundFacts],
    ) -> tuple[Candidate, ...]:
        """Compare the sounds of those that the arbiter would compare, told from the upload's side."""
        if self._confirm is None or upload.sound is None or not sounds:
            return candidates
        heard: dict[tuple[ItemKey, int], SoundEvidence] = {}
        for candidate in first_compared(candidates[:MAX_CANDIDATES]):
            at = candidate.key, candidate.revision
            if at in sounds:
                # A row may outlive its upload, whose features are gone then. Whether this one is still live
                # only the arbiter knows: it compares, or waits for the features, itself.
                with suppress(FeatureMissing):
                    heard[at] = self._confirm(upload.sound, sounds[at])
        return tuple(replace(each, sound=heard.get((each.key, each.revision))) for each in candidates)


def _key(hit: Hit) -> ItemKey:
    return ItemKey(hit.source, hit.item_id)


def _is_heard(upload: EncodedUpload) -> bool:
    """Say whether an upload asks with its sound."""
    asks = upload.refusal is None and upload.operation is Operation.upsert and not upload.reembedded
    return asks and upload.sound is not None


def _refused(message: Message, code: str, reason: str) -> EncodedUpload:
    """Give a record that cannot be passed on the form in which refusals travel."""
    return refused(
        message.value or b"",
        code=code,
        reason=reason,
        origin=message.origin,
        received_ms=message.timestamp_ms,
        headers=message.headers,
    )
