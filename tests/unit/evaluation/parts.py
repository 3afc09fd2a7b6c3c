"""The offline stages without models: what is found is found by blocking keys alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from streams.edges.avro import AvroCodec
from streams.edges.memory_features import MemoryFeatureStore
from streams.edges.sound_comparison import FeatureConfirmer
from streams.offline import OfflineParts
from streams.stages.encode import EncodeProcessor


@contextmanager
def parts_without_models() -> Iterator[OfflineParts]:
    """Build them over stores that vanish."""
    codec, store = AvroCodec(), MemoryFeatureStore()
    encode = EncodeProcessor(codec, None, media=None, store=store)
    yield OfflineParts(codec=codec, encode=encode, confirm=FeatureConfirmer(store).confirm)
