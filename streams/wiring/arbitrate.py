"""The arbitrate stage: the one process that decides."""

import gc

from streams.core.bundle import Bundle
from streams.edges.avro import current_schema, fingerprint_of
from streams.edges.clock import SystemClock
from streams.edges.log_follower import LogFollower
from streams.edges.log_identity import read_identity
from streams.edges.overdue import Overdue
from streams.edges.sound_comparison import FeatureConfirmer
from streams.edges.sqlite_store import SqliteStateStore
from streams.edges.transactional_runner import OVERDUE_SECONDS, TransactionalRunner
from streams.stages.arbiter_records import FOLDED, HEAD, STATE_TOPICS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.audit import ARBITER_GROUP
from streams.stages.decision_metrics import DecisionMetrics
from streams.stages.index_position import FoldedTo
from streams.stages.kept_state import KeptState
from streams.wiring.parts import feature_store, rules, uncollected
from streams.wiring.stage_process import StageProcess

WATERMARKS = "index.watermark.v1"


def run_arbitrate(process: StageProcess) -> None:
    """Decide."""
    settings = process.settings
    watermarks = process.closed(LogFollower(process.bootstrap, process.extra, WATERMARKS, start="beginning"))
    stage = ArbitrateStage(
        process.codec,
        rules(Bundle.packaged(), FeatureConfirmer(feature_store(settings)).confirm),
        watermark=FoldedTo(watermarks, process.codec),
        overlay_rows=settings.arbiter.overlay_rows,
        metrics=DecisionMetrics(process.metrics, SystemClock()),
        # The collector would walk the whole catalogue every few hundred uploads, and nothing is decided
        # meanwhile (0.45 s at 20,000 uploads, measured).
        settled=gc.freeze,
        restoring=uncollected,
        kept=_kept_state(process),
    )
    overdue = process.closed(Overdue(OVERDUE_SECONDS))
    TransactionalRunner(
        stage,
        bootstrap=process.bootstrap,
        extra=process.extra,
        group_id=ARBITER_GROUP,
        state_topics=STATE_TOPICS,
        batch_items=settings.arbiter.batch_items,
        batch_ms=settings.arbiter.batch_ms,
        protocol=settings.kafka.group_protocol,
        instance_id=settings.kafka.instance_id,
        tracing=process.tracing,
        metrics=process.metrics,
        guard=process.guard,
        gate=process.intake("arbitrate"),
        limit=overdue.limit,
    ).run(process.stop)


def _kept_state(process: StageProcess) -> KeptState:
    """Open the local store of the arbiter's state."""
    return process.closed(
        KeptState(
            SqliteStateStore(process.settings.data_dir / "state" / "arbiter.db"),
            identity=lambda: read_identity(process.bootstrap, process.extra, FOLDED),
            # Another schema of any of them is another form.
            form="".join(fingerprint_of(current_schema(topic)).hex() for topic in FOLDED),
            codec=process.codec,
            head=HEAD,
        )
    )
