"""Which class of record each topic carries: the table that codecs and schemas share."""

from collections.abc import Mapping
from types import MappingProxyType

from streams.core import records as r

TOPIC_RECORDS: Mapping[str, type] = MappingProxyType(
    {
        "catalog.upload.v1": r.Upload,
        "upload.encoded.v1": r.EncodedUpload,
        "lookup.again.v1": r.EncodedUpload,
        "embedding.sketch.v1": r.EmbeddingSketch,
        "drift.window.v1": r.DriftWindow,
        "drift.alert.v1": r.DriftAlert,
        "review.verdict.v1": r.Verdict,
        "admin.command.v1": r.AdminCommand,
        "model.promoted.v1": r.Promotion,
        "stage.control.v1": r.StageControl,
        "arbiter.input.v1": r.ArbiterInput,
        "resolution.decided.v1": r.Decision,
        "entity.changed.v1": r.EntityChanged,
        "relation.changed.v1": r.RelationChanged,
        "review.requested.v1": r.ReviewRequested,
        "upload.contradiction.v1": r.Contradiction,
        "deadletter.v1": r.DeadLetter,
        "upload.state.v1": r.UploadState,
        "entity.state.v1": r.EntityState,
        "relation.state.v1": r.RelationState,
        "pair.state.v1": r.PairState,
        "arbiter.head.v1": r.ArbiterHead,
        "index.row.v1": r.IndexRow,
        "index.watermark.v1": r.IndexWatermark,
    }
)
