"""Encode, find, arbitrate and index one after another in this process, each timed apart from the others.

Real stages, codec, models and Milvus Lite, without Kafka.
"""

import cProfile
import gc
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from streams.core.bundle import Bundle
from streams.core.records import Upload
from streams.edges.avro import AvroCodec
from streams.edges.clock import SystemClock
from streams.edges.encoder import BundleEncoder
from streams.edges.feature_files import FileFeatureStore
from streams.edges.milvus import MilvusCandidateIndex
from streams.edges.sound_comparison import FeatureConfirmer
from streams.errors import FatalError
from streams.ports import Delivered, Message, Produced
from streams.stages.arbiter_records import ROWS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import AGAIN, INPUT, FindProcessor
from streams.stages.index import IndexProcessor
from streams.wiring.parts import rules

BATCH = 256
FOLD_ROWS = 1024
UPLOADS = "catalog.upload.v1"


class StagesInProcess:
    """The metadata path.

    Parameters
    ----------
    folder : Path
        for Milvus Lite

    Attributes
    ----------
    seconds : dict
        CPU seconds by stage, all threads of this process
    uploads : int
        decided so far
    outcomes : Counter
    """

    def __init__(self, folder: Path) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.outcomes: Counter[str] = Counter()
        self.uploads = 0
        self._codec = AvroCodec()
        self.encode = EncodeProcessor(self._codec, BundleEncoder.load())
        self._index = MilvusCandidateIndex(str(folder / "index.db"))
        self._fold = IndexProcessor(self._index, self._codec, SystemClock(), checksum_every_s=1e9)
        confirm = FeatureConfirmer(FileFeatureStore(folder / "features")).confirm
        self.find = FindProcessor(self._index, self._codec, limit=20, confirm=confirm)
        self.arbitrate = ArbitrateStage(
            self._codec,
            rules(Bundle.packaged(), confirm),
            watermark=self._watermark,
            overlay_rows=10**9,
            settled=gc.freeze,
        )
        self.arbitrate.restore(_nothing, ends={}, committed=None)
        self._offsets: Counter[str] = Counter()
        self._unfolded: list[Message] = []
        self._profiles: Mapping[str, cProfile.Profile] = {}
        self._index.active()

    @property
    def entities(self) -> int:
        """How many were minted so far."""
        return self.outcomes["new"] + self.outcomes["review"]

    def profiled(self, profiles: Mapping[str, cProfile.Profile]) -> None:
        """Profile these stages from now on."""
        self._profiles = profiles

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        profile = self._profiles.get(stage)
        began = time.process_time()
        if profile is not None:
            profile.enable()
        try:
            yield
        finally:
            if profile is not None:
                profile.disable()
            self.seconds[stage] += time.process_time() - began

    def close(self) -> None:
        """Let go of the index."""
        self._index.close()

    def run(self, uploads: Iterator[Upload]) -> None:
        """Decide on uploads, batch by batch."""
        while batch := list(islice(uploads, BATCH)):
            self._batch(batch)

    def _batch(self, uploads: Sequence[Upload]) -> None:
        arrived = [
            self._message(UPLOADS, key=each.key.text().encode(), value=self._codec.encode(UPLOADS, each))
            for each in uploads
        ]
        asked = self._through("encode", self.encode.process, arrived, ENCODED)
        found = self._through("find", self.find.process, asked, INPUT)
        with self._timed("arbitrate"):
            produced = self.arbitrate.decide(found)
        if any(each.topic == AGAIN for each in produced):
            raise FatalError("a look-up was stale although nothing was folded since")
        delivered = []
        for each in produced:
            self._offsets[each.topic] += 1
            delivered.append(Delivered(produced=each, offset=self._offsets[each.topic] - 1))
        with self._timed("arbitrate"):
            self.arbitrate.committed(delivered, next_offset=self._offsets[INPUT])
        for at, offset in delivered:
            if at.topic == ROWS:
                self._unfolded.append(
                    Message(topic=ROWS, partition=0, offset=offset, key=at.key, value=at.value)
                )
            elif at.topic == "resolution.decided.v1":
                self.outcomes[self._codec.decode(at.topic, at.value or b"").outcome.value] += 1
        self.uploads += len(uploads)
        if len(self._unfolded) >= FOLD_ROWS:
            with self._timed("index"):
                self._fold.process(self._unfolded)
            self._unfolded = []

    def _through(
        self,
        stage: str,
        process: Callable[[Sequence[Message]], Sequence[Produced]],
        batch: Sequence[Message],
        topic: str,
    ) -> list[Message]:
        with self._timed(stage):
            produced = process(batch)
        return [
            self._message(topic, key=each.key, value=each.value) for each in produced if each.topic == topic
        ]

    def _message(self, topic: str, *, key: bytes | None, value: bytes | None) -> Message:
        self._offsets[topic] += 1
        return Message(topic=topic, partition=0, offset=self._offsets[topic] - 1, key=key, value=value)

    def _watermark(self) -> int:
        return self._index.active().watermark


def _nothing(topic: str, offset: int) -> Iterator[Message]:
    """Read the state of an installation that has decided nothing."""
    return iter(())
