"""What stages count: decisions once committed, a recall probe, and no metric that nothing sets."""

from pathlib import Path

import numpy as np

import streams
from streams.core.records import DeadLetter, Decision, IndexRow, Level, Origin, Outcome
from streams.core.saying import Event
from streams.edges.avro import AvroCodec
from streams.edges.memory_index import MemoryCandidateIndex
from streams.ports import FloatArray, Hit, Message
from streams.stages.decision_metrics import DecisionMetrics
from streams.stages.index import IndexProcessor
from streams.telemetry import METRICS


class Recorded:
    def __init__(self) -> None:
        self.said: list[tuple[str, float, dict[str, str]]] = []

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        self.said.append((name, value, labels))

    record = add
    set = add

    def of(self, name: str) -> list[tuple[float, dict[str, str]]]:
        return [(value, labels) for said, value, labels in self.said if said == name]


class Still:
    def now_ms(self) -> int:
        return 5_000

    def monotonic(self) -> float:
        return 100.0


ORIGIN = Origin(topic="t", partition=0, offset=0)


def decision(outcome: Outcome) -> Decision:
    return Decision(
        decision_id="d",
        sequence=1,
        origin=ORIGIN,
        source="s",
        item_id="i",
        revision=1,
        outcome=outcome,
        received_ms=3_500,
        recording=Level(id=None, probability=0.75),
    )


def test_a_committed_batch_is_counted() -> None:
    metrics = Recorded()
    letter = DeadLetter(event_id="e", sequence=2, origin=ORIGIN, code="media_empty", reason="")
    events: list[Event] = [decision(Outcome.new), decision(Outcome.match), letter]
    DecisionMetrics(metrics, Still()).committed(events, unfolded=7, again=2)
    assert [labels["outcome"] for _, labels in metrics.of("samesong.decisions")] == ["new", "match"]
    assert metrics.of("samesong.freshness")[0] == (1.5, {})
    assert metrics.of("samesong.score")[0] == (0.75, {"level": "recording"})
    assert metrics.of("samesong.dead_letters") == [(1, {"code": "media_empty"})]
    assert metrics.of("samesong.new_entities") == [(0.5, {})]
    assert metrics.of("samesong.overlay.rows") == [(7, {})]
    assert metrics.of("samesong.lookups.repeated") == [(2, {})]


class Forgetful(MemoryCandidateIndex):
    """Finds nothing of what it holds."""

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        return [() for _ in vectors]


def probe(index: MemoryCandidateIndex) -> list[float]:
    metrics, codec = Recorded(), AvroCodec()
    row = IndexRow(
        row_id="r",
        source="s",
        item_id="i",
        revision=1,
        modality="text",
        model="m",
        window=0,
        start_ms=0,
        values=np.ones(4, dtype="<f2").tobytes(),
    )
    topic = "index.row.v1"
    message = Message(topic=topic, partition=0, offset=0, key=b"r", value=codec.encode(topic, row))
    IndexProcessor(index, codec, Still(), metrics=metrics).process([message])
    return [share for share, _ in metrics.of("samesong.recall.probe")]


def test_the_recall_probe_tells_an_index_that_finds_from_one_that_does_not() -> None:
    assert probe(MemoryCandidateIndex()) == [1.0]
    assert probe(Forgetful()) == [0.0]


def test_every_declared_metric_is_set_somewhere() -> None:
    root = Path(streams.__path__[0])
    code = "".join(path.read_text() for path in root.rglob("*.py") if path.name != "telemetry.py")
    assert [metric.name for metric in METRICS if f'"{metric.name}"' not in code] == []
