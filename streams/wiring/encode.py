"""The encode stage: uploads are read, heard and embedded."""

from streams.core.policy import RefusalLimits
from streams.edges.clock import SystemClock
from streams.edges.title_cards import TesseractReader
from streams.stages.audit import ENCODE_GROUP
from streams.stages.encode import EncodeProcessor
from streams.stages.encode_sketches import SKETCH_WAITS
from streams.stages.refusal_guard import RefusalGuard
from streams.wiring.parts import encoder, feature_store, media_reader
from streams.wiring.stage_process import StageProcess

# In the unit of `EncodeProcessor.work`: a batch of metadata, or a few files to hear.
ENCODE_BUDGET = 512.0


def run_encode(process: StageProcess) -> None:
    """Read, hear and embed uploads."""
    settings = process.settings
    embedding = encoder(settings)
    media = process.closed(media_reader(settings)) if embedding is not None else None
    # Several in a window, so that one that is lost keeps no window open.
    heartbeat_s = settings.drift.window_s / 4
    limits = RefusalLimits(**settings.refusals.model_dump())
    refusals = RefusalGuard("encode", limits, metrics=process.metrics)
    processor = EncodeProcessor(
        process.codec,
        embedding,
        media=media,
        reader=TesseractReader.installed(),
        store=feature_store(settings, guard=process.guard),
        clock=SystemClock(),
        refusals=refusals,
        heartbeat_s=heartbeat_s,
    )
    process.runner(
        processor,
        group_id=ENCODE_GROUP,
        topics=["catalog.upload.v1"],
        batch_items=settings.encode.batch_items,
        batch_ms=settings.encode.batch_ms,
        cost=processor.work,
        work_budget=ENCODE_BUDGET,
        gate=process.intake("encode", told=refusals.told),
        holds=refusals,
        idle=processor.idle,
        idle_seconds=heartbeat_s * SKETCH_WAITS,
    ).run(process.stop)
