"""Sketches of embeddings, and what the drift monitor says of them."""

from streams.core.records.record import Record


class EmbeddingSketch(Record, frozen=True, kw_only=True):
    """A summary of the embeddings of one fixed offset range (`embedding.sketch.v1`)."""

    sketch_id: str  # topic, partition, range, modality, model
    topic: str
    partition: int
    range_start: int
    modality: str
    model: str
    count: int
    mean: bytes = b""  # float32
    second_moment: bytes = b""  # float32, per dimension
    norm_histogram: tuple[int, ...] = ()
    projection_histograms: tuple[int, ...] = ()  # projections x bins, row-major
    reservoir: bytes = b""  # float16, a few vectors
    reservoir_count: int = 0
    heartbeat: bool = False


class DriftWindow(Record, frozen=True, kw_only=True):
    """One closed tumbling window (`drift.window.v1`)."""

    window_id: str
    modality: str
    model: str
    start_ms: int
    end_ms: int
    count: int
    distance: float
    threshold: float
    p_value: float
    reference: str
    late: int = 0


class DriftAlert(Record, frozen=True, kw_only=True):
    """A window that left the reference distribution, or never closed (`drift.alert.v1`)."""

    alert_id: str
    modality: str
    model: str
    start_ms: int
    end_ms: int
    code: str  # shift | window_never_closed
    distance: float
    threshold: float
    p_value: float
    message: str
