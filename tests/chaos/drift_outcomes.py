"""What the drift monitor said, and what a calm fold of the same sketches says."""

from typing import Any

from streams.core.drift import DriftRules, DriftStream, fold_sketch
from streams.edges.avro import AvroCodec
from tests.chaos.logs import read_everything

SKETCHES, WINDOWS, ALERTS = "embedding.sketch.v1", "drift.window.v1", "drift.alert.v1"
CODEC = AvroCodec()
Outcomes = dict[str, Any]  # windows and alerts by their ids


def calm(bootstrap: str, rules: DriftRules, *, model: str) -> Outcomes:
    """Fold the sketches of a model as they lie."""
    stream = DriftStream(modality="text", model=model)
    found: Outcomes = {}
    for message in read_everything(bootstrap, starts={}, topics=(SKETCHES,)):
        sketch = CODEC.decode(SKETCHES, message.value or b"")
        if sketch.model == model:
            step = fold_sketch(stream, sketch, at_ms=message.timestamp_ms, rules=rules)
            stream = step.stream
            found |= {window.window_id: window for window in step.windows}
            found |= {alert.alert_id: alert for alert in step.alerts}
    return found


def told(bootstrap: str, *, model: str) -> Outcomes:
    """Read what the monitor said of a model; what it says again must be the same."""
    found: Outcomes = {}
    for message in read_everything(bootstrap, starts={}, topics=(WINDOWS, ALERTS)):
        record = CODEC.decode(message.topic, message.value or b"")
        if record.model == model:
            name = record.window_id if message.topic == WINDOWS else record.alert_id
            assert found.setdefault(name, record) == record, "said twice, and differently"
    return found


def check(bootstrap: str, rules: DriftRules, *, model: str) -> None:
    """See that whatever was said is what a calm fold says."""
    # In this order: what was said by then lies below what is folded.
    said = told(bootstrap, model=model)
    expected = calm(bootstrap, rules, model=model)
    for name, record in said.items():
        assert record == expected.get(name), f"{name}: {record}, in a calm run: {expected.get(name)}"
