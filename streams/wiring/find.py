"""The find stage: a process of its own with a Milvus server, a thread of the index stage with Milvus Lite."""

from collections.abc import Callable

from streams.edges.harmony_lines import FeatureLines
from streams.edges.kafka_lag import GroupLagGate
from streams.edges.landmark_material import LandmarkMaterial
from streams.edges.log_reader import LogReader
from streams.edges.sound_comparison import FeatureConfirmer
from streams.edges.stateless_runner import StatelessRunner
from streams.edges.tracing import Tracing
from streams.errors import ConfigError
from streams.ports import CandidateIndex, Material
from streams.stages.audit import ARBITER_GROUP, FIND_GROUP
from streams.stages.encode import ENCODED
from streams.stages.find import AGAIN, INPUT, PASSED_ON, FindProcessor
from streams.stages.index_position import KafkaRowLog
from streams.stages.material_fold import MaterialFold
from streams.steps import Guard
from streams.wiring.parts import candidate_index, feature_store
from streams.wiring.stage_process import StageProcess

# A search costs Milvus Lite 60 ms at 20,000 rows whatever it asks, and 2 ms per query more (measured), under
# a lock that folding waits for: fewer and larger ones.
FIND_BATCH_MS = 400
# Bytes of a batch: twice what 256 uploads of metadata have, or some forty songs of four minutes that were
# heard. Each of those may be compared with 20 others, at 0.2 s (measured; 0.025 s for half a minute).
FIND_BUDGET = 1024.0 * 1024.0


def run_find(process: StageProcess) -> None:
    """Look uploads up in a Milvus server."""
    if process.settings.index.uri is None:
        raise ConfigError("with Milvus Lite `find` runs inside the index stage: `samesong run index`")
    index = process.closed(candidate_index(process.settings, guard=process.guard))
    finder(process, index, guard=process.guard).run(process.stop)


def finder(process: StageProcess, index: CandidateIndex, *, guard: Guard) -> StatelessRunner:
    """Give what looks uploads up, wherever it runs."""
    settings = process.settings
    keeps_up = process.closed(
        GroupLagGate(
            process.bootstrap,
            process.extra,
            group_id=ARBITER_GROUP,
            topic=INPUT,
            limit=settings.arbiter.find_lag,
        )
    )
    intake = process.intake("find")
    # Also where it shares a process with index: a trace tells the two apart.
    tracing = process.closed(Tracing.start(settings.telemetry, stage="find", data_dir=settings.data_dir))
    features = feature_store(settings)
    return process.runner(
        FindProcessor(
            index,
            process.codec,
            limit=settings.index.search_limit,
            confirm=FeatureConfirmer(features).confirm,
            material=_material(process),
            lines=FeatureLines(features),
        ),
        group_id=FIND_GROUP,
        topics=[ENCODED, AGAIN, *PASSED_ON],
        batch_ms=FIND_BATCH_MS,
        cost=lambda message: len(message.value or b""),
        work_budget=FIND_BUDGET,
        gate=lambda: intake() and keeps_up(),
        tracing=tracing,
        guard=guard,
    )


def _material(process: StageProcess) -> Callable[[], Material]:
    """Keep the catalogue's sounds by their landmarks; what was decided since is folded when asked."""
    reader = process.closed(LogReader(process.bootstrap, process.extra))
    entries = process.settings.index.material_entries
    material = LandmarkMaterial(feature_store(process.settings), most_entries=entries)
    fold = MaterialFold(material, KafkaRowLog(reader), process.codec)

    def up_to_date() -> Material:
        fold.catch_up()
        return material

    return up_to_date
