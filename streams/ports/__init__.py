"""What the inside of Samesong asks of the outside: the protocols that edges and wiring meet at.

A vendor's object or exception never crosses one of these; an edge translates both at the call.
"""

from streams.ports.clock import Clock
from streams.ports.codec import Codec
from streams.ports.encoding import Confirmer, Encoder, FloatArray
from streams.ports.index import CandidateIndex, Hit, IndexBuild, IndexSummary, RowLog
from streams.ports.lines import Lines
from streams.ports.material import Material, Sharer
from streams.ports.media import (
    DecodedMedium,
    HeardSound,
    MediaReader,
    SeenPictures,
    Sound,
    TextReader,
    TimedPicture,
)
from streams.ports.messages import Delivered, Headers, Message, Produced
from streams.ports.processing import Holds, Processor, StateReader, TransactionalStage
from streams.ports.stores import FeatureStore, StateStore
from streams.ports.telling import BatchTrace, RunnerMetrics, StageMetrics, Tracing

__all__ = [
    "BatchTrace",
    "CandidateIndex",
    "Clock",
    "Codec",
    "Confirmer",
    "DecodedMedium",
    "Delivered",
    "Encoder",
    "FeatureStore",
    "FloatArray",
    "Headers",
    "HeardSound",
    "Hit",
    "Holds",
    "IndexBuild",
    "IndexSummary",
    "Lines",
    "Material",
    "MediaReader",
    "Message",
    "Processor",
    "Produced",
    "RowLog",
    "RunnerMetrics",
    "SeenPictures",
    "Sharer",
    "Sound",
    "StageMetrics",
    "StateReader",
    "StateStore",
    "TextReader",
    "TimedPicture",
    "Tracing",
    "TransactionalStage",
]
