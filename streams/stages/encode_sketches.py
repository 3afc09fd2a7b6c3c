"""Say how the vectors of uploads are distributed: sketches as they come, heartbeats when none do."""

from collections.abc import Iterable, Sequence
from typing import Final

from streams.core.records import EmbeddingSketch, EncodedUpload
from streams.core.sketches import Quiet, Sketcher, heartbeat
from streams.ports import Clock, Codec, Encoder, Produced

SKETCHES: Final = "embedding.sketch.v1"
# A batch touches every partition, and a sketch costs the monitor as much as twenty uploads cost encode. One
# that is not whole waits for more, for this share of the time after which a model is quiet.
SKETCH_WAITS: Final = 1 / 8


class Sketching:
    """Fold the vectors of batches into sketches, and speak for each model that made none.

    Parameters
    ----------
    codec : Codec
    encoder : Encoder, optional
        whose models are spoken for
    clock : Clock, optional
        without one no heartbeats are sent, and sketches with every batch
    heartbeat_s : float > 0 [s]
    """

    def __init__(
        self, codec: Codec, encoder: Encoder | None, *, clock: Clock | None, heartbeat_s: float
    ) -> None:
        self._codec = codec
        self._clock = clock
        # Without a clock nobody could say when a sketch that waits is due.
        self._sketcher = Sketcher(every_s=heartbeat_s * SKETCH_WAITS if clock is not None else 0.0)
        self._quiet = Quiet(encoder.models.items() if encoder is not None else (), after_s=heartbeat_s)
        self._read_to: dict[tuple[str, int], int] = {}

    def fold(self, done: Sequence[EncodedUpload], partition: tuple[str, int]) -> list[Produced]:
        """Take the vectors of a batch that ends in a partition; give what is to be said by now."""
        vectors = ((each.origin, each.vectors) for each in done)
        sketches = self._sketcher.fold(vectors, now=self._now())
        for each in done:
            self._read_to[each.origin.topic, each.origin.partition] = each.origin.offset
        return self._said(sketches, [partition])

    def due(self, partitions: Sequence[tuple[str, int]]) -> list[Produced]:
        """Give what is to be said while nothing comes from the partitions that are ours."""
        return self._said(self._sketcher.due(self._now()), partitions)

    def _now(self) -> float:
        return self._clock.monotonic() if self._clock is not None else 0.0

    def _said(
        self, sketches: Sequence[EmbeddingSketch], partitions: Sequence[tuple[str, int]]
    ) -> list[Produced]:
        return [self._record(each) for each in (*sketches, *self._heartbeats(partitions, sketches))]

    def _heartbeats(
        self, partitions: Sequence[tuple[str, int]], given: Iterable[EmbeddingSketch]
    ) -> list[EmbeddingSketch]:
        """Speak for each quiet model, in the name of one of our partitions: what it moves is time alone."""
        if self._clock is None or not partitions:
            return []
        spoken = {(sketch.modality, sketch.model) for sketch in given} | self._sketcher.waiting
        topic, partition = min(partitions)
        offset = self._read_to.get((topic, partition), 0)
        return [
            heartbeat(topic=topic, partition=partition, offset=offset, modality=modality, model=model)
            for modality, model in self._quiet.due(spoken=spoken, now=self._now())
        ]

    def _record(self, sketch: EmbeddingSketch) -> Produced:
        key = f"{sketch.modality}/{sketch.model}".encode()
        return Produced(topic=SKETCHES, key=key, value=self._codec.encode(SKETCHES, sketch))
