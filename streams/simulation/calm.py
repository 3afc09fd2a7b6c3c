"""The undisturbed run: the same stages over the same sendings, one record at a time, nothing going wrong."""

from collections import Counter
from collections.abc import Iterable, Sequence

from streams.core.bundle import Bundle
from streams.core.catalogue import MemoryCatalogue
from streams.core.growing import growth
from streams.core.promoting import rules_of
from streams.core.records import ItemKey
from streams.edges.memory_encoder import MemoryConfirmer
from streams.edges.memory_features import MemoryFeatureStore
from streams.edges.memory_index import MemoryCandidateIndex
from streams.ports import Codec, Delivered, Message, Produced
from streams.simulation.installation import ARRIVING, SEARCH_LIMIT
from streams.simulation.stores import InventedMedia, RememberingEncoder
from streams.simulation.workload import Workload
from streams.stages.arbiter_records import ROWS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import PROMOTIONS, FindProcessor

BATCH = 16


class CalmRun:
    """Encode, find, arbitrate and index, carried by hand.

    Attributes
    ----------
    catalogue : MemoryCatalogue
        what came of it
    """

    def __init__(self, codec: Codec, bundle: Bundle) -> None:
        features = MemoryFeatureStore()
        confirm = MemoryConfirmer(features).confirm
        self._codec = codec
        self._index = MemoryCandidateIndex()
        self._encode = EncodeProcessor(codec, RememberingEncoder(), media=InventedMedia(), store=features)
        self._find = FindProcessor(self._index, codec, limit=SEARCH_LIMIT, confirm=confirm)
        self._arbitrate = ArbitrateStage(
            codec,
            rules_of(bundle, confirm),
            watermark=lambda: self._index.active().watermark,
            overlay_rows=2**62,
        )
        self._ends: Counter[str] = Counter()

    @property
    def catalogue(self) -> MemoryCatalogue:
        """What came of it."""
        return self._arbitrate.catalogue

    def run(self, workload: Workload, sizes: Sequence[int]) -> None:
        """Work everything off.

        Parameters
        ----------
        workload : Workload
        sizes : sequence of int
            what the catalogue had asked for at the end of each round: how many entities there were meanwhile
            depends on the order, so the size is that of the run that this one is compared with
        """
        for sendings, size in zip(workload.rounds, sizes, strict=True):
            arrived: list[Message] = []
            for sending in sendings:
                value = sending.value if isinstance(sending.value, bytes) else sending.value(self._entity_of)
                if value is not None:
                    produced = Produced(topic=sending.topic, key=sending.key, value=value)
                    arrived += self._append([produced])
            if size:
                value = self._codec.encode(PROMOTIONS, growth(size))
                arrived += self._append([Produced(topic=PROMOTIONS, key=b"", value=value)])
            for at in range(0, len(arrived), BATCH):
                self._batch(arrived[at : at + BATCH])

    def _batch(self, batch: Sequence[Message]) -> None:
        uploads = [each for each in batch if each.topic == ARRIVING]
        encoded = [each for each in self._encode.process(uploads) if each.topic == ENCODED] if uploads else []
        asked = [*self._append(encoded), *(each for each in batch if each.topic != ARRIVING)]
        found = self._append(self._find.process(asked))
        produced = self._arbitrate.decide(found)
        written = self._append(produced)
        delivered = [Delivered(each, at.offset) for each, at in zip(produced, written, strict=True)]
        self._arbitrate.committed(delivered, next_offset=found[-1].offset + 1)
        rows = [self._codec.decode(ROWS, each.value or b"") for each in produced if each.topic == ROWS]
        self._index.apply(self._index.active().name, rows, watermark=self._ends[ROWS])

    def _append(self, records: Iterable[Produced]) -> list[Message]:
        messages = []
        for each in records:
            offset = self._ends[each.topic]
            self._ends[each.topic] += 1
            messages.append(
                Message(topic=each.topic, partition=0, offset=offset, key=each.key, value=each.value)
            )
        return messages

    def _entity_of(self, key: ItemKey) -> str | None:
        state = self._arbitrate.catalogue.upload(key.text())
        return state.entity_id if state is not None and state.live else None
